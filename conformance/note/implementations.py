"""The note's 1.3.2: what its naive code and its im2col code compute, and for which images and kernels."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np

from ... import reference
from ...reference.geometry import Array
from . import code
from .proof import differ, integers, require, require_equal, require_refusal

KERNELS = (code.SHARPEN, code.EDGE, code.LINE)
PRINTED_COLUMNS = (
    (0, 0, 0, 0, 0, 1, 0, 8, 9),
    (0, 0, 0, 0, 1, 2, 8, 9, 10),
    (0, 0, 0, 1, 2, 3, 9, 10, 11),
)
COLUMNS = (
    # N, C, H, W, field_height, field_width, padding, stride; sizes that the note's assertion lets through
    (1, 1, 8, 8, 3, 3, 1, 1),
    (1, 3, 7, 5, 3, 3, 1, 2),
    (2, 3, 6, 8, 2, 2, 0, 2),
    (3, 2, 5, 7, 1, 1, 0, 1),
    (2, 2, 7, 10, 4, 4, 0, 3),
    (2, 3, 4, 6, 2, 4, 2, 2),
)


def naive_flips_the_kernel() -> None:
    """1.3.2.1: the naive code is the mathematician's convolution, same size; a Conv2D does not flip."""
    for size, extent in itertools.product((3, 5, 7), ((7, 9), (8, 7))):
        image, kernel = integers(*extent), integers(size, size, seed=1)
        naive = code.convolve2d(image, kernel)
        require_equal(naive, _conv(image, kernel, flip=True), f"naive code, {size}x{size}, against flip=True")
        require_equal(naive, _conv(image, kernel[::-1, ::-1]), f"naive code, {size}x{size}, against a mirrored kernel")
        require(differ(naive, _conv(image, kernel)), f"the naive code agrees with Conv2D on a random {size}x{size}")


def naive_gives_the_printed_example() -> None:
    """1.3.2.1: [[2 2 2] [3 3 3] [2 2 2]], of the naive code and of Conv2D: this kernel is its own mirror image."""
    ones, due = np.ones((3, 3), int), [[2, 2, 2], [3, 3, 3], [2, 2, 2]]
    require_equal(code.convolve2d(ones, code.LINE), due, "the naive code")
    require_equal(_conv(ones, code.LINE), due, "the reference")


def symmetric_kernels_hide_the_flip() -> None:
    """1.3.2: for all kernels of the note, naive code, im2col code and Conv2D agree: each is its own mirror image."""
    image = integers(16, 16)
    for kernel in KERNELS:
        require_equal(kernel[::-1, ::-1], kernel, "the note's kernel mirrored")
        for name, function in (("naive", code.convolve2d), ("im2col", code.convolve_im2col)):
            require_equal(function(image, kernel), _conv(image, kernel), f"{name} code with the note's kernel")


def naive_flips_and_im2col_does_not() -> None:
    """1.3.2.2: the im2col code does not flip; for a kernel that is not its own mirror image the two codes disagree."""
    for extent, seed in itertools.product(((6, 9), (8, 8)), range(5)):
        image, kernel = integers(*extent), integers(3, 3, seed=seed)
        columns, naive = code.convolve_im2col(image, kernel), code.convolve2d(image, kernel)
        require_equal(columns, _conv(image, kernel), "the im2col code against Conv2D")
        require_equal(naive, _conv(image, kernel, flip=True), "the naive code against the flipped one")
        require(differ(columns, naive), "the two codes agree on a random kernel")


def naive_fails_for_1x1_kernels() -> None:
    """1.3.2.1: offset 0 makes [0:-0], an empty slice: an error, or all zeros where the image is 1x1 too."""
    kernel = np.array([[7]])
    for extent in ((2, 2), (3, 5), (8, 8)):
        image = integers(*extent)
        require_refusal(ValueError, "a 1x1 kernel by the naive code", code.convolve2d, image, kernel)
        require_equal(_conv(image, kernel), 7 * image, "a 1x1 kernel")
    image = np.array([[3]])
    require_equal(code.convolve2d(image, kernel), [[0]], "a 1x1 kernel on a 1x1 image by the naive code")
    require_equal(_conv(image, kernel), [[21]], "a 1x1 kernel on a 1x1 image")


