"""The same three derivatives as in `naive`, by copying and one matrix product per group: the fast derivation.

A convolution pads its image to `full` = (grid-1)*strides + (kernel_size-1)*dilation + 1, views that as windows
(`unfold`) and multiplies; a transposed one multiplies and adds the windows up into `full` (`fold`), whose crop it is:

    unfold  cols[n, o, t, c] = full[n, o*strides + t*dilation, c],  full[j] = image[j - begin], zero outside
    fold    its adjoint

What it shares with `naive` is the geometry alone: where the two agree, neither indexing is wrong.
"""

from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .geometry import Array, Geometry, Ints, Padding, Size, conv_geometry


def im2col(x: Array, kernel_size: Size, *, strides: Ints = 1, padding: Padding = "valid", dilation: Ints = 1) -> Array:
    """The windows of x (N, *spatial, C) as (N, *out, *kernel, C), a read-only view.

    Raises as `conv` does of these parameters, and ValueError where x has not one axis per kernel size beside two.
    """
    geometry = _window_geometry(x.shape, kernel_size, strides, padding, dilation)
    return unfold(geometry, x)


def col2im(
    cols: Array,
    input_shape: Size,
    kernel_size: Size,
    *,
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
) -> Array:
    """The adjoint of `im2col`: adds cols (N, *out, *kernel, C) up into an array of `input_shape` (N, *spatial, C).

    Raises as `im2col` does, and ValueError where `cols` has not the shape that `im2col` gives.
    """
    geometry = _window_geometry(input_shape, kernel_size, strides, padding, dilation)
    expected = (input_shape[0], *geometry.grid, *kernel_size, input_shape[-1])
    if cols.shape != expected:
        raise ValueError(f"cols: got shape {cols.shape}, expected {expected}, that of im2col's result")
    return fold(geometry, cols)


def unfold(geometry: Geometry, image: Array) -> Array:
    """(N, *image, C) -> (N, *grid, *kernel, C), a view of the padded image."""
    padded = crop(image, tuple(-begin for begin in geometry.begin), geometry.full)
    batch, *steps, channel = padded.strides
    return as_strided(
        padded,
        (len(image), *geometry.grid, *geometry.kernel_size, image.shape[-1]),
        (
            batch,
            *(step * s for step, s in zip(steps, geometry.strides, strict=True)),
            *(step * d for step, d in zip(steps, geometry.dilation, strict=True)),
            channel,
        ),
        writeable=False,
    )


def fold(geometry: Geometry, cols: Array) -> Array:
    """(N, *grid, *kernel, C) -> (N, *image, C), every window added to where `unfold` reads it."""
    full = np.zeros((len(cols), *geometry.full, cols.shape[-1]), cols.dtype)
    everywhere = (slice(None),) * (len(geometry.grid) + 1)  # N, *grid
    for t in np.ndindex(geometry.kernel_size):
        first = [tap * d for tap, d in zip(t, geometry.dilation, strict=True)]
        reach = zip(first, geometry.grid, geometry.strides, strict=True)
        full[:, *(slice(j, j + (o - 1) * s + 1, s) for j, o, s in reach)] += cols[*everywhere, *t]
    return crop(full, geometry.begin, geometry.image)


def crop(array: Array, begin: Size, sizes: Size) -> Array:
    """array[:, begin : begin + size] on every spatial axis, with zeros where that leaves the array."""
    spans = list(zip(begin, sizes, array.shape[1:-1], strict=True))
    if all(b >= 0 and b + size <= n for b, size, n in spans):
        return array[:, *(slice(b, b + size) for b, size, _ in spans)]
    result = np.zeros((len(array), *sizes, array.shape[-1]), array.dtype)
    inside = [(max(b, 0), max(min(b + size, n), b, 0)) for b, size, n in spans]
    target = (slice(lo - b, hi - b) for (lo, hi), b in zip(inside, begin, strict=True))
    result[:, *target] = array[:, *(slice(lo, hi) for lo, hi in inside)]
    return result


def to_grid(geometry: Geometry, image: Array, kernel: Array, groups: int) -> Array:
    """(N, *image, C), (*kernel, C/G, F) -> (N, *grid, F)."""
    y = _grouped_columns(geometry, image, groups) @ _grouped_kernel(kernel, groups)  # (G, N*grid, F/G)
    return _merged(y).reshape(len(image), *geometry.grid, kernel.shape[-1])


