"""Cases as test items: the harness of `convsuite run`, asked for one entry at a time.

An engine lives in one process per pytest process (so one per worker of xdist), from the first of its items to the end
of the session; a user's adapter from before the first item, so that a mistake in it is told once.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ..adapters.base import FORMS
from ..conformance import engines, expectations
from ..conformance import run as harness
from ..conformance.answers import Answers
from ..conformance.engines import Engine
from ..conformance.entry import Entry
from ..conformance.errors import UsageError
from ..conformance.examining import Examiner, forms_of, weigh
from ..conformance.process import BrokenEngine, EngineMissing, EngineProcess, Limits
from ..conformance.record import make_record
from ..conformance.verdict import UNJUDGED
from ..reports.wording import Record, describe, headline, rerun
from .pytest_plugin import ROOT
from .running import choose_entries, chosen_singly
from .running import forms_of as forms_named


class Discrepancy(Exception):
    """An engine did not do as it should; says what pytest prints."""


class Suite:
    """What the options ask for, and the engines at work."""

    def __init__(self, config: pytest.Config, wanted: Sequence[Any], picked: Sequence[str]) -> None:
        self._wanted, self._picked, self._config = wanted, picked, config
        options = config.option
        self.asked: dict[str, Any] = {
            "cases": options.convsuite_cases,
            "tags": options.convsuite_tag,
            "filter_expression": options.convsuite_filter,
            "failed": None,
            "engines_file": options.convsuite_engines_file,
            "expectations": options.convsuite_expectations,
            "timeout": options.convsuite_timeout,
        }
        self.seed: int = options.convsuite_seed
        self._limits = Limits(seconds=options.convsuite_timeout)
        self.engines: list[Engine] = []
        self.missing: dict[str, str] = {}
        self._examiners: dict[str, Examiner] = {}
        self._broken: dict[str, BaseException] = {}

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Loads the cases, so that a mistake is told once, before anything is collected or a worker started."""
        try:
            self._load()
        except UsageError as error:
            raise pytest.UsageError(f"convsuite: {error}") from error

    def _load(self) -> None:
        known = engines.gather(self.asked["engines_file"])
        chosen = {engine.name: engine for one in self._wanted if (engine := self._engine(one, known))}
        self.engines, self.missing = engines.choose_engines(list(chosen), {**known, **chosen})
        self.entries = choose_entries(self.asked, tell=not self._picked)
        self.forms = forms_named(self._config.option.convsuite_form)
        self._options = harness.Options(spare=not chosen_singly(self.asked))
        self._ledger = expectations.Ledger(
            expectations.gather(self.asked["expectations"]), engines.modes_of(self.engines)
        )
        self._answers = Answers(self.seed)
        if not any(self.items_of(engine) for engine in self.engines):
            raise UsageError("no case is left to run", got=", ".join(self._picked) or None)

    def _engine(self, wanted: Any, known: dict[str, Engine]) -> Engine:
        """The engine of a name or file, or that of an adapter class; named by its file's path below the root folder."""
        if not inspect.isclass(wanted):
            return engines.find_engine(str(wanted), known)
        file = Path(inspect.getfile(wanted))
        name = f"{os.path.relpath(file, self._config.rootpath)}:{wanted.__qualname__}"
        return replace(engines.find_engine(f"{file}:{wanted.__qualname__}", known), name=name)

    def pytest_report_header(self) -> list[str]:
        """What is run, and what is not installed."""
        names = ", ".join(engine.name for engine in self.engines)
        said = [f"convsuite: {len(self.entries)} cases on {names}, {' and '.join(self.forms)}"]
        return said + [f"convsuite: {name} is not installed: {lacks}" for name, lacks in self.missing.items()]

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(
        self, collector: pytest.Collector
    ) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        """Adds the cases to what the session collects; where items were picked by their ids, they are all there is."""
        report = yield
        if isinstance(collector, pytest.Session) and report.passed:
            root = Cases.from_parent(collector, name=ROOT, nodeid=ROOT, suite=self)
            report.result = [*([] if self._picked else report.result or []), root]
        return report

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> None:
        """Starts users' adapters that are to run: one that cannot be loaded is one mistake, and no failure per case.

        Where xdist distributes, that is tried here and not in the workers.
        """
        if self._config.option.collectonly or hasattr(self._config, "workerinput"):
            return
        distributed = self._config.pluginmanager.hasplugin("dsession")  # nothing is collected here then
        used = {item.engine.name for item in session.items if isinstance(item, CaseItem)}
        for engine in (one for one in self.engines if one.of_user):
            if distributed or engine.name in used:
                self._try(engine)
        if distributed:
            self._close()

    def _try(self, engine: Engine) -> None:
        try:
            self._examiner(engine).process.start()
        except EngineMissing as error:
            self._broken[engine.name] = error
        except UsageError as error:
            raise pytest.UsageError(f"convsuite: {error}") from error

    def items_of(self, engine: Engine) -> list[tuple[Entry, str]]:
        """The entries that the engine is to run, in their forms."""
        return [
            (entry, form)
            for entry in self.entries
            if harness.takes(engine, entry, self._options)
            for form in forms_of(entry, self.forms)
            if not self._picked or any(_begins(item_id(engine, entry, form), id_) for id_ in self._picked)
        ]

    def records(self, engine: Engine, entry: Entry, form: str) -> list[Record]:
        """What the engine does with an entry in a form, as records; of a law, of its parts and their relation.

        Raises `EngineMissing`, `BrokenEngine`, and `UsageError` where the adapter is at fault.
        """
        if engine.name in self._broken:
            raise self._broken[engine.name]
        examiner = self._examiner(engine)
        # the equivalent form of a law's part stands for a literal one that does not exist
        forms = (form,) if entry.law is None else FORMS[: FORMS.index(form) + 1]
        try:
            found = list(examiner.examine(entry, forms))
        except BaseException as error:  # the next case must not go on with half a conversation
            examiner.process.close()
            never_ready = not examiner.process.startup and isinstance(error, EngineMissing | UsageError)
            if isinstance(error, BrokenEngine) or never_ready:
                self._broken[engine.name] = error
            raise
        return [
            make_record(one.entry, engine.name, one.outcome, one.judgement, *weighed, one.diagnosis)
            for one, weighed in weigh(self._ledger, engine.name, examiner.process.versions, found)
            if one.outcome.form == form
        ]

    def _examiner(self, engine: Engine) -> Examiner:
        if engine.name not in self._examiners:
            self._examiners[engine.name] = Examiner(EngineProcess(engine, self._limits), self._answers)
        return self._examiners[engine.name]

    def pytest_sessionfinish(self) -> None:
        """Ends the engines, after an interruption as well."""
        self._close()

    def _close(self) -> None:
        for examiner in self._examiners.values():
            examiner.process.close()
        self._examiners.clear()


