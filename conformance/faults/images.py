"""Faults of batches and of memory: which image, in which order of axes, at which stride, up to where."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...adapters.case import Case, from_format, to_format
from ..expected import Arrays, evaluate
from .fault import Fault, changes_result, forward, valid


def _several(case: Case) -> bool:
    return case.batch > 1 and case.wrt in (None, "input")


def _only_the_first(_case: Case, result: np.ndarray) -> np.ndarray:
    result[1:] = 0
    return result


def _first_for_all(_case: Case, result: np.ndarray) -> np.ndarray:
    result[1:] = result[:1]
    return result


def _last_forgotten(_case: Case, result: np.ndarray) -> np.ndarray:
    result[-1] = 0
    return result


def _columns_remainder(_case: Case, result: np.ndarray) -> np.ndarray:
    result[..., result.shape[-2] // 4 * 4 :, :] = 0
    return result


def _read(case: Case, array: np.ndarray, name: str, *, contiguous: bool) -> np.ndarray:
    """What an engine finds that starts at the lowest address of the array and walks on by positive strides, those of
    the array or (``contiguous``) those that its shape would have without gaps.
    """
    in_format = name in ("input", "output_gradient")
    handed = to_format(array, case.data_format) if in_format else array
    upwards = handed[tuple(slice(None, None, -1 if stride < 0 else 1) for stride in handed.strides)]
    if contiguous:
        upwards = as_strided(upwards, strides=np.empty(upwards.shape, upwards.dtype).strides, writeable=False)
    return from_format(upwards, case.data_format) if in_format else upwards


def _reads(code: str, sentence: str, source: str, *layouts: str, contiguous: bool) -> Fault:
    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        read = {name: _read(case, array, name, contiguous=contiguous) for name, array in arrays.items()}
        return evaluate(case, read)

    return Fault(code, sentence, source, lambda case: valid(case) and case.layout in layouts, answer)


def _read_as_channels_last(case: Case, arrays: Arrays) -> np.ndarray:
    """The memory of (N, C, *spatial) read as (N, *spatial, C)."""
    read = dict(arrays)
    for name in ("input", "output_gradient"):
        if name in arrays:
            memory = np.ascontiguousarray(to_format(arrays[name], case.data_format))
            read[name] = memory.reshape(arrays[name].shape)
    return evaluate(case, read)


def _written_as_channels_last(case: Case, result: np.ndarray) -> np.ndarray:
    """The memory of (N, *spatial, C) taken for that of (N, C, *spatial)."""
    shape = to_format(result, case.data_format).shape
    return from_format(np.ascontiguousarray(result).reshape(shape), case.data_format)


FAULTS = (
    changes_result("batch-only-the-first", "images after the first come out as zeros", _only_the_first, when=_several),
    changes_result(
        "batch-first-for-all",
        "every image gets the result of the first one",
        _first_for_all,
        when=_several,
    ),
    changes_result(
        "batch-backwards",
        "the images come out in the opposite order",
        lambda _case, result: result[::-1],
        when=_several,
    ),
    changes_result("batch-last-forgotten", "the last image comes out as zeros", _last_forgotten, when=_several),
    changes_result(
        "columns-remainder-forgotten",
        "columns are computed four at a time, and the last ones that are no four stay zero",
        _columns_remainder,
        when=lambda case: forward(case) and case.output_shape[-2] % 4 != 0 and case.output_shape[-2] > 4,
    ),
    Fault(
        "channels-first-read-as-last",
        "the memory of an input with channels first is read as if channels were last",
        "PINTO0309/onnx2tf#960",
        lambda case: valid(case) and case.channels_first and case.wrt != "bias" and case.channels > 1,
        _read_as_channels_last,
    ),
    changes_result(
        "channels-first-written-as-last",
        "the result has its channels last in memory and the shape of one with channels first",
        _written_as_channels_last,
        when=lambda case: case.channels_first and case.result_has_channels and case.result_shape[-1] > 1,
        source="PINTO0309/onnx2tf#960",
    ),
    _reads(
        "strided-read-as-contiguous",
        "arrays are read as if their memory had no gaps",
        "pytorch/pytorch#16018",
        "strided",
        contiguous=True,
    ),
    _reads(
        "transposed-view-read-as-contiguous",
        "arrays whose axes are stored in another order are read as if they were not",
        "pytorch/pytorch#192212",
        "transposed",
        contiguous=True,
    ),
    _reads(
        "negative-strides-read-forwards",
        "arrays that run backwards in memory are read forwards",
        "",
        "negative",
        contiguous=False,
    ),
)
