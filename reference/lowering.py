"""im2col and its kin, as fast as NumPy allows: forward convolutions that write their result block by block.

All of them are the products of windows by weights, as `gemm.to_grid` is, and differ in how the windows lie in memory:

    direct    a kernel of one tap: the input is the matrix, nothing is copied
    mec       windows along every axis but the first are copied once; those along the first are runs of that copy, each
              beginning one stride after the one before (Cho & Brand, "MEC", arXiv 1706.06873)
    kn2row    no windows: one product of the input per tap, added to the outputs that the tap reaches
              (Vasudevan et al., arXiv 1704.04428); stride 1
    blocked   all windows, of a few rows of outputs at a time

`auto` takes the first that applies of: direct; mec, where a group has at most 64 channels, so that a window along the
first axis is little memory; kn2row, at stride 1; blocked. Blocks are of rows of outputs (the first spatial axis) of one
image, and so large that what a thread holds is at most `ROOM` bytes. Zeros around the input are written into the
copies, never around a copy of the input.
"""

from collections.abc import Callable, Sequence
from math import ceil, prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from . import products, workers
from .geometry import Array, Geometry, Size
from .products import Slices

ROOM = 2 << 20
"""Bytes of windows or products that one block holds: what stays in a core's own cache beside the weights."""
FEW_CHANNELS = 64


def direct(geometry: Geometry, image: Array, kernel: Array, groups: int) -> Array:
    """(N, *image, C), (*ones, C/G, F) -> (N, *grid, F); raises ValueError where the kernel has more than one tap."""
    if prod(geometry.kernel_size) != 1:
        raise ValueError(f"kernel_size: got {geometry.kernel_size}, expected one tap for the algorithm 'direct'")
    weights = products.cut(_by_group(kernel, groups)[:, 0])

    def block(x: Array, first: int, last: int, out: Array) -> None:
        places = _reach(geometry, (0,) * len(geometry.grid), first, last)
        target, source = out[places.outputs], x[places.inputs]
        if target.shape != out.shape:
            out[...] = 0
        if target.size:
            _multiply(_split(source, groups), weights, _split(target, groups))

    return _in_blocks(geometry, image, kernel.shape[-1], 0, block)
