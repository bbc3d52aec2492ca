"""The note's own code (1.3.2), in other words: what it does stays, mistakes included; what it shows is left out.

Images are (H, W), kernels (h, w), batches (N, C, H, W), columns (C*h*w, positions), as in the note.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...reference.geometry import Array, Size

SHARPEN = np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]])
EDGE = np.array([[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]])
LINE = np.array([[0, 1, 0], [0, 1, 0], [0, 1, 0]])
"""The kernel of the printed example."""


def convolve2d(image: Array, kernel: Array) -> Array:
    """`convolve2d` of 1.3.2.1; an odd padding, of which the note prints "error zero_padding", does not stop it."""
    kernel = np.flipud(np.fliplr(kernel))
    output = np.zeros_like(image)
    size = kernel.shape[0]
    padding = size - 1
    offset = padding // 2
    padded = np.zeros((image.shape[0] + padding, image.shape[1] + padding))
    padded[offset:-offset, offset:-offset] = image
    for y, x in np.ndindex(image.shape):
        output[y, x] = (kernel * padded[y : y + size, x : x + size]).sum()
    return output


def im2col_indices(
    shape: Size, field_height: int, field_width: int, padding: int = 1, stride: int = 1
) -> tuple[Array, Array, Array]:
    """`get_im2col_indices` of 1.3.2.2: (channel, row, column) of every entry of the columns."""
    _, channels, height, width = shape
    for extent in (height, width):  # the field's height in both, as in the note
        if (extent + 2 * padding - field_height) % stride:
            raise AssertionError(f"({extent} + 2 * {padding} - {field_height}) % {stride} is not 0")
    out_height = (height + 2 * padding - field_height) // stride + 1
    out_width = (width + 2 * padding - field_width) // stride + 1
    row = np.tile(np.repeat(np.arange(field_height), field_width), channels)
    column = np.tile(np.arange(field_width), field_height * channels)
    down = stride * np.repeat(np.arange(out_height), out_width)
    right = stride * np.tile(np.arange(out_width), out_height)
    channel = np.repeat(np.arange(channels), field_height * field_width)
    return channel[:, None], row[:, None] + down, column[:, None] + right


def im2col(x: Array, field_height: int, field_width: int, padding: int = 1, stride: int = 1) -> Array:
    """`im2col_indices` of 1.3.2.2: a column per position and image, the images side by side within a position."""
    padded = np.pad(x, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    cols = padded[:, *im2col_indices(x.shape, field_height, field_width, padding, stride)]
    return cols.transpose(1, 2, 0).reshape(field_height * field_width * x.shape[1], -1)


def col2im(
    cols: Array, shape: Size, field_height: int = 3, field_width: int = 3, padding: int = 1, stride: int = 1
) -> Array:
    """`col2im_indices` of 1.3.2.2."""
    batch, channels, height, width = shape
    padded = np.zeros((batch, channels, height + 2 * padding, width + 2 * padding), cols.dtype)
    places: Any = (slice(None), *im2col_indices(shape, field_height, field_width, padding, stride))
    reshaped = cols.reshape(channels * field_height * field_width, -1, batch).transpose(2, 0, 1)
    np.add.at(padded, places, reshaped)
    return padded[:, :, padding:-padding, padding:-padding] if padding else padded


def convolve_im2col(image: Array, kernel: Array) -> Array:
    """`convolve_im2col` of 1.3.2.2, for images of any size instead of 160x160; the padding stays its default, 1."""
    cols = im2col(image.reshape(1, 1, *image.shape), *kernel.shape)
    return np.dot(kernel.reshape(1, -1), cols).reshape(image.shape)
