"""One engine in a fuzz session: what it does with the draws, and where that is new, the cause."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from ...adapters.base import FORMS
from ..entry import Entry
from ..errors import UsageError
from ..expectations import Expectation, Ledger
from ..process import BrokenEngine, EngineMissing, EngineProcess, Limits, Outcome, Stopped
from ..record import make_record
from ..verdict import Judgement, judge
from .causes import Cause, Sign, features_of, sign_of, without
from .draw import Draw, realise
from .folder import FuzzFolder, name_of
from .shrinking import GivesUp, shrink
from .source import Condition, Drawn, Source

SHORTEST_SHRINKING, LONGEST_SHRINKING = 5.0, 60.0


@dataclass(frozen=True)
class Options:
    """How to fuzz: ``budget`` in seconds, of which the engines' start-up is a part."""

    budget: float
    forms: tuple[str, ...] = FORMS
    jobs: int = 2
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    resume: bool = False
    condition: Condition | None = None

    @property
    def shrinking(self) -> float:
        """Seconds for one cause: enough to end small, and never most of the budget."""
        return min(max(self.budget / 6, SHORTEST_SHRINKING), LONGEST_SHRINKING)


@dataclass
class Session:
    """What the engines' turns have in common."""

    options: Options
    source: Source
    folder: FuzzFolder
    ledger: Ledger
    ends: float
    tell: Callable[[Cause, Path], None]
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def status(
        self, process: EngineProcess, form: str, entry: Entry, judgement: Judgement
    ) -> tuple[str, Expectation | None]:
        """How a bad record stands, and the expectation that says so."""
        with self.lock:
            return self.ledger.weigh(process.engine.name, process.versions, form, entry, judgement)

    def keep(self, sign: Sign, drawn: Drawn, outcome: Outcome, judgement: Judgement) -> None:
        """A new cause: its case and its record are written, and it is told."""
        engine = Path(sign.engine).name if ".py:" in sign.engine else sign.engine
        message = " ".join(judgement.message.split())[:300]
        about = f"{engine}, {sign.form}: {sign.verdict}{f': {message}' if message else ''}"
        name = name_of(sign, drawn.keys)
        with self.lock:
            case_id = self.folder.add_case(name, about, drawn.keys)
            case = replace(drawn.entry.case, id=case_id)
            entry = replace(drawn.entry, case=case, about=about)
            self.folder.add_record(make_record(entry, sign.engine, outcome, judgement, "new", None))
            cause = Cause(sign, features_of(case, sign), judgement.message, case_id)
            self.folder.causes.append(cause)
        self.tell(cause, self.folder.found)


class Hunter:
    """One engine in a session."""

    def __init__(self, session: Session, process: EngineProcess) -> None:
        self._session, self.process = session, process
        done = session.folder.batches().get(process.engine.name, {})
        self.counts: Counter[str] = sum(done.values(), Counter[str]())
        self.next = max(done, default=-1) + 1
        self.cases = 0
        """In this part of the session."""

    def turn(self) -> None:
        """One batch; nothing is lost and nothing counted of one that time cuts off."""
        counts: Counter[str] = Counter()
        for drawn in self._session.source.batch(self.next):
            if self._session.over.is_set():
                return
            counts["cases"] += 1
            for outcome, judgement in self._outcomes(drawn, self._session.options.forms):
                counts[judgement.verdict] += 1
                if not judgement.ok:
                    counts[self._bad(drawn, outcome, judgement)] += 1
        self._session.folder.add_batch(self.process.engine.name, self.next, counts)
        self.counts += counts
        self.cases += counts["cases"]
        self.next += 1

    def _outcomes(self, drawn: Drawn, forms: tuple[str, ...]) -> list[tuple[Outcome, Judgement]]:
        case = drawn.entry.case
        forms = FORMS[:1] if case.must_refuse else forms
        return [
            (outcome, judge(case, drawn.expected, outcome, self.process.profile))
            for outcome in self.process.run(case, drawn.arrays, forms)
        ]

    def _bad(self, drawn: Drawn, outcome: Outcome, judgement: Judgement) -> str:
        """Keeps the record, and the cause if it is a new one; returns the status."""
        session, engine = self._session, self.process.engine.name
        status, expectation = session.status(self.process, outcome.form, drawn.entry, judgement)
        session.folder.add_record(make_record(drawn.entry, engine, outcome, judgement, status, expectation))
        if status == "new":
            _Discrepancy(session, self, sign_of(engine, outcome.form, drawn.entry.case, judgement)).explain(
                drawn, outcome, judgement
            )
        return status

    def again(self, drawn: Drawn, form: str) -> tuple[Outcome, Judgement] | None:
        """What the engine does with a case in one form, where that is new; None where it is not, or not bad."""
        found = self._outcomes(drawn, (form,))
        if not found or found[0][1].ok:
            return None
        return found[0] if self._session.status(self.process, form, drawn.entry, found[0][1])[0] == "new" else None


