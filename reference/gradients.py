"""The gradients of the operations: vector-Jacobian products with the gradient of the output.

An operation is linear in each argument, so its gradient in one is another derivative of the same form F: `naive` and
`im2col` compute it as they compute the operation. `op` is conv, conv_transpose or depthwise_conv, the keywords and what
they raise are that function's; separable_conv has the gradients of its two halves:

    between = depthwise_conv(x, depthwise_kernel, ...)
    pointwise_kernel's   kernel_gradient(between, output_gradient, pointwise_kernel.shape)
    between's            input_gradient(output_gradient, pointwise_kernel, between.shape)
    x's, depthwise's     input_gradient and kernel_gradient of depthwise_conv, with between's as output gradient
"""

import numpy as np
import numpy.typing as npt

from . import gemm, naive
from .contraction import Derivative, accumulator, contract
from .geometry import Array, Ints, Padding, Size
from .shapes import relate

TO_GRID: dict[str, Derivative] = {"im2col": gemm.to_grid, "naive": naive.to_grid}
TO_IMAGE: dict[str, Derivative] = {"im2col": gemm.to_image, "naive": naive.to_image}
TO_KERNEL: dict[str, Derivative] = {"im2col": gemm.to_kernel, "naive": naive.to_kernel}


def input_gradient(
    output_gradient: Array,
    w: Array,
    input_shape: Size,
    *,
    op: str = "conv",
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    groups: int = 1,
    output_padding: Ints | None = None,
    algorithm: str = "im2col",
    accumulation_dtype: npt.DTypeLike | None = None,
) -> Array:
    """The gradient of op(x, w) in x, of shape `input_shape` and of the arrays' dtype.

    Raises ValueError also where `output_gradient` has not the shape of op's output.
    """
    relation = relate(op, input_shape, w.shape, strides, padding, dilation, groups, output_padding)
    geometry, grouped_shape, groups, output_shape = relation
    _check_output(output_gradient, output_shape)
    table = TO_GRID if op == "conv_transpose" else TO_IMAGE
    return contract(table, algorithm, geometry, output_gradient, w.reshape(grouped_shape), groups, accumulation_dtype)


def kernel_gradient(
    x: Array,
    output_gradient: Array,
    kernel_shape: Size,
    *,
    op: str = "conv",
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    groups: int = 1,
    output_padding: Ints | None = None,
    algorithm: str = "im2col",
    accumulation_dtype: npt.DTypeLike | None = None,
) -> Array:
    """The gradient of op(x, w) in w, of shape `kernel_shape` and of the arrays' dtype.

    Raises ValueError also where `output_gradient` has not the shape of op's output.
    """
    relation = relate(op, x.shape, kernel_shape, strides, padding, dilation, groups, output_padding)
    geometry, _, groups, output_shape = relation
    _check_output(output_gradient, output_shape)
    image, grid = (output_gradient, x) if op == "conv_transpose" else (x, output_gradient)
    return contract(TO_KERNEL, algorithm, geometry, image, grid, groups, accumulation_dtype).reshape(kernel_shape)


def bias_gradient(output_gradient: Array, *, accumulation_dtype: npt.DTypeLike | None = None) -> Array:
    """The gradient of any of the operations in its bias: output_gradient (N, *out, F) summed to (F,)."""
    wide = accumulator(output_gradient.dtype, accumulation_dtype)
    with np.errstate(all="ignore"):
        return output_gradient.sum(tuple(range(output_gradient.ndim - 1)), dtype=wide).astype(output_gradient.dtype)


def _check_output(output_gradient: Array, output_shape: Size) -> None:
    if output_gradient.shape != output_shape:
        raise ValueError(
            f"output_gradient: got shape {output_gradient.shape}, expected {output_shape}, that of the output"
        )
