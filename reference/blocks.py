"""The frame of `lowering` and `depthwise`: rows of outputs at a time, and what a tap reads for them."""

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import workers
from .geometry import Array, Geometry, Size
from .products import cut_evenly
from .workers import Task

ROOM = 3 << 20
"""Bytes of windows, or of products before they are added, in one block."""

Block = Callable[[Array, slice, Array], None]
"""(images (n, *image, C), rows of the grid, out (n, rows, *grid[1:], F)): writes all of `out`."""


def in_blocks(block: Block, geometry: Geometry, image: Array, out: Array, *, row: int, room: int = ROOM) -> list[Task]:
    """What does all images by blocks: as many rows of one image, or images, as `room` bytes hold of `row` bytes each.

    The number of blocks is a multiple of that of threads, where there are images or rows enough.
    """
    size, count, threads = geometry.grid[0], len(image), workers.threads()
    pieces = min(ceil(size * row / room), size) or 1
    groups = count if pieces > 1 else ceil(count * size * row / room)
    while groups * pieces % threads and groups < count:
        groups += 1
    while groups * pieces % threads and pieces < size:
        pieces += 1

    def task(images: slice, rows: slice) -> Task:
        return lambda: block(image[images], rows, out[images, rows])

    return [task(images, rows) for images in cut_evenly(count, groups) for rows in cut_evenly(size, pieces)]


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
    """Writes what the taps read of x (..., *image, c) to windows (..., rows, *grid[1:], *kernel, c), zeros elsewhere.

    The taps of the last axis are copied at once, as one run if that axis is not dilated, for the outputs of which all
    of them meet a sample, and one by one for those at its ends.
    """
    *sizes, k = geometry.kernel_size
    s, d = geometry.strides[-1], geometry.dilation[-1]
    for lead in np.ndindex(*sizes):
        window = windows[..., *lead, :, :]  # (..., rows, *grid[1:], k, c)
        outputs, inputs = reach(geometry, (*lead, 0), rows)
        lo, hi = outputs[-1].start, reach(geometry, (*lead, k - 1), rows)[0][-1].stop
        inner = (..., *outputs[:-1], slice(lo, hi), slice(None), slice(None))
        if not window[inner].size:
            lo = hi = window.shape[-3]
        if window[..., *outputs[:-1], :, :, :].shape != window.shape:
            window[...] = 0
        else:
            window[..., :lo, :, :] = 0
            window[..., hi:, :, :] = 0
        if lo < hi:
            first = x[..., *inputs[:-1], inputs[-1].start :, :]
            *steps, sample, one = first.strides
            shape = (*first.shape[:-2], hi - lo, k, first.shape[-1])
            window[inner] = as_strided(first, shape, (*steps, s * sample, d * sample, one), writeable=False)
        for tap in range(k):
            (*places, some), (*samples, where) = reach(geometry, (*lead, tap), rows)
            for end in (slice(some.start, min(some.stop, lo)), slice(max(some.start, hi), some.stop)):
                if end.start < end.stop:
                    begin = where.start + (end.start - some.start) * s
                    read = slice(begin, begin + (end.stop - end.start - 1) * s + 1, s)
                    window[..., *places, end, tap, :] = x[..., *samples, read, :]
