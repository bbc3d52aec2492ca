"""One matrix product cut into small ones, which is faster.

OpenBLAS (0.3.22 on, x86-64 with AVX-512) multiplies small matrices as they lie and large ones after copying them
into packed panels. Small means rows * depth * columns <= 10^6. Measured on such a machine in float32, one thread:
95 to 115 GFLOP/s below that, 30 to 98 above for the shapes of convolutions, which have few rows or little depth. So
the weights are cut beforehand into slices of a few columns, each contiguous,

    b (depth, columns) = [b_0 | b_1 | ...]      a @ b = [a @ b_0 | a @ b_1 | ...]

and the rows into blocks. A small product is never spread over BLAS's own threads either. Another BLAS, and OpenBLAS on
other processors, multiply small matrices as they do large ones, so that slices cost up to a third of the time; which it
is, `small_is_fast` finds out.
"""

from collections.abc import Callable
from functools import cache
from math import ceil
from time import perf_counter
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .geometry import Array, Size

SMALL = 10**6
"""rows * depth * columns of the largest product that is not packed."""
WIDTHS = (64, 32, 16)
FEWEST_ROWS = 12
FASTER = 1.3
"""How much faster the largest small product has to be than one just too large: 1.65 with such a kernel, else 1."""
UNLIMITED = 1 << 60


class Slices(NamedTuple):
    """Weights (..., depth, columns) by slices of columns."""

    whole: Array  # (..., slices, depth, width)
    rest: Array  # (..., 1, depth, what is left), or with no columns

    @property
    def columns(self) -> int:
        """How many columns there are."""
        return self.whole.shape[-3] * self.whole.shape[-1] + self.rest.shape[-1]


@cache
def small_is_fast() -> bool:
    """Whether small products are faster than packed ones here, found out once by timing some: a few milliseconds."""
    depth, columns = 1152, 64  # much to pack, for few rows
    weights = np.ones((depth, columns), np.float32)
    rows = SMALL // (depth * columns)  # of the largest small product
    sides = [(np.ones((n, depth), np.float32), np.empty((n, columns), np.float32)) for n in (rows, rows + 1)]
    seconds: list[list[float]] = [[], []]
    for _ in range(40):
        for times, (left, out) in zip(seconds, sides, strict=True):
            begin = perf_counter()
            np.matmul(left, weights, out=out)
            times.append(perf_counter() - begin)
    small, packed = map(min, seconds)
    return packed > FASTER * small


def width(depth: int) -> int:
    """Columns of a slice: the most that leave a small product enough rows to keep the processor's units busy."""
    if not small_is_fast():
        return UNLIMITED
    return next((wide for wide in WIDTHS if wide * depth * FEWEST_ROWS <= SMALL), WIDTHS[-1])


def most_rows(depth: int, columns: int) -> int:
    """Rows of the largest small product with this depth and one slice of so many columns."""
    if not small_is_fast():
        return UNLIMITED
    return max(SMALL // (depth * min(width(depth), columns)), 1)


def cut(weights: Array) -> Slices:
    """(..., depth, columns) as slices, copied."""
    return collect(weights.shape, weights.dtype, lambda columns: weights[..., columns])


def collect(shape: Size, dtype: npt.DTypeLike, some: Callable[[slice], Array]) -> Slices:
    """Slices of weights of this shape (..., depth, columns), of which `some` gives the columns that it is asked for."""
    *lead, depth, columns = shape
    wide = min(width(depth), max(columns, 1))
    number, left = divmod(columns, wide)
    slices = Slices(np.empty((*lead, number, depth, wide), dtype), np.empty((*lead, 1, depth, left), dtype))
    for place in range(number):
        slices.whole[..., place, :, :] = some(slice(place * wide, (place + 1) * wide))
    if left:
        slices.rest[..., 0, :, :] = some(slice(number * wide, columns))
    return slices


def multiply(rows: Array, weights: Slices, out: Array) -> None:
    """Writes rows (..., rows, depth) @ weights to out (..., rows, columns), by small products."""
    slices, depth, wide = weights.whole.shape[-3:]
    whole = slices * wide
    target = out[..., :whole].reshape(*out.shape[:-1], slices, wide).swapaxes(-3, -2)  # (..., slices, rows, width)
    for some in spans(rows.shape[-2], most_rows(depth, weights.columns)):
        if whole:
            np.matmul(rows[..., None, some, :], weights.whole, out=target[..., some, :])
        if weights.rest.shape[-1]:
            np.matmul(rows[..., some, :], weights.rest[..., 0, :, :], out=out[..., some, whole:])


def column_spans(weights: Slices, number: int) -> list[slice]:
    """The columns in so many spans of whole slices, or in fewer; what is left over is the last one's.

    A slice that is the only one is cut through: its product is packed, and takes any columns of it.
    """
    slices, _, wide = weights.whole.shape[-3:]
    if slices == 1 and not weights.rest.shape[-1]:
        return cut_evenly(wide, max(min(wide, number), 1))
    spans = cut_evenly(slices, max(min(slices, number), 1))
    return [slice(span.start * wide, span.stop * wide) for span in spans[:-1]] + [
        slice(spans[-1].start * wide, weights.columns)
    ]


def some_columns(weights: Slices, columns: slice) -> Slices:
    """One of these spans, a view."""
    slices, _, wide = weights.whole.shape[-3:]
    if slices == 1:
        return Slices(weights.whole[..., columns], weights.rest)
    whole = weights.whole[..., columns.start // wide : columns.stop // wide, :, :]
    return Slices(whole, weights.rest if columns.stop == weights.columns else weights.rest[..., :0])


def spans(count: int, most: int) -> list[slice]:
    """0 .. count in the fewest spans of at most so many, all nearly of one length."""
    return cut_evenly(count, ceil(count / most))


def cut_evenly(count: int, number: int) -> list[slice]:
    """0 .. count in so many spans of nearly one length."""
    return [slice(count * i // number, count * (i + 1) // number) for i in range(number)]
