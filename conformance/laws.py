"""The laws of convolution, each a function from a case to the `Relation` that must hold for it.

A law knows no engine and no reference.  It says which cases it is about (anything else raises `Wrong`, which a case
file reports with its line), which computations it compares, and what must be equal.  In the formulas f is the case as a
function of its arguments, o an output, s and d strides and dilation, per axis throughout.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from ..adapters.case import Case, Shape
from ..reference.geometry import effective_size
from .entry import Entry
from .expected import Arrays
from .normalise import Wrong
from .relation import Derive, Draws, Part, Relation

Law = Callable[[Case], Relation]
Slices = tuple[slice, ...]
Outputs = Mapping[str, np.ndarray]

DATA = ("integers", "positive", "normal")
"""Data of which a second draw and sums of two draws are again such data."""


def apply_law(name: str, case: Case) -> Relation:
    """The relation that the law of this name states for the case.  Raises `Wrong` where it says nothing about it."""
    _needs("data", case.data in DATA, f"a law's data are {', '.join(DATA)}, not {case.data}")
    _needs("input", math.prod(case.output_shape) > 0, f"the output {list(case.output_shape)} is empty: nothing to see")
    if name != "gradient":
        _needs("wrt", case.wrt is None, f"the law {name} is about the forward result")
    return LAWS[name](case)


def with_parts(entry: Entry) -> Entry:
    """A law's entry with its relation and the parts that it compares.  Raises `Wrong` where the law says nothing."""
    if entry.law is None:
        return entry
    relation = apply_law(entry.law, entry.case)
    parts = tuple(
        replace(
            entry,
            case=replace(part.case, id=f"{entry.id}~{part.name}"),
            finding=None,
            law=None,
            part_of=entry.id,
            draw=partial(part.draw, entry.case),
        )
        for part in relation.parts
    )
    return replace(entry, relation=relation, parts=parts)


def _needs(key: str, condition: bool, sentence: str) -> None:
    if not condition:
        raise Wrong(key, sentence)


def _changed(**changes: Callable[[np.ndarray], np.ndarray]) -> Derive:
    """The first draw with some arrays changed, those that the case has."""

    def derive(draws: Draws) -> Arrays:
        return draws.first | {
            name: change(draws.first[name]) for name, change in changes.items() if name in draws.first
        }

    return derive


def _spatial(slices: Iterable[slice]) -> Slices:
    """Slices of the spatial axes, for an array (batch, *spatial, channels)."""
    return (slice(None), *slices)


def _spread(array: np.ndarray, steps: Shape, first_axis: int) -> np.ndarray:
    """Zeros stuffed between the samples: sample i of these axes stands at i * step."""
    axes = range(first_axis, first_axis + len(steps))
    shape = list(array.shape)
    for axis, step in zip(axes, steps, strict=True):
        shape[axis] = (shape[axis] - 1) * step + 1
    spread = np.zeros(shape, array.dtype)
    spread[(slice(None),) * first_axis + tuple(slice(None, None, step) for step in steps)] = array
    return spread


def _ones(case: Case) -> Shape:
    return (1,) * case.rank


def _spatial_kernel(case: Case) -> str:
    """The kernel that has taps."""
    return "kernel" if case.op in ("conv", "conv_transpose") else "depthwise_kernel"


def _resized(case: Case, spatial: Iterable[int]) -> Shape:
    return (case.batch, *spatial, case.channels)


