"""The laws of `conformance.laws` in source text: how the arrays of their parts come about, and what has to be equal.

A script says them in NumPy, channels last.  Tests compare each text with the function that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from ...adapters.case import Case, Shape
from . import arrays

OTHER = "other_"
"""Begins the names of the second draw's arrays."""


class Derived(NamedTuple):
    """A part's arrays, by argument, as expressions of the law's; those that are not named are the law's own."""

    changed: dict[str, str]
    lines: tuple[str, ...] = ()
    """Statements before the expressions."""


def derive(law: str, case: Case, part: str) -> Derived:
    """How the arrays of that part come from those of ``case``, the law's."""
    kernel = "kernel" if "kernel" in case.kernel_shapes else "depthwise_kernel"
    match law, part:
        case _, "b" if law.startswith("linear_in_"):
            argument = law.removeprefix("linear_in_")
            return Derived({argument: f"{OTHER}{argument}"})
        case _, "sum" if law.startswith("linear_in_"):
            argument = law.removeprefix("linear_in_")
            return Derived({argument: f"{argument} + 2 * {OTHER}{argument}"})
        case "shift", "longer":
            return Derived({"input": f"np.pad(input, {((0, 0), *((1, 0),) * case.rank, (0, 0))})"})
        case "shift", "cut":
            return Derived({"input": _contiguous(f"input[:, {_cuts(f'{s}:' for s in case.strides)}]")})
        case "batch", "reversed":
            return Derived({"input": _contiguous("input[::-1]")})
        case "batch", _ if part.startswith("item"):
            number = int(part.removeprefix("item"))
            return Derived({"input": f"input[{number}:{number + 1}]"})
        case "stride", "dense" if case.transposed:
            return _spread("input", case.input, (1, *case.strides, 1))
        case "dilation", "stuffed":
            return _spread(kernel, case.kernel_shapes[kernel], (*case.dilation, 1, 1))
        case "grouped", _ if part.startswith("group"):
            return _group(case, int(part.removeprefix("group")), kernel)
        case "adjoint", "transposed":
            depthwise = case.op == "depthwise_conv"
            shape = (
                *case.kernel_size,
                case.channels // (case.channels if depthwise else case.groups),
                case.output_channels,
            )
            same = shape == case.kernel_shapes[kernel]
            return Derived({"input": "output_gradient", "kernel": kernel if same else f"{kernel}.reshape({shape})"})
        case "gradient", "there":
            return Derived({str(case.wrt): f"{case.wrt} + {OTHER}{case.wrt}"})
        case "separable", "product":
            mixing = f"pointwise_kernel.reshape({(case.channels, case.depth_multiplier, case.output_channels)})"
            product = f'np.einsum("...cm,cmf->...cf", depthwise_kernel{{}}, {mixing}){{}}'
            if case.dtype not in ("float16", "bfloat16"):
                return Derived({"kernel": product.format("", "")})
            return Derived(
                {"kernel": product.format(".astype(np.float32)", f".astype({arrays.dtype_text(case.dtype)})")}
            )
        case "padding", "valid":
            kept = [f"{max(-lo, 0)}:{n - max(-hi, 0)}" for n, (lo, hi) in zip(case.spatial, case.pads, strict=True)]
            zeros = ((0, 0), *((max(lo, 0), max(hi, 0)) for lo, hi in case.pads), (0, 0))
            crops = any(side < 0 for pair in case.pads for side in pair)
            return Derived({"input": f"np.pad(input{f'[:, {_cuts(kept)}]' if crops else ''}, {zeros})"})
        case _:
            return Derived({})


def _contiguous(text: str) -> str:
    return f"np.ascontiguousarray({text})"


def _cuts(cuts: Iterable[str]) -> str:
    return ", ".join(cuts)


def _spread(name: str, shape: Shape, steps: Shape) -> Derived:
    """Zeros between the samples of an array."""
    spread = tuple((n - 1) * step + 1 for n, step in zip(shape, steps, strict=True))
    cut = _cuts(":" if step == 1 else f"::{step}" for step in steps)
    return Derived({name: "spread"}, (f"spread = np.zeros({spread}, {name}.dtype)", f"spread[{cut}] = {name}"))


