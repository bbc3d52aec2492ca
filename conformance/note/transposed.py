"""The note's 1.4: both ways to compute a transposed convolution, the shapes on the way, and why it bears the name."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from ... import reference
from ...reference.geometry import Array, Size
from .proof import differ, integers, require, require_equal, require_refusal

CHANNELS = ((1, 1), (2, 3), (4, 2), (3, 3))
"""(C_in, C_out)."""


def deconv_has_two_equal_computations() -> None:
    """1.4: dilate and pad against gemm and col2im, bit for bit, for every size, stride, padding and dilation."""
    cases = itertools.product(((5,), (3, 4), (2, 3, 2)), (1, 2, 3), (1, 2, 3), (1, 2), ("valid", "same", 1))
    for spatial, k, s, d, padding in cases:
        x, w = integers(2, *spatial, 3), integers(*(k,) * len(spatial), 4, 3, seed=1)
        arguments: dict[str, Any] = {"strides": s, "padding": padding, "dilation": d}
        due = reference.conv_transpose(x, w, algorithm="gemm_col2im", **arguments)
        got = reference.conv_transpose(x, w, algorithm="dilate_pad", **arguments)
        require_equal(got, due, f"dilate and pad against gemm and col2im, k={k}, s={s}, d={d}, {padding}, {spatial}")


def deconv_upsamples_by_its_stride() -> None:
    """1.4: n becomes n*s under same; s ones at stride s repeat every pixel. At stride 1 nothing is upsampled."""
    for n, k, s in itertools.product(range(1, 8), range(1, 6), range(1, 5)):
        x = integers(1, n, 2)
        got = reference.conv_transpose(x, integers(k, 3, 2, seed=1), strides=s, padding="same")
        require_equal(got.shape[1], n * s, f"size of n={n}, k={k}, s={s}")
        if k == s:
            identity = np.tile(np.eye(2, dtype=int), (s, 1, 1))
            got = reference.conv_transpose(x, identity, strides=s)
            require_equal(got, np.repeat(x, s, axis=1), f"{s} ones at stride {s}")


def deconv_is_a_conv_of_the_dilated_input() -> None:
    """1.4.1: s-1 zeros between the inputs, k-1-p around, stride 1, and the kernel mirrored, in and out exchanged."""
    cases = itertools.product(((5,), (3, 4)), (2, 3, 4), (1, 2, 3), (0, 1))
    for spatial, k, s, p in cases:
        rank = len(spatial)
        x, w = integers(2, *spatial, 3), integers(*(k,) * rank, 4, 3, seed=1)
        due = reference.conv_transpose(x, w, strides=s, padding=p)
        dilated = np.zeros((2, *((n - 1) * s + 1 for n in spatial), 3), int)
        dilated[:, *(slice(None, None, s),) * rank] = x
        exchanged = w.swapaxes(-1, -2)
        mirrored = np.flip(exchanged, tuple(range(rank)))
        require_equal(reference.conv(dilated, mirrored, padding=k - 1 - p), due, f"k={k}, s={s}, p={p}, {spatial}")
        plain = reference.conv(dilated, exchanged, padding=k - 1 - p)
        require(differ(plain, due), f"k={k}, s={s}, p={p}: the kernel need not be mirrored")


def conv_is_w_times_the_columns() -> None:
    """1.4.2: (C_out, C_in*K_h*K_w) times (C_in*K_h*K_w, H_out*W_out) is the convolution."""
    for (c_in, c_out), (k_h, k_w), s in itertools.product(CHANNELS, ((2, 3), (3, 1)), (1, 2)):
        x, w = integers(1, 7, 6, c_in), integers(c_out, c_in, k_h, k_w, seed=1)
        y = reference.conv(x, w.transpose(2, 3, 1, 0), strides=s)
        _, h_out, w_out, _ = y.shape
        columns = _columns(x, (k_h, k_w), s)
        require_equal(columns.shape, (c_in * k_h * k_w, h_out * w_out), "shape of the columns")
        product = w.reshape(c_out, -1) @ columns
        require_equal(product.reshape(c_out, h_out, w_out), y[0].transpose(2, 0, 1), f"W times columns, {w.shape}")


def deconv_kernel_has_in_and_out_exchanged() -> None:
    """1.4.2: the transpose of W (C_out, C_in*K_h*K_w) takes C_out channels to C_in; it does not multiply a C_in input.

    For W^T (C_out*K_h*K_w, C_in) the kernel is that of a convolution from C_out to C_in channels.
    """
    for (c_in, c_out), (k_h, k_w), s in itertools.product(CHANNELS, ((2, 3), (3, 1)), (1, 2)):
        x = integers(1, 3, 4, c_in)
        wrong = integers(c_out, c_in, k_h, k_w, seed=1).reshape(c_out, -1).T
        require_equal(wrong.shape, (c_in * k_h * k_w, c_out), "shape of the note's W transposed")
        if c_in != c_out:
            what = f"the note's W^T times an input of {c_in} channels"
            require_refusal(ValueError, what, np.matmul, wrong, _rows(x))
        kernel = integers(c_in, c_out, k_h, k_w, seed=1)
        transposed = kernel.reshape(c_in, -1).T
        require_equal(transposed.shape, (c_out * k_h * k_w, c_in), "shape of W^T")
        due = reference.conv_transpose(x, kernel.transpose(2, 3, 1, 0), strides=s)
        require_equal(due.shape[-1], c_out, "channels of the transposed convolution")
        require_equal(_folded(transposed @ _rows(x), due.shape, (k_h, k_w), s), due, f"W^T and col2im, {kernel.shape}")


def deconv_is_gemm_then_col2im() -> None:
    """1.4.2: W^T times input is (C_out*K_h*K_w, H_in*W_in); col2im adds it up, overlaps too, to C_out*H_out*W_out."""
    for (c_in, c_out), k, s in itertools.product(CHANNELS, (2, 3), (1, 2, 3)):
        x, w = integers(1, 3, 4, c_in), integers(k, k, c_out, c_in, seed=1)
        due = reference.conv_transpose(x, w, strides=s, algorithm="naive")
        columns = w.transpose(2, 0, 1, 3).reshape(-1, c_in) @ _rows(x)
        require_equal(columns.shape, (c_out * k * k, 3 * 4), "shape of W^T times input")
        require_equal(_folded(columns, due.shape, (k, k), s), due, f"col2im of W^T times input, k={k}, s={s}")
        blocks = columns.reshape(c_out, k, k, 3, 4)
        assigned = np.zeros((c_out, *due.shape[1:3]), int)
        for i, j in np.ndindex(3, 4):
            assigned[:, i * s : i * s + k, j * s : j * s + k] = blocks[..., i, j]
        overlap = s < k
        require(differ(assigned, due[0].transpose(2, 0, 1)) == overlap, f"k={k}, s={s}: filling in is not adding up")


def conv_maps_blocks_to_points_and_deconv_points_to_blocks() -> None:
    """1.4.2: matmul((x,k),(k,1)) and matmul((x,1),(1,k)), the blocks being added where they overlap."""
    for n, k, s in itertools.product(range(1, 8), range(1, 6), range(1, 6)):
        kernel = integers(k, 1, seed=1)
        signal = integers((n - 1) * s + k)
        blocks = np.stack([signal[i * s : i * s + k] for i in range(n)])
        points = reference.conv(signal[None, :, None], kernel[..., None], strides=s)
        require_equal(blocks @ kernel, points[0], f"blocks to points, k={k}, s={s}")
        made = points[0] @ kernel.T
        require_equal(made.shape, blocks.shape, "shape of the blocks")
        total = np.zeros_like(signal)
        for i in range(n):
            total[i * s : i * s + k] += made[i]
        back = reference.conv_transpose(points, kernel[..., None], strides=s, padding=0)
        require_equal(back.ravel(), total, f"points to blocks, k={k}, s={s}")
        if k == s:
            require_equal(back.ravel(), made.ravel(), f"blocks side by side, k={k}, s={s}")


def deconv_is_the_transposed_matrix_and_no_inverse() -> None:
    """1.4.2, "conv_transposed": with the convolution as a matrix A, it is A^T; A^T A x is not x."""
    for k, s, padding in itertools.product((2, 3), (1, 2), (0, 1)):
        grid = reference.output_shape("conv", (1, 6, 5, 2), (k, k, 2, 3), strides=s, padding=padding)
        exact = tuple((o - 1) * s + k - 2 * padding for o in grid[1:3])
        w = integers(k, k, 2, 3, seed=1)
        image, grid = (1, *exact, 2), (1, *grid[1:3], 3)
        forward = _matrix(lambda x, w=w, s=s, p=padding: reference.conv(x, w, strides=s, padding=p), image)
        backward = _matrix(lambda y, w=w, s=s, p=padding: reference.conv_transpose(y, w, strides=s, padding=p), grid)
        require_equal(backward, forward.T, f"the matrix of the transposed convolution, k={k}, s={s}, padding={padding}")
        x = integers(prod(image), seed=2)
        require(differ(backward @ forward @ x, x), "a transposed convolution undoes the convolution")


def _rows(x: Array) -> Array:
    """(1, H, W, C) -> (C, H*W)."""
    return x.reshape(-1, x.shape[-1]).T


def _columns(x: Array, kernel_size: Size, stride: int) -> Array:
    """(1, H, W, C) -> (C*K_h*K_w, positions), of the reference's im2col."""
    cols = reference.im2col(x, kernel_size, strides=stride)[0]
    return cols.transpose(4, 2, 3, 0, 1).reshape(x.shape[-1] * prod(kernel_size), -1)


