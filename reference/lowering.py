"""im2col and its kin, as fast as NumPy allows: convolutions that write their result block by block.

All of them multiply windows by weights, as `gemm.to_grid` does, and differ in how the windows lie in memory:

    direct    a kernel of one tap: the input is the matrix, nothing is copied
    mec       windows along all axes but the first are copied once; those along the first are runs of that copy, each
              beginning one stride after the one before (Cho and Brand, MEC, arXiv 1706.06873)
    kn2row    no windows: one product of the input per tap, added to the outputs that the tap reaches, at stride 1
              (Vasudevan, Anderson and Gregg, arXiv 1704.04428)
    blocked   all windows, of some rows of outputs at a time

Blocks are rows of outputs, along the first spatial axis of one image, as many as fill `ROOM`. Zeros around the input
are written into the copies, never around a copy of the input. With G groups the windows are G matrices, and the
products G at once.
"""

from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import products, workers
from .blocks import copy_windows, in_blocks, reach
from .depthwise import fused
from .geometry import Array, Geometry, Size
from .prepared import Maker, Writer
from .products import Slices
from .workers import Task

FEW_CHANNELS = 128
"""The most channels of a group for `mec`: beyond, its runs are so far apart that a product reads a page per row."""


def direct(kernel: Array, groups: int, _strides: Size, _dilation: Size) -> Writer:
    """Raises ValueError where the kernel has more than one tap."""
    if prod(kernel.shape[:-2]) != 1:
        raise ValueError(f"kernel_size: got {kernel.shape[:-2]}, expected one tap for the algorithm 'direct'")
    weights = _matrices(kernel, groups)

    def write(geometry: Geometry, image: Array, out: Array) -> list[Task]:
        def block(x: Array, rows: slice, y: Array) -> None:
            outputs, inputs = reach(geometry, (0,) * len(geometry.grid), rows)
            if y[:, *outputs].shape != y.shape:
                y[...] = 0
            if y[:, *outputs].size:
                _multiply(_grouped(x[:, *inputs], groups), weights, _grouped(y[:, *outputs], groups))

        return in_blocks(block, geometry, image, out, row=prod(geometry.grid[1:]) * out.shape[-1] * out.itemsize)

    return write


def blocked(kernel: Array, groups: int, _strides: Size, _dilation: Size) -> Writer:
    """(N, *image, C) -> windows (G, N, rows, *grid[1:], taps * C/G) @ (G, taps * C/G, F/G)."""
    weights = _matrices(kernel, groups)
    channels, taps = kernel.shape[-2], prod(kernel.shape[:-2])

    def write(geometry: Geometry, image: Array, out: Array) -> list[Task]:
        def block(x: Array, rows: slice, y: Array) -> None:
            shape = (groups, *y.shape[:-1], taps, channels)
            windows = workers.scratch("windows", shape, x.dtype)
            taps_apart = windows.reshape(*shape[:-2], *geometry.kernel_size, channels)
            copy_windows(geometry, _grouped(x, groups), rows, taps_apart)
            _multiply(windows.reshape(*shape[:-2], taps * channels), weights, _grouped(y, groups))

        row = prod(geometry.grid[1:]) * groups * taps * channels * out.itemsize
        return in_blocks(block, geometry, image, out, row=row)

    return write


def mec(kernel: Array, groups: int, _strides: Size, dilation: Size) -> Writer:
    """(N, *image, C) -> lowered (G, N, *grid[1:], I, *kernel[1:], C/G), of whose axis I a window is a run.

    Raises ValueError where the first axis is dilated: a window then is no run.
    """
    if dilation[0] > 1 < kernel.shape[0]:
        raise ValueError(f"dilation: got {dilation}, expected none of the first axis for the algorithm 'mec'")
    weights = _matrices(kernel, groups)
    first, *others = kernel.shape[:-2]
    run = prod(others) * kernel.shape[-2]  # of one sample of the first axis

    def write(geometry: Geometry, image: Array, out: Array) -> list[Task]:
        trail, stride = geometry.grid[1:], geometry.strides[0]

        def block(x: Array, rows: slice, y: Array) -> None:
            start, size = rows.start * stride, (rows.stop - rows.start - 1) * stride + first
            lowered = workers.scratch("windows", (groups, len(x), prod(trail), size, run), x.dtype)
            taps_apart = lowered.reshape(groups, len(x), *trail, size, 1, *others, kernel.shape[-2])
            # the samples of the first axis as they are: a kernel of one tap, stride 1, from `start` on
            plain = geometry._replace(
                grid=(start + size, *trail), kernel_size=(1, *others), strides=(1, *geometry.strides[1:])
            )
            some = slice(start, start + size)
            copy_windows(plain, _grouped(x, groups), some, np.moveaxis(taps_apart, 2 + len(trail), 2))
            group, image_step, trailing, step, one = lowered.strides
            shape = (groups, *y.shape[:2], prod(trail), first * run)
            windows = as_strided(lowered, shape, (group, image_step, stride * step, trailing, one))
            _multiply(windows.reshape(groups, *y.shape[:-1], first * run), weights, _grouped(y, groups))

        row = prod(trail) * groups * run * stride * out.itemsize
        return in_blocks(block, geometry, image, out, row=row)

    return write