def _group(case: Case, group: int, kernel: str) -> Derived:
    depthwise = case.op == "depthwise_conv"
    groups = case.channels if depthwise else case.groups
    channels, filters = case.channels // groups, case.output_channels // groups
    ins, outs = f"{group * channels}:{(group + 1) * channels}", f"{group * filters}:{(group + 1) * filters}"
    cut = f"[..., {ins}, :]" if depthwise else f"[..., {ins if case.transposed else outs}]"
    return Derived(
        {
            "input": _contiguous(f"input[..., {ins}]"),
            "kernel": _contiguous(f"{kernel}{cut}"),
            **({"bias": f"bias[{outs}]"} if case.use_bias else {}),
        }
    )


def sides(law: str, case: Case, parts: Iterable[str]) -> tuple[str, str]:
    """What has to be equal, in terms of the parts' results ``y_NAME`` (channels last) and the law's arrays.

    Those of a `series` are one list.
    """
    every = _cuts("::" + str(s) if s > 1 else ":" for s in case.strides)
    match law:
        case "shift" if case.transposed:
            return f"y_longer[:, {_cuts(f'{s}:' for s in case.strides)}]", "y_whole"
        case "shift":
            return "y_cut", f"y_whole[:, {_cuts(['1:'] * case.rank)}]"
        case "batch":
            return "np.stack([y_whole, y_reversed[::-1]])", "np.stack([np.concatenate(y_item)] * 2)"
        case "stride":
            return "y_strided", "y_dense" if case.transposed else f"y_dense[:, {every}]"
        case "grouped":
            return "y_whole", "np.concatenate(y_group, axis=-1)"
        case "adjoint":
            total = f".reshape({case.batch}, -1).sum(axis=1)"
            return f"(y_conv * output_gradient){total}", f"(input * y_transposed){total}"
        case "gradient":
            change = f"np.sum(y_gradient * {OTHER}{case.wrt})"
            return "np.sum(output_gradient * y_there)", f"np.sum(output_gradient * y_here) + {change}"
        case "padding" if case.transposed:
            return _window(case)
        case _ if law.startswith("linear_in_"):
            return "y_sum", "y_a + 2 * y_b"
        case _:
            first, second = (f"y_{name}" for name in parts)
            return first, second


def series(part: str) -> str | None:
    """The name that a part shares with others but for its number."""
    return next((name for name in ("group", "item") if re.fullmatch(rf"{name}\d+", part)), None)


def _window(case: Case) -> tuple[str, str]:
    inside = [
        (max(begin, 0), min(begin + size, end), begin)
        for (begin, size), end in zip(case.window, case.full, strict=True)
    ]
    of_window, of_full = (f"{lo - b}:{hi - b}" for lo, hi, b in inside), (f"{lo}:{hi}" for lo, hi, _ in inside)
    return f"y_window[:, {_cuts(of_window)}]", f"y_full[:, {_cuts(of_full)}]"


def base_of(case: Case) -> Case:
    """The law's case with an output gradient, which is drawn last."""
    return replace(case, wrt=case.wrt or "input")


def making(case: Case, seed: int, texts: Iterable[str], cast: str | None = None) -> list[str]:
    """Lines that draw what these expressions speak of, from the streams of a run's seed; ``cast``: see `drawing`."""
    said, lines, base = " ".join(texts), list[str](), base_of(case)
    for prefix, more in (("", 0), (OTHER, 1)):
        names = [name for name in base.array_shapes if arrays.mentions(said, f"{prefix}{name}")]
        if names:
            lines += arrays.drawing(base, seed + more, names, cast=cast, prefix=prefix)
    return lines


def part_making(law: str, case: Case, part: str, taken: Iterable[str], seed: int) -> list[str]:
    """Lines that make the arrays ``taken`` by one part of a law."""
    derived, names = derive(law, case, part), list(taken)
    expressions = {name: derived.changed[name] for name in names if name in derived.changed}
    lines = making(case, seed, [*names, *expressions.values(), *derived.lines])
    changed = [f"{name} = {text}" for name, text in expressions.items()]
    # an argument may be made of another one that changes too: both are told at once
    together = [f"{', '.join(expressions)} = {', '.join(expressions.values())}"] if len(changed) > 1 else changed
    return [*lines, *derived.lines, *together]
