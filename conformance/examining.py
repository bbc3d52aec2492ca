"""One entry on one engine: asked, judged, explained, and weighed against what is known of the engine.

`run` does this for whole runs, the pytest plugin for one test item at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..adapters.base import FORMS
from .answers import Answers
from .entry import Entry
from .expectations import Expectation, Ledger
from .process import BrokenEngine, EngineProcess, Outcome
from .record import Found
from .relation import Given, give, judge_relation
from .verdict import judge

if TYPE_CHECKING:
    from .diagnosis.session import Session

Weighed = tuple[str, Expectation | None]
"""A record's status, and the expectation that says so; see `Ledger.weigh`."""


@dataclass
class Examiner:
    """An engine's process, and what its answers are judged by.

    ``diagnose``: whether what differs is asked for its cause, while the engine is warm.
    """

    process: EngineProcess
    answers: Answers
    diagnose: bool = True
    session: Session | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        if self.diagnose:
            from .diagnosis.session import Session

            self.session = Session(self.process)

    def examine(self, entry: Entry, forms: tuple[str, ...]) -> Iterator[Found]:
        """All of the forms that exist, of a case, or of the parts of a law and then their relation.

        Raises as `EngineProcess.run` does; what was found before has come by then.
        """
        found: list[Found] = []
        for one in entry.computations if forms else ():
            arrays, expected = self.answers.of(one)
            asked: list[Found] = []
            try:
                asked.extend(
                    Found(one, outcome, judge(one.case, expected, outcome, self.process.profile))
                    for outcome in self.process.run(one.case, arrays, forms)
                )
            except BrokenEngine:
                yield from asked
                raise
            if self.session is not None:
                asked = [self.session.explained(one, arrays, expected) for one in asked]
            found += asked
            yield from asked
        yield from self._related(entry, forms, found)

    def _related(self, law: Entry, forms: tuple[str, ...], found: list[Found]) -> Iterator[Found]:
        """The relation between a law's parts, in each form that one of them has; nothing where there is no law.

        A part without a form of its own is the same program in both: its `equivalent` output stands for it.
        """
        if law.relation is None:
            return
        results = {(one.entry.id, one.outcome.form): (one.outcome, one.judgement) for one in found}
        for form in forms:
            if not any((part.id, form) in results for part in law.parts):
                continue
            given: dict[str, Given | str] = {}
            for part, entry in zip(law.relation.parts, law.parts, strict=True):
                result = results.get((entry.id, form)) or results.get((entry.id, FORMS[0]))
                given[part.name] = give(entry.case, self.answers.of(entry)[1], result, self.process.profile)
            judgement = judge_relation(law.relation, law.case, self.answers.seed, given)
            relation = Found(law, Outcome(form, "value"), judgement)
            parts = [one for one in found if one.outcome.form in (form, FORMS[0])]
            yield relation if self.session is None else self.session.explained_by_parts(relation, parts)


def forms_of(entry: Entry, forms: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the forms in which an entry runs: a case that must be refused has one."""
    return FORMS[:1] if entry.case.must_refuse else forms


def weigh(
    ledger: Ledger, engine: str, versions: Mapping[str, str], found: Sequence[Found]
) -> Iterator[tuple[Found, Weighed]]:
    """What an entry came to with the status of each, in the order in which it was found.

    What is known of a law's part explains that the law does not hold.
    """
    weighed: dict[tuple[str, str], Weighed] = {}
    for one in found:
        entry, form = one.entry, one.outcome.form
        because = _known_of_a_part(entry, form, weighed)
        weighed[entry.id, form] = ledger.weigh(engine, versions, form, entry, one.judgement, because)
        yield one, weighed[entry.id, form]


def _known_of_a_part(law: Entry, form: str, weighed: Mapping[tuple[str, str], Weighed]) -> Expectation | None:
    for part in law.parts:
        status, expectation = weighed.get((part.id, form)) or weighed.get((part.id, FORMS[0])) or ("", None)
        if status == "known":
            return expectation
    return None
