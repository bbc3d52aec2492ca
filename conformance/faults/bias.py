"""Faults of the bias: forgotten, or added along something else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...adapters.case import Case
from ..expected import Arrays, evaluate
from .fault import Condition, Fault, forward, valid

Bias = Callable[[Case, np.ndarray], np.ndarray]


def _added(code: str, sentence: str, bias: Bias, *, when: Condition | None = None, source: str = "") -> Fault:
    """A fault that adds something else than the bias (F,): what ``bias`` makes of it, in any shape that broadcasts."""

    def applies(case: Case) -> bool:
        return valid(case) and forward(case) and case.use_bias and (when is None or when(case))

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        given = arrays["bias"]
        wrong = bias(case, given)
        if wrong.shape == given.shape:
            return evaluate(case, {**arrays, "bias": wrong})
        result = evaluate(case, {**arrays, "bias": np.zeros_like(given)})
        with np.errstate(all="ignore"):
            return result + wrong

    return Fault(code, sentence, source, applies, answer)


def _as_wide_as_filters(case: Case) -> bool:
    return case.channels_first and case.output_shape[-2] == case.output_channels > 1


def _along_the_width(_case: Case, bias: np.ndarray) -> np.ndarray:
    return bias[:, None]


def _dense_width(case: Case) -> int:
    """How many columns the convolution at stride 1 has."""
    return replace(case, strides=(1,) * case.rank, padding=case.pads).output_shape[-2]


def _as_wide_as_filters_at_stride_one(case: Case) -> bool:
    strided = not case.transposed and case.strides[-1] > 1 and case.output_channels > 1
    return strided and case.channels_first and _dense_width(case) == case.output_channels


def _along_the_width_at_stride_one(case: Case, bias: np.ndarray) -> np.ndarray:
    return bias[:: case.strides[-1], None]


def _first_group(case: Case, bias: np.ndarray) -> np.ndarray:
    return np.tile(bias[: case.output_channels // case.groups], case.groups)


FAULTS = (
    _added("bias-missing", "the bias is not added", lambda _case, bias: np.zeros_like(bias)),
    _added("bias-twice", "the bias is added twice", lambda _case, bias: bias + bias),
    _added(
        "bias-along-the-width",
        "the bias is added along the last spatial axis, which fits where there are as many columns as filters",
        _along_the_width,
        when=_as_wide_as_filters,
    ),
    _added(
        "bias-along-the-width-at-stride-one",
        "the bias is added along the width of the convolution at stride 1, of which every s-th output is then kept",
        _along_the_width_at_stride_one,
        when=_as_wide_as_filters_at_stride_one,
        source="https://github.com/keras-team/keras/blob/v3.15.1/keras/src/backend/tensorflow/numpy.py",
    ),
    _added(
        "bias-of-the-first-channel",
        "every channel gets the first channel's bias",
        lambda _case, bias: np.full_like(bias, bias[0]),
        when=lambda case: case.output_channels > 1,
    ),
    _added(
        "bias-of-the-first-group",
        "every group gets the first group's bias",
        _first_group,
        when=lambda case: case.groups > 1,
    ),
    _added(
        "bias-shifted-by-a-channel",
        "every channel gets its neighbour's bias",
        lambda _case, bias: np.roll(bias, 1),
        when=lambda case: case.output_channels > 1,
    ),
    _added("bias-subtracted", "the bias is subtracted", lambda _case, bias: -bias),
    _added(
        "bias-once-per-input-channel",
        "the bias is added for every input channel",
        lambda case, bias: (bias * np.asarray(case.channels // case.groups).astype(bias.dtype)).astype(bias.dtype),
        when=lambda case: case.op in ("conv", "conv_transpose") and case.channels > case.groups,
    ),
)
