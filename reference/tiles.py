"""Winograd's convolution of one kernel at stride and dilation 1, fast: five products per block of tiles.

In two dimensions, with X the rows of the input that a row of tiles reads, as a matrix (n, W*C), and in any number of
dimensions likewise, axis by axis:

    1   BT @ X                   rows of the tiles, straight from the input          (n, W, C)
    2   BT @ windows             columns of the tiles, (n, C) windows m samples apart   V (n*n, tiles, C)
    3   V @ U                    all multiplications, slice by slice (`products`)       M (n*n, tiles, F)
    4   AT @ M                   rows of the outputs                                 (m, n, tiles, F)
    5   AT @                     columns of the outputs, straight into the result    (tiles, m, F)

Nothing is padded and nothing cropped: a sample outside the input is zero, so the columns of BT that would meet it are
left out; an output outside the result is not wanted, so the rows of AT that would give it are left out.

Step 3 sums over channels in float32. Its rounding errors, enlarged by AT, are most of the error; summing the channels
in `parts` of at most 256 keeps it below four times that of one GEMM (512 channels at once: 5.3 times), and costs
nothing, since step 4 adds the parts up by the way: [AT AT] @ [M_0 M_1].
"""

from collections.abc import Callable, Iterator
from itertools import product as combinations
from math import ceil, prod
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import products, workers
from .geometry import Array, Size
from .products import Slices, cut_evenly

BLOCK = 6 << 20
"""Bytes of V and M that a block should fill: few blocks, since each costs some 40 microseconds of Python."""
MOST_CHANNELS = 256


class Transformed(NamedTuple):
    """A kernel and its transforms, per axis: m outputs per tile, n = m + r - 1 points, r taps."""

    at: tuple[Array, ...]  # (m, n)
    bt: tuple[Array, ...]  # (n, n)
    kernel: Slices  # (n*...*n, G, parts, slices, C/G/parts, width)

    @property
    def tile(self) -> Size:
        """Outputs per tile and axis."""
        return tuple(map(len, self.at))


