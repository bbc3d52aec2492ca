"""The diagnoses of one engine in one run: derived cases go to its process while it is warm, and what has been found is
remembered, so that the thousandth record of a known cause costs one comparison.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from ...adapters.case import Case, from_format
from ..errors import UsageError
from ..expected import Arrays, Expected
from ..process import BrokenEngine, EngineProcess, Outcome, Stopped
from ..profiles import allowed
from ..record import Found
from ..verdict import Judgement
from .diagnose import find
from .meanings import Meaning
from .seen import Seen
from .signs import read_memory
from .words import Diagnosis, say_meaning, unexplained

DIAGNOSED = ("differs", "shape")
"""Verdicts on an output that is there to be explained."""
NUMBERS = "fiuV"
"""The kinds of dtype that can be explained; bfloat16 calls itself V."""
MOST_DEATHS = 5
"""So often an engine may die of questions."""

Signature = tuple[object, ...]


class Session:
    """Diagnoses what one engine did wrong.

    A meaning that was proven once accounts for later records of the same kind by reproducing their outputs alone:
    `signature` says what the same kind is.  Errors of the process while it is asked leave the diagnosis `unexplained`;
    one that does not start again raises `BrokenEngine` at the next case, as it would have without any diagnosis.
    """

    def __init__(self, process: EngineProcess) -> None:
        self._process = process
        self._proven: dict[Signature, list[Meaning]] = {}
        self._deaths = 0
        self.seconds = 0.0
        """CPU seconds of the harness."""

    def explained(self, found: Found, arrays: Arrays, expected: Expected | None) -> Found:
        """What was found, with its diagnosis where it has one.  Raises `Stopped`."""
        begin = time.thread_time()
        try:
            diagnosis = self._diagnose(found.entry.case, arrays, expected, found.outcome, found.judgement)
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001  a mistake of the suite's must not cost the run its records
            diagnosis = unexplained(f"the diagnosis failed: {type(error).__name__}: {error}")
        self.seconds += time.thread_time() - begin
        return found if diagnosis is None else found._replace(diagnosis=diagnosis)

    def explained_by_parts(self, relation: Found, parts: Sequence[Found]) -> Found:
        """A relation between results with the diagnosis of the first part that has one, where it does not hold."""
        if relation.judgement.verdict not in DIAGNOSED:
            return relation
        named = [one.diagnosis for one in parts if one.diagnosis is not None]
        return relation._replace(diagnosis=named[0] if named else unexplained("all of its parts are right"))

    def _diagnose(
        self, case: Case, arrays: Arrays, expected: Expected | None, outcome: Outcome, judgement: Judgement
    ) -> Diagnosis | None:
        """Why a record is bad; None where its verdict says all there is to say."""
        result = outcome.result
        if expected is None or judgement.verdict not in (*DIAGNOSED, "unstable"):
            return None
        if result is None or result.dtype.kind not in NUMBERS:
            return unexplained(f"the result, of dtype {outcome.dtype}, is too large, or not of real numbers")
        output = from_format(result, case.data_format) if case.result_has_channels else result
        seen = Seen.of(case, arrays, output, allowed(case, expected, self._process.profile))
        if judgement.verdict == "unstable":
            return read_memory(seen)
        key = signature(case, outcome.form)
        for meaning in self._proven.get(key, []):
            if meaning.fault.applies(case) and seen.explained_by(meaning):
                return say_meaning(meaning, case)
        try:
            found = find(seen, lambda case, arrays: self._ask(case, arrays, outcome))
        except BrokenEngine:
            return unexplained("the engine did not start again while it was asked for the cause")
        if found.meaning is not None:
            self._proven.setdefault(key, []).append(found.meaning)
        return found.diagnosis

    def _ask(self, case: Case, arrays: Arrays, about: Outcome) -> np.ndarray | None:
        """The engine's answer in that form, of that dtype; None where there is none, or another every time.

        One that dies of questions again and again, or whose adapter they break, is not asked any more.
        """
        if self._deaths >= MOST_DEATHS:
            return None
        try:
            outcomes = list(self._process.run(case, arrays, (about.form,)))
        except UsageError:
            self._process.close()
            self._deaths = MOST_DEATHS
            return None
        self._deaths += sum(one.kind in ("crash", "timeout") for one in outcomes)
        for outcome in outcomes:
            result = outcome.result
            right = arrays["input"].dtype.name
            if result is not None and outcome.stable and result.dtype.name in (right, about.dtype):
                return from_format(result, case.data_format) if case.result_has_channels else result
        return None


def signature(case: Case, form: str) -> Signature:
    """What two records have in common when the same cause may be taken to be behind both: form, operation, what is
    asked for, the words and the kinds of the parameters, not their numbers.
    """
    padding = case.padding if isinstance(case.padding, str) else min(map(min, case.padding)) < 0
    return (
        form,
        case.op,
        case.wrt,
        case.rank,
        padding,
        case.output_padding is not None and max(case.output_padding) > 0,
        _kind(case.strides),
        _kind(case.dilation),
        max(case.kernel_size) > 1,
        case.groups > 1,
        case.depth_multiplier > 1,
        case.use_bias,
        case.dtype,
        case.data,
        case.data_format,
        case.layout,
        0 in case.result_shape,
    )


def _kind(steps: Sequence[int]) -> tuple[bool, bool]:
    """Whether there are steps above one, and whether the axes differ."""
    return max(steps) > 1, len(set(steps)) > 1
