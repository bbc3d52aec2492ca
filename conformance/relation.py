"""What a law is made of: parts, which are ordinary cases, and a relation that their outputs have to each other.

A relation is judged from the outputs alone; the reference's answer to the parts is not asked.  Both of its sides are
written without a minus sign, so that they grow with every output and array in them.  The same two lines, applied to the
parts' bounds and to the absolute values of the arrays, then say how far rounding may lead them apart:

    left(y) = right(y)      with      |error| <= left(bound) + right(bound)

Where every part is exact (small integers), so is the relation, and integer dtypes are compared as they wrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from ..adapters.case import Case, from_format, numpy_dtype
from ..reference.bounds import PRECISIONS
from .data import draw_arrays
from .expected import Arrays, Expected
from .process import Outcome
from .profiles import Profile, allowed
from .verdict import UNJUDGED, Judgement, farthest_off, finite_max

COMPARABLE = ("exact", "within", "differs")
"""Verdicts on an output of the right shape and dtype, the same both times."""


class Draws(NamedTuple):
    """Two draws of the arrays of a law's case, output gradient included, channels last, in float64 or int64."""

    first: Arrays
    second: Arrays


Derive = Callable[[Draws], Arrays]
Sides = Callable[[Mapping[str, np.ndarray], Draws], tuple[np.ndarray, np.ndarray]]
"""(the parts' outputs by name, the draws) -> (left, right); every output and array enters with a plus sign."""


def first_draw(draws: Draws) -> Arrays:
    """The arrays that the case itself would have."""
    return draws.first


@dataclass(frozen=True)
class Part:
    """One of the computations that a law compares, and how its arrays come from those of the law's case."""

    name: str
    case: Case
    arrays: Derive = first_draw

    def draw(self, base: Case, seed: int) -> Arrays:
        """The part's arrays in its dtype, when ``base``, the law's case, is drawn with ``seed``."""
        arrays, dtype = self.arrays(draw_twice(base, seed)), numpy_dtype(self.case.dtype)
        return {name: np.ascontiguousarray(arrays[name].astype(dtype)) for name in self.case.array_shapes}


@dataclass(frozen=True)
class Relation:
    """A law applied to a case: what it ``says`` in a line, of which ``parts``, and the two ``sides``."""

    says: str
    parts: tuple[Part, ...]
    sides: Sides


@dataclass(frozen=True)
class Given:
    """What a relation knows of a part: its output, channels last, the bound of its error, whether it must be exact."""

    values: np.ndarray
    bound: np.ndarray
    exact: bool


def give(
    case: Case,
    expected: Expected | None,
    result: tuple[Outcome, Judgement] | None,
    profile: Profile | None = None,
) -> Given | str:
    """What became of a part in one form: an output to compare, or the word that says why there is none.

    ``profile``: the engine's, which widens the bounds.
    """
    if result is None:
        return "not in this form"
    outcome, judgement = result
    if outcome.result is None or expected is None or judgement.verdict not in COMPARABLE:
        return judgement.verdict
    values = from_format(outcome.result, case.data_format) if case.result_has_channels else outcome.result
    bounds = allowed(case, expected, profile)
    return Given(values, bounds.bound, bounds.exact)


def draw_twice(case: Case, seed: int) -> Draws:
    """The arrays of a case and, from the next seed, others of the same shapes."""
    drawn = replace(case, wrt=case.wrt or "input")  # the output gradient is drawn last: the others stay what they are
    wide = _wide(case.dtype)
    return Draws(*({n: a.astype(wide) for n, a in draw_arrays(drawn, seed=seed + more).items()} for more in (0, 1)))


def _wide(dtype: str) -> type[np.generic]:
    return np.float64 if dtype in PRECISIONS else np.int64


def judge_relation(relation: Relation, case: Case, seed: int, parts: Mapping[str, Given | str]) -> Judgement:
    """The verdict on a relation between the outputs of one engine in one form.

    ``parts``: by name.  `UNJUDGED` where one has no output: nothing can be said then, and its own record tells why.
    """
    given = {name: one for name, one in parts.items() if isinstance(one, Given)}
    if lacking := [f"{name} ({why})" for name, why in parts.items() if isinstance(why, str)]:
        return Judgement(UNJUDGED, f"nothing to compare, without the result of {', '.join(lacking)}")
    outputs = {name: one.values.astype(_wide(case.dtype)) for name, one in given.items()}
    draws = draw_twice(case, seed)
    left, right = relation.sides(outputs, draws)
    if case.dtype not in PRECISIONS:
        left, right = (side.astype(case.dtype).astype(np.float64) for side in (left, right))
    exact = all(one.exact for one in given.values())
    with np.errstate(all="ignore"):
        error = np.where(left == right, 0.0, np.abs(left - right))
        tolerance = np.zeros(left.shape) if exact else _tolerance(relation, draws, given, outputs)
        ratios = np.where(error == 0, 0.0, error / tolerance)
    wrong = ~(error <= tolerance)
    numbers: dict[str, Any] = {"max_error": finite_max(error), "bound_ratio": finite_max(ratios)}
    if wrong.any():
        return Judgement("differs", _describe(relation, wrong, error, left, right), **numbers)
    return Judgement("exact" if exact else "within", **numbers)


def _tolerance(
    relation: Relation, draws: Draws, given: Mapping[str, Given], outputs: Mapping[str, np.ndarray]
) -> np.ndarray:
    """The bounds, left + right, and what the sums of the sides themselves may lose in float64."""
    absolute = Draws(*({name: np.abs(array) for name, array in arrays.items()} for arrays in draws))
    bounds = {name: one.bound for name, one in given.items()}
    terms = sum(output.size for output in outputs.values())
    own = terms * np.finfo(np.float64).eps
    magnitudes = {name: np.abs(output) for name, output in outputs.items()}
    return np.add(*relation.sides(bounds, absolute)) + own * np.add(*relation.sides(magnitudes, absolute))


def _describe(relation: Relation, wrong: np.ndarray, error: np.ndarray, left: np.ndarray, right: np.ndarray) -> str:
    place = farthest_off(wrong, error)
    return (
        f"{relation.says} does not hold: {int(wrong.sum())} of {wrong.size} numbers differ, most at {list(place)}: "
        f"{left[place]} on the left, {right[place]} on the right"
    )
