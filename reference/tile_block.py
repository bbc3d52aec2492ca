"""One block of tiles of Winograd's convolution: five products, laid out once for all blocks of a kind.

In two dimensions, with X the rows of the input that a row of tiles reads, as a matrix (n, W*C), and in any number of
dimensions likewise, axis by axis:

    1   BT @ X                   rows of the tiles, straight from the input          (n, W, C)
    2   BT @ windows             columns of the tiles, (n, C) windows m samples apart   V (n*n, tiles, C)
    3   V @ U                    all multiplications, slice by slice (`products`)       M (n*n, tiles, F)
    4   AT @ M                   rows of the outputs                                 (m, n, tiles, F)
    5   AT @                     columns of the outputs, straight into the result    (tiles, m, F)

Nothing is padded and nothing cropped: a sample outside the input is zero, so the columns of BT that would meet it are
left out; an output outside the result is not wanted, so the rows of AT that would give it are left out.

Between the input and the result lie arrays that are the same for all blocks of one kind. Slicing and reshaping them
takes as long as a tenth of the arithmetic, and holds Python's lock besides: so a `Block` does it once.
"""

from collections.abc import Iterator
from itertools import product as combinations
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from . import products, workers
from .geometry import Array, Size
from .products import Slices


class Kind(NamedTuple):
    """What blocks have in common that can share their arrays."""

    tile: Size  # m per axis
    points: Size  # n = m + r - 1 per axis
    weights: Size  # (G, parts, C/G/parts, F/G)
    images: int
    tiles: Size
    sizes: Size  # of what the block reads of an image
    begins: Size  # how many samples before that its first tile begins
    outputs: Size  # of what it writes, all of its tiles but for a ragged last one
    dtype: npt.DTypeLike


class Run(NamedTuple):
    """Tiles side by side along an axis, those of their points that are samples, and the first of these."""

    tiles: slice
    points: slice
    start: int


class Ragged(NamedTuple):
    """The outputs of whole tiles of each axis, or of its last tile, which is cut off: where they come from and go."""

    rows: int  # of the last axis' AT
    source: Array  # (*m but the last, N, *tiles, n, F)
    places: tuple[slice, ...]  # of out (N, *grid, F)
    shape: Size  # of those places, by (tiles, elements) per axis
    order: Size  # that brings them into the source's order


