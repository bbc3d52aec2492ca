"""What is refused, and that the message says what, got and expected."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convsuite.reference import (
    col2im,
    conv,
    conv_transpose,
    depthwise_conv,
    im2col,
    input_gradient,
    kernel_gradient,
    output_shape,
    separable_conv,
)


def ones(*shape: int, dtype: str = "float32") -> np.ndarray:
    return np.ones(shape, dtype)


X, W = ones(1, 5, 6, 4), ones(3, 3, 4, 6)
MALFORMED: list[Any] = [1.5, (1, 1)]  # what the annotations refuse too
REFUSED: list[tuple[type[Exception], Callable[[], Any], str]] = [
    (ValueError, lambda: conv(X, W, strides=(0, 1)), "strides: got (0, 1), expected 1 or more on every axis"),
    (ValueError, lambda: conv(X, W, dilation=0), "dilation: got (0, 0), expected 1 or more on every axis"),
    (ValueError, lambda: conv(X, ones(3, 0, 4, 6)), "kernel_size: got (3, 0), expected 1 or more on every axis"),
    (
        ValueError,
        lambda: conv(X, W, strides=(1, 1, 1)),
        "strides: got (1, 1, 1), expected an int or 2 ints, one per spatial axis",
    ),
    (
        TypeError,
        lambda: conv(X, W, dilation=MALFORMED[0]),
        "dilation: got 1.5, expected an int or 2 ints, one per spatial axis",
    ),
    (
        ValueError,
        lambda: conv(X, W, padding="SAME"),
        "padding: got 'SAME', expected one of ('valid', 'same', 'same_lower', 'causal'), an int or pairs (lo, hi)",
    ),
    (ValueError, lambda: conv(X, W, padding=MALFORMED[1]), "padding: got (1, 1), expected one of"),
    (ValueError, lambda: conv(X, W, padding=((1, 1),)), "padding: got 1 pairs, ((1, 1),), expected 2"),
    (ValueError, lambda: conv(X, W, padding="causal"), "padding: got 'causal' on 2 spatial axes, expected one"),
    (
        ValueError,
        lambda: conv_transpose(ones(1, 5, 4), ones(3, 6, 4), padding="causal"),
        "padding: got 'causal', expect",
    ),
    (ValueError, lambda: conv(X, W, groups=4), "groups: got 4 for conv, expected a divisor of 6"),
    (ValueError, lambda: conv(X, W, groups=0), "groups: got 0 for conv, expected a divisor of 6"),
    (
        ValueError,
        lambda: conv_transpose(X, ones(3, 3, 2, 4), groups=3),
        "groups: got 3 for conv_transpose, expected a di",
    ),
    (
        ValueError,
        lambda: conv(X, W, groups=2),
        "conv: got 4 input channels and a kernel of shape (3, 3, 4, 6) in 2 groups, expected 8 input channels",
    ),
    (ValueError, lambda: depthwise_conv(X, ones(3, 3, 2, 1)), "depthwise_conv: got 4 input channels and a kernel of"),
    (
        ValueError,
        lambda: conv_transpose(X, W),
        "conv_transpose: got 4 input channels and a kernel of shape (3, 3, 4, 6)",
    ),
    (
        ValueError,
        lambda: conv(X, ones(3, 4, 6)),
        "conv: got an input of shape (1, 5, 6, 4) and a kernel of shape (3, 4,",
    ),
    (
        ValueError,
        lambda: conv(ones(5, 4), ones(4, 6)),
        "conv: got an input of shape (5, 4) and a kernel of shape (4, 6)",
    ),
    (
        ValueError,
        lambda: conv_transpose(X, ones(3, 3, 6, 4), strides=(1, 2), padding="same", output_padding=1),
        "output_padding: got (1, 1), expected 0 or more and less than (1, 2) per axis",
    ),
    (
        ValueError,
        lambda: conv_transpose(X, ones(3, 3, 6, 4), strides=2, dilation=(1, 3), padding=1, output_padding=2),
        "output_padding: got (2, 2), expected 0 or more and less than (2, 3) per axis",
    ),
    (ValueError, lambda: conv(X, W, bias=ones(4)), "bias: got shape (4,), expected (6,), one per output channel"),
    (
        ValueError,
        lambda: conv(X, W, algorithm="strassen"),
        "algorithm: got 'strassen', expected one of ('im2col', 'naive', 'auto', 'blocked', 'direct', 'fft', ",
    ),
    (
        TypeError,
        lambda: conv(X, W.astype("float64")),
        "dtypes: got ['float32', 'float64'], expected one dtype for all arrays",
    ),
    (
        TypeError,
        lambda: conv(X, W, accumulation_dtype="int32"),
        "accumulation_dtype: got int32 for float32, expected integers for integers, else not",
    ),
    (TypeError, lambda: conv(X > 0, W > 0), "dtype: got bool, expected integers, floats or complex"),
    (
        ValueError,
        lambda: separable_conv(X, ones(3, 3, 4, 1), ones(3, 1, 4, 6)),
        "pointwise_kernel: got shape (3, 1, 4, 6), expected (1, 1) and two axes of channels",
    ),
    (
        ValueError,
        lambda: input_gradient(ones(1, 5, 6, 6), W, X.shape),
        "output_gradient: got shape (1, 5, 6, 6), expected (1, 3, 4, 6), that of the output",
    ),
    (
        ValueError,
        lambda: kernel_gradient(X, ones(1, 3, 4, 6), W.shape, op="separable_conv"),
        "op: got 'separable_conv', expected conv, conv_transpose or depthwise_conv",
    ),
    (
        ValueError,
        lambda: input_gradient(X, W, X.shape, output_padding=0),
        "output_padding: got 0 for conv, expected it for conv_transpose only",
    ),
    (
        ValueError,
        lambda: output_shape("conv", X.shape, W.shape, filters=3),
        "filters: got 3 for conv, expected an int for separable_conv, None for the others",
    ),
    (ValueError, lambda: output_shape("separable_conv", X.shape, W.shape), "filters: got None for separable_conv, exp"),
    (ValueError, lambda: im2col(X, (3,)), "input: got shape (1, 5, 6, 4) with kernel_size (3,), expected (N, *spatial"),
    (
        ValueError,
        lambda: col2im(ones(1, 3, 4, 3, 3, 1), X.shape, (3, 3)),
        "cols: got shape (1, 3, 4, 3, 3, 1), expected (1, 3, 4, 3, 3, 4), that of im2col's result",
    ),
]


@pytest.mark.parametrize(("error", "call", "message"), REFUSED, ids=[message[:40] for _, _, message in REFUSED])
def test_is_refused(error: type[Exception], call: Callable[[], Any], message: str) -> None:
    with pytest.raises(error, match="^" + re.escape(message)):
        call()