def item_id(engine: Engine, entry: Entry, form: str) -> str:
    """The id by which an item is known to pytest."""
    return f"{ROOT}::{engine.name}::{entry.id}[{form}]"


def _begins(item: str, picked: str) -> bool:
    return item == picked or item.startswith((f"{picked}::", f"{picked}["))


class Cases(pytest.Collector):
    """The engines of a session."""

    def __init__(self, *, suite: Suite, **rest: Any) -> None:
        super().__init__(**rest)
        self.suite = suite

    def collect(self) -> Iterator[EngineCases]:
        for engine in self.suite.engines:
            yield EngineCases.from_parent(self, name=engine.name, suite=self.suite, engine=engine)


class EngineCases(pytest.Collector):
    """The items of one engine."""

    def __init__(self, *, suite: Suite, engine: Engine, **rest: Any) -> None:
        super().__init__(**rest)
        self.suite, self.engine = suite, engine

    def collect(self) -> Iterator[CaseItem]:
        for entry, form in self.suite.items_of(self.engine):
            # said, and not left to pytest, which takes the ids that it has kept (--lf) apart in another way
            given = {"name": f"{entry.id}[{form}]", "nodeid": item_id(self.engine, entry, form)}
            yield CaseItem.from_parent(self, suite=self.suite, engine=self.engine, entry=entry, form=form, **given)


class CaseItem(pytest.Item):
    """A case, or a law, on an engine in a form."""

    def __init__(self, *, suite: Suite, engine: Engine, entry: Entry, form: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.suite, self.engine, self.entry, self.form = suite, engine, entry, form

    def runtest(self) -> None:
        """Passes, is an expected failure where all that is wrong is known, or raises `Discrepancy`."""
        try:
            records = self.suite.records(self.engine, self.entry, self.form)
        except EngineMissing as error:
            pytest.skip(f"{self.engine.name} is not installed: {error}")
        except BrokenEngine as error:
            raise Discrepancy(f"{self.engine.name} {error}") from error
        except UsageError as error:
            raise Discrepancy(str(error)) from error
        if not records:
            pytest.skip(f"no {self.form} form of its own")
        self.user_properties += [("verdict", record["verdict"]) for record in records]
        if failing := [record for record in records if record["status"] in ("new", "vanished")]:
            raise Discrepancy(self._say(failing))
        if known := [record for record in records if record["status"] == "known"]:
            pytest.xfail(f"{known[0]['verdict']}: {known[0]['known']}")
            raise Discrepancy(self._say(known))  # reached with --runxfail alone
        if all(record["verdict"] == UNJUDGED for record in records):
            pytest.skip(records[0]["message"])

    def _say(self, records: Sequence[Record]) -> str:
        run = {"asked": self.suite.asked, "seed": self.suite.seed}
        about = f"{self.entry.file}:{self.entry.line}"
        lines = [line for record in records for line in ("", headline(record), record["case"], *describe(record))]
        return "\n".join([*lines[1:], "", f"$ {rerun(run, records[0])}", about])

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What the record says; a traceback only for what is a mistake of the suite's."""
        said = excinfo.value
        return str(said) if isinstance(said, Discrepancy) else super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[str, None, str]:
        return ROOT, None, f"{self.engine.name}: {self.name}"
