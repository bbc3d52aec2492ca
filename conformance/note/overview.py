"""The note's 1.1 to 1.3: local patterns, shuffled pixels, ranks and filters."""

from __future__ import annotations

import itertools
from math import prod

import numpy as np

from ... import reference
from ...reference.geometry import Array
from .proof import differ, integers, require, require_equal, require_refusal

SEEDS = range(5)


def filters_find_local_patterns() -> None:
    """1.1: a filter that is a pattern of +1 and -1 responds with 9, its most, there and only there where it stands."""
    pattern = np.array([[1, -1, 1], [-1, 1, -1], [1, 1, -1]])
    for top, left in np.ndindex(7, 9):
        image = np.zeros((1, 9, 11, 1), int)
        image[0, top : top + 3, left : left + 3, 0] = pattern
        response = reference.conv(image, pattern[..., None, None])[0, :, :, 0]
        require_equal(response.max(), 9, "the filter's largest response")
        require_equal(np.argwhere(response == 9), [[top, left]], "where the filter finds its pattern")


def outputs_see_their_window_only() -> None:
    """1.1, "local": a pixel reaches the outputs whose window holds it, all of them and no others."""
    x, w = integers(1, 6, 7, 2), np.abs(integers(3, 2, 2, 4))
    before = reference.conv(x, w)
    outputs = np.moveaxis(np.indices(before.shape[1:3]), 0, -1)
    for pixel in np.ndindex(6, 7):
        changed = x.copy()
        changed[0, *pixel] += 1
        reached = (reference.conv(changed, w) != before)[0].all(axis=-1)
        offset = np.array(pixel) - outputs
        due = ((offset >= 0) & (offset < (3, 2))).all(axis=-1)
        require_equal(reached, due, f"the outputs that pixel {pixel} reaches")


def shuffled_pixels_pass_1x1_convolutions() -> None:
    """1.1: 1x1 convolutions commute with any pixel shuffle, and what is then summed over the image does not change."""
    x, first, second = integers(2, 5, 6, 3), integers(1, 1, 3, 7, seed=1), integers(1, 1, 7, 4, seed=2)
    scores = _scores(x, first, second)
    for seed in SEEDS:
        shuffled = _shuffle(x, seed)
        due = _shuffle(reference.conv(x, first), seed)
        require_equal(reference.conv(shuffled, first), due, "a 1x1 convolution of the shuffled image")
        require_equal(_scores(shuffled, first, second), scores, "the scores of a network of 1x1 convolutions")


def shuffled_pixels_break_larger_kernels() -> None:
    """1.1: of the shuffled image, any larger kernel gives other values, not the same ones in another order."""
    x = integers(2, 5, 6, 3)
    for kernel_size in itertools.product((1, 2, 3), repeat=2):
        if kernel_size == (1, 1):
            continue
        w = integers(*kernel_size, 3, 4, seed=1)
        y = reference.conv(x, w, padding="same")
        for seed in SEEDS:
            shuffled = reference.conv(_shuffle(x, seed), w, padding="same")
            require(
                differ(np.sort(shuffled, axis=None), np.sort(y, axis=None)),
                f"a {kernel_size} convolution gives the values of the image for the shuffled image too",
            )


def attention_passes_shuffled_pixels() -> None:
    """1.1: self-attention, projected by 1x1 convolutions, commutes with a shuffle until positions are added."""
    x = integers(2, 5, 6, 3).astype(float)
    position = integers(1, 5, 6, 3, seed=9).astype(float)
    kernels = [integers(1, 1, 3, 4, seed=seed) / 16 for seed in (1, 2, 3)]
    for seed in SEEDS:
        due = _shuffle(_attention(x, *kernels), seed)
        require(
            np.allclose(_attention(_shuffle(x, seed), *kernels), due, rtol=1e-9, atol=1e-9),
            "attention of the shuffled image is not the shuffled attention of the image",
        )
        placed = _attention(_shuffle(x, seed) + position, *kernels)
        require(
            not np.allclose(placed, _shuffle(_attention(x + position, *kernels), seed), rtol=1e-3),
            "attention with positions does not see a shuffle",
        )


