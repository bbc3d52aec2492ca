"""What every operation and gradient ends in: one derivative of `naive`'s form F, summed in one dtype, rounded once."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from . import workers
from .geometry import Array, Geometry

Derivative = Callable[[Geometry, Array, Array, int], Array]  # (geometry, one argument of F, the next one, groups)


def contract(
    algorithms: Mapping[str, Derivative],
    algorithm: str,
    geometry: Geometry,
    left: Array,
    right: Array,
    groups: int,
    accumulation_dtype: npt.DTypeLike | None,
    bias: Array | None = None,
    threads: int = 1,
    *,
    finite: bool | None = None,
) -> Array:
    """One derivative of F, plus the bias, computed in the accumulation dtype and rounded once to the arrays' dtype.

    A padded position is no term of the sum. The fast algorithms multiply it all the same, as a zero, which is
    nothing unless `right`, the factor that meets it, is infinite or NaN: such arrays go by the definition. `finite`
    says that it is not, where that is known.

    Raises ValueError for an unknown algorithm and for `threads` below 1, TypeError where the arrays' dtypes differ.
    """
    if algorithm not in algorithms:
        raise ValueError(f"algorithm: got {algorithm!r}, expected one of {tuple(algorithms)}")
    arrays = [left, right] if bias is None else [left, right, bias]
    if any(array.dtype != left.dtype for array in arrays):
        raise TypeError(f"dtypes: got {[str(array.dtype) for array in arrays]}, expected one dtype for all arrays")
    dtype = left.dtype
    wide = accumulator(dtype, accumulation_dtype)
    # infinities and NaN are values here, and integers wrap
    with np.errstate(all="ignore"), workers.using(threads):
        left, right = left.astype(wide, copy=False), right.astype(wide, copy=False)
        finite = bool(np.isfinite(right).all()) if finite is None else finite
        derivative = algorithms[algorithm if finite else "naive"]
        result = derivative(geometry, left, right, groups)
        if bias is not None:
            result += bias.astype(wide, copy=False)
        return np.ascontiguousarray(result, dtype)


def accumulator(dtype: np.dtype[Any], requested: npt.DTypeLike | None = None) -> np.dtype[Any]:
    """The dtype of sums: the one requested, else float32 for float16 and bfloat16, else the dtype itself.

    Raises TypeError where integers would be summed in floats or floats in integers, and for a dtype that has no
    default (anything but integers, floats, complex numbers and bfloat16).
    """
    if requested is not None:
        wide = np.dtype(requested)
        if (wide.kind in "iu") != (dtype.kind in "iu"):
            raise TypeError(f"accumulation_dtype: got {wide} for {dtype}, expected integers for integers, else not")
        return wide
    if dtype.name in ("float16", "bfloat16"):
        return np.dtype(np.float32)
    if dtype.kind not in "iufc":
        raise TypeError(f"dtype: got {dtype}, expected integers, floats or complex, or an accumulation_dtype for it")
    return dtype
