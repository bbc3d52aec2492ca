"""A run: cases through engines, outcomes to verdicts, verdicts to records.

    entries ──► Answers (arrays, expected) ──► EngineProcess ──► judge ──► diagnose ──► Ledger ──► record ──► RunFolder
                                                    ▲                        │
                                                    └──── derived cases ─────┘

Engines run side by side in threads of the harness, which mostly wait; records are written by the caller's thread.
"""

from __future__ import annotations

import contextlib
import queue
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..adapters.base import FORMS
from . import store
from .answers import Answers
from .checks import run_check
from .corpus import digest
from .engines import Engine, modes_of
from .entry import Entry
from .errors import UsageError
from .examining import Examiner, forms_of, weigh
from .expectations import Expectation, Ledger
from .process import BrokenEngine, EngineMissing, EngineProcess, Limits, Stopped
from .record import Found, make_record
from .verdict import VERDICTS

if TYPE_CHECKING:
    from .diagnosis.session import Session


@dataclass(frozen=True)
class Options:
    """How to run."""

    forms: tuple[str, ...] = FORMS
    jobs: int = 2
    limits: Limits = field(default_factory=Limits)
    seed: int = 0
    resume: bool = False
    only: frozenset[tuple[str, str]] | None = None
    """(case, engine) pairs to run; None for all."""
    spare: bool = False
    """Whether engines with tags of their own are spared the shipped cases without them; see `Engine.tags`."""
    diagnose: bool = True
    """Whether what differs is asked for its cause, while the engine is warm."""


@dataclass
class Summary:
    """What a run came to."""

    folder: Path
    records: int = 0
    verdicts: Counter[str] = field(default_factory=Counter[str])
    new: int = 0
    vanished: int = 0
    known: int = 0
    missing: dict[str, str] = field(default_factory=dict[str, str])
    versions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    ledger: Ledger = field(default_factory=lambda: Ledger([]))
    seconds: dict[str, float] = field(default_factory=dict[str, float])
    broken: dict[str, str] = field(default_factory=dict[str, str])
    """Engines that could not be started again after a death, and why; the rest of their cases has no record."""
    spared: dict[str, int] = field(default_factory=dict[str, int])
    """How many cases an engine was spared, as its tags say; engines that were spared none are not in it."""
    engine_records: int = 0
    """Records that engines gave, named checks of the reference left out."""

    @property
    def bad(self) -> int:
        """Records that are not as they should be, known ones included."""
        return self.new + self.known


def takes(engine: Engine, entry: Entry, options: Options) -> bool:
    """Whether the engine is to run the case."""
    if entry.check is not None or (options.spare and engine.spares(entry)):
        return False
    return options.only is None or any((name, engine.name) in options.only for name in entry.ids)


Progress = Callable[[str, int], None]
"""Told of each case that an engine has done: (engine, number of records it gave)."""