def naive_fails_for_even_kernels() -> None:
    """1.3.2.1: "error zero_padding" is printed, then NumPy refuses; same gives an even kernel its odd zero behind."""
    for size in (2, 4, 6):
        image, kernel = integers(7, 8), integers(size, size, seed=1)
        require_refusal(ValueError, f"a {size}x{size} kernel by the naive code", code.convolve2d, image, kernel)
        before = (size - 1) // 2
        pads = ((before, size - 1 - before),) * 2
        due = reference.conv(image[None, ..., None], kernel[..., None, None], padding=pads)[0, ..., 0]
        require_equal(_conv(image, kernel), due, f"same for {size}x{size}")


def naive_needs_square_kernels() -> None:
    """1.3.2.1: the kernel's height pads and cuts both axes; every other width fails."""
    for height, width in itertools.product((3, 5), (1, 2, 3, 5, 7)):
        image, kernel = integers(9, 8), integers(height, width, seed=1)
        require_equal(_conv(image, kernel).shape, (9, 8), f"same for {height}x{width}")
        if height == width:
            require_equal(code.convolve2d(image, kernel), _conv(image, kernel, flip=True), f"{height}x{width}")
        elif width > 1:
            what = f"a {height}x{width} kernel by the naive code"
            require_refusal(ValueError, what, code.convolve2d, image, kernel)
        else:  # broadcast over the window: an answer, of the square kernel with this column everywhere
            due = _conv(image, np.tile(kernel, height), flip=True)
            require_equal(code.convolve2d(image, kernel), due, f"a {height}x1 kernel by the naive code")
            require(differ(due, _conv(image, kernel, flip=True)), f"the naive code is right for {height}x1")


def naive_rounds_to_the_image_dtype() -> None:
    """1.3.2.1: zeros_like(image) makes the output integers where the image is: fractions are cut off."""
    image, kernel = np.ones((3, 4), int), np.zeros((3, 3))
    kernel[1, 1] = 0.5
    require_equal(
        code.convolve2d(image, kernel), np.zeros((3, 4)), "half of an image of integer ones by the naive code"
    )
    for found in (code.convolve2d(image.astype(float), kernel), _conv(image.astype(float), kernel)):
        require_equal(found, np.full((3, 4), 0.5), "half of an image of floating ones")


def edge_kernel_is_zero_inside_and_not_at_the_border() -> None:
    """1.3.2: on a constant image edge (sum 0) gives 0 and sharpen (sum 1) the constant, but not at the border."""
    for height, width in itertools.product((3, 4, 7), (3, 5, 8)):
        image = np.full((height, width), 10)
        edge, sharpen = _conv(image, code.EDGE), _conv(image, code.SHARPEN)
        # 0 inside, 1 at a border, 2 in a corner: taps that meet padding are 0, 3, 5 of the square, 0, 1, 2 of the cross
        ends = np.add.outer(*(np.isin(np.arange(n), (0, n - 1)) for n in (height, width)), dtype=int)
        require_equal(edge, 10 * np.array([0, 3, 5])[ends], f"edge on a constant {height}x{width}")
        require_equal(sharpen, 10 * (1 + ends), f"sharpen on a constant {height}x{width}")