def conv1d_takes_one_stride() -> None:
    """1.2: the stride of a Conv1D is one number, 1 by default; padding is valid by default; (1, 1) is refused."""
    x, w = integers(2, 9, 3), integers(4, 3, 5, seed=1)
    require_refusal(ValueError, "strides (1, 1) of a Conv1D", lambda: reference.conv(x, w, strides=(1, 1)))
    due = _slid(x, w)
    require_equal(due.shape, (2, 9 - 4 + 1, 5), "the shape of stride 1 and padding valid")
    require_equal(reference.conv(x, w), due, "strides and padding by default")
    require_equal(reference.conv(x, w, strides=1, padding="valid"), due, "strides 1")
    for stride in (2, 3):
        require_equal(reference.conv(x, w, strides=stride), due[:, ::stride], f"strides {stride}")


def conv_slides_along_the_spatial_axes() -> None:
    """1.2, 1.3: three or four axes, the window slides along H or along H and W, and sums over all channels."""
    for spatial, kernel_size in (((9,), (4,)), ((6, 7), (3, 2)), ((6, 7), (1, 4)), ((6, 7), (5, 5))):
        x, w = integers(2, *spatial, 3), integers(*kernel_size, 3, 5, seed=1)
        require_equal(reference.conv(x, w), _slid(x, w), f"kernel {kernel_size} over {spatial}")


def each_filter_has_all_input_channels() -> None:
    """1.2, 1.3: one filter is (*kernel_size, input_channel) and gives one output channel; another depth is refused."""
    for kernel_size in ((4,), (3, 2)):
        x, w = integers(2, *(7, 8)[: len(kernel_size)], 3), integers(*kernel_size, 3, 5, seed=1)
        y = reference.conv(x, w)
        for f in range(5):
            require_equal(reference.conv(x, w[..., f : f + 1])[..., 0], y[..., f], f"filter {f} of {kernel_size} alone")
        for depth in (2, 4):
            wrong = integers(*kernel_size, depth, 5)
            require_refusal(ValueError, f"a filter of depth {depth} on 3 channels", reference.conv, x, wrong)


def _shuffle(x: Array, seed: int) -> Array:
    """The pixels of every image in one random order."""
    order = np.random.RandomState(seed).permutation(prod(x.shape[1:-1]))
    return x.reshape(len(x), -1, x.shape[-1])[:, order].reshape(x.shape)


def _scores(x: Array, first: Array, second: Array) -> Array:
    """A network: 1x1 convolution, ReLU, 1x1 convolution, sum over the image."""
    return reference.conv(np.maximum(reference.conv(x, first), 0), second).sum(axis=(1, 2))


def _attention(x: Array, *kernels: Array) -> Array:
    """softmax(q k^T) v over all pixels."""
    q, k, v = (reference.conv(x, w).reshape(len(x), -1, w.shape[-1]) for w in kernels)
    scores = q @ k.transpose(0, 2, 1)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weighted = weights / weights.sum(axis=-1, keepdims=True) @ v
    return weighted.reshape(*x.shape[:-1], -1)


def _slid(x: Array, w: Array) -> Array:
    """The definition: every window, multiplied with the kernel and summed."""
    rank = x.ndim - 2
    sizes = tuple(n - k + 1 for n, k in zip(x.shape[1:-1], w.shape[:-2], strict=True))
    y = np.zeros((len(x), *sizes, w.shape[-1]), x.dtype)
    for o in np.ndindex(sizes):
        window = x[:, *(slice(i, i + k) for i, k in zip(o, w.shape[:-2], strict=True))]
        y[:, *o] = np.tensordot(window, w, axes=rank + 1)
    return y


CHECKS = (
    filters_find_local_patterns,
    outputs_see_their_window_only,
    shuffled_pixels_pass_1x1_convolutions,
    shuffled_pixels_break_larger_kernels,
    attention_passes_shuffled_pixels,
    conv1d_takes_one_stride,
    conv_slides_along_the_spatial_axes,
    each_filter_has_all_input_channels,
)
