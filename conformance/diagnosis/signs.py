"""What an output tells by itself, without a meaning that accounts for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...adapters.case import Case
from ..data import draw_arrays
from ..expected import evaluate
from . import numbers
from .questions import SEED, derived
from .seen import Ask, Seen
from .words import Diagnosis, say

FRESH = 0xAA
"""What fresh memory holds when an engine computes for the first time: glibc's complement of answering.FILLS[0]."""
FEWEST_BYTES = 4
"""So many bytes of that kind are no coincidence."""


def read_memory(seen: Seen) -> Diagnosis | None:
    """What fresh memory held, in the place of a result."""
    wrong = _wrong(seen) if seen.output.shape == seen.expected.values.shape else np.ones(seen.output.shape, bool)
    left = np.ascontiguousarray(seen.output)[wrong]
    if left.nbytes < FEWEST_BYTES or not np.all(left.view(np.uint8) == FRESH):
        return None
    sentence = f"{left.size} of {wrong.size} elements hold what fresh memory held: they were never written"
    return say("memory-never-written", sentence, seen.case)


def read_sizes(seen: Seen) -> Diagnosis | None:
    """Another number of outputs on axes that have no samples, and on no other axis."""
    case, got, due = seen.case, seen.output.shape, seen.case.result_shape
    if case.wrt is not None or len(got) != len(due) or got == due:
        return None
    wrong = [axis for axis, (a, b) in enumerate(zip(got, due, strict=True)) if a != b]
    if any(case.input[axis] or axis in (0, len(due) - 1) for axis in wrong):
        return None
    told = " and ".join(f"{got[axis]} outputs on spatial axis {axis - 1}, due are {due[axis]}" for axis in wrong)
    return say(
        "axis-without-samples", f"an axis without samples is not what the size formula makes of it: {told}", case
    )


def read_special(seen: Seen) -> Diagnosis | None:
    """NaN where there should be none, or none where it should be, and everything else right."""
    got, due = seen.output, seen.expected.values
    if got.shape != due.shape or got.dtype.kind not in "fV":
        return None
    wrong, nan = _wrong(seen), np.isnan(got.astype(np.float64))
    due_nan = np.isnan(due)
    if not wrong.any() or np.all(np.isfinite(due)):
        return None
    of = f"{int(wrong.sum())} of {wrong.size} outputs"
    if np.all(nan[wrong]):
        return say("nan-spreads", f"{of} are NaN that meet no NaN and no infinity times zero", seen.case)
    if np.all(due_nan[wrong] & ~nan[wrong]):
        return say("nan-lost", f"{of} are numbers though they meet a NaN, or an infinity times zero", seen.case)
    return None


def read_past(seen: Seen, ask: Ask) -> Diagnosis | None:
    """What follows the input in memory, in the place of the zeros at its end: the next row, the next image, or what
    nobody knows, whose outputs may be anything.
    """
    case = seen.case
    if case.transposed or case.wrt is not None or 0 in case.input or max(hi for _, hi in case.pads) <= 0:
        return None
    if not _reads_past(seen):
        return None
    asked = derived(case, seed=case.seed + SEED)
    arrays = draw_arrays(asked)
    output = ask(asked, arrays)
    if output is None or not _reads_past(Seen.of(asked, arrays, output)):
        return None
    wrong = _wrong(seen)
    sentence = (
        f"{int(wrong.sum())} of {wrong.size} outputs meet the zeros at the end, and are computed from what follows the "
        f"input in memory: pads {numbers.pairs(case.pads)} are not looked at there"
    )
    return say("reads-past-the-input", sentence, case)


def _reads_past(seen: Seen) -> bool:
    """Whether all outputs that the input's memory decides are as it decides, some of them wrong."""
    case, arrays = seen.case, {name: array.astype(np.float64) for name, array in seen.arrays.items()}
    if seen.output.shape != seen.expected.values.shape or seen.output.dtype.kind not in "fV":
        return False
    if not all(np.isfinite(array).all() for array in arrays.values()):
        return False
    read = _windows_in_memory(case, arrays["input"])
    with np.errstate(all="ignore"):
        due = evaluate(replace(case, input=read.shape, padding="valid"), {**arrays, "input": read})
        near = np.abs(seen.output.astype(np.float64) - due) <= np.max(seen.expected.bound, initial=0.0)
    told = np.isfinite(due)
    return bool(np.any(_wrong(seen) & told)) and bool(np.all(near[told]))


def _windows_in_memory(case: Case, x: np.ndarray) -> np.ndarray:
    """The padded input as it would be read without looking where the input ends; NaN where there is no memory of it,
    zero before its begin.
    """
    steps = np.empty(x.shape[:-1]).strides
    places = np.zeros((len(x), *(size for _, size in case.window)), np.intp)
    before = np.zeros(places.shape, bool)
    places += (np.arange(len(x)) * (steps[0] // 8)).reshape(-1, *(1,) * case.rank)
    for axis, (begin, size) in enumerate(case.window, 1):
        along = np.arange(begin, begin + size).reshape(*(-1 if place == axis else 1 for place in range(case.rank + 1)))
        places += along * (steps[axis] // 8)
        before |= along < 0
    flat = x.reshape(-1, case.channels)
    read = np.where((places < len(flat))[..., None], flat[np.clip(places, 0, len(flat) - 1)], np.nan)
    return np.where(before[..., None], 0.0, read)


def _wrong(seen: Seen) -> np.ndarray:
    with np.errstate(all="ignore"):
        got, due = seen.output.astype(np.float64), seen.expected.values.astype(np.float64)
        near = np.abs(got - due) <= seen.expected.bound
        return ~((got == due) | near | (np.isnan(got) & np.isnan(due)))