def im2col_makes_convolution_a_matrix_product() -> None:
    """1.3.2.2: the kernel as a matrix times the windows as columns is the convolution, of every shape and stride."""
    cases = itertools.product(((9,), (7, 6), (5, 4, 3)), (1, 2, 3), (1, 2), ("valid", "same"), (1, 2))
    for spatial, k, s, padding, d in cases:
        if padding == "valid" and d * (k - 1) + 1 > min(spatial):
            continue
        kernel_size = (k,) * len(spatial)
        x, w = integers(2, *spatial, 3), integers(*kernel_size, 3, 4, seed=1)
        cols = reference.im2col(x, kernel_size, strides=s, padding=padding, dilation=d)
        out = cols.shape[: len(spatial) + 1]
        product = cols.reshape(prod(out), -1) @ w.reshape(-1, 4)
        due = reference.conv(x, w, strides=s, padding=padding, dilation=d, algorithm="naive")
        require_equal(product.reshape(*out, 4), due, f"matrix product for {kernel_size} over {spatial}, {padding}")


def im2col_print_out() -> None:
    """1.3.2.2: shape (9, 64) and columns 0 to 2 of the 8x8 image, to the digit, by the note's code and by ours."""
    image = np.arange(64).reshape(1, 1, 8, 8)
    ours = reference.im2col(image.reshape(1, 8, 8, 1), (3, 3), padding=1).reshape(64, 9).T
    for name, cols in (("the note's code", code.im2col(image, 3, 3, 1, 1)), ("the reference", ours)):
        require_equal(cols.shape, (9, 64), f"shape of the columns, {name}")
        require_equal(cols[:, :3].T, PRINTED_COLUMNS, f"columns 0 to 2, {name}")
        require_equal(cols[4], np.arange(64), f"the row of the middle tap, {name}")


def im2col_code_agrees_with_the_reference() -> None:
    """1.3.2.2: rows by channel, then tap; columns by position, then image, so that a product has the batch last."""
    for n, c, h, w, kh, kw, p, s in COLUMNS:
        x = integers(n, c, h, w)
        cols = code.im2col(x, kh, kw, p, s)
        ours = reference.im2col(_last(x), (kh, kw), strides=s, padding=p)
        # (N, *out, kh, kw, C) -> (C, kh, kw, *out, N)
        require_equal(cols, ours.transpose(5, 3, 4, 1, 2, 0).reshape(cols.shape), f"columns of {x.shape}")
        kernel = integers(kh, kw, c, 5, seed=1)
        product = kernel.transpose(3, 2, 0, 1).reshape(5, -1) @ cols
        due = reference.conv(_last(x), kernel, strides=s, padding=p)
        require_equal(product.reshape(5, *due.shape[1:3], n).transpose(3, 1, 2, 0), due, f"product of {x.shape}")


def im2col_code_refuses_what_does_not_divide() -> None:
    """1.3.2.2: its assertion; every framework floors instead, as the code's own // would."""
    refused = 0
    for h, k, p, s in itertools.product(range(3, 9), (1, 2, 3), (0, 1), (2, 3)):
        x, rest = integers(1, 2, h, h), (h + 2 * p - k) % s
        due = (h + 2 * p - k) // s + 1
        got = reference.im2col(_last(x), (k, k), strides=s, padding=p).shape[1:3]
        require_equal(got, (due, due), f"size for H=W={h}, k={k}, padding={p}, stride={s}")
        if rest:
            refused += 1
            what = f"H=W={h}, k={k}, padding={p}, stride={s} by the note's im2col"
            require_refusal(AssertionError, what, code.im2col, x, k, k, p, s)
        else:
            require_equal(code.im2col(x, k, k, p, s).shape[1], due * due, "number of columns")
    require_equal(refused, 42, "sizes out of 72 that the note's assertion refuses")


