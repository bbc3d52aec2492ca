"""Where a case's windows lie, in numbers: per axis the zeros, the sizes and the formulas with the numbers filled in."""

from __future__ import annotations

from dataclasses import dataclass

from ...adapters.case import Case


@dataclass(frozen=True)
class Axis:
    """One spatial axis.

    ``pads``: (lo, hi), the zeros around the input; for a transposed convolution what is cut off the whole result at
    either end, a negative number being zeros put there.  ``whole``: the size of that whole result, None for the other
    operations.  ``output``: as the formula gives it, which may be less than one.  ``formulas``: how the numbers come
    about, one line each.
    """

    input: int
    kernel_size: int
    stride: int
    dilation: int
    pads: tuple[int, int]
    whole: int | None
    output: int
    formulas: tuple[str, ...]


def axes_of(case: Case) -> tuple[Axis, ...]:
    """The spatial axes; none where a bad value leaves nothing to compute."""
    try:
        pads, outputs = case.pads, case.raw_sizes
        wholes = case.full if case.transposed else (None,) * case.rank
    except (ValueError, ZeroDivisionError):
        return ()
    return tuple(
        Axis(n, k, s, d, pad, whole, out, _formulas(case, axis, pad, whole, out))
        for axis, (n, k, s, d, pad, whole, out) in enumerate(
            zip(case.spatial, case.kernel_size, case.strides, case.dilation, pads, wholes, outputs, strict=True)
        )
    )


def _formulas(case: Case, axis: int, pad: tuple[int, int], whole: int | None, out: int) -> tuple[str, ...]:
    n, k, s, d = case.spatial[axis], case.kernel_size[axis], case.strides[axis], case.dilation[axis]
    lo, hi = pad
    if whole is not None:
        return (
            f"whole = (n-1)*s + (k-1)*d + 1 = ({n}-1)*{s} + ({k}-1)*{d} + 1 = {whole}",
            f"output = whole - lo - hi = {whole}{_minus(lo)}{_minus(hi)} = {out}",
        )
    size = (
        f"output = floor((n + lo + hi - (k-1)*d - 1) / s) + 1 = floor(({n}{_plus(lo)}{_plus(hi)} - {(k - 1) * d} - 1)"
    )
    size = f"{size} / {s}) + 1 = {out}"
    if case.padding in ("same", "same_lower"):
        side = "end" if case.padding == "same" else "begin"
        odd = f", an odd one at the {side}" if (lo + hi) % 2 else ""
        zeros = f"zeros = max((ceil(n/s)-1)*s + (k-1)*d + 1 - n, 0) = max({(-(-n // s) - 1) * s} + {(k - 1) * d} + 1"
        return f"{zeros} - {n}, 0) = {lo + hi}{odd}: {lo} + {hi}", size
    if case.padding == "causal":
        return f"zeros = (k-1)*d = {k - 1}*{d} = {lo}, all before", size
    return (size,)


def _plus(number: int) -> str:
    return f" + {number}" if number >= 0 else f" - {-number}"


def _minus(number: int) -> str:
    return _plus(-number) if number else " - 0"
