"""Meanings of a result without elements: an engine that gives back the shape of something that went in.

oneDNN has nothing to compute then, and TensorFlow hands on the tensor that it was given, or one of its shape that was
never written: https://github.com/tensorflow/tensorflow/issues/57664
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache

import numpy as np

from ...adapters.case import Case, Shape
from ..expected import Arrays
from ..faults import Fault

CODE = "empty-result-of-the-inputs-shape"
SOURCE = "https://github.com/tensorflow/tensorflow/issues/57664"
ShapeOf = Callable[[Case], Shape]


def given_back(case: Case) -> Iterator[Fault]:
    """Those that make a difference to the case; what stands in the array, if anything, means nothing."""
    return (fault for fault in _faults() if fault.applies(case))


def _input(case: Case) -> Shape:
    return case.input


def _output(case: Case) -> Shape:
    return case.output_shape


def _whole(case: Case) -> Shape:
    sizes = case.full if case.transposed else case.raw_sizes
    return (case.batch, *(max(size, 0) for size in sizes), case.output_channels)


def _padded(case: Case) -> Shape:
    return (case.batch, *(max(size, 0) for _, size in case.window), case.channels)


def _with_zeros(case: Case) -> Shape:
    sides = zip(case.spatial, case.pads, strict=True)
    return (case.batch, *(n + max(lo, 0) + max(hi, 0) for n, (lo, hi) in sides), case.channels)


def _padded_as_at_stride_one(case: Case) -> Shape:
    return _padded(replace(case, strides=(1,) * case.rank))


def _subsampled(case: Case) -> Shape:
    sizes = zip(_padded(case)[1:-1], case.strides, strict=True)
    return (case.batch, *(-(-n // s) for n, s in sizes), case.channels)


def _of_channels(case: Case) -> Shape:
    return (*case.output_shape[:-1], case.channels)


def _depthwise_half(case: Case) -> Shape:
    return (*case.output_shape[:-1], case.channels * case.depth_multiplier)


def _filtered(shape_of: ShapeOf) -> ShapeOf:
    return lambda case: (*shape_of(case)[:-1], case.output_channels)


GIVEN: dict[str, ShapeOf] = {
    "the input": _input,
    "the output gradient": _output,
    "the whole result, of which a window is due": _whole,
}
"""What has a shape before there is a result, for every operation and its gradients."""
GIVEN_FORWARD: dict[str, ShapeOf] = {
    "the padded input": _padded,
    "the input with its zeros, not yet cut": _with_zeros,
    "the input padded as at stride 1": _padded_as_at_stride_one,
    "every s-th sample of the padded input": _subsampled,
    "the result, with the input's channels": _of_channels,
    "the result of the depthwise half": _depthwise_half,
    "the input, with the filters for channels": _filtered(_input),
    "the padded input, with the filters for channels": _filtered(_padded),
    "the input with its zeros, with the filters for channels": _filtered(_with_zeros),
}
"""What the input becomes on the way of a convolution that is composed of several calls."""


@cache
def _faults() -> tuple[Fault, ...]:
    everywhere = (_fault(what, shape_of, forward=False) for what, shape_of in GIVEN.items())
    return (*everywhere, *(_fault(what, shape_of, forward=True) for what, shape_of in GIVEN_FORWARD.items()))


def _fault(what: str, shape_of: ShapeOf, *, forward: bool) -> Fault:
    def applies(case: Case) -> bool:
        if case.must_refuse or 0 not in case.result_shape or (forward and (case.transposed or case.wrt is not None)):
            return False
        return shape_of(case) != case.result_shape

    def answer(case: Case, _: Arrays) -> np.ndarray:
        return np.zeros(shape_of(case))

    return Fault(CODE, f"the result has no element, and what comes has the shape of {what}", SOURCE, applies, answer)
