"""The outcome judged: one word, and how far off.

The order of the words is the order of the questions: did it live, was it right to answer or to refuse, shape, dtype,
the same twice, and only then the values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np

from ..adapters.case import Case, from_format, numpy_dtype
from ..reference.bounds import FEWEST_FOR_VARIANCE, VARIANCE_FACTOR
from .error_map import error_map
from .expected import Expected
from .process import Outcome
from .profiles import Profile, allowed

GoodVerdict = Literal["refused", "exact", "within"]
BadVerdict = Literal["crash", "timeout", "accepted", "unsupported", "shape", "dtype", "unstable", "differs"]
GOOD: tuple[str, ...] = get_args(GoodVerdict)
UNJUDGED = "unjudged"
"""Neither good nor bad: a law's relation, one of whose parts has no output.  The part's own record tells why."""
UNEXPLAINED = "unexplained"
"""The code of a diagnosis that names no cause, since none could be proven."""
VERDICTS: tuple[str, ...] = (*GOOD, UNJUDGED, *get_args(BadVerdict))


@dataclass(frozen=True)
class Judgement:
    """True where the verdict is a good one, so that a test can ``assert check(case, array)``.

    ``max_error``: largest |error|; ``bound_ratio``: largest |error| / bound; None where not finite or not compared.
    ``error_map``: where values differ, see `error_map`.
    """

    verdict: str
    message: str = ""
    max_error: float | None = None
    bound_ratio: float | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    error_map: dict[str, Any] | None = field(default=None, compare=False, repr=False)

    @property
    def ok(self) -> bool:
        return self.verdict in GOOD

    def __bool__(self) -> bool:
        return self.ok


def may_refuse(case: Case) -> bool:
    """Whether an error is a right answer: it must be refused, or the size formula gives less than one."""
    return case.must_refuse or min(case.raw_sizes) < 1


def judge(case: Case, expected: Expected | None, outcome: Outcome, profile: Profile | None = None) -> Judgement:
    """The verdict on an outcome; ``expected`` is None for a case that must be refused, ``profile`` the engine's."""
    if outcome.kind in ("crash", "timeout"):
        return Judgement(outcome.kind, outcome.message)
    if outcome.kind == "error":
        return Judgement("refused" if may_refuse(case) else "unsupported", outcome.message)
    if outcome.kind == "unsupported":
        return Judgement("unsupported", outcome.message)
    if expected is None:
        said = f"answered with {outcome.dtype}{list(outcome.shape or ())} where an error is due"
        return Judgement("accepted", said, shape=outcome.shape, dtype=outcome.dtype)
    if outcome.shape is None:
        return Judgement("dtype", f"got {outcome.dtype}, expected {case.dtype}", dtype=outcome.dtype)
    if outcome.result is None:
        wrong = judge_shape(case, outcome.shape, outcome.dtype or "")
        return Judgement("dtype", "not numbers") if wrong is None else wrong
    return judge_array(case, expected, outcome.result, stable=outcome.stable, profile=profile)


def judge_array(
    case: Case, expected: Expected, result: np.ndarray, *, stable: bool = True, profile: Profile | None = None
) -> Judgement:
    """The verdict on an array in the case's data_format, as ``profile`` allows."""
    wrong = judge_shape(case, result.shape, result.dtype.name)
    if wrong is not None:
        return wrong
    values = from_format(result, case.data_format) if case.result_has_channels else result
    shape, dtype = values.shape, result.dtype.name
    if not stable:
        message = (
            "another answer the second time, when fresh memory held other bytes: it reads what it has not written, "
            "varies, or writes to its arguments"
        )
        return Judgement("unstable", message, shape=shape, dtype=dtype)
    fair = allowed(case, expected, profile)
    verdict, message, max_error, ratio = judge_values(case, fair, values)
    where = error_map(case, *_distances(fair, values)[1:]) if verdict == "differs" else None
    return Judgement(verdict, message, max_error, ratio, shape, dtype, where)


def judge_shape(case: Case, shape: tuple[int, ...], dtype: str) -> Judgement | None:
    """The verdict on what can be told without values: shape (in the case's data_format), then dtype."""
    plain = list(shape)
    if case.result_has_channels and case.channels_first and len(plain) > 1:
        plain.append(plain.pop(1))
    plain = tuple(plain)
    if plain != case.result_shape:
        message = f"got {list(plain)}, expected {list(case.result_shape)}"
        return Judgement("shape", message, shape=plain, dtype=dtype)
    if dtype != numpy_dtype(case.dtype).name:
        return Judgement("dtype", f"got {dtype}, expected {case.dtype}", shape=plain, dtype=dtype)
    return None


def judge_values(case: Case, expected: Expected, values: np.ndarray) -> tuple[str, str, float | None, float | None]:
    """(verdict, message, largest |error|, largest |error| / bound) of values (channels last) of the expected shape."""
    right = expected.values
    with np.errstate(all="ignore"):
        rounded = right.astype(values.dtype)
        got, due = values.astype(np.float64), rounded.astype(np.float64)
        wrong, error, ratios = _distances(expected, values)
        if not expected.exact:
            wrong &= expected.infinite | np.isnan(due) | (expected.checked & ~(ratios <= 1))
    max_error, ratio = finite_max(error), finite_max(ratios)
    if wrong.any():
        return "differs", _describe(wrong, error, values, rounded), max_error, ratio
    if expected.exact:
        return "exact", "", max_error, ratio
    if expected.variance and case.data == "normal" and values.size >= FEWEST_FOR_VARIANCE:
        with np.errstate(all="ignore"):
            mean_square = float(np.mean(np.square((got - right) / expected.unit)))
        most = VARIANCE_FACTOR * expected.ksb
        if mean_square > most:
            message = (
                f"every element is within its bound, but the mean square error is {mean_square:.3g} units against "
                f"{most:.3g}: as if the inputs had been rounded to fewer bits"
            )
            return "differs", message, max_error, ratio
    return "within", "", max_error, ratio


def _distances(expected: Expected, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(whether an element is another than the rounded answer, |error|, |error| / bound), each per element."""
    right = expected.values
    with np.errstate(all="ignore"):
        # infinities and NaN have to stand where the reference's stand
        got, due = values.astype(np.float64), right.astype(values.dtype).astype(np.float64)
        equal = (got == due) | (np.isnan(got) & np.isnan(due)) | (expected.poisoned & ~np.isfinite(got))
        error = np.where(equal, 0.0, np.abs(got - right.astype(np.float64)))
        return ~equal, error, np.where(error == 0, 0.0, error / expected.bound)


def finite_max(values: np.ndarray) -> float | None:
    """The largest value, or None where that is not finite."""
    largest = float(np.max(values, initial=0.0))
    return largest if np.isfinite(largest) else None


def farthest_off(wrong: np.ndarray, error: np.ndarray) -> tuple[int, ...]:
    """The place of the largest error among the wrong elements; NaN is the largest of all."""
    worst = np.where(wrong, np.nan_to_num(error, nan=np.inf), -1.0)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(worst)), wrong.shape))


def _describe(wrong: np.ndarray, error: np.ndarray, got: np.ndarray, due: np.ndarray) -> str:
    place = farthest_off(wrong, error)
    return (
        f"{int(wrong.sum())} of {wrong.size} elements differ, most at {list(place)}: got {got[place]}, "
        f"expected {due[place]}"
    )
