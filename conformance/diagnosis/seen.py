"""What an engine was seen to do, and whether a meaning accounts for it.

A meaning accounts for an output where, were the meaning right, the output would get a good verdict: every bit of it
where the data are exact, else within what rounding explains, in the mean square too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...adapters.case import Case
from ...reference.bounds import PRECISIONS, unit
from ..expected import Arrays, Expected, expect
from ..faults import Refuses
from ..faults.engine import handed
from ..verdict import GOOD, judge_values
from .meanings import Meaning

Ask = Callable[[Case, Arrays], np.ndarray | None]
"""(a derived case, its arrays channels last) -> the engine's output channels last, or None where it gave none, in the
form that is being diagnosed.
"""


@dataclass(frozen=True)
class Seen:
    """A case, its arrays, and an output, channels last; ``expected`` as the engine's profile allows."""

    case: Case
    arrays: Arrays
    expected: Expected
    output: np.ndarray

    @classmethod
    def of(cls, case: Case, arrays: Arrays, output: np.ndarray, expected: Expected | None = None) -> Seen:
        """``arrays`` as drawn; they are looked at in the case's memory layout."""
        return cls(case, handed(case, dict(arrays)), expected or expect(case, arrays), output)

    @property
    def right(self) -> bool:
        """Whether the output needs no explanation."""
        return self._agrees(self.expected)

    def explained_by(self, meaning: Meaning) -> bool:
        """Whether the meaning accounts for the output."""
        size = meaning.output_shape(self.case)
        if size is not None and size != self.output.shape:
            return False
        if meaning.shape_alone and meaning.fault.applies(self.case):
            return True
        answer = answer_of(meaning, self.case, self._given(meaning))
        if answer is None or answer.shape != self.output.shape:
            return False
        if self.expected.exact or self.output.dtype.kind not in "fV":
            with np.errstate(all="ignore"):
                rounded = answer.astype(self.output.dtype)
            return np.array_equal(_numbers(rounded), _numbers(self.output), equal_nan=True)
        return self._agrees(self._due(meaning, answer))

    def _given(self, meaning: Meaning) -> Arrays:
        return self._wide if meaning.linear and self.case.dtype in PRECISIONS else self.arrays

    @cached_property
    def _wide(self) -> Arrays:
        return {name: array.astype(np.float64) for name, array in self.arrays.items()}

    @cached_property
    def _magnitudes(self) -> Arrays:
        return {name: np.abs(array) for name, array in self._wide.items()}

    def _due(self, meaning: Meaning, answer: np.ndarray) -> Expected:
        """What would be expected if the meaning were right: its answer, and the bounds of a sum of as many products."""
        precision, values = PRECISIONS[self.case.dtype], _numbers(answer)
        sizes = answer_of(meaning, self.case, self._magnitudes) if meaning.linear else None
        bnd = np.maximum(np.abs(values), np.abs(_numbers(values if sizes is None else sizes)))
        same_shape = self.expected.bound.shape == values.shape
        bnd = np.maximum(bnd, self.expected.bnd) if same_shape else bnd
        u = unit(bnd, precision)
        # a profile's bound, or that of denormals, is wider than the sum's
        wider = self.expected.bound if same_shape else np.max(self.expected.bound, initial=0.0)
        bound = np.maximum(np.where(bnd == 0, 0.0, 2.0 * self.expected.ksb * u), wider)
        return replace(
            self.expected,
            values=values,
            bnd=bnd,
            bound=bound,
            unit=u,
            infinite=np.isinf(values),
            poisoned=np.array(False),
        )

    def _agrees(self, expected: Expected) -> bool:
        if expected.values.shape != self.output.shape:
            return False
        return judge_values(self.case, expected, self.output)[0] in GOOD


def answer_of(meaning: Meaning, case: Case, arrays: Arrays) -> np.ndarray | None:
    """What the meaning comes to on these arrays; None where it raises an error."""
    try:
        with np.errstate(all="ignore"):
            return meaning.answer(case, arrays)
    except (Refuses, ValueError, TypeError, MemoryError):
        return None


def _numbers(array: np.ndarray) -> np.ndarray:
    """In float64, which holds all of them; integers as they are."""
    return array if array.dtype.kind in "iub" else array.astype(np.float64)
