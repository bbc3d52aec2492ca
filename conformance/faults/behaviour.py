"""Faults of the process: it dies, hangs, takes too much, or answers with what was in memory before.

Only the harness can see these, in an engine of their own (`engine.FaultyEngine`): `answer` does what it says.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import count

import numpy as np

from ...adapters.case import Case
from ..expected import Arrays, evaluate
from .fault import Fault, forward, valid

LONG = 3600.0
BLOCK = 1 << 26


def _misbehaves(code: str, sentence: str, answer: Callable[[Case, Arrays], np.ndarray], source: str = "") -> Fault:
    return Fault(code, sentence, source, lambda case: valid(case) and forward(case), answer, process=True)


def _aborts(_case: Case, _arrays: Arrays) -> np.ndarray:
    os.abort()


def _exits(_case: Case, _arrays: Arrays) -> np.ndarray:
    os._exit(0)


def _hangs(case: Case, arrays: Arrays) -> np.ndarray:
    time.sleep(LONG)
    return evaluate(case, arrays)


def _takes_memory(_case: Case, _arrays: Arrays) -> np.ndarray:
    kept: list[np.ndarray] = []
    while True:
        kept.append(np.ones(BLOCK, np.uint8))


def _unwritten(case: Case, arrays: Arrays) -> np.ndarray:
    result = evaluate(case, arrays)
    unwritten = np.empty_like(result)
    unwritten.reshape(-1)[:-1] = result.reshape(-1)[:-1]
    return unwritten


_CALLS = count()


def _varies(case: Case, arrays: Arrays) -> np.ndarray:
    result = evaluate(case, arrays)
    return result + result.dtype.type(next(_CALLS) % 2)


def _writes_to_its_input(case: Case, arrays: Arrays) -> np.ndarray:
    result = evaluate(case, arrays)
    arrays["input"] += arrays["input"].dtype.type(1)
    return result


_BUFFERS: dict[str, np.ndarray] = {}


def _adds_to_its_buffer(case: Case, arrays: Arrays) -> np.ndarray:
    result = evaluate(case, arrays)
    _BUFFERS[case.id] = _BUFFERS.get(case.id, np.zeros_like(result)) + result
    return _BUFFERS[case.id]


FAULTS = (
    _misbehaves("aborts", "the process aborts", _aborts, "pytorch/pytorch#70523"),
    _misbehaves("exits-with-status-zero", "the process ends in the middle, as if all were well", _exits),
    _misbehaves("hangs", "it never answers", _hangs),
    _misbehaves("takes-all-memory", "it takes memory without end", _takes_memory),
    _misbehaves(
        "never-written", "the last element of the result is never written", _unwritten, "pytorch/pytorch#99519"
    ),
    _misbehaves("varies", "every other answer is another one", _varies, "tensorflow/tensorflow#12871"),
    _misbehaves("writes-to-its-input", "the input is changed", _writes_to_its_input),
    _misbehaves("adds-to-its-buffer", "the result is added to what its buffer held", _adds_to_its_buffer),
)
