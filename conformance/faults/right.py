"""The other side: engines that are right, each in its own way, and must not be accused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ...adapters.case import Case, numpy_dtype
from ...reference import gemm, winograd
from ...reference.bounds import PRECISIONS
from ...reference.geometry import Geometry
from ...reference.prepared import forward
from ..expected import Arrays, evaluate
from ..profiles import find_profile
from ..verdict import may_refuse
from .computation import (
    DILATE_PAD,
    IM2COL,
    NAIVE,
    Array,
    Derivatives,
    Fold,
    compensated,
    compute,
    fused,
    in_lanes,
    in_pairs,
    one_by_one,
    summed,
)
from .fault import Refuses

EXACT_PRODUCTS = {"float16": np.float64, "bfloat16": np.float64, "float32": np.float64, "float64": np.longdouble}
"""Where a product of two accumulators (float32 for the narrow dtypes) is exact, or nearly so."""


@dataclass(frozen=True)
class Right:
    """A right engine: its answer is channels last, in the case's dtype."""

    name: str
    sentence: str
    answer: Callable[[Case, Arrays], np.ndarray]
    profile: str | None = None
    """The profile that its results are judged under."""


def _by(name: str, sentence: str, derivatives: Derivatives) -> Right:
    return Right(name, sentence, lambda case, arrays: compute(case, arrays, derivatives))


def _folding(name: str, sentence: str, fold: Fold, *, backwards: bool = False) -> Right:
    return _by(name, sentence, summed(fold, backwards=backwards))


_FUSED = {
    name: summed(fused(np.float64 if name == "float64" else np.float32), products=products)
    for name, products in EXACT_PRODUCTS.items()
}


def _fused(case: Case, arrays: Arrays) -> np.ndarray:
    return compute(case, arrays, _FUSED[case.dtype]) if case.dtype in PRECISIONS else evaluate(case, arrays)


def _wide(case: Case, arrays: Arrays) -> np.ndarray:
    if case.dtype not in PRECISIONS:
        return evaluate(case, arrays)
    with np.errstate(all="ignore"):
        wide = evaluate(case, {name: array.astype(np.float64) for name, array in arrays.items()})
        return wide.astype(numpy_dtype(case.dtype))


def _flushed(case: Case, arrays: Arrays) -> np.ndarray:
    """Denormal numbers are zero: going in, between the halves of a separable convolution, and coming out."""
    if case.dtype not in PRECISIONS:
        return evaluate(case, arrays)
    least = PRECISIONS[case.dtype].normal_min

    def flush(array: Array) -> Array:
        return np.where(np.abs(array.astype(np.float64)) < least, array.dtype.type(0), array)

    inputs = {name: flush(array) for name, array in arrays.items()}
    return flush(compute(case, inputs, DILATE_PAD, between=flush))


def _negative_zeros(case: Case, arrays: Arrays) -> np.ndarray:
    """Accumulators that begin at −0, so that a sum of nothing is −0."""
    result = evaluate(case, arrays)
    return np.where(result == 0, result.dtype.type(-0.0), result) if case.dtype in PRECISIONS else result


def _winograd(tile: int) -> Right:
    """The fast algorithm where its profile speaks of the case and its kernel is small enough, else the reference."""
    name = f"winograd-{tile}"
    profile, fast = find_profile(name), forward(winograd.winograd(tile))

    def to_grid(geometry: Geometry, image: Array, kernel: Array, groups: int) -> Array:
        small = 1 < max(geometry.kernel_size) <= 3
        return (fast if small else gemm.to_grid)(geometry, image, kernel, groups)

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        return (
            compute(case, arrays, IM2COL._replace(grid=to_grid)) if profile.constant(case) else evaluate(case, arrays)
        )

    return Right(name, f"Winograd's algorithm on tiles of {tile}, under the profile of that name", answer, name)


def _cautious(case: Case, arrays: Arrays) -> np.ndarray:
    """An error where the size formula gives less than one, instead of an empty array."""
    if not case.must_refuse and may_refuse(case):
        raise Refuses("computed output size would be negative")
    return evaluate(case, arrays)


RIGHT = (
    Right("reference", "the reference in the case's dtype", evaluate),
    _by("definition", "the sum over (output, input, tap) triples", NAIVE),
    _by("dilate-pad", "what is transposed as a convolution over the dilated input", DILATE_PAD),
    _folding("one-by-one", "every product rounded and added in turn", one_by_one),
    _folding("backwards", "the same from the last tap and channel to the first", one_by_one, backwards=True),
    _folding("in-pairs", "neighbours first, then sums of neighbours", in_pairs),
    _folding("in-lanes", "eight partial sums, added up at the end", in_lanes),
    _folding("kahan", "a compensated sum", compensated),
    Right("fused", "fused multiply-add: a product is rounded together with the sum", _fused),
    Right("float64", "summed in float64 and rounded at the end", _wide),
    *(_winograd(tile) for tile in (2, 4, 6)),
    Right("denormals-flushed", "denormal numbers taken for zero", _flushed),
    Right("negative-zeros", "zeros have a minus", _negative_zeros),
    Right("cautious", "an error where nothing fits, instead of an empty array", _cautious),
)