def run(
    entries: list[Entry],
    engines: list[Engine],
    out: Path,
    options: Options,
    *,
    expectations: Iterable[Expectation] = (),
    missing: dict[str, str] | None = None,
    asked: dict[str, Any] | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Runs every entry on every engine and leaves a run's folder.

    Raises `UsageError` (the folder is not touched where an adapter file is at fault) and KeyboardInterrupt, the
    records so far being kept.
    """
    begin, cpu_begin = time.perf_counter(), time.process_time()
    summary = Summary(out, missing=dict(missing or {}), ledger=Ledger(list(expectations), modes_of(engines)))
    processes = [EngineProcess(engine, options.limits) for engine in engines]
    summary.versions = {process.engine.name: process.versions for process in processes}
    if options.spare:
        summary.spared = _spared(entries, engines)
    answers = Answers(options.seed)
    try:
        _start_early(processes, summary)
        answers.prepare(entries)
        said = store.opening(
            asked, digest(entries, options.seed), cases=len(entries), forms=options.forms, seed=options.seed
        )
        before: list[store.Record] = []
        if options.resume:
            folder, before = store.RunFolder.resume(out, said)
        else:
            folder = store.RunFolder.create(out, said)
        state = "failed"
        conductor = _Conductor(entries, processes, options, progress, folder, summary, answers)
        try:
            conductor.conduct(before)
            state = "complete"
        except KeyboardInterrupt:
            state = "interrupted"
            raise
        finally:
            diagnosis = conductor.diagnosing
            harness = time.process_time() - cpu_begin - diagnosis
            seconds = {"harness": harness, "diagnosis": diagnosis, "wall": time.perf_counter() - begin}
            _finish(folder, summary, processes, state, seconds)
        if not summary.engine_records and any(entry.check is None for entry in entries):
            folder.remove()
            spared = {name: f"spared all of {count} cases, as its tags say" for name, count in summary.spared.items()}
            lacking = ", ".join(f"{name}: {what}" for name, what in (spared | summary.missing | summary.broken).items())
            raise UsageError("nothing could run", got=lacking or "no engine with a word for these cases")
    finally:
        for process in processes:
            process.close()
    return summary


def _spared(entries: list[Entry], engines: list[Engine]) -> dict[str, int]:
    """How many computations each engine is spared."""
    computed = [entry for entry in entries if entry.check is None]
    counts = {engine.name: sum(map(engine.spares, computed)) for engine in engines}
    return {name: count for name, count in counts.items() if count}


def _start_early(processes: list[EngineProcess], summary: Summary) -> None:
    """Starts users' adapters: one that cannot be loaded stops the run before it begins."""
    for process in list(processes):
        if process.engine.of_user:
            try:
                process.start()
            except EngineMissing as error:
                summary.missing[process.engine.name] = str(error)
                processes.remove(process)


def _finish(
    folder: store.RunFolder, summary: Summary, processes: list[EngineProcess], state: str, seconds: dict[str, float]
) -> None:
    earlier = folder.run.get("seconds", {})
    seconds |= {
        "startup": sum(process.startup for process in processes),
        "engine": sum(process.busy for process in processes),
    }
    summary.seconds = {name: round(value + earlier.get(name, 0.0), 3) for name, value in seconds.items()}
    folder.finish(
        {
            "status": state,
            "finished": store.now(),
            "engines": folder.run.get("engines", {})
            | {process.engine.name: engine_row(process, folder.run.get("engines", {})) for process in processes},
            "missing": summary.missing,
            "spared": summary.spared,
            "broken": summary.broken,
            "seconds": summary.seconds,
            "counts": {
                "records": summary.records,
                "new": summary.new,
                "known": summary.known,
                "vanished": summary.vanished,
                "verdicts": {name: summary.verdicts[name] for name in VERDICTS if summary.verdicts[name]},
            },
        }
    )


def engine_row(process: EngineProcess, earlier: dict[str, Any] | None = None) -> dict[str, Any]:
    """An engine's row of run.json; numbers add up over the parts of a resumed run."""
    row = (earlier or {}).get(process.engine.name, {})
    seconds = row.get("seconds", {})
    return {
        "adapter": process.engine.adapter,
        "options": process.engine.options,
        "environment": process.engine.variables,
        "versions": process.versions or row.get("versions", {}),
        "profile": process.profile.name if process.profile else row.get("profile"),
        "starts": process.starts + row.get("starts", 0),
        "deaths_between_cases": process.deaths_between_cases + row.get("deaths_between_cases", 0),
        "seconds": {
            "startup": round(process.startup + seconds.get("startup", 0.0), 3),
            "engine": round(process.busy + seconds.get("engine", 0.0), 3),
        },
    }


class _Conductor:
    """Keeps the engines at work and passes what they find on to one writer."""

    def __init__(
        self,
        entries: list[Entry],
        processes: list[EngineProcess],
        options: Options,
        progress: Progress | None,
        folder: store.RunFolder,
        summary: Summary,
        answers: Answers,
    ) -> None:
        self._entries, self._processes, self._options, self._progress = entries, processes, options, progress
        self._folder, self._summary = folder, summary
        self._answers = answers
        self._findings: queue.Queue[Callable[[], None]] = queue.Queue()
        self._done: set[tuple[str, str, str]] = set()
        self._sessions: list[Session] = []

    def conduct(self, before: list[store.Record]) -> None:
        """Runs everything that ``before`` does not hold."""
        for record in before:
            self._done.add((record["case"], record["engine"], record["form"]))
            self._count(record)
        for entry in self._entries:
            if entry.check is not None and (entry.id, "reference", "equivalent") not in self._done:
                self._keep("reference", {}, [Found(entry, *run_check(entry.check))])
        with ThreadPoolExecutor(max_workers=self._options.jobs, thread_name_prefix="engine") as pool:
            slow_first = sorted(self._processes, key=lambda process: not process.engine.slow)
            futures = [pool.submit(self._engine, process) for process in slow_first]
            try:
                while not all(future.done() for future in futures) or not self._findings.empty():
                    self._write_next()
                    for future in futures:
                        if future.done():
                            future.result()
                for future in futures:
                    future.result()
            except BaseException:
                for process in self._processes:
                    process.stop_requested = True
                    process.kill()
                for future in futures:
                    future.cancel()
                raise

    def _write_next(self) -> None:
        with contextlib.suppress(queue.Empty):
            self._findings.get(timeout=0.1)()

    def _engine(self, process: EngineProcess) -> None:
        """All cases on one engine; runs in a thread of its own."""
        examiner = Examiner(process, self._answers, self._options.diagnose)
        if examiner.session is not None:
            self._sessions.append(examiner.session)
        try:
            for entry in self._entries:
                if process.stop_requested:
                    return
                if takes(process.engine, entry, self._options):
                    self._case(examiner, entry)
        except Stopped:
            return
        except BrokenEngine as error:
            self._findings.put(partial(self._summary.broken.__setitem__, process.engine.name, str(error)))
        except EngineMissing as error:
            self._findings.put(partial(self._summary.missing.__setitem__, process.engine.name, str(error)))
        finally:
            process.close()

    @property
    def diagnosing(self) -> float:
        """CPU seconds that the diagnoses took."""
        return sum(session.seconds for session in self._sessions)

    def _case(self, examiner: Examiner, entry: Entry) -> None:
        """What has been found is passed on even where the engine then fails for good.

        A law whose relation has no record yet, because the run was stopped in the middle of it, runs as a whole:
        outputs are kept no longer than that.
        """
        process, found = examiner.process, list[Found]()
        forms = forms_of(entry, self._options.forms)
        forms = tuple(form for form in forms if (entry.id, process.engine.name, form) not in self._done)
        try:
            found.extend(examiner.examine(entry, forms))
        except BrokenEngine:
            self._findings.put(partial(self._take, process, found))
            raise
        self._findings.put(partial(self._take, process, found))

    def _take(self, process: EngineProcess, found: list[Found]) -> None:
        self._keep(process.engine.name, process.versions, found)
        if self._progress is not None:
            self._progress(process.engine.name, len(found))

    def _keep(self, engine: str, versions: dict[str, str], found: list[Found]) -> None:
        """Weighs what was found and writes records, but not again of a law's part that was cut off after it."""
        for one, weighed in weigh(self._summary.ledger, engine, versions, found):
            if (one.entry.id, engine, one.outcome.form) not in self._done:
                record = make_record(one.entry, engine, one.outcome, one.judgement, *weighed, one.diagnosis)
                self._folder.append(record)
                self._count(record)

    def _count(self, record: store.Record) -> None:
        self._summary.records += 1
        self._summary.engine_records += record["check"] is None
        self._summary.verdicts[record["verdict"]] += 1
        self._summary.new += record["status"] == "new"
        self._summary.known += record["status"] == "known"
        self._summary.vanished += record["status"] == "vanished"
