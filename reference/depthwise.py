"""Depthwise convolution, fast: one loop that multiplies and adds, over runs that are long.

There is no product of matrices here: every output is a sum of as many terms as the kernel has taps. The one loop of
NumPy that multiplies and adds without writing the product down is einsum's, and it is fast where its innermost axis is
contiguous and long. Along the last spatial axis samples and channels are one such run,

    y[..., o, c] = sum over t of x[..., o + t*d, c] * w[t, c]        a run of `RUN` values of (o, c), w repeated

A stride s would leave gaps in it. So the samples of that axis are dealt out first, the j-th to place j // s of hand
j % s: a tap reads one hand, and all taps that read the same lie evenly in it.
"""

from math import gcd, prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import workers
from .blocks import in_blocks, reach
from .geometry import Array, Geometry, Size
from .prepared import Writer
from .workers import Task

ROOM = 1 << 22
"""Bytes of samples in one block: they are dealt out and read again while they are in a core's own cache."""
RUN = 4096
"""Values of the innermost run: with the weights and the sums it stays in the first cache."""
LETTERS = "abcdefgh"


def fused(kernel: Array, groups: int, _strides: Size, _dilation: Size) -> Writer:
    """Raises ValueError where a group has more than one channel."""
    if kernel.shape[-2] != 1:
        raise ValueError(f"groups: got {groups}, expected one per channel for the algorithm 'fused'")
    multiplier = kernel.shape[-1] // groups
    weights = kernel[..., 0, :]  # (*kernel, C*M)
    repeated: dict[int, list[Array]] = {}

    def write(geometry: Geometry, image: Array, out: Array) -> list[Task]:
        hands = _hands(geometry)
        width, channels = geometry.grid[-1], out.shape[-1]
        piece = -(-width // -(-width * channels // RUN)) if channels < RUN else 1
        if piece not in repeated:
            repeated[piece] = [np.tile(weights[..., taps, :], piece) for taps in hands.values()]

        def block(x: Array, rows: slice, y: Array) -> None:
            is_run = y.strides[-2] == channels * y.itemsize
            for number, (hand, taps) in enumerate(hands.items()):
                part = y if is_run and not number else workers.scratch("products", y.shape, y.dtype)
                _accumulate(geometry, _dealt(geometry, x, rows, hand, multiplier), taps, repeated[piece][number], part)
                if number:
                    y += part
                elif not is_run:
                    y[...] = part

        row = prod(geometry.image[1:]) * geometry.strides[0] * channels * out.itemsize
        return in_blocks(block, geometry, image, out, row=row, room=ROOM)

    return write


def _hands(geometry: Geometry) -> dict[int, slice]:
    """The hands of the last axis that taps read, and which taps."""
    s, d, k = geometry.strides[-1], geometry.dilation[-1], geometry.kernel_size[-1]
    step = s // gcd(s, d)
    return {first * d % s: slice(first, None, step) for first in range(min(step, k))}


def _dealt(geometry: Geometry, x: Array, rows: slice, hand: int, multiplier: int) -> Array:
    """What the windows of these rows read in one hand of the last axis, zeros where x has nothing: (n, *full, C*M).

    x (n, *image, C), of which every channel is taken M times.
    """
    s = geometry.strides[-1]
    full = list(geometry._replace(grid=(rows.stop - rows.start, *geometry.grid[1:])).full)
    full[-1] = -(-full[-1] // s)
    begin = (geometry.begin[0] - rows.start * geometry.strides[0], *geometry.begin[1:])
    ones = (1,) * len(full)
    # sample j of the hand is input j*s + hand - begin: a tap at `hand`, of a kernel that is not dilated
    samples = Geometry(geometry.image, tuple(full), ones, (*ones[1:], s), ones, begin)
    dealt = workers.scratch("windows", (len(x), *full, x.shape[-1], multiplier), x.dtype)
    outputs, inputs = reach(samples, (*(0 for _ in ones[1:]), hand), slice(0, full[0]))
    if dealt[:, *outputs].shape != dealt.shape:
        dealt[...] = 0
    dealt[:, *outputs] = x[:, *inputs][..., None]
    return dealt.reshape(len(x), *full, x.shape[-1] * multiplier)


def _accumulate(geometry: Geometry, x: Array, taps: slice, weights: Array, out: Array) -> None:
    """Writes the sum over these taps of the last axis, and all of the others, to out (n, rows, *grid[1:], C).

    weights (*kernel[:-1], taps, piece*C): of `piece` samples of the last axis at once, then of what is left.
    """
    rank, (s, d), channels = out.ndim - 2, (geometry.strides[-1], geometry.dilation[-1]), out.shape[-1]
    outs, kernel = LETTERS[:rank], LETTERS[rank : 2 * rank]
    images, *lead, sample, one = x.strides
    first, width = taps.start * d // s, out.shape[-2]
    piece = weights.shape[-1] // channels
    for start, count, number in ((0, piece, width // piece), (width // piece * piece, width % piece, 1)):
        if not count or not number:
            continue
        shape = (*out.shape[:-2], number, *weights.shape[:-1], count * channels)
        strides = (
            images,
            *(step * stride for step, stride in zip(lead, geometry.strides, strict=False)),
            count * sample,
            *(step * dilation for step, dilation in zip(lead, geometry.dilation, strict=False)),
            d // gcd(s, d) * sample,
            one,
        )
        windows = as_strided(x[..., first + start :, :], shape, strides, writeable=False)
        target = out[..., start : start + number * count, :].reshape(*out.shape[:-2], number, count * channels)
        np.einsum(f"i{outs}{kernel}n,{kernel}n->i{outs}n", windows, weights[..., : count * channels], out=target)
