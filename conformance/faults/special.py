"""Faults of infinities, NaN and the largest numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ... import reference
from ...adapters.case import Case
from ...reference.bounds import PRECISIONS
from ..expected import Arrays, evaluate
from .computation import IM2COL, Array, compute
from .fault import Condition, Fault, forward, kernel_name, valid

WITH_NAN = ("nan", "special", "literal")
WITH_INFINITY = ("inf", "special", "zero_weights", "infinite_weight", "literal")


def _holds(*data: str) -> Condition:
    """Whether the case's data may hold such values: literal arrays hold what they hold."""
    return lambda case: valid(case) and case.dtype in PRECISIONS and case.data in data


def _taken(
    code: str, sentence: str, data: tuple[str, ...], change: Callable[[Array], Array], source: str = ""
) -> Fault:
    """The arrays hold something else in the place of such values."""

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        return evaluate(case, {name: change(array) for name, array in arrays.items()})

    return Fault(code, sentence, source, _holds(*data), answer)


def _given(
    code: str, sentence: str, data: tuple[str, ...], change: Callable[[Case, Array], Array], source: str = ""
) -> Fault:
    """The result holds something else."""

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        return change(case, np.array(evaluate(case, arrays)))

    return Fault(code, sentence, source, _holds(*data), answer)


def _nan_as_zero(array: Array) -> Array:
    return np.where(np.isnan(array), array.dtype.type(0), array)


def _largest(array: Array, dtype: str) -> Array:
    """Infinities as the largest finite numbers of the dtype."""
    largest = array.dtype.type(PRECISIONS[dtype].largest)
    return np.where(np.isposinf(array), largest, np.where(np.isneginf(array), -largest, array))


def _clipped(array: Array) -> Array:
    return _largest(array, array.dtype.name)


def _tiles_poisoned(case: Case, result: Array) -> Array:
    """One NaN in a tile of two outputs along every axis, and the tile is NaN: transforms mix all inputs of a tile."""
    if not forward(case):
        return result
    for start in np.ndindex(*((size + 1) // 2 for size in result.shape[1:-1])):
        tile = result[:, *(slice(2 * i, 2 * i + 2) for i in start)]
        axes = tuple(range(1, tile.ndim - 1))
        tile[:] = np.where(np.isnan(tile).any(axes, keepdims=True), result.dtype.type(np.nan), tile)
    return result


def _images_poisoned(_case: Case, result: Array) -> Array:
    """One NaN or infinity in an image, and all of its outputs are NaN: a Fourier transform mixes everything."""
    axes = tuple(range(1, result.ndim - 1))
    wrong = ~np.isfinite(result).all(axes, keepdims=True)
    return np.where(wrong, result.dtype.type(np.nan), result)


def _infinity_as_nan(_case: Case, result: Array) -> Array:
    return np.where(np.isinf(result), result.dtype.type(np.nan), result)


def _saturated(_case: Case, result: Array) -> Array:
    return _clipped(result)


def _zeros_skipped(case: Case, arrays: Arrays) -> np.ndarray:
    """A product with a weight of zero is left out, so that zero times infinity is zero."""
    weights = {name: arrays[name] == 0 for name in case.kernel_shapes}
    calm = {
        name: array if name in weights else np.where(np.isfinite(array), array, array.dtype.type(0))
        for name, array in arrays.items()
    }
    right, quiet = evaluate(case, arrays), evaluate(case, calm)
    # where the only trouble that reaches an output does so through weights of zero, it is the calm result
    trouble = {
        name: np.ones_like(array) if name in weights else (~np.isfinite(array)).astype(array.dtype)
        for name, array in arrays.items()
    }
    for name, zero in weights.items():
        trouble[name] = np.where(zero, trouble[name].dtype.type(0), trouble[name])
    trouble.pop("bias", None)
    return np.where(evaluate(case, trouble) == 0, quiet, right)


def _dense(case: Case, arrays: Arrays) -> np.ndarray:
    """Groups as one convolution of all channels, whose kernel has zeros where it has nothing to say."""
    name = kernel_name(case)
    kernel, depthwise = arrays[name], name == "depthwise_kernel"
    groups = case.channels if depthwise else case.groups
    *taps, first, last = kernel.shape
    # (*taps, rows of one group, groups, columns of one group) as the convolution with that many groups has it
    rows, columns = (1, last) if depthwise else (first, last // groups)
    blocks = kernel.reshape(*taps, rows, groups, columns)
    whole = np.zeros((*taps, groups, rows, groups, columns), kernel.dtype)
    for group in range(groups):
        whole[..., group, :, group, :] = blocks[..., group, :]
    dense = {**arrays, "kernel": whole.reshape(*taps, groups * rows, groups * columns)}
    filters = groups * columns if depthwise else case.filters
    changed = replace(case, op=case.op if case.transposed else "conv", filters=filters, groups=1, depth_multiplier=1)
    if case.op != "separable_conv":
        return evaluate(changed, dense)
    dense.pop("bias", None)
    between = evaluate(replace(changed, use_bias=False), dense)
    return reference.conv(between, arrays["pointwise_kernel"], bias=arrays.get("bias"))


def _grouped(case: Case) -> bool:
    return case.groups > 1 or (case.op in ("depthwise_conv", "separable_conv") and case.channels > 1)


def _multiplies_padding(case: Case, arrays: Arrays) -> np.ndarray:
    """Padded positions are multiplied like samples that are zero."""
    return compute(case, arrays, IM2COL._replace(sparing=True))


FAULTS = (
    _taken("nan-taken-for-zero", "a NaN counts as zero", WITH_NAN, _nan_as_zero, "pytorch/pytorch#12484"),
    _taken("infinity-clipped", "an infinity counts as the largest number", WITH_INFINITY, _clipped),
    _given(
        "nan-poisons-a-tile",
        "a NaN reaches all outputs of the tile that a fast algorithm computes at once",
        WITH_NAN,
        _tiles_poisoned,
        "https://arxiv.org/abs/1509.09308",
    ),
    _given(
        "nan-poisons-the-image",
        "a NaN or an infinity reaches all outputs of its image, as by a Fourier transform",
        (*WITH_NAN, "inf"),
        _images_poisoned,
        "https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.fftconvolve.html",
    ),
    _given(
        "infinity-becomes-nan",
        "an infinite result comes out as NaN",
        WITH_INFINITY,
        _infinity_as_nan,
        "tensorflow/tensorflow#60315",
    ),
    _given(
        "overflow-saturates",
        "a result that is too large is the largest number instead of infinity",
        ("overflow",),
        _saturated,
    ),
    Fault(
        "groups-computed-densely",
        "groups are one convolution whose kernel has zeros for the channels of other groups; times NaN or infinity "
        "they are NaN",
        "",
        lambda case: _holds(*WITH_NAN, *WITH_INFINITY)(case) and forward(case) and _grouped(case),
        _dense,
    ),
    Fault(
        "zero-weights-skipped",
        "a weight of zero is not multiplied, not even with an infinity",
        "",
        lambda case: _holds(*WITH_INFINITY)(case) and forward(case) and case.op != "separable_conv",
        _zeros_skipped,
    ),
    Fault(
        "padding-multiplied",
        "padded zeros are multiplied with an infinite weight, which makes the border NaN",
        "",
        lambda case: (
            _holds("infinite_weight", "literal")(case)
            and not case.transposed
            and forward(case)
            and max(map(max, case.pads)) > 0
        ),
        _multiplies_padding,
    ),
)
