"""Faults of padding: how many zeros, and on which side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import numpy as np

from ...adapters.case import Case, Pads
from ...reference import geometry
from ..expected import Arrays, evaluate
from ..porting import half_kernels
from .fault import Condition, Fault, changes_case, framed, on_axis, repadded, valid

Rule = Callable[[Case], Pads]


def _word(*words: str) -> Condition:
    return lambda case: not case.transposed and case.padding in words


def _pairs(case: Case) -> bool:
    return not case.transposed and not isinstance(case.padding, str)


def _pairs_of_several_axes(case: Case) -> bool:
    return _pairs(case) and case.rank > 1


def _swapped(case: Case) -> Pads:
    return tuple((hi, lo) for lo, hi in case.pads)


def _swapped_on(axis: int) -> Rule:
    return lambda case: on_axis(axis, _swapped(case), case.pads)


def _several_axes(condition: Condition) -> Condition:
    return lambda case: condition(case) and case.rank > 1


def _pads(code: str, sentence: str, rule: Rule, when: Condition, source: str = "") -> Fault:
    return changes_case(code, sentence, lambda case: repadded(case, rule(case)), when=when, source=source)


def _extents(case: Case) -> tuple[int, ...]:
    return geometry.effective_size(case.kernel_size, case.dilation)


def _floored(case: Case) -> Case:
    """With out = floor(n/s), total = max((out-1)*s + ke - n, 0), half of it first."""
    sizes = tuple(n // s for n, s in zip(case.spatial, case.strides, strict=True))
    axes = zip(sizes, case.strides, _extents(case), case.spatial, strict=True)
    return framed(case, tuple(max((out - 1) * s + ke - n, 0) // 2 for out, s, ke, n in axes), sizes)


def _unclamped(case: Case) -> Pads:
    """With total = (ceil(n/s)-1)*s + ke - n, which is negative where the stride is larger than the kernel."""
    axes = zip(case.spatial, case.strides, _extents(case), strict=True)
    totals = [(-(-n // s) - 1) * s + ke - n for n, s, ke in axes]
    return tuple((total // 2, total - total // 2) for total in totals)


def _independent_of_stride(case: Case) -> Case:
    """With total = ke - 1, as at stride 1."""
    return framed(case, tuple((ke - 1) // 2 for ke in _extents(case)), case.raw_sizes)


def _half_a_kernel(case: Case) -> Pads:
    return tuple((half, half) for half in half_kernels(case))


def _undilated(case: Case) -> Pads:
    return geometry.conv_pads(case.spatial, case.kernel_size, case.strides, case.padding, 1)


def _begins_then_ends(case: Case) -> Pads:
    """lo, lo, hi, hi read as lo, hi, lo, hi."""
    flat = [lo for lo, _ in case.pads] + [hi for _, hi in case.pads]
    return tuple(zip(flat[::2], flat[1::2], strict=True))


def _halved(case: Case) -> Pads:
    return tuple(((lo + 1) // 2, hi // 2) for lo, hi in case.pads)


def _filled(code: str, sentence: str, mode: Literal["edge", "wrap"]) -> Fault:
    """A padding that is made of samples before the convolution, which is then one without."""

    def applies(case: Case) -> bool:
        if case.transposed or not valid(case) or case.wrt in ("input", "bias"):
            return False
        return max(map(max, case.pads)) > 0 and min(map(min, case.pads)) >= 0

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        padded = np.pad(arrays["input"], [(0, 0), *case.pads, (0, 0)], mode)
        return evaluate(replace(case, input=padded.shape, padding="valid"), {**arrays, "input": padded})

    return Fault(code, sentence, "", applies, answer)


FAULTS = (
    changes_case(
        "same-extra-at-begin",
        "SAME puts the odd zero before the input instead of after it",
        lambda case: replace(case, padding="same_lower"),
        when=_word("same"),
    ),
    changes_case(
        "same-lower-extra-at-end",
        "SAME_LOWER puts the odd zero after the input instead of before it",
        lambda case: replace(case, padding="same"),
        when=_word("same_lower"),
    ),
    _pads(
        "same-extra-at-begin-first-axis",
        "SAME puts the odd zero on the wrong side of the first axis",
        _swapped_on(0),
        _several_axes(_word("same", "same_lower")),
    ),
    _pads(
        "same-extra-at-begin-last-axis",
        "SAME puts the odd zero on the wrong side of the last axis",
        _swapped_on(-1),
        _several_axes(_word("same", "same_lower")),
    ),
    changes_case(
        "same-size-rounded-down",
        "SAME gives floor(n / stride) outputs instead of ceil(n / stride)",
        _floored,
        when=_word("same"),
        source="tensorflow/tensorflow#4297",
    ),
    _pads(
        "same-not-clamped",
        "SAME crops the input where the stride is larger than the kernel, instead of padding nothing",
        _unclamped,
        _word("same"),
        "tensorflow/tensorflow#5203",
    ),
    changes_case(
        "same-pads-of-stride-one",
        "SAME takes the pads of stride 1, whatever the stride and the size of the input",
        _independent_of_stride,
        when=_word("same"),
        source="pytorch/pytorch#3867",
    ),
    _pads(
        "same-pads-half-a-kernel",
        "SAME pads dilation * (kernel_size // 2) on both sides",
        _half_a_kernel,
        _word("same"),
        "keras-team/keras#19291",
    ),
    _pads(
        "same-pads-without-dilation",
        "SAME takes the pads of the kernel that is not dilated",
        _undilated,
        _word("same", "same_lower"),
        "keras-team/keras#12972",
    ),
    changes_case(
        "same-taken-for-valid",
        "SAME pads nothing",
        lambda case: replace(case, padding="valid"),
        when=_word("same", "same_lower"),
        source="AlexanderLutsenko/nobuco#25",
    ),
    _pads("causal-at-end", "causal padding goes after the input", _swapped, _word("causal")),
    _pads(
        "causal-without-dilation",
        "causal padding is k - 1, whatever the dilation",
        _undilated,
        _word("causal"),
    ),
    changes_case(
        "causal-taken-for-same",
        "causal padding is split between both ends, as SAME is",
        lambda case: replace(case, padding="same"),
        when=_word("causal"),
    ),
    changes_case(
        "causal-taken-for-valid",
        "causal padding is not there",
        lambda case: replace(case, padding="valid"),
        when=_word("causal"),
    ),
    _pads("pads-ends-swapped", "explicit pads go to the other end of their axis", _swapped, _pairs),
    _pads(
        "pads-axes-swapped",
        "explicit pads are read from the last axis on, as F.pad of PyTorch has them",
        lambda case: case.pads[::-1],
        _pairs_of_several_axes,
        "pytorch/pytorch#37844",
    ),
    _pads(
        "pads-begins-and-ends-mixed",
        "the list of all begins, then all ends, is read as pairs",
        _begins_then_ends,
        _pairs_of_several_axes,
        "onnx/tensorflow-onnx#201",
    ),
    _pads(
        "pads-begin-for-both-ends",
        "an axis is padded at both ends by what its begin says",
        lambda case: tuple((lo, lo) for lo, _ in case.pads),
        _pairs,
    ),
    _pads(
        "pads-end-for-both-ends",
        "an axis is padded at both ends by what its end says",
        lambda case: tuple((hi, hi) for _, hi in case.pads),
        _pairs,
    ),
    _pads(
        "pads-halved",
        "half of the stated padding is added at each end",
        _halved,
        _pairs,
        "pytorch/pytorch#20981",
    ),
    _pads(
        "pads-first-axis-for-all",
        "every axis is padded by the pads of the first one",
        lambda case: (case.pads[0],) * case.rank,
        _pairs_of_several_axes,
    ),
    _pads(
        "pads-last-axis-forgotten",
        "explicit pads of the last axis are not added",
        lambda case: (*case.pads[:-1], (0, 0)),
        _pairs_of_several_axes,
    ),
    _pads(
        "pads-ignored",
        "explicit pads are not added",
        lambda case: ((0, 0),) * case.rank,
        _pairs,
    ),
    _pads(
        "pads-negative-ignored",
        "a negative pad crops nothing",
        lambda case: tuple((max(lo, 0), max(hi, 0)) for lo, hi in case.pads),
        _pairs,
    ),
    _pads(
        "pads-negative-at-the-other-end",
        "a negative pad crops the other end of the axis",
        lambda case: tuple((hi, lo) if min(lo, hi) < 0 else (lo, hi) for lo, hi in case.pads),
        _pairs,
    ),
    _filled(
        "padding-repeats-the-edge",
        "padded positions hold the nearest sample instead of zero",
        "edge",
    ),
    _filled(
        "padding-wraps-around",
        "padded positions hold the samples of the other end instead of zero",
        "wrap",
    ),
)
