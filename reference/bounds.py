"""The error that rounding alone can explain.

For a sum of KS products the dot-product criterion of the TOSA specification (appendix A), on inputs already rounded to
the tested dtype:

    bnd = conv64(|x|, |w|, |b|)        ksb = ceil(KS / 2^((f_acc - f_out)/2)) + (1 if there is a bias)
    u   = max(bnd * 2^(-1-f_out), normal_min)

    every output:        |out - ref| <= 2 * ksb * u
    T >= 16 outputs of zero-mean normal data:   sum(((out - ref)/u)^2) <= 4 * 0.4 * ksb * T

The first is twice the classical gamma_n * sum|x||w|: it holds for any order of summation.  The second finds inputs that
were rounded to fewer bits (TF32, bfloat16), which the first cannot see.  Two corrections to the specification: KS is
the greatest number of products that meet in one result, found by applying the operation to all-ones arrays; and the
second holds for zero-mean normal data only (a sequential float32 sum of one-signed data breaks it by a factor of 290).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

VARIANCE_FACTOR = 4 * 0.4
FEWEST_FOR_VARIANCE = 16


@dataclass(frozen=True)
class Precision:
    """A floating dtype: ``fraction_bits`` stored, those of the accumulator that is taken for granted, least normal."""

    fraction_bits: int
    accumulator_bits: int
    normal_min: float
    largest: float


PRECISIONS = {
    "float16": Precision(10, 23, 2.0**-14, 65504.0),
    "bfloat16": Precision(7, 23, 2.0**-126, float.fromhex("0x1.fep127")),
    "float32": Precision(23, 23, 2.0**-126, float(np.finfo(np.float32).max)),
    "float64": Precision(52, 52, 2.0**-1022, float(np.finfo(np.float64).max)),
}


def summation_bound(products: int, precision: Precision, *, bias: bool = False) -> int:
    """ksb: the number of half units of the last place that a sum of so many products may be off by."""
    shrink = 2 ** ((precision.accumulator_bits - precision.fraction_bits) / 2)
    return max(math.ceil(products / shrink), 1) + (1 if bias else 0)


def unit(bnd: np.ndarray, precision: Precision) -> np.ndarray:
    """u: half a unit of the last place of the largest that the sum could have been, float64, the shape of bnd."""
    return np.maximum(bnd * 2.0 ** (-1 - precision.fraction_bits), precision.normal_min)


def exact_limit(precision: Precision) -> float:
    """Integers up to this size, sums of them included, are exact in the dtype in any order of summation."""
    return 2.0 ** (precision.fraction_bits + 1)
