"""The arrays of a case: drawn from a frozen stream, so that ids, seeds and a few printable lines give them again.

Everything comes from ``numpy.random.RandomState``, whose stream NumPy has promised not to change.  The arrays are
drawn in the order of `Case.array_shapes`, channels last, in float64 or int64, then rounded to the case's dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..adapters.case import Case, Shape, numpy_dtype
from ..reference import geometry
from ..reference.bounds import PRECISIONS


@dataclass(frozen=True)
class Place:
    """What an array is drawn for: the stream to draw from, the case, the argument's name and its shape."""

    stream: np.random.RandomState
    case: Case
    argument: str
    shape: Shape

    @property
    def dtype(self) -> str:
        return self.case.dtype


Draw = Callable[[Place], np.ndarray]

LARGEST_INTEGER = {"float16": 2, "bfloat16": 1}
"""Larger integers leave the exact tier after a few dozen products; elsewhere one digit, which fits everywhere."""


def _integers(at: Place) -> np.ndarray:
    """Non-zero integers -a..a: every product shows, and any order of summation gives the same bits."""
    a = LARGEST_INTEGER.get(at.dtype, 9)
    values = at.stream.randint(-a, a, at.shape)
    return values + (values >= 0)


def _positive(at: Place) -> np.ndarray:
    """Integers 1..a, at least two of them: of ones alone no sum would tell which it is of."""
    return at.stream.randint(1, max(LARGEST_INTEGER.get(at.dtype, 9), 2) + 1, at.shape)


def _normal(at: Place) -> np.ndarray:
    return at.stream.standard_normal(at.shape)


def _zero_products(at: Place) -> np.ndarray:
    """Half of either factor is zero, the other half large: what must vanish would be seen."""
    return (
        at.stream.standard_normal(at.shape)
        * 2.0 ** (4 if at.dtype == "float16" else 40)
        * (at.stream.random_sample(at.shape) < 0.5)
    )


def _large_exponents(at: Place) -> np.ndarray:
    reach = 2 if at.dtype == "float16" else 30
    return at.stream.choice([-1.0, 1.0], at.shape) * 2.0 ** at.stream.randint(-reach, reach + 1, at.shape)


def _small_onto_large(at: Place) -> np.ndarray:
    """One-signed: the first entry of an axis of channels is large, the rest small and lost one by one."""
    values = at.stream.random_sample(at.shape) * 2.0**-8 + 2.0**-8
    if at.argument == "input" and values.size:
        values[..., 0] = 1.0
    return values


def _small_onto_large_varied(at: Place) -> np.ndarray:
    return (1.0 + at.stream.random_sample(at.shape)) * 2.0 ** -at.stream.randint(0, 9, at.shape)


def _zeros_mixed(at: Place) -> np.ndarray:
    return at.stream.standard_normal(at.shape) * (at.stream.random_sample(at.shape) < 0.5)


def _large_range(at: Place) -> np.ndarray:
    reach = 3 if at.dtype == "float16" else 12
    return at.stream.standard_normal(at.shape) * 2.0 ** at.stream.randint(-reach, reach + 1, at.shape)


def _special(*values: float) -> Draw:
    """Positive integers, in the input these values at places of their own: each poisons exactly its footprint."""

    def draw(at: Place) -> np.ndarray:
        drawn = _positive(at).astype(np.float64)
        if at.argument == "input" and drawn.size:
            places = at.stream.permutation(drawn.size)[: len(values)]
            drawn.reshape(-1)[places] = values[: len(places)]
        return drawn

    return draw


def _full_range(at: Place) -> np.ndarray:
    """Integers over all that the dtype holds: products and sums wrap, and no float holds them."""
    least, most = np.iinfo(at.dtype).min, np.iinfo(at.dtype).max
    values = at.stream.randint(least, most, at.shape, dtype=np.int64)
    return values + (values >= 0)


