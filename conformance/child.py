"""An engine's process as whoever starts it sees it: its log, its temporary files, limits of time, and how it died."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .engines import Engine
from .errors import UsageError
from .loading import without_places
from .wire import Channel, Closed

WORKER = Path(__file__).with_name("worker.py")
TAIL_CHARACTERS, READ_BYTES = 800, 16_000
NOISE = re.compile(r"^Extension modules: .*$|(?<=\n)(  File .*\n)(?:  File .*(?:\n|$))+", re.MULTILINE)
"""What faulthandler prints last, all but the innermost frame: it would crowd out the line that says why."""
PRINTED = "; it printed:"
"""Between how a process ended and its last words."""
LONGEST_LOG = 64 << 20


class EngineMissing(Exception):
    """The framework cannot be imported in the engine's interpreter."""


class NotReady(Exception):
    """An engine died, or time was up, before it was ready; the message says how."""


class TimeUp(Exception):
    """The process has not answered within the limit."""


class Stopped(Exception):
    """The run is being interrupted."""


def without_last_words(message: str) -> str:
    """How a process died, without what it had printed (see `Child.tail`)."""
    return message.partition(PRINTED)[0]


class Child:
    """A started process and the ``channel`` to it.

    Reading from the channel raises `Closed` where the process has died, `TimeUp` past the limit that `arm` sets, and
    `Stopped` once ``stopped()`` holds.  ``variables``: its environment besides this process's own; ``server``: the
    module that has the conversation after the first message.  Raises `UsageError` where the interpreter cannot start.
    """

    def __init__(
        self,
        engine: Engine,
        variables: Mapping[str, str],
        server: str,
        stopped: Callable[[], bool] = lambda: False,
    ) -> None:
        self.engine = engine
        self._server, self._stopped, self._deadline = server, stopped, float("inf")
        to_worker, from_harness = os.pipe()
        to_harness, from_worker = os.pipe()
        command = [engine.interpreter, "-P", "-X", "faulthandler", str(WORKER), str(to_worker), str(from_worker)]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  closed by close()
        self._log_mark = 0
        self._folder = tempfile.TemporaryDirectory(prefix="convsuite-", ignore_cleanup_errors=True)
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                pass_fds=(to_worker, from_worker),
                env={**os.environ, **variables, "TMPDIR": self._folder.name},
                start_new_session=True,
            )
        except OSError as error:
            os.close(to_harness)
            os.close(from_harness)
            self._log.close()
            self._folder.cleanup()
            raise UsageError(f"engine {engine.name} does not start", got=error) from error
        finally:
            os.close(to_worker)
            os.close(from_worker)
        self.channel = Channel(to_harness, from_harness, self._check)

    def greet(self, **said: Any) -> None:
        """Lets it load its adapter; ``said``: more for the server to know."""
        adapter, options = self.engine.adapter, self.engine.options
        with contextlib.suppress(Closed):  # told by what comes next
            self.channel.send({"adapter": adapter, "options": options, "server": self._server, **said})

    def ready(self, seconds: float) -> dict[str, Any]:
        """What it says when it has been greeted and is ready.

        Raises `EngineMissing`, `NotReady`, and `UsageError` where the adapter is at fault.
        """
        self.arm(seconds)
        try:
            answer, _ = self.channel.receive()
        except (Closed, TimeUp) as error:
            late = f"not ready after {seconds:g} s of importing its adapter and framework (--start-timeout)"
            raise NotReady(f"{late if isinstance(error, TimeUp) else self.cause_of_death()}{self.tail()}") from error
        if "missing" in answer:
            raise EngineMissing(answer["missing"])
        if "fault" in answer:
            raise UsageError(f"engine {self.engine.name}: {answer['fault']}")
        return answer

    def arm(self, seconds: float) -> None:
        """Sets the time within which it has to answer, from now on."""
        self._deadline = time.monotonic() + seconds

    def mark_log(self) -> None:
        """What it has printed so far is no longer of interest to `tail`."""
        self._log_mark = self._log.seek(0, os.SEEK_END)

    def tail(self) -> str:
        """The end of what it has printed since the mark, ready to follow a sentence."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(self._log_mark, size - READ_BYTES))
        text = NOISE.sub(r"\1", without_places(self._log.read().decode(errors="replace"))).strip()[-TAIL_CHARACTERS:]
        return f"{PRINTED} {text}" if text else ""

    def cause_of_death(self) -> str:
        """How it ended."""
        try:
            status = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return "closed its pipe and lives"
        if status < 0:
            known = {number.value: number.name for number in signal.Signals}
            return f"killed by {known.get(-status, f'signal {-status}')}"
        return f"exited with status {status} before it answered"

    def kill(self) -> None:
        """Ends the process and whatever it has started; may be called from another thread, which then closes it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    def close(self) -> None:
        """Ends the process and forgets it."""
        self.kill()
        self._process.wait()
        self.channel.close()
        self._log.close()
        self._folder.cleanup()

    def _check(self) -> None:
        if self._stopped():
            raise Stopped
        if time.monotonic() > self._deadline:
            raise TimeUp
        if self._process.poll() is not None and not self.channel.pending():
            raise Closed("the process is gone, though something holds its pipe open")
        if self._log.seek(0, os.SEEK_END) > LONGEST_LOG:
            self._log.truncate(0)
            self._log_mark = 0
