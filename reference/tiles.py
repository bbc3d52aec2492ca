"""Winograd's convolution of one kernel at stride and dilation 1: blocks of tiles, in threads. See `tile_block`.

The products of all tiles are summed over channels in float32. The rounding errors of that, enlarged by AT, are most of
the error; summing the channels in `parts` keeps it below four times that of one GEMM, and costs little, since the parts
are added up where the rows are: [AT AT] @ [M_0 M_1]. With OpenBLAS's kernels for AVX-512 parts of 256 channels give 3.9
times (512 at once: 5.3), with those for AVX2, whose GEMM itself is more exact, 4.6 times, and parts of 128 give 3.4.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product as combinations
from math import ceil, prod
from typing import NamedTuple

from . import products, workers
from .geometry import Array, Size
from .products import Slices, cut_evenly
from .tile_block import Block, Kind
from .workers import Task

BLOCK = 6 << 20
"""Bytes of V and M that a block should fill: few blocks, since each costs some 40 microseconds of Python."""
FEWEST_TILES = 64
"""Of a block, though it be larger than that: fewer would read the weights more often."""
MOST_CHANNELS, MOST_CHANNELS_PACKED = 256, 128
"""Of a part, where small products are fast and where they are not."""


class Transformed(NamedTuple):
    """A kernel and its transforms, per axis: m outputs per tile, n = m + r - 1 points, r taps."""

    at: tuple[Array, ...]  # (m, n)
    bt: tuple[Array, ...]  # (n, n)
    kernel: Slices  # (n*...*n, G, parts, slices, C/G/parts, width)

    @property
    def tile(self) -> Size:
        """Outputs per tile and axis."""
        return tuple(map(len, self.at))


def channel_parts(channels: int) -> int:
    """The fewest equal parts of at most so many channels; one where that takes parts of less than half."""
    fewest = ceil(channels / (MOST_CHANNELS if products.small_is_fast() else MOST_CHANNELS_PACKED))
    return next((parts for parts in range(max(fewest, 1), 2 * fewest + 1) if channels % parts == 0), 1)


class Part(NamedTuple):
    """A convolution of stride and dilation 1, of an image (N, *sizes, C) that starts `begin` after the first window."""

    kernel: Transformed
    image: Array
    begin: Size


def convolve(parts: Sequence[Part], out: Array) -> list[Task]:
    """What writes the sum of the parts to out (N, *grid, F), any view whose channels are contiguous.

    Each task takes a block of tiles, or, of an image that is one block, some of the filters.
    """
    kernel = parts[0].kernel
    counts = tuple(ceil(size / m) for size, m in zip(out.shape[1:-1], kernel.tile, strict=True))
    blocks = list(_blocks(kernel, (len(out), *counts), workers.threads()))
    columns = [slice(None)]
    if len(blocks) == 1 and kernel.kernel.whole.shape[1] == 1:
        columns = products.column_spans(kernel.kernel, workers.threads())

    def task(spans: tuple[slice, ...], some: slice) -> Task:
        return lambda: _sum_up(parts, out, spans, some)

    return [task(spans, some) for spans in blocks for some in columns]


def _sum_up(parts: Sequence[Part], out: Array, spans: tuple[slice, ...], columns: slice) -> None:
    """Writes the sum of the parts for these images and tiles and these filters."""
    images, *axes = spans
    places = (slice(span.start * m, span.stop * m) for span, m in zip(axes, parts[0].kernel.tile, strict=True))
    y = out[images, *places, columns]
    for number, (kernel, image, begin) in enumerate(parts):
        weights = kernel.kernel if columns == slice(None) else products.some_columns(kernel.kernel, columns)
        x, begins = _read(kernel, image[images], begin, axes)
        _, groups, parts_of_channels, _, channels, _ = weights.whole.shape
        kind = Kind(
            tile=kernel.tile,
            points=tuple(map(len, kernel.bt)),
            weights=(groups, parts_of_channels, channels, weights.columns),
            images=len(x),
            tiles=tuple(span.stop - span.start for span in axes),
            sizes=x.shape[1:-1],
            begins=begins,
            outputs=y.shape[1:-1],
            dtype=x.dtype,
        )
        result = workers.scratch("addend", y.shape, y.dtype) if number else y
        workers.kept(kind, partial(Block, kind))(kernel.bt, weights, kernel.at, x, result)
        if number:
            y += result


def _blocks(kernel: Transformed, counts: Size, threads: int) -> Iterator[tuple[slice, ...]]:
    """What is done at once: some of (images, *tiles), the last axes whole, by as many small products as fill `BLOCK`.

    The axis that is cut is cut evenly, and so that the number of blocks is a multiple of that of threads, if it can be.
    """
    points, groups, parts, _, depth, _ = kernel.kernel.whole.shape
    columns = kernel.kernel.columns
    tile = points * groups * parts * (depth + columns) * 4  # bytes, in float32
    rows = min(products.most_rows(depth, columns), max(BLOCK // tile, FEWEST_TILES))
    room = max(BLOCK // (tile * rows), 1) * rows
    numbers: list[int] = []
    for axis, count in reversed(list(enumerate(counts))):
        size = max(min(count, room), 1)
        number = ceil(count / size)
        if room > 1 and number > 1:
            while prod(counts[:axis]) * number % threads and number < count:
                number += 1
        numbers.append(max(number, 1))
        room //= size
    return combinations(*(cut_evenly(count, number) for count, number in zip(counts, reversed(numbers), strict=True)))


def _read(kernel: Transformed, image: Array, begin: Size, axes: list[slice]) -> tuple[Array, Size]:
    """The samples that these tiles read, a view, and how many samples before them the first tile begins."""
    ranges: list[slice] = []
    begins: list[int] = []
    for axis, span in enumerate(axes):
        m, n = kernel.at[axis].shape
        start, length = span.start * m - begin[axis], image.shape[1 + axis]
        lo = min(max(start, 0), length)
        hi = max(min((span.stop - 1) * m - begin[axis] + n, length), lo)
        ranges.append(slice(lo, hi))
        begins.append(lo - start)
    return image[:, *ranges], tuple(begins)