def kn2row(kernel: Array, groups: int, strides: Size, _dilation: Size) -> Writer:
    """(N, *image, C) -> for every tap (G, N, rows, *image[1:], C/G) @ (G, C/G, F/G), added where it belongs.

    Raises ValueError where a stride is above 1: most of each product would be for nothing.
    """
    if max(strides) > 1:
        raise ValueError(f"strides: got {strides}, expected 1 for the algorithm 'kn2row'")
    weights = [_matrices(tap, groups) for tap in kernel.reshape(-1, *kernel.shape[-2:])]

    def write(geometry: Geometry, image: Array, out: Array) -> list[Task]:
        def block(x: Array, rows: slice, y: Array) -> None:
            reaches = [reach(geometry, tap, rows) for tap in np.ndindex(geometry.kernel_size)]
            # the tap that meets a sample for every output, if there is one, writes where the others add
            whole = [
                y[:, *outputs].shape == y.shape and x[:, :, *inputs[1:]].shape == x.shape for outputs, inputs in reaches
            ]
            first = whole.index(True) if any(whole) else None
            if first is None:
                y[...] = 0
            for tap in sorted(range(len(reaches)), key=lambda tap: tap != first):
                outputs, inputs = reaches[tap]
                needed = x[:, inputs[0]]
                if tap == first:
                    _multiply(_grouped(needed, groups), weights[tap], _grouped(y, groups))
                elif y[:, *outputs].size:
                    # of several images all rows are read, those too that the tap does not need: they are one run
                    read, places = (needed, (slice(None), *inputs[1:])) if len(x) == 1 else (x, inputs)
                    part = workers.scratch("windows", (*read.shape[:-1], y.shape[-1]), x.dtype)
                    _multiply(_grouped(read, groups), weights[tap], _grouped(part, groups))
                    y[:, *outputs] += part[:, *places]

        row = prod(geometry.image[1:]) * out.shape[-1] * out.itemsize
        return in_blocks(block, geometry, image, out, row=row)

    return write


def choose(kernel: Array, groups: int, strides: Size, dilation: Size) -> Maker:
    """What `auto` takes: the first that applies of `fused`, `direct`, `mec`, `kn2row` and `blocked`.

    `mec` needs few channels and an undilated first axis, `kn2row` stride 1. Winograd's algorithm and the FFT are never
    taken: their errors are others.
    """
    *kernel_size, channels, _ = kernel.shape
    if channels == 1 < groups:
        return fused
    if prod(kernel_size) == 1:
        return direct
    if channels <= FEW_CHANNELS and (dilation[0] == 1 or kernel_size[0] == 1):
        return mec
    return kn2row if max(strides) == 1 else blocked


def auto(kernel: Array, groups: int, strides: Size, dilation: Size) -> Writer:
    """By the algorithm that `choose` names."""
    return choose(kernel, groups, strides, dilation)(kernel, groups, strides, dilation)


def _multiply(rows: Array, weights: Slices, out: Array) -> None:
    """Writes rows (G, *batch, c) @ (G, c, f) to out (G, *batch, f), the batch as one axis if it lies so in memory."""
    if _is_run(rows) and _is_run(out):
        rows, out = (array.reshape(len(array), -1, array.shape[-1]) for array in (rows, out))
    ones = (1,) * (rows.ndim - 3)
    whole, rest = (piece.reshape(len(piece), *ones, *piece.shape[1:]) for piece in weights)
    products.multiply(rows, Slices(whole, rest), out)


def _is_run(array: Array) -> bool:
    """Whether the axes between the first and the last follow each other without gaps."""
    spans = zip(array.shape[2:-1], array.strides[1:-2], array.strides[2:-1], strict=True)
    return all(outer == size * inner for size, outer, inner in spans)


def _grouped(array: Array, groups: int) -> Array:
    """(..., G*c) -> (G, ..., c), a view."""
    return np.moveaxis(array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups), -2, 0)


def _matrices(kernel: Array, groups: int) -> Slices:
    """(*kernel, C/G, F) -> (G, taps * C/G, F/G), cut."""
    depth, filters = prod(kernel.shape[:-1]), kernel.shape[-1] // groups
    return products.cut(kernel.reshape(depth, groups, filters).swapaxes(0, 1))
