"""A fuzz session: engines take turns with batches of draws, and what none has done before is shrunk and kept.

A turn is one batch on one engine.  The engines' turns stand in one queue for as many threads as there may be engines at
work, so that all come round equally often and get the same cases in the same order; where a thread has nobody else to
serve, a fast engine runs ahead of a slow one, or of one that shrinks.  The session ends when its time is over: turns
and shrinking look at the clock, and an engine that is busy with one case for longer than that is killed.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis.configuration import set_hypothesis_home_dir

from .. import store
from ..engines import Engine, modes_of
from ..errors import UsageError
from ..expectations import Expectation, Ledger
from ..process import BrokenEngine, EngineMissing, EngineProcess, Stopped
from ..run import engine_row
from ..verdict import VERDICTS
from .causes import Cause
from .folder import FOUND, FuzzFolder
from .hunt import Hunter, Options, Session
from .source import Source

BATCHES_TO_GIVE_UP = 100
"""Without a single case that meets the condition."""
GRACE = 1.0
"""Seconds that an engine may go on when time is over."""


@dataclass
class Summary:
    """What a session has come to, earlier parts of a resumed one included."""

    folder: Path
    causes: list[Cause] = field(default_factory=list[Cause])
    counts: dict[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])
    """By engine: ``cases``, verdicts and statuses."""
    seconds: float = 0.0
    """Of this part alone."""
    cases_now: int = 0
    """Drawn in this part."""
    versions: dict[str, dict[str, str]] = field(default_factory=dict[str, dict[str, str]])
    missing: dict[str, str] = field(default_factory=dict[str, str])
    broken: dict[str, str] = field(default_factory=dict[str, str])


def fuzz(
    engines: list[Engine],
    out: Path,
    options: Options,
    *,
    expectations: Iterable[Expectation] = (),
    missing: dict[str, str] | None = None,
    asked: dict[str, Any] | None = None,
    tell: Callable[[Cause, Path], None],
    progress: Callable[[Summary], None],
) -> Summary:
    """Draws cases, runs them on the engines until the time is over, and leaves the session's folder.

    ``tell``: is given each cause as it is found, from an engine's thread; ``progress``: the sums, about once a second.
    Raises `UsageError`, and KeyboardInterrupt with everything kept.
    """
    begin = time.monotonic()
    said = store.opening(asked, f"fuzz-{options.seed}", cases=0, forms=options.forms, seed=options.seed)
    folder = FuzzFolder.resume(out, said) if options.resume else FuzzFolder.create(out, said)
    source = Source(options.seed, out / FOUND, options.condition)
    ledger = Ledger(list(expectations), modes_of(engines))
    session = Session(options, source, folder, ledger, begin + options.budget, tell)
    summary = Summary(out, folder.causes, missing=dict(missing or {}))
    hunters = [Hunter(session, EngineProcess(engine, options.limits)) for engine in engines]
    state = "failed"
    try:
        with tempfile.TemporaryDirectory(prefix="convsuite-", ignore_cleanup_errors=True) as scratch:
            set_hypothesis_home_dir(scratch)  # its notes on our modules, which would else lie where the user is
            _check_condition(session)
            _take_turns(session, hunters, summary, progress)
        state = "complete"
    except KeyboardInterrupt:
        state = "interrupted"
        raise
    finally:
        _add_up(summary, hunters, begin)
        folder.run.finish({"status": state, "finished": store.now(), **_totals(summary, hunters)})
        if not summary.counts and not folder.causes and state != "interrupted":
            folder.run.remove()
    if not any(summary.counts.values()) and not folder.causes:
        lacking = ", ".join(f"{name}: {what}" for name, what in (summary.missing | summary.broken).items())
        raise UsageError("nothing could run", got=lacking or "no batch in this time", expected="a longer --budget")
    return summary


def _check_condition(session: Session) -> None:
    """Raises `UsageError` where the condition is met by no case of many."""
    if session.options.condition is not None and not any(
        session.source.batch(number) for number in range(BATCHES_TO_GIVE_UP)
    ):
        raise UsageError(f"no case in {BATCHES_TO_GIVE_UP} batches meets the condition", expected="a wider --filter")


def _take_turns(session: Session, hunters: list[Hunter], summary: Summary, progress: Callable[[Summary], None]) -> None:
    begin = time.monotonic()
    with ThreadPoolExecutor(session.options.jobs, thread_name_prefix="engine") as pool:
        turns = {pool.submit(hunter.turn): hunter for hunter in hunters}
        try:
            while turns and time.monotonic() < session.ends:
                done, _ = wait(turns, min(1.0, max(session.ends - time.monotonic(), 0)), FIRST_COMPLETED)
                for turn in done:
                    hunter = turns.pop(turn)
                    if _goes_on(turn, hunter, summary):
                        turns[pool.submit(hunter.turn)] = hunter
                _add_up(summary, hunters, begin)
                progress(summary)
        finally:
            session.over.set()
            for turn in turns:
                turn.cancel()
            wait(turns, GRACE)
            for hunter in hunters:
                hunter.process.stop_requested = True
                hunter.process.kill()
            wait(turns)
            for hunter in hunters:
                hunter.process.close()
        for turn, hunter in turns.items():
            if not turn.cancelled():
                _goes_on(turn, hunter, summary)


def _goes_on(turn: Future[None], hunter: Hunter, summary: Summary) -> bool:
    """Whether the engine has another turn.  Raises what an adapter is at fault for."""
    try:
        turn.result()
    except Stopped:
        return False
    except BrokenEngine as error:
        summary.broken[hunter.process.engine.name] = str(error)
        return False
    except EngineMissing as error:
        summary.missing[hunter.process.engine.name] = str(error)
        return False
    return True


def _add_up(summary: Summary, hunters: list[Hunter], begin: float) -> None:
    summary.seconds = time.monotonic() - begin
    summary.counts = {hunter.process.engine.name: hunter.counts for hunter in hunters if hunter.counts}
    summary.versions = {hunter.process.engine.name: hunter.process.versions for hunter in hunters}
    summary.cases_now = max((hunter.cases for hunter in hunters), default=0)


def _totals(summary: Summary, hunters: list[Hunter]) -> dict[str, Any]:
    """What run.json says at the end; records are those that are bad."""
    total = sum(summary.counts.values(), Counter[str]())
    return {
        "cases": max((counts["cases"] for counts in summary.counts.values()), default=0),
        "engines": {
            hunter.process.engine.name: {**engine_row(hunter.process), "counts": dict(hunter.counts)}
            for hunter in hunters
        },
        "missing": summary.missing,
        "broken": summary.broken,
        "seconds": {
            "startup": round(sum(hunter.process.startup for hunter in hunters), 3),
            "engine": round(sum(hunter.process.busy for hunter in hunters), 3),
            "harness": round(time.process_time(), 3),
            "wall": round(summary.seconds, 3),
        },
        "counts": {
            "causes": len(summary.causes),
            "new": total["new"],
            "known": total["known"],
            "verdicts": {name: total[name] for name in VERDICTS if total[name]},
        },
    }
