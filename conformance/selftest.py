"""The suite against engines that are wrong, and against engines that are right.

    entries ──► arrays, expected (once per case) ──► every fault that applies ──► judge ──► killed by this case?
                                                 └─► every right engine ───────► judge ──► a false alarm?

A fault is killed by a case on which it gets a bad verdict, the reference itself getting a good one. All of it happens
in a few processes of the suite's own, case by case, by the functions that judge real engines; only the faults of a
process (it dies, hangs, varies) go through the whole harness, each on a few small cases.
"""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from ..adapters.case import Case
from .answers import Answers
from .engines import ONE_THREAD
from .entry import Entry
from .errors import UsageError
from .expected import Arrays, Expected
from .faults import RIGHT, Fault, Refuses, Right, catalogue, choose
from .faults.engine import engine_of, handed, in_format
from .laws import with_parts
from .process import Limits, Outcome
from .profiles import Profile, find_profile
from .relation import Given, give, judge_relation
from .verdict import Judgement, judge

AT_ONCE = 24
"""Cases that a process is given at a time."""
CASES_PER_PROCESS_FAULT = 3
LONGEST_STEP = 1 << 16
PROCESS_LIMITS = Limits(seconds=3.0, memory=1 << 30)
REFERENCE = RIGHT[0]
Progress = Callable[[], None]
"""Told of every case that is done."""


@dataclass(frozen=True)
class Alarm:
    """A right engine that was accused."""

    engine: str
    case: str
    verdict: str
    message: str


@dataclass(frozen=True)
class Row:
    """What one case showed."""

    case: str
    family: str
    kills: dict[str, str]
    """The faults it kills, by code, with the verdict."""
    applied: tuple[str, ...]
    """The faults that were tried on it."""
    alarms: tuple[Alarm, ...]

    @property
    def group(self) -> str:
        """The entry of a case file that the case comes from."""
        return self.case.split("[", maxsplit=1)[0]


@dataclass
class Report:
    """What a self-test came to."""

    faults: list[Fault]
    rows: list[Row]
    seconds: float = 0.0
    left_out: list[str] = field(default_factory=list[str])
    """Cases whose steps or pads are so long that a wrong engine would ask for more memory than there is."""
    right: list[str] = field(default_factory=lambda: [right.name for right in RIGHT])

    @property
    def alarms(self) -> list[Alarm]:
        return [alarm for row in self.rows for alarm in row.alarms]

    @property
    def killers(self) -> dict[str, list[str]]:
        """The cases that kill, by the fault's code."""
        found: dict[str, list[str]] = {fault.code: [] for fault in self.faults}
        for row in self.rows:
            for code in row.kills:
                found[code].append(row.case)
        return found

    @property
    def survivors(self) -> list[Fault]:
        killers = self.killers
        return [fault for fault in self.faults if not killers[fault.code]]

    @property
    def idle(self) -> list[str]:
        """The cases that kill nothing."""
        return [row.case for row in self.rows if not row.kills]

    def matrix(self) -> dict[str, Counter[str]]:
        """By the fault's code, how many cases of each family kill it."""
        counts: dict[str, Counter[str]] = {fault.code: Counter() for fault in self.faults}
        for row in self.rows:
            for code in row.kills:
                counts[code][row.family] += 1
        return counts

    def verdicts(self) -> dict[str, Counter[str]]:
        """By the fault's code, the verdicts that killed it."""
        counts: dict[str, Counter[str]] = {fault.code: Counter() for fault in self.faults}
        for row in self.rows:
            for code, verdict in row.kills.items():
                counts[code][verdict] += 1
        return counts

    def strength(self, by: Callable[[Row], str]) -> list[tuple[str, int, int]]:
        """(name, faults killed, cases) of families or groups, the one that kills fewest first."""
        killed: dict[str, set[str]] = {}
        cases: Counter[str] = Counter()
        for row in self.rows:
            killed.setdefault(by(row), set()).update(row.kills)
            cases[by(row)] += 1
        return sorted(((name, len(codes), cases[name]) for name, codes in killed.items()), key=lambda one: one[1])

    def enough(self) -> list[str]:
        """A small set of cases that kills all that is killed: greedily, the case that adds most."""
        left, chosen = {code for row in self.rows for code in row.kills}, list[str]()
        while left:
            best = max(self.rows, key=lambda row: len(left & row.kills.keys()))
            chosen.append(best.case)
            left -= best.kills.keys()
        return chosen

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        killers, verdicts, matrix = self.killers, self.verdicts(), self.matrix()
        applied = Counter(code for row in self.rows for code in row.applied)
        return {
            "schema_version": 1,
            "seconds": round(self.seconds, 3),
            "cases": len(self.rows),
            "killed": len(self.faults) - len(self.survivors),
            "faults": [
                {
                    "code": fault.code,
                    "sentence": fault.sentence,
                    "source": fault.source,
                    "applied": applied[fault.code],
                    "killed_by": killers[fault.code],
                    "verdicts": dict(verdicts[fault.code]),
                    "families": dict(matrix[fault.code]),
                }
                for fault in self.faults
            ],
            "survivors": [fault.code for fault in self.survivors],
            "right_engines": self.right,
            "false_alarms": [vars(alarm) for alarm in self.alarms],
            "families": [_strong(one) for one in self.strength(lambda row: row.family)],
            "groups": [_strong(one) for one in self.strength(lambda row: row.group)],
            "idle_cases": self.idle,
            "left_out": self.left_out,
            "enough": self.enough(),
        }


