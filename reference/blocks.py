"""The frame of `lowering` and `depthwise`: rows of outputs at a time, and what a tap reads for them."""

from collections.abc import Callable, Sequence
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import workers
from .geometry import Array, Geometry, Size
from .products import cut_evenly

ROOM = 3 << 20
"""Bytes of windows, or of products before they are added, in one block."""

Block = Callable[[Array, slice, Array], None]
"""(image (*image, C), rows of the grid, out (rows, *grid[1:], F)): writes all of `out`."""


def in_blocks(block: Block, geometry: Geometry, image: Array, out: Array, *, bytes_per_row: int) -> None:
    """Does every image by blocks of rows, their number a multiple of that of threads where there are rows enough."""
    size, threads = geometry.grid[0], workers.threads()
    number = min(ceil(size * bytes_per_row / ROOM), size) or 1
    while len(image) * number % threads and number < size:
        number += 1

    def task(x: Array, rows: slice, y: Array) -> Callable[[], None]:
        return lambda: block(x, rows, y[rows])

    workers.run(task(x, rows, y) for x, y in zip(image, out, strict=True) for rows in cut_evenly(size, number))


def reach(geometry: Geometry, tap: Size, rows: slice) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """The outputs of these rows of the grid that a tap gives something to, and the inputs that it reads for them.

    o*s + t*d - begin lies in [0, image)   <=>   ceil((begin - t*d) / s) <= o <= floor((image - 1 + begin - t*d) / s)
    """
    outputs: list[slice] = []
    inputs: list[slice] = []
    for axis, (n, size, _, s, d, begin) in enumerate(zip(*geometry, strict=True)):
        first, last = (rows.start, rows.stop) if axis == 0 else (0, size)
        start = begin - tap[axis] * d
        lo = min(max(-(-start // s), first), last)
        hi = min(max((n - 1 + start) // s + 1, lo), last)
        outputs.append(slice(lo - first, hi - first))
        inputs.append(slice(lo * s - start, (hi - 1) * s - start + 1, s) if lo < hi else slice(0))
    return tuple(outputs), tuple(inputs)


def copy_windows(geometry: Geometry, x: Array, rows: slice, windows: Array) -> None:
    """Writes what the taps read of x (G, *image, c) to windows (G, rows, *grid[1:], *kernel, c), zeros elsewhere.

    The taps of the last axis are copied at once, as one run if that axis is not dilated, for the outputs of which all
    of them meet a sample, and one by one for those at its ends.
    """
    *sizes, k = geometry.kernel_size
    s, d = geometry.strides[-1], geometry.dilation[-1]
    for lead in np.ndindex(*sizes):
        window = windows[..., *lead, :, :]  # (G, rows, *grid[1:], k, c)
        outputs, inputs = reach(geometry, (*lead, 0), rows)
        lo, hi = outputs[-1].start, reach(geometry, (*lead, k - 1), rows)[0][-1].stop
        inner = (slice(None), *outputs[:-1], slice(lo, hi))
        if not window[inner].size:
            lo = hi = window.shape[-3]
        if window[:, *outputs[:-1]].shape != window[:, *(slice(None) for _ in sizes)].shape:
            window[...] = 0
        else:
            window[..., :lo, :, :] = 0
            window[..., hi:, :, :] = 0
        if lo < hi:
            first = x[:, *inputs[:-1], inputs[-1].start :, :]
            *steps, sample, one = first.strides
            shape = (*first.shape[:-2], hi - lo, k, first.shape[-1])
            window[inner] = as_strided(first, shape, (*steps, s * sample, d * sample, one), writeable=False)
        for tap in range(k):
            (*places, some), (*samples, where) = reach(geometry, (*lead, tap), rows)
            for end in (slice(some.start, min(some.stop, lo)), slice(max(some.start, hi), some.stop)):
                if end.start < end.stop:
                    begin = where.start + (end.start - some.start) * s
                    read = slice(begin, begin + (end.stop - end.start - 1) * s + 1, s)
                    window[:, *places, end, tap, :] = x[:, *samples, read]


def place(x: Array, window: Array, outputs: Sequence[slice], inputs: Sequence[slice]) -> None:
    """Copies what a tap reads of x (G, *image, c) to window (G, rows, *grid[1:], c), zero elsewhere."""
    if window[:, *outputs].shape != window.shape:
        window[...] = 0
    window[:, *outputs] = x[:, *inputs]