class Block:
    """Its arrays, and the views of them that the steps read and write."""

    def __init__(self, kind: Kind) -> None:
        self.kind, self.rank = kind, len(kind.tile)
        groups, parts, channels, filters = kind.weights
        self.read: list[tuple[Run, Array]] = []  # step 1
        self.forward: list[tuple[int, Run, Array, Array]] = []  # step 2, with the axis
        shape, x = self._transform_axis(0, (kind.images, *kind.sizes, groups * parts * channels), None)
        for axis in range(1, self.rank):
            shape, x = self._transform_axis(axis, shape, x)
        count, points = kind.images * prod(kind.tiles), prod(kind.points)
        self.data = x.reshape(points, count, groups, parts, channels).transpose(0, 2, 3, 1, 4)
        m = workers.scratch("products", (parts, points, count, groups, filters), kind.dtype)
        self.products = m.transpose(1, 3, 0, 2, 4)
        self.back: list[tuple[Array, Array]] = []
        rows = (kind.images, *kind.tiles)
        y = m.reshape(parts * kind.points[0], *kind.points[1:], *rows, groups * filters)
        for axis in range(self.rank - 1):
            y = self._collect_axis(axis, y, parts)
        self.last = list(self._places(y))

    def __call__(self, bt: tuple[Array, ...], weights: Slices, at: tuple[Array, ...], x: Array, out: Array) -> None:
        """(N, *sizes, C) -> out (N, *grid, F), with BT and AT per axis."""
        kind = self.kind
        rows = x.reshape(*x.shape[:2], prod(x.shape[2:]))
        for run, target in self.read:
            np.matmul(bt[0][:, run.points], _windows(rows, run, kind.tile[0]), out=target)
        for axis, run, source, target in self.forward:
            np.matmul(bt[axis][:, run.points], source, out=target)
        products.multiply(self.data, weights, self.products)
        parts = kind.weights[1]
        sums = (np.tile(at[0], parts) if parts > 1 else at[0], *at[1:])
        for matrix, (source, target) in zip(sums, self.back, strict=False):
            np.matmul(matrix, source, out=target)
        for ragged in self.last:
            target = out[:, *ragged.places].reshape(ragged.shape).transpose(ragged.order)
            np.matmul(sums[-1][: ragged.rows], ragged.source, out=target)

    def _transform_axis(self, axis: int, shape: Size, x: Array | None) -> tuple[Size, Array]:
        """Steps 1 and 2: (*n, N, *tiles, length, *sizes, C) -> (*n, n, N, *tiles, tiles, *sizes, C)."""
        kind = self.kind
        m, n, tiles = kind.tile[axis], kind.points[axis], kind.tiles[axis]
        lead, (length, *rest) = shape[: 2 * axis + 1], shape[2 * axis + 1 :]  # (*n, N, *tiles), (length, *sizes, C)
        flat = workers.scratch(f"input{axis % 2}", (*lead[:axis], n, *lead[axis:], tiles, prod(rest)), kind.dtype)
        # (*n, n, N, *tiles, tiles, R) -> (*n, N, *tiles, tiles, n, R)
        target = flat.transpose(*range(axis), *range(axis + 1, flat.ndim - 1), axis, flat.ndim - 1)
        for run in _runs(kind.begins[axis], m, n, length, tiles):
            some = target[..., run.tiles, :, :]
            if x is None:
                self.read.append((run, some))
            else:
                source = _windows(x.reshape(*lead, length, prod(rest)), run, m)
                self.forward.append((axis, run, source, some))
        grown = (*lead[:axis], n, *lead[axis:], tiles, *rest)
        return grown, flat.reshape(grown)

    def _collect_axis(self, axis: int, y: Array, parts: int) -> Array:
        """Step 4: (*m, n, *n, N, *tiles, F) -> (*m, m, *n, N, *tiles, F), in products that are small."""
        m = self.kind.tile[axis]
        length = y.shape[axis]
        z = workers.scratch(f"output{axis % 2}", (*y.shape[:axis], m, *y.shape[axis + 1 :]), y.dtype)
        before, after = prod(y.shape[:axis]), prod(y.shape[axis + 1 : self.rank])
        run, pieces = prod(y.shape[self.rank :]), 1
        for count in y.shape[self.rank : -1]:
            if m * length * run > products.SMALL * pieces:
                pieces *= count
        source = y.reshape(before, length, after, pieces, run // pieces).transpose(0, 2, 3, 1, 4)
        target = z.reshape(before, m, after, pieces, run // pieces).transpose(0, 2, 3, 1, 4)
        self.back.append((source, target))
        return z

    def _places(self, y: Array) -> Iterator[Ragged]:
        """Step 5: y (*m but the last, n, N, *tiles, F), o = tile * m + element.

        Along an axis all whole tiles, then what of the last one lies inside.
        """
        rank = self.rank
        y = y.transpose(*range(rank - 1), *range(rank, 2 * rank + 1), rank - 1, 2 * rank + 1)
        # (N, t0, m0, t1, m1, F) -> (m0, N, t0, t1, m1, F)
        elements = [2 + 2 * axis for axis in range(rank)]
        order = (*elements[:-1], 0, *(1 + 2 * axis for axis in range(rank)), elements[-1], 2 * rank + 1)
        per_axis: list[list[tuple[slice, slice, int, int]]] = []
        for m, extent in zip(self.kind.tile, self.kind.outputs, strict=True):
            whole, rest = divmod(extent, m)
            pieces = [(slice(whole * m), slice(whole), whole, m)] if whole else []
            pieces += [(slice(whole * m, extent), slice(whole, whole + 1), 1, rest)] if rest else []
            per_axis.append(pieces)
        for chosen in combinations(*per_axis):
            places, tiles, counts, sizes = zip(*chosen, strict=True)
            source = y[*map(slice, sizes[:-1]), :, *tiles]
            pairs = (size for pair in zip(counts, sizes, strict=True) for size in pair)
            yield Ragged(sizes[-1], source, places, (self.kind.images, *pairs, y.shape[-1]), order)


def _runs(begin: int, m: int, n: int, length: int, tiles: int) -> Iterator[Run]:
    """The tiles, those that read nothing outside [0, length) together, the others one by one."""
    lo = min(max(-(-begin // m), 0), tiles)
    hi = min(max((length - n + begin) // m + 1, lo), tiles)
    for first, last in (*((tile, tile + 1) for tile in range(lo)), (lo, hi), *((t, t + 1) for t in range(hi, tiles))):
        start = first * m - begin
        a = min(max(-start, 0), n)
        if first < last:
            yield Run(slice(first, last), slice(a, max(min(length - start, n), a)), min(start + a, length))


def _windows(rows: Array, run: Run, m: int) -> Array:
    """What these tiles read of rows (..., length, R): a view (..., tiles, points, R)."""
    rows = rows[..., run.start :, :]
    *outer, step, one = rows.strides
    tiles, points = run.tiles.stop - run.tiles.start, run.points.stop - run.points.start
    return as_strided(rows, (*rows.shape[:-2], tiles, points, rows.shape[-1]), (*outer, m * step, step, one))