def _strong(one: tuple[str, int, int]) -> dict[str, Any]:
    name, killed, cases = one
    return {"name": name, "killed": killed, "cases": cases}


def selftest(
    entries: Iterable[Entry],
    faults: Sequence[Fault] | None = None,
    *,
    seed: int = 0,
    jobs: int = 2,
    progress: Progress | None = None,
) -> Report:
    """Every fault, and every right engine, on every case.

    Raises `UsageError` where no case computes anything, and KeyboardInterrupt.
    """
    begin = time.perf_counter()
    computing = [entry for entry in entries if entry.computations]
    computed = [entry for entry in computing if not _enormous(entry)]
    if not computed:
        raise UsageError("no case is left to test with", expected="cases that compute something")
    chosen = list(catalogue().values()) if faults is None else list(faults)
    codes = [fault.code for fault in chosen if not fault.process]
    rows: dict[str, Row] = {}
    for row in _everywhere(computed, codes, seed, jobs):
        rows[row.case] = row
        if progress is not None:
            progress()
    for case, code, verdict in _in_processes(computed, [fault for fault in chosen if fault.process], seed, jobs):
        row = rows[case]
        kills = row.kills if verdict is None else {**row.kills, code: verdict}
        rows[case] = Row(case, row.family, kills, (*row.applied, code), row.alarms)
    left_out = [entry.id for entry in computing if entry.id not in rows]
    return Report(chosen, [rows[entry.id] for entry in computed], time.perf_counter() - begin, left_out)


