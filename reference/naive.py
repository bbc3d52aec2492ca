"""The definition: one enumeration of (output, input, tap) triples serves every operation and every gradient.

With i = o*strides + t*dilation - begin on every axis, a convolution is linear in each argument of

    F(image, kernel, grid) = sum over (o, i, t), group g, channels c, f of
                             image[n, i, g, c] * kernel[t, c, g, f] * grid[n, o, g, f]

and everything this package computes is the derivative of F in one argument, a sum over the same triples:

    to_grid    dF/d grid      conv;             the input gradient of conv_transpose
    to_image   dF/d image     conv_transpose;   the input gradient of conv
    to_kernel  dF/d kernel    the kernel gradient of both

Arrays are image (N, *image, C), kernel (*kernel, C/groups, F) and grid (N, *grid, F), all of one dtype, which is the
result's. Slow, and blind to everything clever: what it says is right.
"""

from collections.abc import Iterator
from math import prod

import numpy as np

from .geometry import Array, Geometry, Indices, Size, axis_triples


def taps(geometry: Geometry) -> Iterator[tuple[Size, Indices, Indices]]:
    """For every tap t of the kernel (t, o, i): the windows and the positions it joins, numbered over all axes."""
    grid = np.arange(prod(geometry.grid)).reshape(geometry.grid)
    image = np.arange(prod(geometry.image)).reshape(geometry.image)
    axes = zip(
        geometry.image,
        geometry.kernel_size,
        geometry.strides,
        geometry.dilation,
        geometry.begin,
        geometry.grid,
        strict=True,
    )
    triples = [axis_triples(*axis) for axis in axes]
    for t in np.ndindex(geometry.kernel_size):
        joined = [(o[ts == tap], i[ts == tap]) for tap, (o, i, ts) in zip(t, triples, strict=True)]
        yield t, grid[np.ix_(*(o for o, _ in joined))].ravel(), image[np.ix_(*(i for _, i in joined))].ravel()


def to_grid(geometry: Geometry, image: Array, kernel: Array, groups: int) -> Array:
    """grid[o] += image[i] @ kernel[t], for every tap."""
    x, w = _flat(image, groups), _grouped(kernel, groups)
    y = np.zeros((len(x), prod(geometry.grid), *w.shape[-2:]), x.dtype)
    for t, o, i in taps(geometry):
        y[:, o] += np.einsum("npgc,cgf->npgf", x[:, i], w[t])
    return y.reshape(len(x), *geometry.grid, kernel.shape[-1])


def to_image(geometry: Geometry, grid: Array, kernel: Array, groups: int) -> Array:
    """image[i] += grid[o] @ kernel[t].T, for every tap."""
    y, w = _flat(grid, groups), _grouped(kernel, groups)
    x = np.zeros((len(y), prod(geometry.image), groups, kernel.shape[-2]), y.dtype)
    for t, o, i in taps(geometry):
        x[:, i] += np.einsum("npgf,cgf->npgc", y[:, o], w[t])
    return x.reshape(len(y), *geometry.image, groups * kernel.shape[-2])


def to_kernel(geometry: Geometry, image: Array, grid: Array, groups: int) -> Array:
    """kernel[t] += image[i].T @ grid[o], for every tap."""
    x, y = _flat(image, groups), _flat(grid, groups)
    w = np.zeros((*geometry.kernel_size, x.shape[-1], *y.shape[-2:]), x.dtype)
    for t, o, i in taps(geometry):
        w[t] += np.einsum("npgc,npgf->cgf", x[:, i], y[:, o])
    return w.reshape(*geometry.kernel_size, x.shape[-1], grid.shape[-1])


def _flat(array: Array, groups: int) -> Array:
    """(N, *spatial, C) -> (N, positions, groups, C/groups)."""
    return _grouped(array.reshape(len(array), prod(array.shape[1:-1]), array.shape[-1]), groups)


def _grouped(array: Array, groups: int) -> Array:
    """(..., C) -> (..., groups, C/groups): groups are contiguous blocks of channels."""
    return array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups)
