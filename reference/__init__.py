"""What a convolution is, in NumPy: the answers that frameworks are held against.

    conv, conv_transpose, depthwise_conv, separable_conv        x (N, *spatial, C), any number of spatial axes
    input_gradient, kernel_gradient, bias_gradient              their vector-Jacobian products
    output_shape                                                what they return, from shapes alone
    im2col, col2im                                              windows, and the adjoint
    prepare, prepare_winograd                                   kernels made ready once, for one algorithm
    winograd_bound                                              the error of Winograd's algorithm

    >>> import numpy as np
    >>> x, w = np.array([1, 2, 3, 4, 5]).reshape(1, 5, 1), np.array([1, 10]).reshape(2, 1, 1)
    >>> conv(x, w, strides=2, padding="same").ravel()
    array([21, 43,  5])

`naive` is the definition, from one enumeration of (output, input, tap) triples; `gemm` derives the same without it, in
one plain product; `geometry` gives the padding words their meaning. These are what frameworks are held against. The
others are what is timed: `lowering` (im2col and its kin), `depthwise` and `phases` (transposed convolutions) are as
fast as NumPy allows, and `winograd` and `fft` need fewer multiplications and round otherwise. They are cut into blocks
that `workers` runs in threads, and into products that `products` keeps small.
The package imports NumPy and nothing of this project.
"""

from .algorithms import prepare, prepare_winograd
from .gemm import col2im, im2col
from .gradients import bias_gradient, input_gradient, kernel_gradient
from .ops import conv, conv_transpose, depthwise_conv, separable_conv
from .shapes import output_shape
from .winograd import winograd_bound

__all__ = [
    "bias_gradient",
    "col2im",
    "conv",
    "conv_transpose",
    "depthwise_conv",
    "im2col",
    "input_gradient",
    "kernel_gradient",
    "output_shape",
    "prepare",
    "prepare_winograd",
    "separable_conv",
    "winograd_bound",
]