def to_image(geometry: Geometry, grid: Array, kernel: Array, groups: int) -> Array:
    """(N, *grid, F), (*kernel, C/G, F) -> (N, *image, C)."""
    w = _grouped_kernel(kernel, groups)  # (G, kernel*C/G, F/G)
    cols = _grouped_positions(grid, groups) @ w.transpose(0, 2, 1)  # (G, N*grid, kernel*C/G)
    shape = (len(grid), *geometry.grid, *geometry.kernel_size)
    # (G, N*grid, kernel*C/G) -> (N*grid*kernel, G, C/G) -> (N, *grid, *kernel, C)
    cols = cols.reshape(groups, prod(shape), kernel.shape[-2]).transpose(1, 0, 2)
    return fold(geometry, cols.reshape(*shape, groups * kernel.shape[-2]))


def to_kernel(geometry: Geometry, image: Array, grid: Array, groups: int) -> Array:
    """(N, *image, C), (N, *grid, F) -> (*kernel, C/G, F)."""
    x = _grouped_columns(geometry, image, groups)  # (G, N*grid, kernel*C/G)
    w = x.transpose(0, 2, 1) @ _grouped_positions(grid, groups)  # (G, kernel*C/G, F/G)
    return _merged(w).reshape(*geometry.kernel_size, image.shape[-1] // groups, grid.shape[-1])


def to_image_dilated(geometry: Geometry, grid: Array, kernel: Array, groups: int) -> Array:
    """`to_image` as a convolution at stride 1: the grid dilated by the strides, padded, under the mirrored kernel.

    i = o*s + t*d - begin  with  j = o*s,  t' = k-1-t   <=>   j = i + t'*d - ((k-1)*d - begin)
    """
    rank = len(geometry.grid)
    sizes = tuple(max((o - 1) * s + 1, 0) for o, s in zip(geometry.grid, geometry.strides, strict=True))
    dilated = np.zeros((len(grid), *sizes, grid.shape[-1]), grid.dtype)
    dilated[:, *(slice(None, None, s) for s in geometry.strides)] = grid
    taps = zip(geometry.kernel_size, geometry.dilation, geometry.begin, strict=True)
    begin = tuple((k - 1) * d - b for k, d, b in taps)
    relation = Geometry(sizes, geometry.image, geometry.kernel_size, (1,) * rank, geometry.dilation, begin)
    return to_grid(relation, dilated, mirrored(kernel, groups), groups)


def mirrored(kernel: Array, groups: int) -> Array:
    """The kernel of the adjoint as a convolution at stride 1, backwards: (*kernel, C/G, F) -> (*kernel, F/G, C)."""
    *kernel_size, channels, filters = kernel.shape
    backwards = np.flip(kernel, tuple(range(len(kernel_size))))
    # (*kernel, C/G, G*F/G) -> (*kernel, C/G, G, F/G) -> (*kernel, F/G, G, C/G) -> (*kernel, F/G, G*C/G)
    w = backwards.reshape(*kernel_size, channels, groups, filters // groups).swapaxes(-1, -3)
    return w.reshape(*kernel_size, filters // groups, groups * channels)


def _grouped_columns(geometry: Geometry, image: Array, groups: int) -> Array:
    """(N, *image, C) -> (G, N*grid, kernel*C/G)."""
    cols = unfold(geometry, image)
    channels = image.shape[-1] // groups
    rows, columns = len(image) * prod(geometry.grid), prod(geometry.kernel_size) * channels
    # (N, *grid, *kernel, C) -> (N, *grid, *kernel, G, C/G) -> (G, N, *grid, *kernel, C/G) -> (G, N*grid, kernel*C/G)
    return np.moveaxis(cols.reshape(*cols.shape[:-1], groups, channels), -2, 0).reshape(groups, rows, columns)


def _grouped_kernel(kernel: Array, groups: int) -> Array:
    """(*kernel, C/G, F) -> (kernel*C/G, G, F/G) -> (G, kernel*C/G, F/G)."""
    return kernel.reshape(prod(kernel.shape[:-1]), groups, kernel.shape[-1] // groups).transpose(1, 0, 2)


def _grouped_positions(grid: Array, groups: int) -> Array:
    """(N, *grid, F) -> (N*grid, G, F/G) -> (G, N*grid, F/G)."""
    return grid.reshape(prod(grid.shape[:-1]), groups, grid.shape[-1] // groups).transpose(1, 0, 2)


def _merged(array: Array) -> Array:
    """(G, rows, channels) -> (rows, G, channels) -> (rows, G*channels)."""
    groups, rows, channels = array.shape
    return array.transpose(1, 0, 2).reshape(rows, groups * channels)


def _window_geometry(input_shape: Size, kernel_size: Size, strides: Ints, padding: Padding, dilation: Ints) -> Geometry:
    if len(input_shape) != len(kernel_size) + 2:
        raise ValueError(
            f"input: got shape {input_shape} with kernel_size {kernel_size}, expected (N, *spatial, C) with one spatial"
            " axis per kernel size"
        )
    return conv_geometry(input_shape[1:-1], kernel_size, strides, padding, dilation)
