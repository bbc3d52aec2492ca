"""The harness's side of an engine process: starts it, asks, waits with limits, and knows how it died."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..adapters.case import Case
from .engines import Engine
from .errors import UsageError
from .profiles import find_profile
from .wire import Channel, Closed

WORKER = Path(__file__).with_name("worker.py")
TAIL_CHARACTERS, READ_BYTES = 800, 16_000
NOISE = re.compile(r"^Extension modules: .*$|(?<=\n)(  File .*\n)(?:  File .*(?:\n|$))+", re.MULTILINE)
"""What faulthandler prints last, all but the innermost frame: it would crowd out the line that says why."""
LONGEST_LOG = 64 << 20
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


class EngineMissing(Exception):
    """The framework cannot be imported in the engine's interpreter."""


class BrokenEngine(Exception):
    """An engine that has run does not start again."""


class _TimeUp(Exception):
    pass


class Stopped(Exception):
    """The run is being interrupted."""


@dataclass
class _Live:
    """A started process: the conversation with it, the file for what it prints, the folder for its temporary files."""

    process: subprocess.Popen[bytes]
    channel: Channel
    log: IO[bytes]
    folder: tempfile.TemporaryDirectory[str]
    log_mark: int = 0
    fresh: bool = True
    """Whether it has not been asked for a case yet."""

    def kill(self) -> None:
        """Ends the process and whatever it has started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)

    def tail(self) -> str:
        """The end of what it has printed since the mark, ready to follow a sentence."""
        size = self.log.seek(0, os.SEEK_END)
        self.log.seek(max(self.log_mark, size - READ_BYTES))
        text = NOISE.sub(r"\1", self.log.read().decode(errors="replace")).strip()[-TAIL_CHARACTERS:]
        return f"; it printed: {text}" if text else ""

    def cause_of_death(self) -> str:
        """How it ended."""
        try:
            status = self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its pipe and lives"
        if status < 0:
            known = {number.value: number.name for number in signal.Signals}
            return f"killed by {known.get(-status, f'signal {-status}')}"
        return f"exited with status {status} before it answered"


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
        self._live: _Live | None = None
        self._deadline = 0.0
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
        if self._live is None:
            return
        self._live.kill()
        self._live.process.wait()
        self._live.channel.close()
        self._live.log.close()
        self._live.folder.cleanup()
        self._live = None

    def _started(self) -> _Live:
        begin = time.perf_counter()
        self._live = live = self._spawn()
        self.starts += 1
        self._deadline = time.monotonic() + self.limits.start
        try:
            live.channel.send(
                {"adapter": self.engine.adapter, "options": self.engine.options, "memory": self.limits.memory}
            )
            answer, _ = live.channel.receive()
        except (Closed, _TimeUp) as error:
            late = f"not ready after {self.limits.start:g} s of importing its adapter and framework (--start-timeout)"
            how = late if isinstance(error, _TimeUp) else live.cause_of_death()
            if self.starts > 1:
                raise BrokenEngine(f"does not start again: {how}{live.tail()}") from error
            raise UsageError(f"engine {self.engine.name} does not start", got=f"{how}{live.tail()}") from error
        if self.starts > 1 and "ready" not in answer:
            raise BrokenEngine(f"does not start again: {answer}")
        if "missing" in answer:
            raise EngineMissing(answer["missing"])
        if "fault" in answer:
            raise UsageError(f"engine {self.engine.name}: {answer['fault']}")
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

    def _spawn(self) -> _Live:
        to_worker, from_harness = os.pipe()
        to_harness, from_worker = os.pipe()
        command = [self.engine.interpreter, "-P", "-X", "faulthandler", str(WORKER), str(to_worker), str(from_worker)]
        log = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        folder = tempfile.TemporaryDirectory(prefix="convsuite-", ignore_cleanup_errors=True)
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(to_worker, from_worker),
                env={**os.environ, **self.engine.variables, "TMPDIR": folder.name},
                start_new_session=True,
            )
        except OSError as error:
            os.close(to_harness)
            os.close(from_harness)
            log.close()
            folder.cleanup()
            raise UsageError(f"engine {self.engine.name} does not start", got=error) from error
        finally:
            os.close(to_worker)
            os.close(from_worker)
        return _Live(process, Channel(to_harness, from_harness, self._check), log, folder)

    def _attempt(
        self, live: _Live, case: Case, arrays: dict[str, np.ndarray], remaining: list[str]
    ) -> Iterator[Outcome]:
        """Asks for the remaining forms and takes each off the list that is answered, by an outcome or by a death.

        A process that has run cases before and dies without having begun with this one has died of an earlier one:
        nothing is taken off the list then, and the next attempt is a fresh process's.
        """
        live.log_mark = live.log.seek(0, os.SEEK_END)
        begin, fresh, started = time.perf_counter(), live.fresh, False
        live.fresh = False
        program: str | None = None
        try:
            self._arm()
            live.channel.send({"case": case.to_json(), "forms": remaining}, arrays)
            while remaining:
                self._arm()
                program, started = live.channel.receive()[0]["program"], True
                ended, sent = live.channel.receive()
                outcome = self._outcome(remaining[0], program, ended, sent.get("result"))
                del remaining[0]
                program = None
                if outcome is not None:
                    yield outcome
            done, _ = live.channel.receive()
            self.busy += done["busy"]
            if done["resident"] - self._resident_at_start > GROWN:
                self.close()
        except (Closed, _TimeUp, KeyError, TypeError) as error:
            self.busy += time.perf_counter() - begin
            late = isinstance(error, _TimeUp)
            how = f"no answer within {self.limits.seconds:g} s" if late else live.cause_of_death()
            tail = live.tail()
            self.close()
            if not remaining or not (fresh or started or late):
                self.deaths_between_cases += 1
                return
            yield Outcome(remaining.pop(0), "timeout" if late else "crash", program, message=how + tail)

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

    def _arm(self) -> None:
        self._deadline = time.monotonic() + self.limits.seconds

    def _check(self) -> None:
        if self.stop_requested:
            raise Stopped
        if time.monotonic() > self._deadline:
            raise _TimeUp
        live = self._live
        if live is None:
            return
        if live.process.poll() is not None and not live.channel.pending():
            raise Closed("the process is gone, though something holds its pipe open")
        if live.log.seek(0, os.SEEK_END) > LONGEST_LOG:
            live.log.truncate(0)
            live.log_mark = 0