def _everywhere(entries: list[Entry], codes: list[str], seed: int, jobs: int) -> Iterator[Row]:
    """The rows of all cases, as they come."""
    # the dearest first, and neighbours apart: no process is left with all that is slow
    ordered = sorted(entries, key=_cost, reverse=True)
    count = -(-len(ordered) // AT_ONCE)
    parts = [[_portable(entry) for entry in ordered[start::count]] for start in range(count)]
    if jobs == 1 or count == 1:
        for part in parts:
            yield from examine(part, codes, seed)
        return
    with _one_thread_each(), ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        futures: list[Future[list[Row]]] = [pool.submit(examine, part, codes, seed) for part in parts]
        try:
            for future in as_completed(futures):
                yield from future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _enormous(entry: Entry) -> bool:
    """Whether a fault that takes steps or pads for sizes would ask for gigabytes, in a process of the suite's own."""
    return any(
        max(map(abs, (*one.case.strides, *one.case.dilation, *_given(one.case.padding)))) > LONGEST_STEP
        for one in entry.computations
    )


def _given(padding: str | tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """The numbers that a padding is written with."""
    return () if isinstance(padding, str) else tuple(chain.from_iterable(padding))


def _portable(entry: Entry) -> Entry:
    """The entry as another process can be sent it: a law without its functions, which `with_parts` makes again."""
    return entry if entry.law is None else replace(entry, relation=None, parts=())


@contextmanager
def _one_thread_each() -> Generator[None]:
    """Processes that are started in this context compute in one thread."""
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(ONE_THREAD)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _cost(entry: Entry) -> int:
    """Products, roughly."""
    cases = [one.case for one in entry.computations]
    return sum(
        sum(map(math.prod, case.array_shapes.values())) * math.prod(max(k, 1) for k in case.kernel_size)
        for case in cases
    )


@dataclass(frozen=True)
class _Computation:
    """A case, or a part of a law, with what every engine is handed for it and ought to answer."""

    case: Case
    arrays: Arrays
    expected: Expected | None


def examine(entries: Sequence[Entry], codes: Sequence[str], seed: int) -> list[Row]:
    """The rows of some cases, for the faults of these codes."""
    answers, faults = Answers(seed), choose(codes) if codes else []
    rows: list[Row] = []
    for entry in map(with_parts, entries):
        computations: list[_Computation] = []
        for one in entry.computations:
            arrays, expected = answers.of(one)
            computations.append(_Computation(one.case, handed(one.case, arrays), expected))
        rows.append(_row(entry, computations, faults, seed))
    return rows


def _row(entry: Entry, computations: list[_Computation], faults: Sequence[Fault], seed: int) -> Row:
    alarms: list[Alarm] = []
    for right in RIGHT:
        profile = None if right.profile is None else find_profile(right.profile)
        judgement = _judged(entry, computations, right, seed, profile)
        if not judgement.ok:
            alarms.append(Alarm(right.name, entry.id, judgement.verdict, judgement.message))
    kills: dict[str, str] = {}
    applied: list[str] = []
    for fault in faults:
        if any(fault.applies(one.case) for one in computations):
            applied.append(fault.code)
            judgement = _judged(entry, computations, fault, seed)
            if not judgement.ok:
                kills[fault.code] = judgement.verdict
    if any(alarm.engine == REFERENCE.name for alarm in alarms):
        kills = {}  # what condemns the reference proves nothing about a fault
    return Row(entry.id, entry.family, kills, tuple(applied), tuple(alarms))


def _judged(
    entry: Entry, computations: list[_Computation], engine: Fault | Right, seed: int, profile: Profile | None = None
) -> Judgement:
    """The verdict on a case; for a law the first bad one on its parts, or that on their relation."""
    given: list[Given | str] = []
    judgement = Judgement("differs", "a law without parts")
    for one in computations:
        applies = not isinstance(engine, Fault) or engine.applies(one.case)
        did = outcome(one.case, one.arrays, engine if applies else REFERENCE)
        judgement = judge(one.case, one.expected, did, profile)
        if not judgement.ok:
            return judgement
        if entry.relation is not None:
            given.append(give(one.case, one.expected, (did, judgement), profile))
    if entry.relation is None:
        return judgement
    names = (part.name for part in entry.relation.parts)
    return judge_relation(entry.relation, entry.case, seed, dict(zip(names, given, strict=True)))


def outcome(case: Case, arrays: Arrays, engine: Fault | Right) -> Outcome:
    """What a fault or a right engine does with a case, as the harness would see it.

    Errors that are meant are outcomes: `Refuses`, and where an error is due the reference's own.
    """
    try:
        with np.errstate(all="ignore"):
            result = in_format(case, engine.answer(case, arrays))
    except Refuses as error:
        return Outcome("equivalent", "error", message=str(error))
    except (ValueError, TypeError) as error:
        if not case.must_refuse:
            raise
        return Outcome("equivalent", "error", message=str(error))
    return Outcome("equivalent", "value", None, result, result.shape, result.dtype.name)


def _in_processes(
    entries: list[Entry], faults: list[Fault], seed: int, jobs: int
) -> Iterator[tuple[str, str, str | None]]:
    """(case, code, the bad verdict or None) of the faults that need a process, from a run of the harness."""
    from . import run as harness

    small = sorted((entry for entry in entries if entry.law is None), key=_cost)
    pairs = {
        (entry.id, fault.code): entry
        for fault in faults
        for entry in [entry for entry in small if fault.applies(entry.case)][:CASES_PER_PROCESS_FAULT]
    }
    if not pairs:
        return
    chosen = list({entry.id: entry for entry in pairs.values()}.values())
    engines = [engine_of(fault) for fault in faults if any(code == fault.code for _, code in pairs)]
    options = harness.Options(
        forms=("equivalent",), jobs=jobs, limits=PROCESS_LIMITS, seed=seed, only=frozenset(pairs), diagnose=False
    )
    with tempfile.TemporaryDirectory(prefix="convsuite-selftest-") as folder:
        out = Path(folder) / "run"
        harness.run(chosen, engines, out, options)
        for line in (out / "records.jsonl").read_text().splitlines():
            record: dict[str, Any] = json.loads(line)
            yield record["case"], record["engine"], None if record["ok"] else record["verdict"]
