"""The four operations. Their rank is that of the arrays, any from one spatial axis on.

Convolution is cross-correlation, as in the frameworks: y[o] = sum over t of x[o*strides + t*dilation - lo] * w[t], with
`lo` zeros before the input. `flip=True` mirrors the kernel on all spatial axes and so gives the mathematician's.

All functions take and return arrays (N, *spatial, channels) of one dtype. Integers wrap; floats are summed in
`accumulation_dtype` (float32 by default for float16 and bfloat16, else the dtype) and rounded once. Where the size
formula gives less than 1 the result is empty. All raise ValueError for a parameter that means nothing ("strides: got
(0, 1), expected 1 or more on every axis"), for shapes that do not fit each other and for an unknown algorithm, and
TypeError where the dtypes of the arrays differ.

Infinities and NaN follow from the sum: a tap that falls outside the input is no term, every other product is one, zero
times infinity included. For the input the frameworks agree: a NaN reaches the outputs whose window holds it, and no
others. For the kernel they do not (measured on CPU): under padding and an infinite weight, convolutions of PyTorch 2.13
and JAX 0.10 are NaN at the border, where they multiply the padded zeros; TensorFlow's 2.21 are not, nor PyTorch's
depthwise ones; and of the transposed ones TensorFlow's alone are. The reference's never are, by any algorithm: padding
is no data.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from . import gemm, naive, winograd
from .contraction import Derivative, contract
from .geometry import Array, Geometry, Ints, Padding
from .shapes import Relation, relate

FORWARD: dict[str, Derivative] = {
    "im2col": gemm.to_grid,
    "naive": naive.to_grid,
    "winograd": winograd.derivative(winograd.DEFAULT_TILE),
}
TRANSPOSED: dict[str, Derivative] = {
    "gemm_col2im": gemm.to_image,
    "dilate_pad": gemm.to_image_dilated,
    "naive": naive.to_image,
}


def conv(
    x: Array,
    w: Array | winograd.PreparedKernel,
    *,
    strides: Ints | None = None,
    padding: Padding = "valid",
    dilation: Ints | None = None,
    groups: int | None = None,
    bias: Array | None = None,
    algorithm: str | None = None,
    tile: Ints | None = None,
    flip: bool = False,
    accumulation_dtype: npt.DTypeLike | None = None,
    threads: int = 1,
) -> Array:
    """Convolution of x (N, *spatial, C) with w (*kernel, C/groups, F), plus bias (F,): (N, *out, F).

    `padding` is valid, same, same_lower, causal (one spatial axis), an int, or pairs ((lo, hi), ...) of which negative
    ones crop; see `geometry.conv_pads`. Groups are contiguous blocks of channels, of the input and of the output.
    Strides, dilation and groups are 1 where nothing is said. Algorithms: im2col, naive, and for floats winograd, with
    `tile` outputs per axis and tile (default 4).

    w may also come from `prepare_winograd`. It brings its algorithm, tile, strides, dilation, groups and accumulation
    dtype; said again, they must be the same (ValueError).
    """
    if isinstance(w, winograd.PreparedKernel):
        w.require_same(strides=strides, dilation=dilation, groups=groups, tile=tile, algorithm=algorithm, flip=flip)
        return _prepared(x, w, padding, bias, accumulation_dtype, threads)
    steps = (1 if strides is None else strides), padding, (1 if dilation is None else dilation)
    relation = relate("conv", x.shape, w.shape, *steps, 1 if groups is None else groups)
    algorithm = "im2col" if algorithm is None else algorithm
    algorithms = _forward_algorithms(algorithm, tile)
    return _forward(algorithms, algorithm, relation, x, w, bias, accumulation_dtype, threads, flip=flip)


def conv_transpose(
    x: Array,
    w: Array,
    *,
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    groups: int = 1,
    output_padding: Ints | None = None,
    bias: Array | None = None,
    algorithm: str = "gemm_col2im",
    flip: bool = False,
    accumulation_dtype: npt.DTypeLike | None = None,
    threads: int = 1,
) -> Array:
    """Transposed convolution of x (N, *spatial, C) with w (*kernel, F/groups, C), plus bias (F,): (N, *out, F).

    It adds x[o] * w[t] to full[o*strides + t*dilation] and returns a window of `full`, zeros outside, to which
    `padding` (valid, same, same_lower, an int, or pairs that crop) and `output_padding` give begin and size: see
    `geometry.transpose_window`. The kernel is that of the convolution whose input gradient this is, not mirrored. The
    bias is added everywhere, to the zeros outside `full` too. Algorithms: gemm_col2im, dilate_pad, naive.
    """
    relation = relate("conv_transpose", x.shape, w.shape, strides, padding, dilation, groups, output_padding)
    return _forward(TRANSPOSED, algorithm, relation, x, w, bias, accumulation_dtype, threads, flip=flip)


def depthwise_conv(
    x: Array,
    w: Array,
    *,
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    bias: Array | None = None,
    algorithm: str = "im2col",
    tile: Ints | None = None,
    flip: bool = False,
    accumulation_dtype: npt.DTypeLike | None = None,
    threads: int = 1,
) -> Array:
    """Depthwise convolution of x (N, *spatial, C) with w (*kernel, C, M), plus bias (C*M,): (N, *out, C*M).

    Output channel c*M + m is input channel c under w[..., c, m]: a convolution in C groups. M is the depth_multiplier.
    Padding and algorithms are those of `conv`.
    """
    relation = relate("depthwise_conv", x.shape, w.shape, strides, padding, dilation)
    algorithms = _forward_algorithms(algorithm, tile)
    return _forward(algorithms, algorithm, relation, x, w, bias, accumulation_dtype, threads, flip=flip)


def separable_conv(
    x: Array,
    depthwise_kernel: Array,
    pointwise_kernel: Array,
    *,
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    bias: Array | None = None,
    algorithm: str = "im2col",
    tile: Ints | None = None,
    flip: bool = False,
    accumulation_dtype: npt.DTypeLike | None = None,
    threads: int = 1,
) -> Array:
    """`depthwise_conv` (*kernel, C, M), then `conv` with pointwise_kernel (*ones, C*M, F), plus bias: (N, *out, F).

    Strides, padding and dilation are the first one's; the array between the two has their dtype, so float16 and
    bfloat16 are rounded there too. Raises ValueError also where the pointwise kernel's spatial sizes are not all 1.
    """
    rank = x.ndim - 2
    if pointwise_kernel.shape[:-2] != (1,) * rank:
        raise ValueError(
            f"pointwise_kernel: got shape {pointwise_kernel.shape}, expected {(1,) * rank} and two axes of channels"
        )
    between = depthwise_conv(
        x,
        depthwise_kernel,
        strides=strides,
        padding=padding,
        dilation=dilation,
        algorithm=algorithm,
        tile=tile,
        flip=flip,
        accumulation_dtype=accumulation_dtype,
        threads=threads,
    )
    return conv(
        between,
        pointwise_kernel,
        bias=bias,
        algorithm=algorithm,
        tile=tile,
        accumulation_dtype=accumulation_dtype,
        threads=threads,
    )


def _forward_algorithms(algorithm: str, tile: Ints | None) -> Mapping[str, Derivative]:
    """The algorithms of a convolution, winograd by tiles of the size that is asked for."""
    if tile is None:
        return FORWARD
    if algorithm != "winograd":
        raise ValueError(f"tile: got {tile!r} for {algorithm}, expected it for winograd only")
    return FORWARD | {"winograd": winograd.derivative(tile)}


def _prepared(
    x: Array,
    w: winograd.PreparedKernel,
    padding: Padding,
    bias: Array | None,
    accumulation_dtype: npt.DTypeLike | None,
    threads: int,
) -> Array:
    """`conv` of a kernel that is transformed already."""
    if accumulation_dtype is not None:
        w.require_same(accumulation_dtype=np.dtype(accumulation_dtype))
    relation = relate("conv", x.shape, w.kernel.shape, w.strides, padding, w.dilation, w.groups)

    def to_grid(geometry: Geometry, image: Array, _kernel: Array, _groups: int) -> Array:
        return w.to_grid(geometry, image)

    algorithms = FORWARD | {w.algorithm: to_grid}
    dtype, finite = w.accumulation_dtype, w.finite
    return _forward(algorithms, w.algorithm, relation, x, w.kernel, bias, dtype, threads, flip=w.flip, finite=finite)


def _forward(
    algorithms: Mapping[str, Derivative],
    algorithm: str,
    relation: Relation,
    x: Array,
    w: Array,
    bias: Array | None,
    accumulation_dtype: npt.DTypeLike | None,
    threads: int,
    *,
    flip: bool,
    finite: bool | None = None,
) -> Array:
    geometry, kernel_shape, groups, output_shape = relation
    if bias is not None and bias.shape != output_shape[-1:]:
        raise ValueError(f"bias: got shape {bias.shape}, expected {output_shape[-1:]}, one per output channel")
    kernel = np.flip(w, tuple(range(w.ndim - 2))) if flip else w
    # (*kernel, C, M) -> (*kernel, 1, C*M) where the operation is depthwise
    arrays = x, kernel.reshape(kernel_shape), groups, accumulation_dtype, bias
    return contract(algorithms, algorithm, geometry, *arrays, threads, finite=finite)