def _inner(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    return np.sum(first * second, keepdims=True).reshape(1)


def _linear_in(argument: str) -> Law:
    """f(a + 2b) = f(a) + 2 f0(b), where f0 is f without the bias.

    The sum a + 2b is rounded to the dtype, an error of one unit; every bound is twice what summation takes.
    """

    def law(case: Case) -> Relation:
        arguments = ("input", *case.kernel_shapes)
        _needs("law", argument in arguments, f"{case.op} has no argument {argument}, only {', '.join(arguments)}")
        return Relation(
            f"f({argument} a + 2b) = f(a) + 2 f0(b)",
            (
                Part("a", case),
                Part("b", replace(case, use_bias=False), lambda a: a.first | {argument: a.second[argument]}),
                Part("sum", case, lambda a: a.first | {argument: a.first[argument] + 2 * a.second[argument]}),
            ),
            lambda y, _: (y["sum"], y["a"] + 2 * y["b"]),
        )

    return law


def _shift(case: Case) -> Relation:
    """Without padding: s samples less at the begin are one output less there, the others stay what they are.

    Transposed: one zero more at the begin moves the output by s.
    """
    _needs("padding", case.padding == "valid", f"the law shift is about padding valid, not {case.padding}")
    if case.transposed:
        longer = replace(case, input=_resized(case, (n + 1 for n in case.spatial)))
        before = ((0, 0), *((1, 0),) * case.rank, (0, 0))
        moved = _spatial(slice(s, None) for s in case.strides)
        return Relation(
            "longer[o + strides] = whole[o]",
            (Part("whole", case), Part("longer", longer, _changed(input=lambda x: np.pad(x, before)))),
            lambda y, _: (y["longer"][moved], y["whole"]),
        )
    _needs("input", min(case.raw_sizes) > 1, f"the law shift needs two outputs per axis, not {list(case.raw_sizes)}")
    cut = replace(case, input=_resized(case, (n - s for n, s in zip(case.spatial, case.strides, strict=True))))
    samples = _spatial(slice(s, None) for s in case.strides)
    return Relation(
        "cut[o] = whole[o + 1]",
        (Part("whole", case), Part("cut", cut, _changed(input=lambda x: x[samples]))),
        lambda y, _: (y["cut"], y["whole"][_spatial([slice(1, None)] * case.rank)]),
    )


def _batch(case: Case) -> Relation:
    """An item's result is the same in any place of a batch, and alone."""
    _needs("input", case.batch > 1, f"the law batch needs two items, not {case.batch}")

    def item(number: int) -> Part:
        alone = replace(case, input=(1, *case.input[1:]))
        return Part(f"item{number}", alone, _changed(input=lambda x: x[number : number + 1]))

    items = [item(number) for number in range(case.batch)]

    def sides(y: Outputs, _: Draws) -> tuple[np.ndarray, np.ndarray]:
        alone = np.concatenate([y[one.name] for one in items])
        return np.stack([y["whole"], y["reversed"]]), np.stack([alone, alone[::-1]])

    return Relation(
        "whole[n] = reversed[N - 1 - n] = item n alone",
        (Part("whole", case), Part("reversed", case, _changed(input=lambda x: x[::-1])), *items),
        sides,
    )


def _stride(case: Case) -> Relation:
    """A stride keeps every s-th output of stride 1 under the same pads, the first included.

    Transposed: it spreads the input with s - 1 zeros between the samples.
    """
    _needs("strides", max(case.strides) > 1, f"the law stride needs strides above 1, not {list(case.strides)}")
    dense = replace(case, strides=_ones(case), padding=case.pads, output_padding=None)
    if case.transposed:
        spatial = ((n - 1) * s + 1 for n, s in zip(case.spatial, case.strides, strict=True))
        spread = _changed(input=lambda x: _spread(x, case.strides, first_axis=1))
        return Relation(
            "strided[o] = dense[o] of the spread input",
            (Part("strided", case), Part("dense", replace(dense, input=_resized(case, spatial)), spread)),
            lambda y, _: (y["strided"], y["dense"]),
        )
    every = _spatial(slice(None, None, s) for s in case.strides)
    return Relation(
        "strided[o] = dense[o * strides]",
        (Part("strided", case), Part("dense", dense)),
        lambda y, _: (y["strided"], y["dense"][every]),
    )


def _dilation(case: Case) -> Relation:
    """A dilated kernel is the kernel with d - 1 zeros between its taps."""
    _needs("dilation", max(case.dilation) > 1, f"the law dilation needs a dilation above 1, not {list(case.dilation)}")
    word = isinstance(case.padding, str)  # a word means the same for both; how far pairs may be extended depends on d
    stuffed = replace(
        case,
        kernel_size=effective_size(case.kernel_size, case.dilation),
        dilation=_ones(case),
        padding=case.padding if word else case.pads,
        output_padding=case.output_padding if word else None,
    )

    def spread(w: np.ndarray) -> np.ndarray:
        return _spread(w, case.dilation, first_axis=0)

    return Relation(
        "dilated = f of the kernel with zeros between its taps",
        (Part("dilated", case), Part("stuffed", stuffed, _changed(**{_spatial_kernel(case): spread}))),
        lambda y, _: (y["dilated"], y["stuffed"]),
    )


def _grouped(case: Case) -> Relation:
    """Groups are convolutions side by side; a depthwise convolution is one group per channel."""
    depthwise = case.op == "depthwise_conv"
    groups = case.channels if depthwise else case.groups
    key = "input" if depthwise else "groups"
    _needs("op", case.op != "separable_conv", "the law grouped is about conv, conv_transpose and depthwise_conv")
    _needs(key, groups > 1, f"the law grouped needs two groups, not {groups}")
    channels, filters = case.channels // groups, case.output_channels // groups
    single = replace(
        case,
        op="conv" if depthwise else case.op,
        input=(*case.input[:-1], channels),
        filters=filters,
        groups=1,
        depth_multiplier=1,
    )
    kernel, of_inputs = _spatial_kernel(case), case.transposed

    def part(group: int) -> Part:
        ins = slice(group * channels, (group + 1) * channels)
        outs = slice(group * filters, (group + 1) * filters)

        def derive(draws: Draws) -> Arrays:
            w = draws.first[kernel]
            w = w[..., ins, :] if depthwise else w[..., ins if of_inputs else outs]
            return _changed(input=lambda x: x[..., ins], bias=lambda b: b[outs])(draws) | {"kernel": w}

        return Part(f"group{group}", single, derive)

    parts = [part(group) for group in range(groups)]
    return Relation(
        "whole = its groups one after the other",
        (Part("whole", case), *parts),
        lambda y, _: (y["whole"], np.concatenate([y[one.name] for one in parts], axis=-1)),
    )


def _adjoint(case: Case) -> Relation:
    """<conv(x), y> = <x, conv_transpose(y)> with the same kernel, item by item of the batch.

    The transposed convolution returns the window of its full result that the convolution's input is: the convolution's
    `lo` cropped at the begin, and as many samples as there are inputs.
    """
    _needs("op", case.op in ("conv", "depthwise_conv"), "the law adjoint is about conv and depthwise_conv")
    _needs("use_bias", not case.use_bias, "the law adjoint is about linear maps, without a bias")
    depthwise = case.op == "depthwise_conv"
    transposed = replace(
        case,
        op="conv_transpose",
        input=case.output_shape,
        filters=case.channels,
        groups=case.channels if depthwise else case.groups,
        depth_multiplier=1,
    )
    pads = tuple((lo, full - lo - n) for (lo, _), full, n in zip(case.pads, transposed.full, case.spatial, strict=True))
    transposed = replace(transposed, padding=pads)
    shape = transposed.kernel_shapes["kernel"]

    def derive(draws: Draws) -> Arrays:
        # output channel c*M + m of a depthwise convolution is filter m of group c: the same order in memory
        kernel = draws.first[_spatial_kernel(case)].reshape(shape)
        return {"input": draws.first["output_gradient"], "kernel": kernel}

    def per_item(first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return np.sum((first * second).reshape(case.batch, -1), axis=1)

    return Relation(
        "<conv(x), y> = <x, conv_transpose(y)>",
        (Part("conv", case), Part("transposed", transposed, derive)),
        lambda y, a: (
            per_item(y["conv"], a.first["output_gradient"]),
            per_item(a.first["input"], y["transposed"]),
        ),
    )


def _gradient(case: Case) -> Relation:
    """<g, f(x + e)> = <g, f(x)> + <gradient, e>: f is linear in each argument, so the difference may be of any size."""
    wrt = case.wrt
    if wrt is None:
        raise Wrong("wrt", "the law gradient needs wrt, the argument that the gradient is for")
    _needs("data", case.data != "normal", "the law gradient is about integers, whose sums are exact")
    forward = replace(case, wrt=None)
    return Relation(
        f"<g, f({wrt} + e)> = <g, f({wrt})> + <gradient, e>",
        (
            Part("gradient", case),
            Part("here", forward),
            Part("there", forward, lambda a: a.first | {wrt: a.first[wrt] + a.second[wrt]}),
        ),
        lambda y, a: (
            _inner(a.first["output_gradient"], y["there"]),
            _inner(a.first["output_gradient"], y["here"]) + _inner(y["gradient"], a.second[wrt]),
        ),
    )


def _separable(case: Case) -> Relation:
    """Depthwise, then pointwise, is one convolution by W[t, c, f] = sum over m of D[t, c, m] * P[c*M + m, f]."""
    _needs("op", case.op == "separable_conv", "the law separable is about separable_conv")
    _needs("data", case.data != "normal", "the law separable is about integers, whose products are exact kernels")
    one = replace(case, op="conv", depth_multiplier=1)

    def derive(draws: Draws) -> Arrays:
        depthwise, pointwise = draws.first["depthwise_kernel"], draws.first["pointwise_kernel"]
        mixing = pointwise.reshape(case.channels, case.depth_multiplier, case.output_channels)
        return draws.first | {"kernel": np.einsum("...cm,cmf->...cf", depthwise, mixing)}

    return Relation(
        "separable = one convolution by the product of its kernels",
        (Part("separable", case), Part("product", one, derive)),
        lambda y, _: (y["separable"], y["product"]),
    )


def _padding(case: Case) -> Relation:
    """Padding is zeros around the input.  Transposed: a window of the full result, compared where both are."""
    if case.transposed:
        return _window(case)
    pads = case.pads
    _needs("padding", any(map(any, pads)), f"the law padding needs a padding, {case.padding} pads nothing here")
    spatial = (lo + n + hi for n, (lo, hi) in zip(case.spatial, pads, strict=True))
    kept = _spatial(slice(max(-lo, 0), n - max(-hi, 0)) for n, (lo, hi) in zip(case.spatial, pads, strict=True))
    zeros = ((0, 0), *((max(lo, 0), max(hi, 0)) for lo, hi in pads), (0, 0))
    valid = replace(case, input=_resized(case, spatial), padding="valid")
    return Relation(
        "padded = valid of the input with zeros around it",
        (Part("padded", case), Part("valid", valid, _changed(input=lambda x: np.pad(x[kept], zeros)))),
        lambda y, _: (y["padded"], y["valid"]),
    )


def _window(case: Case) -> Relation:
    window, full = case.window, case.full
    whole = all(place == (0, size) for place, size in zip(window, full, strict=True))
    _needs("padding", not whole, f"the law padding needs a window, {case.padding} gives the full result here")
    inside = [(max(begin, 0), min(begin + size, end)) for (begin, size), end in zip(window, full, strict=True)]
    _needs("padding", all(lo < hi for lo, hi in inside), f"the window {list(window)} holds none of the full {full}")
    of_full = _spatial(slice(lo, hi) for lo, hi in inside)
    of_window = _spatial(slice(lo - b, hi - b) for (lo, hi), (b, _) in zip(inside, window, strict=True))
    return Relation(
        "window[o] = full[o + begin]",
        (Part("window", case), Part("full", replace(case, padding=((0, 0),) * case.rank, output_padding=None))),
        lambda y, _: (y["window"][of_window], y["full"][of_full]),
    )


LAWS: dict[str, Law] = {
    "linear_in_input": _linear_in("input"),
    "linear_in_kernel": _linear_in("kernel"),
    "linear_in_depthwise_kernel": _linear_in("depthwise_kernel"),
    "linear_in_pointwise_kernel": _linear_in("pointwise_kernel"),
    "shift": _shift,
    "batch": _batch,
    "stride": _stride,
    "dilation": _dilation,
    "grouped": _grouped,
    "adjoint": _adjoint,
    "gradient": _gradient,
    "separable": _separable,
    "padding": _padding,
}
"""By the name under the key ``law``."""
