"""From an output that is wrong to the cause: which meaning accounts for it, and for what the engine is asked besides.

    output ──► meanings that account for it ──► questions that tell them apart ──► one cause, proven
                        └─ none ──► signs ──► precision ──► the map of taps ──► unexplained

Nothing is guessed: a cause is named where it accounts for every number of the output and for another answer of the
engine, in which it makes a difference, and where no other kernel, stride, dilation or padding shows that the engine
follows another rule, which comes to the same in this case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice

from ...adapters.case import Case
from ..data import draw_arrays
from ..expected import Arrays, Expected, expect
from ..faults.engine import handed
from ..faults.fault import meaning as numbers_of
from . import numbers, precision, signs, taps
from .meanings import Meaning, general_meanings, meanings
from .questions import beyond_measure, questions, smaller
from .seen import Ask, Seen, answer_of
from .words import Diagnosis, say_change, say_meaning, unexplained

MOST_ASKED = 12
"""Questions for one output; more would cost more than they tell."""
MOST_PROOFS = 4
"""Tries to see one cause at work in another case."""
PLACING = ("kernel_size", "strides", "dilation", "padding")
"""Parameters that say where the windows lie."""
MOST_VARIED = 3
"""Questions with the same one or two of them changed."""


@dataclass(frozen=True)
class Finding:
    """A diagnosis, and the meaning behind it where there is one: it may account for other outputs of the engine."""

    diagnosis: Diagnosis
    meaning: Meaning | None = None


@dataclass(frozen=True)
class _Question:
    """A derived case with its arrays, and what each meaning would answer."""

    case: Case
    arrays: Arrays
    expected: Expected

    @classmethod
    def about(cls, case: Case) -> _Question:
        arrays = draw_arrays(case)
        return cls(case, arrays, expect(case, arrays))

    def put(self, ask: Ask) -> Seen | None:
        """What the engine answers; None where it does not."""
        output = ask(self.case, self.arrays)
        return None if output is None else Seen.of(self.case, self.arrays, output, self.expected)

    def if_it_were(self, meaning: Meaning) -> Seen | None:
        """What would be seen of an engine with that meaning."""
        answer = answer_of(meaning, self.case, handed(self.case, dict(self.arrays)))
        return None if answer is None else Seen.of(self.case, self.arrays, answer, self.expected)


def diagnose(seen: Seen, ask: Ask) -> Diagnosis:
    """Why the engine differs; ``seen``: its wrong output, ``ask``: derived cases put to the same engine in the same
    form.  Raises what ``ask`` raises.
    """
    return find(seen, ask).diagnosis


def find(seen: Seen, ask: Ask) -> Finding:
    """The diagnosis with its meaning."""
    if beyond_measure(seen.case):
        return Finding(unexplained("steps or pads beyond any input have too many explanations"))
    small = smaller(seen.case)
    return _by_itself(seen, ask) if small is None else _by_the_small_one(seen, small, ask)


def _by_itself(seen: Seen, ask: Ask) -> Finding:
    """By the first kind of explanation that is proven: rules before effects, effects before what may be read off."""
    return (
        _by_meaning(seen, meanings(seen.case), ask)
        or _read(seen, signs.read_memory, signs.read_sizes)
        or _by_meaning(seen, general_meanings(seen.case), ask)
        or _read(seen, signs.read_special, partial(signs.read_past, ask=ask))
        or _read(seen, partial(precision.diagnose, ask=ask), partial(taps.diagnose, ask=ask))
        or Finding(unexplained())
    )


def _by_meaning(seen: Seen, catalogue: Iterator[Meaning], ask: Ask) -> Finding | None:
    fitting = [one for one in catalogue if seen.explained_by(one)]
    return _one_of(seen, fitting, ask) if fitting else None


def _read(seen: Seen, *readings: Callable[[Seen], Diagnosis | None]) -> Finding | None:
    """What the first reading that proves anything says."""
    for reading in readings:
        if (diagnosis := reading(seen)) is not None:
            return Finding(diagnosis)
    return None


def _by_the_small_one(seen: Seen, small: Case, ask: Ask) -> Finding:
    """A large case by the same one with smaller extents; what accounts for that must account for the large one."""
    if (read := _read(seen, signs.read_memory, signs.read_sizes)) is not None:
        return read
    looked = _Question.about(small).put(ask)
    if looked is None or looked.right:
        return Finding(unexplained(f"with the input {list(small.input)} it is right, or gives no answer"))
    found = _by_itself(looked, ask)
    if found.meaning is None:
        said = found.diagnosis
        return Finding(replace(said, sentence=f"with the input {list(small.input)}: {said.sentence}"))
    if seen.explained_by(found.meaning):
        return Finding(say_meaning(found.meaning, seen.case), found.meaning)
    return Finding(
        unexplained(f"what accounts for it with the input {list(small.input)} does not account for this one")
    )


def _one_of(seen: Seen, fitting: list[Meaning], ask: Ask) -> Finding | None:
    """The one cause, or the one effect in numbers, that is left of several meanings; None where none is proven."""
    left, open_ = _narrowed(seen.case, fitting, ask)
    rule = left[0]
    proven = not open_ and _shows(left, _others(seen.case, rule), ask) and _hides(rule, seen.case, ask)
    if proven and (rule.general or not rule.linear or _holds(left, seen.case, ask)):
        return Finding(say_meaning(rule, seen.case), rule)
    # no rule, then; but what is computed instead of this very case may still be told in numbers
    changed = [one.changed(seen.case) for one in left]
    cases = [one for one in changed if one is not None]
    if len(cases) < len(left) or len({(numbers_of(one), one.output_shape) for one in cases}) > 1:
        return None
    if not _shows(left, _alike(seen.case), ask):
        return None
    return Finding(say_change(numbers.effect(seen.case, cases[0]), seen.case, cases[0]))


def _narrowed(case: Case, left: list[Meaning], ask: Ask) -> tuple[list[Meaning], bool]:
    """The meanings that account for the answers to questions that tell them apart, and whether there still are
    questions that would tell those apart, if only the engine answered as one of them says.
    """
    unanswered: list[_Question] = []
    asked = 0
    for one in questions(case, native=_native(left)):
        if len({meaning.code for meaning in left}) == 1:
            return left, False
        question = _Question.about(one)
        if not _tells_apart(question, left):
            continue
        if asked == MOST_ASKED:
            return left, True
        asked += 1
        looked = question.put(ask)
        fitting = [] if looked is None else [meaning for meaning in left if looked.explained_by(meaning)]
        if not fitting:
            unanswered.append(question)
        left = fitting or left
    return left, any(_tells_apart(question, left) for question in unanswered)


def _tells_apart(question: _Question, left: Sequence[Meaning]) -> bool:
    """Whether what one of the meanings answers is not accounted for by another."""
    for number, meaning in enumerate(left):
        if (shown := question.if_it_were(meaning)) is not None:
            others = (*left[:number], *left[number + 1 :])
            return not all(shown.explained_by(one) for one in others if one.code != meaning.code)
    return False


def _shows(left: Sequence[Meaning], questions_: Iterator[Case], ask: Ask) -> bool:
    """Whether the first meaning, or another of the same cause, accounts for the engine's answer to one of the next few
    questions in which it would show.
    """
    return any(_accounted(question.put(ask), left) for question in islice(_showing(left[0], questions_), MOST_PROOFS))


def _showing(meaning: Meaning, questions_: Iterator[Case]) -> Iterator[_Question]:
    """The questions in which the meaning would show."""
    for question in map(_Question.about, questions_):
        shown = question.if_it_were(meaning)
        if shown is not None and not shown.right:
            yield question


def _accounted(looked: Seen | None, left: Sequence[Meaning]) -> bool:
    """Whether an answer is wrong, and the first meaning, or another of the same cause, accounts for it."""
    same = (one for one in left if one.code == left[0].code)
    return looked is not None and not looked.right and any(map(looked.explained_by, same))


def _hides(meaning: Meaning, case: Case, ask: Ask) -> bool:
    """Whether, in one of the next few questions in which the meaning makes no difference, the engine is right, or wrong
    in another way that has a name.
    """
    put = 0
    for one in questions(case, native=not meaning.linear):
        if meaning.fault.applies(one):
            continue
        question = _Question.about(one)
        looked = question.put(ask)
        if looked is not None and (looked.right or any(looked.explained_by(other) for other in meanings(one))):
            return True
        put += looked is not None
        if put == MOST_PROOFS:
            return False
    return put == 0  # it makes a difference everywhere, or the engine does not answer elsewhere


def _holds(left: Sequence[Meaning], case: Case, ask: Ask) -> bool:
    """Whether the cause accounts for more of the engine's wrong answers than it does not, whichever of the parameters
    that place the windows are other ones: "the smaller stride for all axes" is "the first one's" in every second case.

    What is another geometry can as well be told in numbers, so that more is asked of it: that for each of the
    parameters, and that it shows under some other value of it.
    """
    asked, answered, wrong, accounted = (Counter[tuple[str, ...]]() for _ in range(4))
    near = (one for one in questions(case, native=False) if (said := _varied(one, case)) and asked[said] < MOST_VARIED)
    for question in _showing(left[0], near):
        varied, looked = _varied(question.case, case), question.put(ask)
        asked[varied] += 1
        if looked is not None:
            answered[varied] += 1
            wrong[varied] += not looked.right
            accounted[varied] += _accounted(looked, left)
    if left[0].changed(case) is None:
        return 2 * accounted.total() > wrong.total() or not wrong.total()
    return all(
        2 * accounted[varied] > wrong[varied] or (not wrong[varied] and number < MOST_VARIED)
        for varied, number in answered.items()
    )


def _varied(question: Case, case: Case) -> tuple[str, ...]:
    """The parameters that place the windows and are other ones in a question; none where anything else is."""
    own = {name: getattr(case, name) for name in (*PLACING, "output_padding", "id", "data", "seed", "literal")}
    if replace(question, **own) != case:
        return ()
    return tuple(name for name in PLACING if getattr(question, name) != getattr(case, name))


def _others(case: Case, meaning: Meaning) -> Iterator[Case]:
    """Questions of another geometry."""
    return (one for one in questions(case, native=not meaning.linear) if _geometry(one) != _geometry(case))


def _alike(case: Case) -> Iterator[Case]:
    """Questions of the same geometry, on other data."""
    return (one for one in questions(case, native=True) if _geometry(one) == _geometry(case) and one.wrt == case.wrt)


def _geometry(case: Case) -> tuple[object, ...]:
    return case.op, case.input, case.kernel_size, case.strides, case.dilation, case.padding, case.groups


def _native(left: Sequence[Meaning]) -> bool:
    return any(not one.linear for one in left)
