"""Sizes, pads and windows, in integers alone: the one place where a padding word gets its meaning.

Every operation of this package is one linear relation per spatial axis,

    i = o*strides + t*dilation - begin        0 <= i < image,  0 <= o < grid,  0 <= t < kernel_size

between a position `i` of an image, a window `o` of a grid and a tap `t` of the kernel. A convolution reads the image
and writes the grid; a transposed convolution reads the grid and writes the image. `Geometry` holds the numbers of that
relation, `axis_triples` lists what satisfies it, and everything else here finds `begin` and the missing size.

An int stands for the same int on every axis, for strides, dilation and output_padding. Errors are a ValueError, or a
TypeError where something is no integer, of the form "what: got ..., expected ...".
"""

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Size = tuple[int, ...]
Pads = tuple[tuple[int, int], ...]
Ints = int | Sequence[int]
Padding = str | int | Sequence[Sequence[int]]
Array = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]

WORDS = ("valid", "same", "same_lower", "causal")


class Geometry(NamedTuple):
    """The relation i = o*strides + t*dilation - begin of every axis, with the ranges of i, o and t."""

    image: Size  # range of i: the input of a convolution, the output of a transposed one
    grid: Size  # range of o: the output of a convolution, the input of a transposed one
    kernel_size: Size  # range of t
    strides: Size
    dilation: Size
    begin: Size

    @property
    def full(self) -> Size:
        """The extent that the windows cover, (grid-1)*strides + (kernel_size-1)*dilation + 1; zero without windows."""
        axes = zip(self.grid, self.kernel_size, self.strides, self.dilation, strict=True)
        return tuple((o - 1) * s + (k - 1) * d + 1 if o else 0 for o, k, s, d in axes)


def as_tuple(value: Ints, rank: int, name: str) -> Size:
    """`value` as a tuple of `rank` ints; an int is repeated.

    Raises ValueError where the length is another ("strides: got (1, 2, 3), expected an int or 2 ints, one per spatial
    axis"), TypeError where an entry is no integer.
    """
    if isinstance(value, int | np.integer):
        return (int(value),) * rank
    try:
        values = tuple(map(operator.index, value))
    except TypeError:
        raise TypeError(f"{name}: got {value!r}, expected an int or {rank} ints, one per spatial axis") from None
    if len(values) != rank:
        raise ValueError(f"{name}: got {value!r}, expected an int or {rank} ints, one per spatial axis")
    return values


def effective_size(kernel_size: Size, dilation: Ints) -> Size:
    """The extent of a dilated kernel, (k-1)*d + 1 per axis.

    Raises ValueError where a kernel size or a dilation is below 1.
    """
    dilation = _positive(as_tuple(dilation, len(kernel_size), "dilation"), "dilation")
    return tuple((k - 1) * d + 1 for k, d in zip(_positive(kernel_size, "kernel_size"), dilation, strict=True))


