"""The engines are asked: every program runs on the case, is judged, and what differs is diagnosed.

Question ──► desks (processes, Keras beside its backend) ──► Outcome ──► judge ──► diagnose ──► Row
                                └─ kernels of another engine's layout ──► judge ──► Conversion
"""

from __future__ import annotations

import queue
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any, Self

from ...adapters.base import FORMS
from ...adapters.case import Case
from ..engines import Engine
from ..entry import Entry
from ..process import BrokenEngine, EngineMissing, Limits, Outcome, Stopped
from ..record import Found
from ..verdict import judge
from .desks import Desk, desks_for
from .explanation import CANNOT, COMPOSED, LITERAL, NONE, OWN, REFUSES, SAME, Row, Told, row_from, row_to_keep
from .kept import Kept, key_of
from .question import Question

KEEPABLE = ("value", "error", "unsupported")
"""Outcomes that come again."""


class Asking:
    """Puts questions to engines side by side.  A context: it ends the processes, which start when they are needed.

    ``missing`` grows by engines that turn out to be missing, or do not start again after they died.
    """

    def __init__(self, engines: Sequence[Engine], limits: Limits, jobs: int, kept: Kept) -> None:
        self._engines, self._limits, self._kept = engines, limits, kept
        self._desks: list[Desk] = []
        self._pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="engine")
        self.missing: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            for desk in self._desks:
                desk.process.stop_requested = True
                desk.process.kill()
        self._pool.shutdown(cancel_futures=True)
        for desk in self._desks:
            desk.process.close()

    def rows(self, question: Question) -> Iterator[Row]:
        """What every engine calls the case, as the answers come.  Raises `UsageError` where an adapter is at fault."""
        fresh: list[Engine] = []
        for engine in self._engines:
            if (row := self._found(engine, question)) is None:
                fresh.append(engine)
            else:
                yield row
        answers: queue.Queue[Row | Future[None]] = queue.Queue()
        running = [self._pool.submit(self._ask, *work, question, answers) for work in self._shared_out(fresh)]
        for one in running:
            one.add_done_callback(answers.put)
        while running:
            answer = answers.get()
            if isinstance(answer, Row):
                yield answer
            else:
                answer.result()
                running.remove(answer)

    def _shared_out(self, engines: Sequence[Engine]) -> Iterator[tuple[Desk, list[Engine]]]:
        """The desks with the engines that each is to ask; new ones for those that have none yet."""
        seated = {engine.name for desk in self._desks for engine in desk.engines}
        self._desks += desks_for([engine for engine in engines if engine.name not in seated], self._limits)
        for desk in self._desks:
            if asked := [engine for engine in desk.engines if engine in engines and engine.name not in self.missing]:
                yield desk, asked

    def _ask(self, desk: Desk, engines: Sequence[Engine], question: Question, answers: queue.Queue[Any]) -> None:
        """Some engines of a desk; runs in a thread of its own."""
        for engine in engines:
            try:
                answers.put(self._row(desk, engine, question))
            except Stopped:
                return
            except (BrokenEngine, EngineMissing) as error:
                self.missing[engine.name] = str(error)

    def _row(self, desk: Desk, engine: Engine, question: Question) -> Row:
        forms = FORMS[:1] if question.case.must_refuse else FORMS
        outcomes = desk.run(engine, question.case, question.arrays, forms)
        if FORMS[0] not in outcomes:  # its port has no parameter that could carry the bad value
            told = Told("unsupported", "no parameter can carry this value")
            row = Row(engine.name, desk.versions(engine), CANNOT, NONE, told)
        else:
            told = {form: _told(desk, question, outcome) for form, outcome in outcomes.items()}
            row = _row_of(engine.name, desk.versions(engine), question.case, told)
        if engine_keeps(engine) and all(outcome.kind in KEEPABLE for outcome in outcomes.values()):
            self._kept.keep(key_of(question.case, engine), row_to_keep(row))
        return row

    def _found(self, engine: Engine, question: Question) -> Row | None:
        """What was kept of an earlier time."""
        if not engine_keeps(engine):
            return None
        kept = self._kept.find(key_of(question.case, engine))
        try:
            return None if kept is None else row_from(*kept)
        except (KeyError, TypeError):
            return None


def _told(desk: Desk, question: Question, outcome: Outcome) -> Told:
    judgement = judge(question.case, question.expected, outcome, desk.process.profile)
    why = None
    if not judgement.ok:
        found = Found(Entry(question.case, "", 0), outcome, judgement)
        why = desk.session.explained(found, question.arrays, question.expected).diagnosis
    said = None if why is None else why.to_json()
    return Told(judgement.verdict, judgement.message, outcome.program, outcome.words, judgement.shape, said)


def engine_keeps(engine: Engine) -> bool:
    """Whether its answers may be kept: nothing but what is installed beside the suite decides on them."""
    return engine.adapter.startswith("convsuite.") and engine.interpreter == sys.executable


def _row_of(engine: str, versions: Mapping[str, str], case: Case, told: Mapping[str, Told]) -> Row:
    equivalent, literal = told[FORMS[0]], told.get(FORMS[1])
    whole = equivalent.words is not None and equivalent.words.whole
    same = literal is not None and literal.program == equivalent.program
    literal_form = SAME if same or whole or case.must_refuse else NONE if literal is None else OWN
    if not equivalent.ok:
        says = CANNOT
    elif equivalent.verdict == "refused":
        says = REFUSES
    else:
        says = LITERAL if literal_form == SAME or (literal is not None and literal.ok) else COMPOSED
    return Row(engine, dict(versions), says, literal_form, equivalent, None if same else literal)
