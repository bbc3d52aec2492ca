"""The four operations. Their rank is that of the arrays, any from one spatial axis on.

Convolution is cross-correlation, as in the frameworks: y[o] = sum over t of x[o*strides + t*dilation - lo] * w[t], with
`lo` zeros before the input. `flip=True` mirrors the kernel on all spatial axes and so gives the mathematician's.

Algorithms of convolutions, depthwise and separable ones too: `naive`, the definition; `im2col`, the default, one plain
product of windows and weights; `auto`, as fast as NumPy allows, which takes one of `direct`, `mec`, `kn2row`, `blocked`
and `fused` by the shapes (see `lowering`; each can be asked for where it applies); and two of other errors, for floats:
`winograd`, with `tile` outputs per axis and tile (default 4), and `fft`. Of transposed convolutions: `naive`;
`gemm_col2im`, the default; `dilate_pad`; `auto` and `winograd`, by phases (see `phases`). All but the first two of each
run in `threads` threads. In place of its kernel an operation takes one from `prepare`, which brings its algorithm,
tile, strides, dilation, groups and accumulation dtype; said again, they must be the same (ValueError).

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

import numpy as np
import numpy.typing as npt

from .algorithms import algorithms, of_prepared
from .contraction import contract
from .geometry import Array, Ints, Padding
from .prepared import PreparedKernel
from .shapes import relate

DEFAULT = {"conv": "im2col", "depthwise_conv": "im2col", "conv_transpose": "gemm_col2im"}


def conv(
    x: Array,
    w: Array | PreparedKernel,
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
    Strides, dilation and groups are 1 where nothing is said.
    """
    return _apply(
        "conv",
        x,
        w,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
        bias=bias,
        algorithm=algorithm,
        tile=tile,
        flip=flip,
        accumulation_dtype=accumulation_dtype,
        threads=threads,
    )


def conv_transpose(
    x: Array,
    w: Array | PreparedKernel,
    *,
    strides: Ints | None = None,
    padding: Padding = "valid",
    dilation: Ints | None = None,
    groups: int | None = None,
    output_padding: Ints | None = None,
    bias: Array | None = None,
    algorithm: str | None = None,
    tile: Ints | None = None,
    flip: bool = False,
    accumulation_dtype: npt.DTypeLike | None = None,
    threads: int = 1,
) -> Array:
    """Transposed convolution of x (N, *spatial, C) with w (*kernel, F/groups, C), plus bias (F,): (N, *out, F).

    It adds x[o] * w[t] to full[o*strides + t*dilation] and returns a window of `full`, zeros outside, to which
    `padding` (valid, same, same_lower, an int, or pairs that crop) and `output_padding` give begin and size: see
    `geometry.transpose_window`. The kernel is that of the convolution whose input gradient this is, not mirrored. The
    bias is added everywhere, to the zeros outside `full` too.
    """
    return _apply(
        "conv_transpose",
        x,
        w,
        strides=strides,
        padding=padding,
        dilation=dilation,
        groups=groups,
        output_padding=output_padding,
        bias=bias,
        algorithm=algorithm,
        tile=tile,
        flip=flip,
        accumulation_dtype=accumulation_dtype,
        threads=threads,
    )


def depthwise_conv(
    x: Array,
    w: Array | PreparedKernel,
    *,
    strides: Ints | None = None,
    padding: Padding = "valid",
    dilation: Ints | None = None,
    bias: Array | None = None,
    algorithm: str | None = None,
    tile: Ints | None = None,
    flip: bool = False,
    accumulation_dtype: npt.DTypeLike | None = None,
    threads: int = 1,
) -> Array:
    """Depthwise convolution of x (N, *spatial, C) with w (*kernel, C, M), plus bias (C*M,): (N, *out, C*M).

    Output channel c*M + m is input channel c under w[..., c, m]: a convolution in C groups. M is the depth_multiplier.
    Padding is that of `conv`.
    """
    return _apply(
        "depthwise_conv",
        x,
        w,
        strides=strides,
        padding=padding,
        dilation=dilation,
        bias=bias,
        algorithm=algorithm,
        tile=tile,
        flip=flip,
        accumulation_dtype=accumulation_dtype,
        threads=threads,
    )


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


def _apply(
    op: str,
    x: Array,
    w: Array | PreparedKernel,
    *,
    strides: Ints | None,
    padding: Padding,
    dilation: Ints | None,
    bias: Array | None,
    algorithm: str | None,
    tile: Ints | None,
    flip: bool,
    accumulation_dtype: npt.DTypeLike | None,
    threads: int,
    groups: int | None = None,
    output_padding: Ints | None = None,
) -> Array:
    """One operation, by an algorithm that is named or by the one that its kernel is prepared for."""
    if isinstance(w, PreparedKernel):
        said = {"strides": strides, "dilation": dilation, "groups": groups, "tile": tile, "algorithm": algorithm}
        requested = None if accumulation_dtype is None else np.dtype(accumulation_dtype)
        w.require_same(op=op, **said, accumulation_dtype=requested)
        if flip:
            raise ValueError("flip: got True, expected False: a kernel is mirrored before it is prepared")
        relation = w.relate(x.shape, padding, output_padding)
        by, name, kernel, finite, wide = of_prepared(w, relation), w.algorithm, w.kernel, w.finite, w.accumulation_dtype
    else:
        steps = (1 if strides is None else strides), padding, (1 if dilation is None else dilation)
        relation = relate(op, x.shape, w.shape, *steps, 1 if groups is None else groups, output_padding)
        name = DEFAULT[op] if algorithm is None else algorithm
        kernel = np.flip(w, tuple(range(w.ndim - 2))) if flip else w
        by, finite, wide = algorithms(op, name, tile), None, accumulation_dtype
    geometry, kernel_shape, blocks, output_shape = relation
    if bias is not None and bias.shape != output_shape[-1:]:
        raise ValueError(f"bias: got shape {bias.shape}, expected {output_shape[-1:]}, one per output channel")
    # (*kernel, C, M) -> (*kernel, 1, C*M) where the operation is depthwise
    arrays = x, kernel.reshape(kernel_shape), blocks, wide, bias
    return contract(by, name, geometry, *arrays, threads, finite=finite)