def conv_pads(spatial: Size, kernel_size: Size, strides: Ints, padding: Padding, dilation: Ints) -> Pads:
    """The zeros (lo, hi) that a convolution puts around each axis; negative ones crop.

    `same` and `same_lower` are TensorFlow's and ONNX's SAME_UPPER and SAME_LOWER
    (https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2, https://onnx.ai/onnx/operators/onnx__Conv),
    `causal` is the Keras Conv1D layer's. An int pads both sides alike, pairs pad as they say.

    Raises ValueError for another word, for pairs that are not one per axis, and for `causal` on more than one axis.
    """
    strides = _strides(strides, spatial, kernel_size)
    effective = effective_size(kernel_size, dilation)
    if not isinstance(padding, str):
        return _explicit_pads(padding, len(spatial))
    if padding == "valid":
        return ((0, 0),) * len(spatial)
    if padding == "causal":
        if len(spatial) != 1:
            raise ValueError(f"padding: got 'causal' on {len(spatial)} spatial axes, expected one: time has one axis")
        return ((effective[0] - 1, 0),)
    _check_word(padding, WORDS)
    # out = ceil(n/s);  total = max((out-1)*s + ke - n, 0);  the odd one goes to the end, or to the begin if `lower`
    totals = (max((-(-n // s) - 1) * s + ke - n, 0) for n, ke, s in zip(spatial, effective, strides, strict=True))
    halves = tuple((total // 2, total - total // 2) for total in totals)
    return halves if padding == "same" else tuple((large, small) for small, large in halves)


def conv_sizes(spatial: Size, kernel_size: Size, strides: Ints, padding: Padding, dilation: Ints) -> Size:
    """The size formula of a convolution, floor((n + lo + hi - ke) / s) + 1 per axis; below 1 where nothing fits.

    Under `same` and `same_lower` it equals ceil(n / s). Raises as `conv_pads` does.
    """
    pads = conv_pads(spatial, kernel_size, strides, padding, dilation)
    strides = as_tuple(strides, len(spatial), "strides")
    effective = effective_size(kernel_size, dilation)
    return tuple(
        (n + lo + hi - ke) // s + 1 for n, (lo, hi), ke, s in zip(spatial, pads, effective, strides, strict=True)
    )


def full_sizes(spatial: Size, kernel_size: Size, strides: Ints, dilation: Ints) -> Size:
    """The extent that a grid of windows covers, (n-1)*s + (k-1)*d + 1 per axis.

    That is what a transposed convolution scatters into, and what a convolution reads of its padded input.
    """
    strides = _strides(strides, spatial, kernel_size)
    effective = effective_size(kernel_size, dilation)
    return tuple((n - 1) * s + ke for n, s, ke in zip(spatial, strides, effective, strict=True))


def transpose_window(
    spatial: Size,
    kernel_size: Size,
    strides: Ints,
    padding: Padding,
    dilation: Ints,
    output_padding: Ints | None = None,
) -> tuple[tuple[int, int], ...]:
    """The window (begin, size) of `full` that a transposed convolution returns, per axis; op is output_padding.

                    begin                       size                    size with op
        valid       0                           (n-1)*s + max(ke, s)    full + op
        same        max(full - size, 0) // 2    n*s                     (n-1)*s + ke%2 + op
        same_lower  the same, rounded up        as same                 as same
        pairs       lo                          full - lo - hi          full - lo - hi + op

    The words are Keras' (keras.layers.Conv2DTranspose; size by `compute_conv_transpose_output_shape` of Keras 3, whose
    ke is the dilated extent) and, for same_lower, https://onnx.ai/onnx/operators/onnx__ConvTranspose. Pairs are
    torch.nn.ConvTranspose2d's `padding` and ONNX's `pads`. The window may begin before `full` or end after it: there
    it holds zeros. A size may be below 1.

    Raises ValueError where op is outside [0, s) under a word, or outside [0, max(s, d)) under pairs, and for `causal`.
    """
    strides = _strides(strides, spatial, kernel_size)
    dilation = as_tuple(dilation, len(spatial), "dilation")
    full = full_sizes(spatial, kernel_size, strides, dilation)
    effective = effective_size(kernel_size, dilation)
    if not isinstance(padding, str):
        ops = _output_padding(0 if output_padding is None else output_padding, tuple(map(max, strides, dilation)))
        pads = _explicit_pads(padding, len(spatial))
        return tuple((lo, size - lo - hi + op) for size, (lo, hi), op in zip(full, pads, ops, strict=True))
    _check_word(padding, ("valid", "same", "same_lower"))
    if output_padding is None and padding == "valid":
        ops = tuple(max(s - ke, 0) for s, ke in zip(strides, effective, strict=True))
    elif output_padding is None:
        ops = tuple(s - ke % 2 for s, ke in zip(strides, effective, strict=True))
    else:
        ops = _output_padding(output_padding, strides)
    if padding == "valid":
        return tuple((0, size + op) for size, op in zip(full, ops, strict=True))
    sizes = tuple((n - 1) * s + ke % 2 + op for n, s, ke, op in zip(spatial, strides, effective, ops, strict=True))
    odd = 1 if padding == "same_lower" else 0
    return tuple(((max(whole - size, 0) + odd) // 2, size) for whole, size in zip(full, sizes, strict=True))


def conv_geometry(spatial: Size, kernel_size: Size, strides: Ints, padding: Padding, dilation: Ints) -> Geometry:
    """The relation of a convolution whose input has the sizes `spatial`; an impossible grid is empty."""
    rank = len(spatial)
    pads = conv_pads(spatial, kernel_size, strides, padding, dilation)
    sizes = conv_sizes(spatial, kernel_size, strides, padding, dilation)
    grid = tuple(max(size, 0) for size in sizes)
    begin = tuple(lo for lo, _ in pads)
    steps = as_tuple(strides, rank, "strides"), as_tuple(dilation, rank, "dilation")
    return Geometry(spatial, grid, kernel_size, *steps, begin)


def transpose_geometry(
    spatial: Size, kernel_size: Size, strides: Ints, padding: Padding, dilation: Ints, output_padding: Ints | None
) -> Geometry:
    """The relation of a transposed convolution whose input has the sizes `spatial`; an impossible image is empty."""
    rank = len(spatial)
    window = transpose_window(spatial, kernel_size, strides, padding, dilation, output_padding)
    image = tuple(max(size, 0) for _, size in window)
    begin = tuple(begin for begin, _ in window)
    steps = as_tuple(strides, rank, "strides"), as_tuple(dilation, rank, "dilation")
    return Geometry(image, spatial, kernel_size, *steps, begin)


def axis_triples(n: int, k: int, s: int, d: int, begin: int, out: int) -> tuple[Indices, Indices, Indices]:
    """All (o, i, t) with i = o*s + t*d - begin, 0 <= i < n, 0 <= o < out, 0 <= t < k, as three intp arrays.

    This is the definition: a tap that falls outside [0, n) is no term, neither of the sum nor of its bound.
    """
    i = np.arange(out)[:, None] * s + np.arange(k) * d - begin  # (out, k)
    o, t = np.nonzero((i >= 0) & (i < n))
    return o, i[o, t], t


def _explicit_pads(padding: int | Sequence[Sequence[int]], rank: int) -> Pads:
    if isinstance(padding, int | np.integer):
        return ((int(padding), int(padding)),) * rank
    try:
        pads = tuple((operator.index(lo), operator.index(hi)) for lo, hi in padding)
    except (TypeError, ValueError):
        raise ValueError(f"padding: got {padding!r}, expected one of {WORDS}, an int or pairs (lo, hi)") from None
    if len(pads) != rank:
        raise ValueError(f"padding: got {len(pads)} pairs, {padding!r}, expected {rank}, one per spatial axis")
    return pads


def _check_word(padding: str, words: Size | tuple[str, ...]) -> None:
    if padding not in words:
        raise ValueError(f"padding: got {padding!r}, expected one of {words}, an int or pairs (lo, hi)")


def _positive(values: Size, name: str) -> Size:
    if any(value < 1 for value in values):
        raise ValueError(f"{name}: got {values}, expected 1 or more on every axis")
    return values


def _strides(strides: Ints, spatial: Size, kernel_size: Size) -> Size:
    if len(kernel_size) != len(spatial):
        raise ValueError(f"kernel_size: got {kernel_size}, expected {len(spatial)} ints, one per axis of {spatial}")
    return _positive(as_tuple(strides, len(spatial), "strides"), "strides")


def _output_padding(output_padding: Ints, below: Size) -> Size:
    values = as_tuple(output_padding, len(below), "output_padding")
    if any(not 0 <= op < limit for op, limit in zip(values, below, strict=True)):
        raise ValueError(f"output_padding: got {values}, expected 0 or more and less than {below} per axis")
    return values
