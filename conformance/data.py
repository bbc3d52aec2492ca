"""The arrays of a case: drawn from a frozen stream, so that ids, seeds and a few printable lines give them again.

Everything comes from ``numpy.random.RandomState``, whose stream NumPy has promised not to change.  The arrays are
drawn in the order of `Case.array_shapes`, channels last, in float64 or int64, then rounded to the case's dtype.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..adapters.case import Case, Shape, numpy_dtype
from ..reference.bounds import PRECISIONS

Draw = Callable[[np.random.RandomState, Shape, str, str], np.ndarray]
"""(stream, shape, argument name, dtype name) -> values."""

LARGEST_INTEGER = {"float16": 2, "bfloat16": 1}
"""Larger integers leave the exact tier after a few dozen products; elsewhere one digit, which fits everywhere."""


def _integers(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    """Non-zero integers -a..a: every product shows, and any order of summation gives the same bits."""
    a = LARGEST_INTEGER.get(dtype, 9)
    values = stream.randint(-a, a, shape)
    return values + (values >= 0)


def _positive(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    return stream.randint(1, LARGEST_INTEGER.get(dtype, 9) + 1, shape)


def _normal(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    return stream.standard_normal(shape)


def _zero_products(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    """Half of either factor is zero, the other half large: what must vanish would be seen."""
    return stream.standard_normal(shape) * 2.0 ** (4 if dtype == "float16" else 40) * (stream.random_sample(shape) < 0.5)


def _large_exponents(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    reach = 2 if dtype == "float16" else 30
    return stream.choice([-1.0, 1.0], shape) * 2.0 ** stream.randint(-reach, reach + 1, shape)


def _small_onto_large(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    """One-signed: the first entry of an axis of channels is large, the rest small and lost one by one."""
    values = stream.random_sample(shape) * 2.0**-8 + 2.0**-8
    if argument == "input" and values.size:
        values[..., 0] = 1.0
    return values


def _small_onto_large_varied(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    return (1.0 + stream.random_sample(shape)) * 2.0 ** -stream.randint(0, 9, shape)


def _zeros_mixed(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    return stream.standard_normal(shape) * (stream.random_sample(shape) < 0.5)


def _large_range(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    reach = 3 if dtype == "float16" else 12
    return stream.standard_normal(shape) * 2.0 ** stream.randint(-reach, reach + 1, shape)


def _special(*values: float) -> Draw:
    """Positive integers, in the input these values at places of their own: each poisons exactly its footprint."""

    def draw(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
        drawn = _positive(stream, shape, argument, dtype).astype(np.float64)
        if argument == "input" and drawn.size:
            places = stream.permutation(drawn.size)[: len(values)]
            drawn.reshape(-1)[places] = values[: len(places)]
        return drawn

    return draw


def _overflow(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    """One non-zero entry in either factor, whose product is beyond the dtype: overflow in any order of summation."""
    values = np.zeros(shape)
    if values.size:
        middle = tuple(n // 2 for n in shape) if argument in ("input", "output_gradient") else (0,) * len(shape)
        values[middle] = 2.0 ** (np.log2(PRECISIONS[dtype].largest) // 2 + 2)
    return values


def _denormal(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    """Results below the least normal number; flushing them to zero is within the bound."""
    if argument != "input":
        return _positive(stream, shape, argument, dtype)
    return _positive(stream, shape, argument, dtype) * (PRECISIONS[dtype].normal_min * 2.0**-6)


def _negative_zero(stream: np.random.RandomState, shape: Shape, argument: str, dtype: str) -> np.ndarray:
    values = _integers(stream, shape, argument, dtype).astype(np.float64)
    return np.where(stream.random_sample(shape) < 0.5, -0.0, values) if argument == "input" else values


DATA: dict[str, Draw] = {
    "integers": _integers,
    "positive": _positive,
    "normal": _normal,
    "zero_products": _zero_products,
    "large_exponents": _large_exponents,
    "small_onto_large": _small_onto_large,
    "small_onto_large_varied": _small_onto_large_varied,
    "zeros_mixed": _zeros_mixed,
    "large_range": _large_range,
    "special": _special(np.nan, np.inf),
    "nan": _special(np.nan),
    "inf": _special(np.inf, -np.inf),
    "overflow": _overflow,
    "denormal": _denormal,
    "negative_zero": _negative_zero,
}
INTEGER_DATA = ("integers", "positive", "negative_zero")
SPECIAL_DATA = ("special", "nan", "inf", "overflow", "denormal", "negative_zero")


def draw_arrays(case: Case, *, seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays of a case with generated data, by argument name, in the reference's layout and the case's dtype.

    ``seed`` is added to the case's own.
    """
    stream = np.random.RandomState((case.seed + seed) % 2**32)
    draw = DATA[case.data]
    with np.errstate(over="ignore"):
        return {
            name: np.ascontiguousarray(np.asarray(draw(stream, shape, name, case.dtype)).astype(numpy_dtype(case.dtype)))
            for name, shape in case.array_shapes.items()
        }
