"""Examples worked by hand: digit-coded kernels on small integers show which tap met which sample."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from convsuite.reference import conv, conv_transpose, depthwise_conv, separable_conv

ALGORITHMS = ("im2col", "naive")
TRANSPOSED = ("gemm_col2im", "dilate_pad", "naive")


def samples(values: Sequence[float], dtype: str = "int64") -> np.ndarray:
    return np.array(values, dtype).reshape(1, -1, 1)


def kernel(values: Sequence[float], dtype: str = "int64") -> np.ndarray:
    return np.array(values, dtype).reshape(-1, 1, 1)


def text(y: np.ndarray) -> str:
    return " ".join(f"{value:g}" for value in y.ravel())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("x", "w", "keywords", "expected"),
    [
        ([1, 2, 3, 4, 5], [1, 10], {}, "21 32 43 54"),
        ([1, 2, 3, 4, 5], [1, 10], {"padding": "same"}, "21 32 43 54 5"),
        ([1, 2, 3, 4, 5], [1, 10], {"padding": "same", "strides": 2}, "21 43 5"),
        ([1, 2, 3, 4, 5], [1, 10], {"padding": "same_lower"}, "10 21 32 43 54"),
        ([1, 2, 3, 4, 5], [1, 10], {"padding": "same_lower", "strides": 2}, "10 32 54"),
        ([1, 2, 3, 4, 5], [1, 10, 100, 1000], {"padding": "same"}, "3210 4321 5432 543 54"),
        ([1, 2, 3, 4, 5], [7], {"padding": "same", "strides": 3}, "7 28"),
        ([1, 2, 3, 4], [1, 10, 100], {"padding": "same", "strides": 2}, "321 43"),  # TensorFlow
        ([1, 2, 3, 4], [1, 10, 100], {"padding": 1, "strides": 2}, "210 432"),  # PyTorch, padding=1
        ([1, 2, 3, 4, 5], [1, 10], {"padding": "causal", "dilation": 2}, "10 20 31 42 53"),
        ([1, 2, 3, 4, 5], [1, 10], {"padding": "causal", "strides": 2}, "10 32 54"),
        ([0, 1, 2, 3, 4], [1, 1], {"padding": ((-1, -1),)}, "3 5"),
        ([1, 2, 3, 4, 5], [1, 1], {"padding": ((3, -2),)}, "0 0 1 3 5"),  # pads and crops
        ([1, 2], [1, 1], {"padding": ((-3, 4),)}, "0 0"),  # crops beyond the input
        ([1, 2, 3, 4, 5], [1, 10, 100], {}, "321 432 543"),
        ([1, 2, 3, 4, 5], [1, 10, 100], {"flip": True}, "123 234 345"),  # numpy.convolve
    ],
)
def test_conv(algorithm: str, x: list[int], w: list[int], keywords: dict[str, Any], expected: str) -> None:
    assert text(conv(samples(x), kernel(w), algorithm=algorithm, **keywords)) == expected


@pytest.mark.parametrize("algorithm", TRANSPOSED)
@pytest.mark.parametrize(
    ("n", "w", "keywords", "expected"),
    [
        (3, [1], {"strides": 3}, "1 0 0 1 0 0 1 0 0"),
        (3, [1, 10, 100], {"strides": 2}, "1 10 101 10 101 10 100"),
        (3, [1, 10, 100], {"strides": 2, "padding": "same"}, "1 10 101 10 101 10"),
        (3, [1, 10, 100], {"strides": 2, "padding": "same", "output_padding": 0}, "10 101 10 101 10"),
        (3, [1, 10, 100], {"strides": 2, "padding": "same", "output_padding": 1}, "1 10 101 10 101 10"),
        (3, [1, 10, 100], {"strides": 2, "padding": "same_lower"}, "10 101 10 101 10 100"),
        (3, [1, 10, 100], {"strides": 2, "padding": 1}, "10 101 10 101 10"),
        (3, [1, 2, 3], {"strides": 2, "padding": 1, "output_padding": 1}, "2 4 2 4 2 3"),
        (3, [1, 2, 3], {"strides": 2, "padding": 0, "output_padding": 1}, "1 2 4 2 4 2 3 0"),
        (3, [1, 2, 3], {"strides": 2, "padding": "same"}, "1 2 4 2 4 2"),
        (3, [1, 2, 3], {"strides": 2, "padding": "same", "flip": True}, "3 2 4 2 4 2"),  # lax.conv_transpose
        (2, [1, 2], {"strides": 2, "padding": ((-1, -2),)}, "0 1 2 1 2 0 0"),
        (2, [1, 10], {"dilation": 3}, "1 1 0 10 10"),
    ],
)
def test_conv_transpose(algorithm: str, n: int, w: list[int], keywords: dict[str, Any], expected: str) -> None:
    assert text(conv_transpose(samples([1] * n), kernel(w), algorithm=algorithm, **keywords)) == expected


@pytest.mark.parametrize("algorithm", TRANSPOSED)
def test_bias_is_added_to_the_zero_tail(algorithm: str) -> None:
    x, w, bias = samples([1, 1], "float32"), kernel([1, 1], "float32"), np.array([0.5], "float32")
    y = conv_transpose(x, w, strides=3, padding=0, output_padding=1, bias=bias, algorithm=algorithm)
    assert text(y) == "1.5 1.5 0.5 1.5 1.5 0.5"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_depthwise_channels_are_all_multipliers_of_the_first_input_channel_first(algorithm: str) -> None:
    x = np.array([1, 100]).reshape(1, 1, 2)
    w = np.arange(1, 7).reshape(1, 2, 3)
    assert text(depthwise_conv(x, w, algorithm=algorithm)) == "1 2 3 400 500 600"


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_depthwise_takes_stride_and_dilation_together(algorithm: str) -> None:
    x, w = np.arange(81).reshape(1, 9, 9, 1), np.array([1, 0, 0, 0, 0, 0, 0, 0, 100]).reshape(3, 3, 1, 1)
    y = depthwise_conv(x, w, strides=2, dilation=2, algorithm=algorithm)
    assert y.shape == (1, 3, 3, 1)
    assert text(y[0, 0]) == "4000 4202 4404"  # x[0, j] + 100 * x[4, j + 4]


def test_groups_are_contiguous_blocks_of_input_and_output_channels() -> None:
    x = np.array([1, 10, 100, 1000]).reshape(1, 1, 4)
    w = np.array([[[1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 1, 1]]])  # (1, C/groups, F)
    assert text(conv(x, w, groups=2)) == "11 12 13 1400 1500 1600"
    w = np.array([[[1, 2, 3, 4], [5, 6, 7, 8], [1, 1, 1, 1]]])  # (1, F/groups, C)
    assert text(conv_transpose(x, w, groups=2)) == "21 65 11 4300 8700 1100"


def test_separable_is_depthwise_then_pointwise_then_bias() -> None:
    x = np.array([[1, 2], [3, 4], [5, 6]]).reshape(1, 3, 2)
    depthwise = np.array([[[1], [10]], [[1], [10]]])  # (2, 2, 1): sums of two neighbours, times 1 and times 10
    pointwise = np.array([[[1, 0, 1], [0, 1, 1]]])  # (1, 2, 3)
    y = separable_conv(x, depthwise, pointwise, bias=np.array([0, 0, 1000]))
    assert text(y) == "4 60 1064 8 100 1108"


def test_rank_4_needs_no_code_of_its_own() -> None:
    x, w = np.arange(3**4).reshape(1, 3, 3, 3, 3, 1), np.ones((2, 2, 2, 2, 1, 1), int)
    assert conv(x, w).shape == (1, 2, 2, 2, 2, 1)
    assert np.array_equal(conv(x, w), conv(x, w, algorithm="naive"))