def im2col_code_tests_the_width_by_the_height() -> None:
    """1.3.2.2: W + 2p - field_height: a width that divides is refused, one that does not is let through."""
    x = integers(1, 1, 4, 5)
    require_equal(((4 - 2) % 2, (5 - 3) % 2), (0, 0), "what is left over of 4x5 by 2x3 at stride 2")
    require_refusal(AssertionError, "4x5 by 2x3 at stride 2 by the note's im2col", code.im2col, x, 2, 3, 0, 2)
    require_equal(reference.im2col(_last(x), (2, 3), strides=2).shape[1:3], (2, 2), "its positions")
    x = integers(1, 1, 4, 6)
    require_equal((6 - 3) % 2, 1, "what is left over of a width of 6 by 3 at stride 2")
    cols = code.im2col(x, 2, 3, 0, 2)
    ours = reference.im2col(_last(x), (2, 3), strides=2)
    require_equal(cols, ours.transpose(5, 3, 4, 1, 2, 0).reshape(6, -1), "its columns, the width floored")


def col2im_is_the_adjoint_of_im2col() -> None:
    """1.3.2.2: <im2col(x), c> = <x, col2im(c)>, overlaps added up; padding 0 is a case of its own, rightly."""
    for n, c, h, w, kh, kw, p, s in COLUMNS:
        x = integers(n, c, h, w)
        cols = code.im2col(x, kh, kw, p, s)
        weights = integers(*cols.shape, seed=1)
        back = code.col2im(weights, x.shape, kh, kw, p, s)
        require_equal((cols * weights).sum(), (x * back).sum(), f"the two inner products for {x.shape}")
        oh, ow = ((size + 2 * p - k) // s + 1 for size, k in ((h, kh), (w, kw)))
        # (C*kh*kw, oh*ow*N) -> (N, oh, ow, kh, kw, C)
        windows = weights.reshape(c, kh, kw, oh, ow, n).transpose(5, 3, 4, 1, 2, 0)
        ours = reference.col2im(windows, _last(x).shape, (kh, kw), strides=s, padding=p)
        require_equal(_last(back), ours, f"col2im for {x.shape}")
        counts = code.col2im(np.ones_like(weights), x.shape, kh, kw, p, s)
        require_equal(code.col2im(cols, x.shape, kh, kw, p, s), x * counts, "col2im of im2col: x, once per window")


def convolve_im2col_serves_3x3_only() -> None:
    """1.3.2.2: the padding stays 1, so that only a 3x3 kernel gives the image's size back."""
    image = integers(10, 10)
    for size in (1, 2, 4, 5, 7):
        kernel = integers(size, size, seed=1)
        what = f"a {size}x{size} kernel by convolve_im2col"
        require_refusal(ValueError, what, code.convolve_im2col, image, kernel)
        require_equal(_conv(image, kernel).shape, (10, 10), f"same for {size}x{size}")
    kernel = integers(3, 3, seed=1)
    require_equal(code.convolve_im2col(image, kernel), _conv(image, kernel), "a 3x3 kernel by convolve_im2col")


def _conv(image: Array, kernel: Array, *, flip: bool = False) -> Array:
    """One image (H, W), one kernel (h, w): Conv2D with padding same."""
    return reference.conv(image[None, ..., None], kernel[..., None, None], padding="same", flip=flip)[0, ..., 0]


def _last(x: Array) -> Array:
    """(N, C, H, W) -> (N, H, W, C)."""
    return np.moveaxis(x, 1, -1)


CHECKS = (
    naive_flips_the_kernel,
    naive_gives_the_printed_example,
    symmetric_kernels_hide_the_flip,
    naive_flips_and_im2col_does_not,
    naive_fails_for_1x1_kernels,
    naive_fails_for_even_kernels,
    naive_needs_square_kernels,
    naive_rounds_to_the_image_dtype,
    edge_kernel_is_zero_inside_and_not_at_the_border,
    im2col_makes_convolution_a_matrix_product,
    im2col_print_out,
    im2col_code_agrees_with_the_reference,
    im2col_code_refuses_what_does_not_divide,
    im2col_code_tests_the_width_by_the_height,
    col2im_is_the_adjoint_of_im2col,
    convolve_im2col_serves_3x3_only,
)