def _folded(columns: Array, shape: Size, kernel_size: Size, stride: int) -> Array:
    """(C*K_h*K_w, positions) -> (1, H, W, C), by the reference's col2im."""
    _, *spatial, channels = shape
    positions = tuple((n - k) // stride + 1 for n, k in zip(spatial, kernel_size, strict=True))
    windows = columns.reshape(channels, *kernel_size, *positions).transpose(3, 4, 1, 2, 0)
    # where the stride leaves gaps between the blocks, `shape` is larger than they cover: the rest stays zero
    return reference.col2im(windows[None], shape, kernel_size, strides=stride)


def _matrix(function: Callable[[Array], Array], shape: Size) -> Array:
    """The matrix of a linear function of arrays of this shape: its columns are the results for unit arrays."""
    units = np.eye(prod(shape), dtype=int)
    return np.stack([function(unit.reshape(shape)).ravel() for unit in units], axis=-1)


CHECKS = (
    deconv_has_two_equal_computations,
    deconv_upsamples_by_its_stride,
    deconv_is_a_conv_of_the_dilated_input,
    conv_is_w_times_the_columns,
    deconv_kernel_has_in_and_out_exchanged,
    deconv_is_gemm_then_col2im,
    conv_maps_blocks_to_points_and_deconv_points_to_blocks,
    deconv_is_the_transposed_matrix_and_no_inverse,
)