def transformed(at: tuple[Array, ...], bt: tuple[Array, ...], kernel: Array) -> Transformed:
    """The transforms, and the kernel (n*...*n, G, C/G, F/G) cut for them."""
    points, groups, channels, filters = kernel.shape
    parts = _parts(channels)
    return Transformed(at, bt, products.cut(kernel.reshape(points, groups, parts, channels // parts, filters)))


def convolve(kernel: Transformed, image: Array, begin: Size, out: Array) -> None:
    """Writes the convolution of image (N, *sizes, C), which starts `begin` samples after the first window, to `out`.

    out (N, *grid, F) may be any view whose channels are contiguous; it is written in `workers.threads()` threads, each
    of which takes blocks of tiles, or, of an image that is one block, some of the filters.
    """
    counts = tuple(ceil(size / m) for size, m in zip(out.shape[1:-1], kernel.tile, strict=True))
    blocks = list(_blocks(kernel, (len(image), *counts), workers.threads()))
    shares = _shares(kernel, workers.threads()) if len(blocks) == 1 else [(kernel, slice(None))]
    workers.run(_task(share, image, begin, out[..., filters], spans) for spans in blocks for share, filters in shares)


def _task(kernel: Transformed, image: Array, begin: Size, out: Array, spans: tuple[slice, ...]) -> Callable[[], None]:
    def task() -> None:
        images, *axes = spans
        x, begins = _read(kernel, image[images], begin, axes)
        v = _forward(kernel, x, begins, tuple(span.stop - span.start for span in axes))
        places = (slice(span.start * m, span.stop * m) for span, m in zip(axes, kernel.tile, strict=True))
        _back(kernel, _multiplied(kernel, v), out[images, *places])

    return task


def _blocks(kernel: Transformed, counts: Size, threads: int) -> Iterator[tuple[slice, ...]]:
    """What is done at once: some of (images, *tiles), the last axes whole, by as many small products as fill `BLOCK`.

    The axis that is cut is cut evenly, and so that the number of blocks is a multiple of that of threads, if it can be.
    """
    points, groups, parts, _, depth, _ = kernel.kernel.whole.shape
    columns = kernel.kernel.columns
    tile = points * groups * parts * (depth + columns) * 4  # bytes, in float32
    rows = min(products.most_rows(depth, columns), max(BLOCK // tile, 1))
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


def _shares(kernel: Transformed, threads: int) -> list[tuple[Transformed, slice]]:
    """The kernel by filters, in as many shares as there are threads, each with the channels of `out` that are its."""
    (*_, groups, _, slices, _, wide), rest = kernel.kernel.whole.shape, kernel.kernel.rest
    if groups > 1 or slices < 2:
        return [(kernel, slice(None))]
    shares: list[tuple[Transformed, slice]] = []
    for span in cut_evenly(slices, min(slices, threads)):
        last = span.stop == slices
        share = Slices(kernel.kernel.whole[..., span, :, :], rest if last else rest[..., :0])
        shares.append((kernel._replace(kernel=share), slice(span.start * wide, None if last else span.stop * wide)))
    return shares


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


def _forward(kernel: Transformed, x: Array, begins: Size, tiles: Size) -> Array:
    """Steps 1 and 2: (N, *sizes, C) -> V (*n, N, *tiles, C)."""
    for axis, bt in enumerate(kernel.bt):
        lead, (length, *rest) = x.shape[: 2 * axis + 1], x.shape[2 * axis + 1 :]  # (*n, N, *tiles), (*sizes, C)
        shape = (*lead[:axis], len(bt), *lead[axis:], tiles[axis], *rest)
        v = workers.scratch(f"input{axis % 2}", shape, x.dtype)
        flat = v.reshape(*shape[: 2 * axis + 3], prod(rest))
        _windows(
            bt,
            x.reshape(*lead, length, prod(rest)),
            np.moveaxis(flat, axis, -2),
            begins[axis],
            len(kernel.at[axis]),
        )
        x = v
    return x


def _windows(bt: Array, x: Array, out: Array, begin: int, m: int) -> None:
    """Writes BT @ the n rows of x (..., rows, R) from tile * m - begin on, to out (..., tiles, n, R)."""
    n, rows, tiles = len(bt), x.shape[-2], out.shape[-3]
    lo = min(max(-(-begin // m), 0), tiles)
    hi = min(max((rows - n + begin) // m + 1, lo), tiles)
    if lo < hi:
        start = x[..., lo * m - begin :, :]
        *lead, step, one = x.strides
        windows = as_strided(start, (*x.shape[:-2], hi - lo, n, x.shape[-1]), (*lead, m * step, step, one))
        np.matmul(bt, windows, out=out[..., lo:hi, :, :])
    for tile in (*range(lo), *range(hi, tiles)):
        first = tile * m - begin
        a = min(max(-first, 0), n)
        b = max(min(rows - first, n), a)
        np.matmul(bt[:, a:b], x[..., first + a : first + b, :], out=out[..., tile, :, :])


def _multiplied(kernel: Transformed, v: Array) -> Array:
    """Step 3: V (*n, N, *tiles, C) -> M (parts, *n, N, *tiles, F)."""
    rank = len(kernel.bt)
    points, groups, parts, _, channels, _ = kernel.kernel.whole.shape
    filters = kernel.kernel.columns
    rows = v.shape[rank:-1]  # N, *tiles
    count = prod(rows)
    m = workers.scratch("products", (parts, points, count, groups, filters), v.dtype)
    data = v.reshape(points, count, groups, parts, channels).transpose(0, 2, 3, 1, 4)
    products.multiply(data, kernel.kernel, m.transpose(1, 3, 0, 2, 4))
    return m.reshape(parts, *v.shape[:rank], *rows, groups * filters)


def _back(kernel: Transformed, m: Array, out: Array) -> None:
    """Steps 4 and 5: M (parts, *n, N, *tiles, F) -> out (N, *grid, F)."""
    rank, parts = len(kernel.at), len(m)
    rows = m.shape[rank + 1 : -1]  # N, *tiles
    y = m.reshape(parts * m.shape[1], *m.shape[2:])
    for axis, at in enumerate(kernel.at):
        matrix = np.tile(at, parts) if axis == 0 else at
        if axis == rank - 1:
            _into(matrix, kernel.tile, y, out)
            return
        before, after, run = prod(y.shape[:axis]), prod(y.shape[axis + 1 : rank]), prod(rows) * m.shape[-1]
        shape = (*y.shape[:axis], len(at), *y.shape[axis + 1 :])
        z = workers.scratch(f"output{axis % 2}", shape, y.dtype)
        pieces = _pieces(rows, matrix.size * run)
        source = y.reshape(before, matrix.shape[1], after, pieces, run // pieces)
        target = z.reshape(before, len(at), after, pieces, run // pieces)
        np.matmul(matrix, source.transpose(0, 2, 3, 1, 4), out=target.transpose(0, 2, 3, 1, 4))
        y = z


def _pieces(rows: Size, size: int) -> int:
    """Into how many pieces N * tiles are cut so that a product of this size becomes small ones."""
    pieces = 1
    for count in rows:
        if size <= products.SMALL * pieces:
            break
        pieces *= count
    return pieces


def _into(matrix: Array, tile: Size, y: Array, out: Array) -> None:
    """Step 5: AT @ y (*m, n, N, *tiles, F), of which each output that exists goes to its place in out (N, *grid, F).

    o = tile * m + element: along an axis all whole tiles, then what of the last one lies inside the grid.
    """
    rank = len(tile)
    y = np.moveaxis(y, rank - 1, -2)  # (*m but the last, N, *tiles, n, F)
    for ragged in combinations((False, True), repeat=rank):
        places: list[slice] = []  # of out
        tiles: list[slice | int] = []  # of y
        sizes: list[int] = []  # of out, (tiles, elements) per axis
        for last, m, extent in zip(ragged, tile, out.shape[1:-1], strict=True):
            whole, rest = divmod(extent, m)
            number, elements = (1, rest) if last else (whole, m)
            places.append(slice(whole * m, None) if last else slice(whole * m))
            tiles.append(slice(whole, None) if last else slice(whole))
            sizes += number, elements
        if 0 in sizes:
            continue
        target = out[:, *places].reshape(len(out), *sizes, out.shape[-1])
        # (N, t0, m0, t1, m1, F) -> (m0, N, t0, t1, m1, F)
        elements = [2 + 2 * axis for axis in range(rank)]
        order = (*elements[:-1], 0, *(1 + 2 * axis for axis in range(rank)), elements[-1], 2 * rank + 1)
        wanted = (slice(size) for size in sizes[1:-1:2])
        source = y[*wanted, :, *tiles]
        np.matmul(matrix[: sizes[-1]], source, out=target.transpose(order))


def _parts(channels: int) -> int:
    """The fewest equal parts of at most `MOST_CHANNELS` channels; one where that takes parts of less than half."""
    fewest = ceil(channels / MOST_CHANNELS)
    return next((parts for parts in range(max(fewest, 1), 2 * fewest + 1) if channels % parts == 0), 1)
