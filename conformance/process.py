"""The harness's side of an engine: a process that is asked for cases and gives outcomes, started again as it dies."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..adapters.base import Words
from ..adapters.case import Case
from .child import Child, EngineMissing, NotReady, Stopped, TimeUp
from .engines import Engine
from .errors import UsageError
from .profiles import find_profile
from .wire import Closed

__all__ = ["BrokenEngine", "EngineMissing", "EngineProcess", "Limits", "Outcome", "Stopped"]
SERVER = "convsuite.conformance.answering"
GIB = 1 << 30
GROWN = 3 * GIB // 2
"""Resident growth past which an engine is started afresh between two cases: frameworks keep what they compiled."""


@dataclass(frozen=True)
class Limits:
    """Per case: seconds, and bytes above what the engine had when the case began; and seconds for it to be ready."""

    seconds: float = 30.0
    memory: int = 4 * GIB
    start: float = 300.0


@dataclass(frozen=True)
class Outcome:
    """What an engine did with one form of a case.

    ``kind``: value, error (the framework raised), unsupported (the adapter knows no way), crash, timeout.
    """

    form: str
    kind: str
    program: str | None = None
    result: np.ndarray | None = None
    shape: tuple[int, ...] | None = None
    dtype: str | None = None
    stable: bool = True
    seconds: float | None = None
    message: str = ""
    words: Words | None = None
    """What the program comes to, where the adapter says it."""


class BrokenEngine(Exception):
    """An engine that has run does not start again."""


class EngineProcess:
    """One engine, in a process that is started when it is needed and started again after it died.

    ``startup`` and ``busy`` add up seconds: until the engine was ready, and while it worked on cases.  ``profile``: how
    it is judged, as its entry says or else its adapter, which is known once it has started.
    """

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self.engine, self.limits = engine, limits
        self.versions: dict[str, str] = {}
        self.profile = None if engine.profile is None else find_profile(engine.profile)
        self.startup = self.busy = 0.0
        self.starts = self.deaths_between_cases = 0
        self.stop_requested = False
        self._live: Child | None = None
        self._fresh = True  # whether it has not been asked for a case since it was started
        self._resident_at_start = 0

    def start(self) -> None:
        """Raises `EngineMissing`, or `UsageError` where the adapter is at fault."""
        self._started()

    def run(self, case: Case, arrays: dict[str, np.ndarray], forms: tuple[str, ...]) -> Iterator[Outcome]:
        """The outcomes of the forms that exist, as they come.  Raises as `start` does."""
        remaining = list(forms)
        while remaining:
            yield from self._attempt(self._live or self._started(), case, arrays, remaining)

    def kill(self) -> None:
        """Ends the process; may be called from another thread, whose turn it then is to `close`."""
        live = self._live
        if live is not None:
            live.kill()

    def close(self) -> None:
        """Ends the process and forgets it."""
        if self._live is not None:
            self._live.close()
            self._live = None

    def _started(self) -> Child:
        begin = time.perf_counter()
        self._live = live = Child(self.engine, self.engine.variables, SERVER, lambda: self.stop_requested)
        self._fresh = True
        self.starts += 1
        try:
            live.greet(memory=self.limits.memory)
            answer = live.ready(self.limits.start)
        except (NotReady, EngineMissing, UsageError) as error:
            if self.starts > 1:
                raise BrokenEngine(f"does not start again: {error}") from error
            if isinstance(error, NotReady):
                raise UsageError(f"engine {self.engine.name} does not start", got=error) from error
            raise
        self.versions.update(answer["versions"])
        if self.profile is None and answer["profile"] is not None:
            try:
                self.profile = find_profile(answer["profile"])
            except UsageError as error:
                what = f"engine {self.engine.name}: {error.what}"
                raise UsageError(what, got=error.got, expected=error.expected) from error
        self._resident_at_start = answer["resident"]
        self.startup += time.perf_counter() - begin
        return live

    def _attempt(
        self, live: Child, case: Case, arrays: dict[str, np.ndarray], remaining: list[str]
    ) -> Iterator[Outcome]:
        """Asks for the remaining forms and takes each off the list that is answered, by an outcome or by a death.

        A process that has run something before and dies without having begun with what comes next has died of that:
        nothing is taken off the list then, and the next attempt is a fresh process's.
        """
        live.mark_log()
        begin, to_blame = time.perf_counter(), self._fresh  # whether a death now is that of the form that is due
        self._fresh = False
        program: str | None = None
        words: Words | None = None
        try:
            live.arm(self.limits.seconds)
            live.channel.send({"case": case.to_json(), "forms": remaining}, arrays)
            while remaining:
                live.arm(self.limits.seconds)
                said, _ = live.channel.receive()
                program, to_blame = said["program"], True
                words = None if said.get("words") is None else Words.from_json(said["words"])
                ended, sent = live.channel.receive()
                outcome = self._outcome(remaining[0], program, ended, sent.get("result"))
                del remaining[0]
                program, to_blame = None, False
                if outcome is not None:
                    yield replace(outcome, words=words)
            done, _ = live.channel.receive()
            self.busy += done["busy"]
            if done["resident"] - self._resident_at_start > GROWN:
                self.close()
        except (Closed, TimeUp, KeyError, TypeError) as error:
            self.busy += time.perf_counter() - begin
            late = isinstance(error, TimeUp)
            how = f"no answer within {self.limits.seconds:g} s" if late else live.cause_of_death()
            tail = live.tail()
            self.close()
            if not remaining or not (to_blame or late):
                self.deaths_between_cases += 1
                return
            kind, words = "timeout" if late else "crash", None if program is None else words
            yield Outcome(remaining.pop(0), kind, program, message=how + tail, words=words)

    def _outcome(
        self, form: str, program: str | None, said: dict[str, Any], result: np.ndarray | None
    ) -> Outcome | None:
        kind, message = said["outcome"], said.get("message", "")
        if kind == "absent":
            return None
        if kind == "fault":
            raise UsageError(f"engine {self.engine.name}: fault of the adapter", got=message)
        if kind == "memory":
            return Outcome(form, "crash", program, message=f"memory limit of {self.limits.memory:,} bytes: {message}")
        if kind != "value":
            return Outcome(form, kind, program, message=message)
        if result is not None:
            shape, dtype = result.shape, result.dtype.name
        else:
            shape, dtype = None if said["shape"] is None else tuple(said["shape"]), said["dtype"]
        return Outcome(form, kind, program, result, shape, dtype, said["stable"], said["seconds"])