class _Discrepancy:
    """A new discrepancy of some sign on its way to a cause: one that is there, or its own once it is shrunk."""

    def __init__(self, session: Session, hunter: Hunter, sign: Sign) -> None:
        self._session, self._hunter, self._sign = session, hunter, sign
        self._tried: dict[str, tuple[Drawn, Outcome, Judgement] | None] = {}
        self._number = hunter.next
        self._error: Exception | None = None

    def explain(self, drawn: Drawn, outcome: Outcome, judgement: Judgement) -> None:
        """Finds the cause that it is an instance of, or shrinks it and keeps what is left.

        Raises as `EngineProcess.run` does; while it is shrunk not before it is kept.
        """
        self._tried[json.dumps(drawn.keys)] = drawn, outcome, judgement
        plain: list[str] = []
        known = self._known(drawn, plain)
        if known is not None:
            known.count += 1
            return
        until = min(time.monotonic() + self._session.options.shrinking, self._session.ends)
        smallest = shrink(
            drawn.draw,
            seed=self._session.source.seed,
            number=self._number,
            change=lambda draw: _without(draw, plain),
            fails=self._fails,
            until=until,
        )
        self._settle(drawn, smallest)
        if self._error is not None:
            raise self._error

    def _causes(self) -> list[Cause]:
        with self._session.lock:
            return [cause for cause in self._session.folder.causes if cause.sign == self._sign]

    def _known(self, drawn: Drawn, plain: list[str]) -> Cause | None:
        """The cause that explains it.  Where one looks as if it did, but the discrepancy outlives one of its features,
        then that parameter joins ``plain`` and the question is asked of what is left.
        """
        here = drawn
        while True:
            features = features_of(here.entry.case, self._sign)
            cause = next((one for one in self._causes() if one.may_explain(features)), None)
            if cause is None:
                return None
            left = self._outlives(drawn.draw, cause, plain)
            if left is None:
                return cause
            here = left

    def _outlives(self, draw: Draw, cause: Cause, plain: list[str]) -> Drawn | None:
        """The case without one of the cause's features, where it still fails."""
        for parameter in sorted(cause.parameters.difference(plain)):
            candidate = _without(draw, [*plain, parameter])
            if (left := self._try(candidate)) is not None and parameter not in {
                name for name, _ in features_of(left[0].entry.case, self._sign)
            }:
                plain.append(parameter)
                return left[0]
        return None

    def _try(self, draw: Draw) -> tuple[Drawn, Outcome, Judgement] | None:
        """What the engine does with the draw, where it fails in the same way."""
        drawn = self._session.source.drawn(draw, "fuzz::shrinking")
        if drawn is None:
            return None
        key = json.dumps(drawn.keys)
        if key not in self._tried:
            found = self._hunter.again(drawn, self._sign.form)
            same = found is not None and sign_of(*self._sign[:2], drawn.entry.case, found[1]) == self._sign
            self._tried[key] = (drawn, *found) if found is not None and same else None
        return self._tried[key]

    def _fails(self, draw: Draw) -> bool:
        if self._session.over.is_set():
            raise GivesUp
        try:
            return self._try(draw) is not None
        except Stopped as error:
            raise GivesUp from error
        except (BrokenEngine, EngineMissing, UsageError) as error:
            self._error = error
            raise GivesUp from error

    def _settle(self, drawn: Drawn, smallest: Draw) -> None:
        """What has been shrunk is the cause of another discrepancy, or a new one."""
        realised = realise(smallest)
        left = None if realised is None else self._tried.get(json.dumps(realised[0]))
        left = left or self._tried[json.dumps(drawn.keys)]
        if left is None:
            return
        features = features_of(left[0].entry.case, self._sign)
        for cause in self._causes():
            if cause.features == features:
                cause.count += 1
                cause.learn(features_of(drawn.entry.case, self._sign))
                return
        self._session.keep(self._sign, *left)


def _without(draw: Draw, parameters: Iterable[str]) -> Draw:
    for parameter in parameters:
        draw = without(draw, parameter)
    return draw