def _zero_weights(at: Place) -> np.ndarray:
    """Infinities in the input and zeros among the weights: a product of the two is NaN, not nothing."""
    drawn = _special(np.inf)(at)
    if "kernel" in at.argument and drawn.size:
        drawn.reshape(-1)[:: 2 if drawn.size > 1 else 1] = 0
    return drawn


def _infinite_weight(at: Place) -> np.ndarray:
    """An infinite weight at the kernel's begin: what it meets a sample for is infinite, but padding is no sample."""
    drawn = _positive(at).astype(np.float64)
    if at.argument in ("kernel", "depthwise_kernel") and drawn.size:
        drawn.reshape(-1)[0] = np.inf
    return drawn


def _overflow(at: Place) -> np.ndarray:
    """One non-zero entry in each factor, where they meet, whose product is beyond the dtype: any order overflows."""
    values = np.zeros(at.shape)
    if at.argument != "bias" and values.size:
        values[_meeting(at)] = 2.0 ** (np.log2(PRECISIONS[at.dtype].largest) // 2 + 2)
    return values


def _meeting(at: Place) -> tuple[int, ...]:
    """The place in an array that takes part in one chosen product: per axis, output o reads sample i by tap t."""
    case, chosen = at.case, list[tuple[int, int, int]]()
    for axis, (n, k, s, d, (begin, size)) in enumerate(
        zip(case.spatial, case.kernel_size, case.strides, case.dilation, case.window, strict=True)
    ):
        if case.transposed:  # the enumeration is that of the forward convolution: the roles of i and o trade places
            i, o, t = geometry.axis_triples(size, k, s, d, begin, n)
        else:
            o, i, t = geometry.axis_triples(n, k, s, d, -begin, case.raw_sizes[axis])
        middle = len(o) // 2
        chosen.append((int(o[middle]), int(i[middle]), int(t[middle])) if len(o) else (0, 0, 0))
    role = {"output_gradient": 0, "input": 1}.get(at.argument, 2)
    spatial = tuple(one[role] for one in chosen)
    return (*spatial, 0, 0) if role == 2 else (0, *spatial, 0)


def _denormal(at: Place) -> np.ndarray:
    """Results below the least normal number; flushing them to zero is within the bound."""
    if at.argument != "input":
        return _positive(at)
    return _positive(at) * (PRECISIONS[at.dtype].normal_min * 2.0**-6)


def _negative_zero(at: Place) -> np.ndarray:
    values = _integers(at).astype(np.float64)
    return np.where(at.stream.random_sample(at.shape) < 0.5, -0.0, values) if at.argument == "input" else values


INTEGER_DATA = ("integers", "positive", "full_range")
"""What int8 and int32 can hold; the last of them only these."""
DATA: dict[str, Draw] = {
    "integers": _integers,
    "positive": _positive,
    "full_range": _full_range,
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
    "zero_weights": _zero_weights,
    "infinite_weight": _infinite_weight,
    "overflow": _overflow,
    "denormal": _denormal,
    "negative_zero": _negative_zero,
}


def draw_arrays(case: Case, *, seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays of a case by argument name, in the reference's layout and the case's dtype; fresh at each call.

    ``seed`` is added to the case's own; data that are written out in the case know none.
    """
    dtype = numpy_dtype(case.dtype)
    if case.literal is not None:
        return {name: np.asarray(case.literal[name]).astype(dtype) for name in case.array_shapes}
    stream = np.random.RandomState((case.seed + seed) % 2**32)
    draw = DATA[case.data]
    with np.errstate(over="ignore"):
        drawn: dict[str, np.ndarray] = {}
        for name, shape in case.array_shapes.items():
            there = tuple(max(n, 0) for n in shape)  # a negative size stands only where an error is due
            drawn[name] = np.ascontiguousarray(np.asarray(draw(Place(stream, case, name, there))).astype(dtype))
        return drawn
