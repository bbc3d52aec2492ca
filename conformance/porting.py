"""What the usual port of a case to PyTorch's words comes to, in numbers that conditions compare with the case's own.

The port says SAME as ``padding=dilation*(kernel_size//2)`` on both sides, with ``output_padding=strides-1`` where it is
transposed; numbers and "valid" stay what they are.
https://github.com/pytorch/pytorch/issues/67551
"""

from __future__ import annotations

from ..adapters.case import Case, Shape


def begins(case: Case) -> Shape:
    """Per axis, the zeros before the first sample; for a transposed convolution what is cut off the begin of the full
    result.
    """
    return tuple(lo for lo, _ in case.pads)


def half_kernels(case: Case) -> Shape:
    """Per axis, dilation*(kernel_size//2)."""
    return tuple(d * (k // 2) for k, d in zip(case.kernel_size, case.dilation, strict=True))


def ported_begins(case: Case) -> Shape | None:
    """Those of the port; None where it has none."""
    if case.padding == "same":
        return half_kernels(case)
    if case.padding == "valid":
        return (0,) * case.rank
    if isinstance(case.padding, tuple) and all(lo == hi for lo, hi in case.padding):
        return tuple(lo for lo, _ in case.padding)
    return None


def ported_sizes(case: Case) -> Shape | None:
    """The output's spatial sizes in the port; None where it has none."""
    pads = ported_begins(case)
    if pads is None:
        return None
    if case.transposed:
        extended = case.output_padding or (
            tuple(s - 1 for s in case.strides) if case.padding == "same" else (0,) * case.rank
        )
        return tuple(full - 2 * p + more for full, p, more in zip(case.full, pads, extended, strict=True))
    return tuple(
        (n + 2 * p - (k - 1) * d - 1) // s + 1
        for n, p, k, d, s in zip(case.spatial, pads, case.kernel_size, case.dilation, case.strides, strict=True)
    )


PORTED = {"begins": begins, "ported_begins": ported_begins, "ported_sizes": ported_sizes}
