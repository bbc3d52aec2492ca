"""The lines of a script that compute what is expected: the definition, as loops over positions and taps in float64.

A reader who doubts a framework should not have to trust a library instead.  With i = o * strides + t * dilation - pads,
every operation and every gradient adds up products of image[i], kernel[t] and grid[o], where a convolution reads the
image and writes the grid, and a transposed convolution the other way round (see `convsuite.reference.naive`): o are
outputs of the one and inputs of the other.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ...adapters.backends import NAMES
from ...adapters.case import Case
from ...reference.bounds import PRECISIONS

SLOWEST = 200_000
"""Steps of the loops that a script may take: a second or two."""

PLAIN = "the sum over outputs o and taps t, at input i = o * strides + t * dilation - pads"
TRANSPOSED = "the sum over inputs o and taps t, at output i = o * strides + t * dilation - crops"


class Definition(NamedTuple):
    """A function's lines, and the names of the case's arrays that it takes, in order."""

    lines: list[str]
    takes: list[str]

    def call(self, each: str) -> str:
        """Its call, on every array ``a`` as ``each`` says."""
        names = ", ".join(self.takes) if len(self.takes) > 1 else f"{self.takes[0]},"
        return f"definition(*({each} for a in ({names})))"


def define(case: Case) -> Definition | None:
    """The definition of a valid case's result, channels last; None where its loops would take too long."""
    takes = [name for name in case.array_shapes if name != case.wrt and _needed(case, name)]
    names = ", ".join(NAMES[name] for name in takes)
    if case.wrt == "bias":
        return Definition([f"def definition({names}):", "    return g.reshape(-1, g.shape[-1]).sum(axis=0)"], takes)
    if math.prod(max(size, 0) for size in _grid(case)) * math.prod(case.kernel_size) > SLOWEST:
        return None
    before, body, after = _body(case)
    head = f"def definition({names}):  # {TRANSPOSED if case.transposed else PLAIN}"
    return Definition([head, *("    " + line for line in [*before, *body, *after])], takes)


def _needed(case: Case, name: str) -> bool:
    if case.wrt is None:
        return True
    if case.wrt == "bias":
        return name == "output_gradient"
    if case.op == "separable_conv" and case.wrt == "pointwise_kernel":
        return name in ("input", "depthwise_kernel", "output_gradient")
    return name != "bias"


def _image(case: Case) -> tuple[int, ...]:
    return case.output_shape[1:-1] if case.transposed else case.spatial


def _grid(case: Case) -> tuple[int, ...]:
    return case.spatial if case.transposed else case.output_shape[1:-1]


def _body(case: Case) -> tuple[list[str], list[str], list[str]]:
    """(before, the loops that fill y, after)."""
    wrt = "kernel" if case.wrt == "depthwise_kernel" else case.wrt
    kernel = case.kernel_shapes["kernel" if "kernel" in case.kernel_shapes else "depthwise_kernel"]
    one = ", ".join("0" * case.rank)
    before, after = list[str](), list[str]()
    between = (*case.output_shape[:-1], case.channels * case.depth_multiplier)
    shape, source = case.result_shape, "g"
    if case.op == "separable_conv":
        if wrt is None:
            shape, after = between, [f"y = y @ p[{one}]"]
        elif wrt == "pointwise_kernel":
            shape, wrt = between, None
            after = [f"return np.tensordot(y, g, axes=[{list(range(case.rank + 1))}] * 2).reshape({case.result_shape})"]
        else:
            before = [f"g = g @ p[{one}].T"]
    if case.use_bias and case.wrt is None:
        after.append("y = y + b")
    if not after or not after[-1].startswith("return"):
        after.append("return y")
    if wrt is None:
        source = "x"
    return before, _loops(case, wrt, shape, kernel, source), after


def _loops(case: Case, wrt: str | None, shape: tuple[int, ...], kernel: tuple[int, ...], source: str) -> list[str]:
    """What adds up in y.  ``source``: the array besides kernel (or, for a kernel's gradient, input) that is read."""
    begins = tuple(begin for begin, _ in case.window) if case.transposed else tuple(lo for lo, _ in case.pads)
    strides = "" if set(case.strides) == {1} else f" * {case.strides}"
    dilation = "" if set(case.dilation) == {1} else f" * {case.dilation}"
    minus = "" if set(begins) == {0} else f" - {begins}" if min(begins) >= 0 else f" + {tuple(-b for b in begins)}"
    groups = case.channels if case.op in ("depthwise_conv", "separable_conv") else case.groups
    # a transposed convolution writes where a convolution reads
    to_image = case.transposed if wrt is None else wrt == "input" and not case.transposed
    if wrt == "kernel":
        image, grid = ("g[:, *i]", "x[:, *o]") if case.transposed else ("x[:, *i]", "g[:, *o]")
        added = f"y[t] += {_product(case, groups, 'kernel', image, grid, kernel)}"
    elif to_image:
        added = f"y[:, *i] += {_product(case, groups, 'image', source + '[:, *o]', 'w[t]', kernel)}"
    else:
        added = f"y[:, *o] += {_product(case, groups, 'grid', source + '[:, *i]', 'w[t]', kernel)}"
    first = "g" if wrt else "x"
    return [
        f"y = np.zeros({shape}, {first}.dtype)",
        f"for o in np.ndindex{_grid(case) if case.rank > 1 else f'({_grid(case)[0]})'}:",
        f"    for t in np.ndindex{case.kernel_size if case.rank > 1 else f'({case.kernel_size[0]})'}:",
        f"        i = np.array(o){strides} + np.array(t){dilation}{minus}",
        f"        if all(i >= 0) and all(i < {_image(case)}):",
        f"            {added}",
    ]


def _product(case: Case, groups: int, target: str, first: str, second: str, kernel: tuple[int, ...]) -> str:
    """The product of two factors, summed over channels: a matrix product, in groups one per group."""
    *_, rows, columns = kernel
    if groups == 1:
        return {
            "grid": f"{first} @ {second}",
            "image": f"{first} @ {second}.T",
            "kernel": f"{first}.T @ {second}",
        }[target]
    depthwise = case.op in ("depthwise_conv", "separable_conv")
    inner = (1, groups, columns) if depthwise else (rows, groups, columns // groups)
    n, (c, g, f) = case.batch, inner
    a, b = f"{first}.reshape({n}, {g}, ", f"{second}.reshape("
    if target == "grid":
        return f'np.einsum("ngc,cgf->ngf", {a}{c}), {b}{inner})).reshape({n}, -1)'.replace("-1", str(g * f))
    if target == "image":
        return f'np.einsum("ngf,cgf->ngc", {a}{f}), {b}{inner})).reshape({n}, {g * c})'
    return f'np.einsum("ngc,ngf->cgf", {a}{c}), {b}{n}, {g}, {f})).reshape({(rows, columns)})'


def tolerance(case: Case, ksb: int) -> str:
    """The bound of rounding as an expression of ``size``, the definition on absolute values; see `reference.bounds`."""
    precision = PRECISIONS[case.dtype]
    least = int(math.log2(precision.normal_min))
    return f"{2 * ksb} * np.maximum(size * 2.0**{-1 - precision.fraction_bits}, 2.0**{least})"
