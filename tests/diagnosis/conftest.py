"""Engines made of a function, diagnosed as if they were processes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from convsuite.adapters.case import Case
from convsuite.conformance.answers import answer_to
from convsuite.conformance.diagnosis import Diagnosis, Seen, diagnose
from convsuite.conformance.expected import Arrays, evaluate
from convsuite.conformance.faults import catalogue

Answer = Callable[[Case, Arrays], np.ndarray]


class Engine:
    """Keeps count of what it is asked; what it raises is no answer."""

    def __init__(self, answer: Answer) -> None:
        self.answer, self.asked = answer, list[Case]()

    def __call__(self, case: Case, arrays: Arrays) -> np.ndarray | None:
        self.asked.append(case)
        try:
            with np.errstate(all="ignore"):
                return self.answer(case, arrays)
        except ValueError:
            return None


def faulty(code: str) -> Answer:
    """The fault of that code as an engine: right where it makes no difference."""
    fault = catalogue()[code]
    return lambda case, arrays: fault.answer(case, arrays) if fault.applies(case) else evaluate(case, arrays)


@pytest.fixture
def diagnosed() -> Callable[[Case, Answer], Diagnosis]:
    """Why the function's answer to a case differs."""

    def diagnose_it(case: Case, answer: Answer) -> Diagnosis:
        arrays, expected = answer_to(case)
        with np.errstate(all="ignore"):
            seen = Seen.of(case, arrays, answer(case, arrays), expected)
        assert not seen.right, "the engine is not wrong here"
        return diagnose(seen, Engine(answer))

    return diagnose_it
