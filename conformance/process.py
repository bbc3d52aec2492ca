"""The harness's side of an engine process: starts it, asks, waits with limits, and knows how it died."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..adapters.case import Case
from .engines import Engine
from .errors import UsageError
from .wire import Channel, Closed

WORKER = Path(__file__).with_name("worker.py")
START_SECONDS = 300.0
TAIL_BYTES = 800
GIB = 1 << 30
GROWN = 3 * GIB // 2
"""Resident growth past which an engine is started afresh between two cases: frameworks keep what they compiled."""


@dataclass(frozen=True)
class Limits:
    """Per case: seconds, and bytes above what the engine had when the case began."""

    seconds: float = 30.0
    memory: int = 4 * GIB


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


class _TimeUp(Exception):
    pass


class Stopped(Exception):
    """The run is being interrupted."""


class EngineProcess:
    """One engine, in a process that is started when it is needed and started again after it died.

    ``startup`` and ``busy`` add up seconds: until the engine was ready, and while it worked on cases.
    """

    def __init__(self, engine: Engine, limits: Limits) -> None:
        self.engine, self.limits = engine, limits
        self.versions: dict[str, str] = {}
        self.startup = self.busy = 0.0
        self.starts = 0
        self.stop_requested = False
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: Channel | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed with the object
        self._log_mark = 0
        self._deadline = 0.0
        self._resident_at_start = 0

    def start(self) -> None:
        """Raises `EngineMissing`, or `UsageError` where the adapter is at fault."""
        begin = time.perf_counter()
        to_worker, from_harness = os.pipe()
        to_harness, from_worker = os.pipe()
        command = [self.engine.interpreter, "-P", "-X", "faulthandler", str(WORKER), str(to_worker), str(from_worker)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(to_worker, from_worker),
                env={**os.environ, **self.engine.variables},
                start_new_session=True,
            )
        except OSError as error:
            raise UsageError(f"engine {self.engine.name} does not start", got=error) from error
        finally:
            os.close(to_worker)
            os.close(from_worker)
        self._channel = Channel(to_harness, from_harness, self._check)
        self.starts += 1
        self._log_mark = self._log.seek(0, os.SEEK_END)
        self._deadline = time.monotonic() + START_SECONDS
        try:
            self._channel.send(
                {"adapter": self.engine.adapter, "options": self.engine.options, "memory": self.limits.memory}
            )
            answer, _ = self._channel.receive()
        except (Closed, _TimeUp) as error:
            how = f"not ready after {START_SECONDS:.0f} s" if isinstance(error, _TimeUp) else self._cause_of_death()
            raise UsageError(f"engine {self.engine.name} does not start", got=f"{how}{self._tail()}") from error
        if "missing" in answer:
            raise EngineMissing(answer["missing"])
        if "fault" in answer:
            raise UsageError(f"engine {self.engine.name}: {answer['fault']}")
        self.versions = answer["versions"]
        self._resident_at_start = answer["resident"]
        self.startup += time.perf_counter() - begin

    def run(self, case: Case, arrays: dict[str, np.ndarray], forms: tuple[str, ...]) -> Iterator[Outcome]:
        """The outcomes of the forms that exist, as they come.  Raises `UsageError` for a fault of the adapter."""
        remaining = list(forms)
        while remaining:
            if self._process is None:
                self.start()
            yield from self._attempt(case, arrays, remaining)

    def _attempt(self, case: Case, arrays: dict[str, np.ndarray], remaining: list[str]) -> Iterator[Outcome]:
        """Asks for the remaining forms and takes each off the list that is answered, by an outcome or by a death."""
        assert self._channel is not None  # run() has started it
        self._log_mark = self._log.seek(0, os.SEEK_END)
        begin = time.perf_counter()
        program: str | None = None
        try:
            self._arm()
            self._channel.send({"case": case.to_json(), "forms": remaining}, arrays)
            while remaining:
                self._arm()
                started, _ = self._channel.receive()
                program = started["program"]
                ended, sent = self._channel.receive()
                form = remaining.pop(0)
                outcome = self._outcome(form, program, ended, sent.get("result"))
                if outcome is not None:
                    yield outcome
                program = None
            done, _ = self._channel.receive()
            self.busy += done["busy"]
            if done["resident"] - self._resident_at_start > GROWN:
                self.close()
        except (Closed, _TimeUp) as error:
            self.busy += time.perf_counter() - begin
            late = isinstance(error, _TimeUp)
            how = f"no answer within {self.limits.seconds:g} s" if late else self._cause_of_death()
            tail = self._tail()
            self.close()
            if remaining:  # else it died after its last answer, which is no case's matter
                yield Outcome(remaining.pop(0), "timeout" if late else "crash", program, message=how + tail)

    def _outcome(self, form: str, program: str | None, said: dict[str, Any], result: np.ndarray | None) -> Outcome | None:
        kind, message = said["outcome"], said.get("message", "")
        if kind == "absent":
            return None
        if kind == "fault":
            raise UsageError(f"engine {self.engine.name}: fault of the adapter", got=message)
        if kind == "memory":
            return Outcome(form, "crash", program, message=f"memory limit of {self.limits.memory:,} bytes: {message}")
        if kind != "value":
            return Outcome(form, kind, program, message=message)
        shape = result.shape if result is not None else tuple(said["shape"])
        dtype = result.dtype.name if result is not None else said["dtype"]
        return Outcome(form, kind, program, result, shape, dtype, said["stable"], said["seconds"])

    def kill(self) -> None:
        """Ends the process and whatever it has started; may be called from another thread."""
        process = self._process
        if process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

    def close(self) -> None:
        """`kill`, and forgets the process."""
        if self._process is None:
            return
        self.kill()
        self._process.wait()
        if self._channel is not None:
            self._channel.close()
        self._process = self._channel = None

    def _arm(self) -> None:
        self._deadline = time.monotonic() + self.limits.seconds

    def _check(self) -> None:
        if self.stop_requested:
            raise Stopped
        if time.monotonic() > self._deadline:
            raise _TimeUp

    def _cause_of_death(self) -> str:
        assert self._process is not None
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its pipe and lives"
        if status < 0:
            with contextlib.suppress(ValueError):
                return f"killed by {signal.Signals(-status).name}"
            return f"killed by signal {-status}"
        return f"exited with status {status} before it answered"

    def _tail(self) -> str:
        """The end of what the process printed during the case."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(self._log_mark, size - TAIL_BYTES))
        text = self._log.read().decode(errors="replace").strip()
        return f"; it printed: {text}" if text else ""
