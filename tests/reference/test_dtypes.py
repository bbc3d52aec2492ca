"""Wrapping integers, one rounding, wide sums; infinities and NaN."""

import ml_dtypes
import numpy as np
import pytest

from convsuite.reference import bias_gradient, conv, conv_transpose, depthwise_conv, input_gradient, kernel_gradient

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
ALGORITHMS = ("im2col", "naive")
TRANSPOSED = ("gemm_col2im", "dilate_pad", "naive")


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_int8_wraps(algorithm: str) -> None:
    x, w = np.full((1, 2, 1), 3, "int8"), np.full((2, 1, 1), 100, "int8")
    y = conv(x, w, algorithm=algorithm)
    assert (y.dtype, y.item()) == (np.int8, 88)  # 600 mod 256
    assert conv(x, w, algorithm=algorithm, accumulation_dtype="int32").item() == 88


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(("dtype", "expected"), [(np.dtype("float16"), 5000), (BFLOAT16, 4992)])
def test_sums_of_narrow_floats_are_wide_and_rounded_once(algorithm: str, dtype: np.dtype, expected: int) -> None:
    x, w = np.ones((1, 5000, 1), dtype), np.ones((5000, 1, 1), dtype)
    y = conv(x, w, algorithm=algorithm)
    assert (y.dtype, float(y.item())) == (dtype, expected)
    y = conv(x, w, bias=np.full(1, -4992, dtype), algorithm=algorithm)
    assert float(y.item()) == 8  # the bias meets the sum before it is rounded
    g = np.ones((1, 5000, 1), dtype)
    assert float(bias_gradient(g).item()) == expected
    assert float(kernel_gradient(x, g, (1, 1, 1), algorithm=algorithm).item()) == expected


@pytest.mark.parametrize("algorithm", TRANSPOSED)
@pytest.mark.parametrize("dtype", [np.dtype("float16"), BFLOAT16])
def test_overlapping_windows_are_summed_wide(algorithm: str, dtype: np.dtype) -> None:
    x, w = np.ones((1, 3000, 1), dtype), np.ones((3000, 1, 1), dtype)
    y = conv_transpose(x, w, padding=2999, algorithm=algorithm)
    assert float(y.item()) == float(dtype.type(3000))


def test_accumulation_dtype_is_the_one_asked_for() -> None:
    x = np.array([1, 2.0**-30], "float32").reshape(1, 2, 1)
    w = np.array([1, 1], "float32").reshape(2, 1, 1)
    minus_one = np.array([-1], "float32")
    assert conv(x, w, bias=minus_one).item() == 0
    assert conv(x, w, bias=minus_one, accumulation_dtype="float64").item() == 2.0**-30


def test_complex_numbers_are_not_conjugated() -> None:
    x, w = np.full((1, 1, 1), 1 + 1j), np.full((1, 1, 1), 1j)
    assert conv(x, w).item() == conv(x, w, algorithm="naive").item() == -1 + 1j


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_one_nan_reaches_the_outputs_whose_window_holds_it(algorithm: str) -> None:
    x = np.ones((1, 7, 7, 2))
    x[0, 3, 3, 0] = np.nan
    y = conv(x, np.ones((3, 3, 2, 4)), padding="same", algorithm=algorithm)
    poisoned = np.zeros((1, 7, 7, 4), bool)
    poisoned[0, 2:5, 2:5] = True
    assert np.array_equal(np.isnan(y), poisoned)
    grouped = conv(x, np.ones((3, 3, 1, 4)), padding="same", groups=2, algorithm=algorithm)
    poisoned[..., 2:] = False
    assert np.array_equal(np.isnan(grouped), poisoned)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_zero_weights_multiply_and_padding_does_not(algorithm: str) -> None:
    x = np.array([0, 0, np.inf, 0, 0]).reshape(1, 5, 1)
    y = conv(x, np.array([0.0, 1, 0]).reshape(3, 1, 1), padding=1, algorithm=algorithm)
    assert np.array_equal(y.ravel(), [0, np.nan, np.inf, np.nan, 0], equal_nan=True)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_an_infinite_weight_meets_no_padding(algorithm: str) -> None:
    x, w = np.ones((1, 4, 4, 1)), np.ones((3, 3, 1, 1))
    w[0, 0] = np.inf
    finite = np.zeros((1, 4, 4, 1), bool)
    finite[0, 0, :] = finite[0, :, 0] = True  # where the infinite tap falls outside
    y = conv(x, w, padding="same", algorithm=algorithm)
    assert not np.isnan(y).any()
    assert np.array_equal(np.isfinite(y), finite)
    assert np.array_equal(np.isfinite(depthwise_conv(x, w, padding="same", algorithm=algorithm)), finite)
    assert not np.isnan(kernel_gradient(x, np.full_like(x, np.inf), w.shape, padding=1, algorithm=algorithm)).any()
    assert not np.isnan(input_gradient(x, w, x.shape, padding=1, algorithm=algorithm)).any()


@pytest.mark.parametrize("algorithm", TRANSPOSED)
def test_an_infinite_weight_meets_no_zeros_between_strides(algorithm: str) -> None:
    x, w = np.ones((1, 3, 1)), np.array([np.inf, 1]).reshape(2, 1, 1)
    y = conv_transpose(x, w, strides=3, padding="same", algorithm=algorithm)
    assert y.ravel().tolist() == [np.inf, 1, 0, np.inf, 1, 0, np.inf, 1, 0]


@pytest.mark.parametrize("dtype", ["float32", "int16", BFLOAT16])
def test_empty_results_have_the_clamped_shape_and_the_dtype(dtype: str) -> None:
    bias = np.ones(5, dtype)
    for algorithm in ALGORITHMS:
        y = conv(np.ones((2, 2, 9, 3), dtype), np.ones((3, 3, 3, 5), dtype), bias=bias, algorithm=algorithm)
        assert (y.shape, y.dtype) == ((2, 0, 7, 5), np.dtype(dtype))
        assert conv(np.ones((0, 9, 3), dtype), np.ones((3, 3, 5), dtype), algorithm=algorithm).shape == (0, 7, 5)
        assert conv(np.ones((1, 0, 3), dtype), np.ones((3, 3, 5), dtype), padding=2, bias=bias).tolist() == [
            [[1] * 5] * 2
        ]
    for algorithm in TRANSPOSED:
        x, w = np.ones((1, 0, 3), dtype), np.ones((3, 5, 3), dtype)
        assert conv_transpose(x, w, padding="same", strides=2, algorithm=algorithm).shape == (1, 0, 5)
        assert conv_transpose(x, w, bias=bias, algorithm=algorithm).tolist() == [[[1] * 5] * 2]


def test_gradients_of_an_empty_output_are_zero() -> None:
    g = np.ones((2, 0, 5))
    assert np.array_equal(input_gradient(g, np.ones((3, 3, 5)), (2, 2, 3)), np.zeros((2, 2, 3)))
    assert np.array_equal(kernel_gradient(np.ones((2, 2, 3)), g, (3, 3, 5)), np.zeros((3, 3, 5)))
    assert np.array_equal(bias_gradient(g), np.zeros(5))


def test_results_are_contiguous_and_own_their_memory() -> None:
    x, w = np.ones((1, 5, 5, 2)), np.ones((1, 1, 2, 2))
    for y in (conv(x, w), conv_transpose(x, w, padding=1), input_gradient(x, w, x.shape)):
        assert y.flags.c_contiguous
        assert not np.shares_memory(y, x)
