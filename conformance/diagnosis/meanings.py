"""The catalogue of meanings: what an engine may take a case for.  Each is a way to answer the case, under a code.

The single ones are the faults of the self-test, which real frameworks, converters and ports have had; the families add
the same in every size.  A meaning of the first kind names the cause, one of a family the effect in numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np

from ...adapters.case import Case, Shape
from ..expected import Arrays, evaluate
from ..faults import FAMILIES, SUBJECTS, Fault
from . import empties

NATIVE = ("images and memory", "precision", "special values", "sizes and refusals")
"""Subjects whose faults depend on the dtype or on the memory of the arrays."""

SAME_CAUSE = {"float64-accumulated-in-float32": "float64-computed-in-float32"}
"""Faults that are one cause under two codes: no case tells them apart but by the order of a sum."""


@dataclass(frozen=True)
class Meaning:
    """A fault as an explanation; ``code``: of the cause."""

    code: str
    fault: Fault
    linear: bool = True
    """Whether it moves products about and leaves them exact: then it may be computed in float64."""
    general: bool = False
    """Whether it is the member of a family: it says in numbers what happens, not by which rule."""
    shape_alone: bool = False
    """Whether it speaks of the result's shape only, and anything may stand in it."""

    def changed(self, case: Case) -> Case | None:
        """The case as it is understood, where that is the whole meaning; None elsewhere."""
        if self.fault.change is None or not self.fault.applies(case):
            return None
        return self.fault.change(case)

    def output_shape(self, case: Case) -> Shape | None:
        """The result's shape, where it is known without the result."""
        if self.shape_alone:
            return self.answer(case, {}).shape if self.fault.applies(case) else case.result_shape
        changed = None if case.wrt is not None else self.changed(case)
        return None if changed is None else changed.output_shape

    def answer(self, case: Case, arrays: Arrays) -> np.ndarray:
        """Channels last; the right result where the meaning makes no difference."""
        return self.fault.answer(case, arrays) if self.fault.applies(case) else evaluate(case, arrays)


@cache
def single_meanings() -> tuple[Meaning, ...]:
    """Those without parameters, for any case."""
    return tuple(
        Meaning(SAME_CAUSE.get(fault.code, fault.code), fault, linear=subject not in NATIVE)
        for subject, faults in SUBJECTS.items()
        for fault in faults
        if not fault.process
    )


def meanings(case: Case) -> Iterator[Meaning]:
    """Those that name a cause and make a difference to the case."""
    yield from (one for one in single_meanings() if one.fault.applies(case))
    for fault in empties.given_back(case):
        yield Meaning(empties.CODE, fault, linear=False, shape_alone=True)


def general_meanings(case: Case) -> Iterator[Meaning]:
    """The members of families: what the case allows of the same mistakes in every size."""
    for family in FAMILIES:
        yield from (Meaning(family.code, member, general=True) for member in family.members(case))
