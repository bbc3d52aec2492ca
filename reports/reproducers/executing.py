"""Many reproducers executed: a process per engine and environment, which imports the framework once.

A script that takes its process with it is broken, and the next one gets a fresh process; scripts about crashes start
processes of their own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from ...conformance.child import Child, EngineMissing, NotReady, TimeUp
from ...conformance.engines import Engine
from ...conformance.errors import UsageError
from ...conformance.loading import without_places
from ...conformance.wire import Closed
from .building import Reproducer

Status = Literal["lives", "gone", "broken"]
SERVER = "convsuite.reports.reproducers.serving"
START_SECONDS = 300.0
GROWN = 3 << 29
"""Bytes by which a process may grow before it is started afresh."""
Indexed = tuple[int, Reproducer]


@dataclass(frozen=True)
class Execution:
    """What a script did: the discrepancy ``lives`` (status 1), is ``gone`` (0), or the script is ``broken``."""

    status: Status
    output: str
    """What it printed; where it is broken, the traceback or how the process died."""


def execute(
    reproducers: Sequence[Reproducer],
    *,
    jobs: int = 1,
    timeout: float = 180.0,
    done: Callable[[Reproducer, Execution], None] | None = None,
) -> list[Execution]:
    """Runs the scripts, ``jobs`` engines side by side; the results in the order given.

    ``timeout``: seconds for one script; ``done``: told of each as it ends, from any thread.
    """
    groups: dict[tuple[Any, ...], list[Indexed]] = {}
    for place, one in enumerate(reproducers):
        groups.setdefault((one.engine, *sorted(one.environment.items())), []).append((place, one))
    found: dict[int, Execution] = {}
    with tempfile.TemporaryDirectory(prefix="convsuite-repro-") as folder, ThreadPoolExecutor(jobs) as threads:
        waiting = [
            threads.submit(_execute_group, group, Path(folder), timeout, found, done) for group in groups.values()
        ]
        for one in waiting:
            one.result()
    return [found[place] for place in range(len(reproducers))]


def _execute_group(
    group: Sequence[Indexed],
    folder: Path,
    timeout: float,
    found: dict[int, Execution],
    done: Callable[[Reproducer, Execution], None] | None,
) -> None:
    """The scripts of one engine and environment, in one process as long as it lives."""
    process: _Process | None = None
    try:
        for place, one in group:
            file = folder / f"reproducer_{place}.py"
            file.write_text(one.script, encoding="utf-8")
            try:
                process = process or _Process(one.setup, one.environment)
                found[place] = process.run(file, timeout)
            except (EngineMissing, NotReady, UsageError) as error:
                found[place] = Execution("broken", f"engine {one.engine} does not start: {error}")
            if process is not None and process.spent:
                process.close()
                process = None
            if done is not None:
                done(one, found[place])
    finally:
        if process is not None:
            process.close()


class _Process:
    """An engine's process that runs scripts.  Raises as `Child` does."""

    def __init__(self, engine: Engine, variables: Mapping[str, str]) -> None:
        self._child = Child(engine, variables, SERVER)
        self.spent = False
        """Whether it has died or grown too large."""
        try:
            self._child.greet()
            self._at_start = int(self._child.ready(START_SECONDS)["resident"])
        except BaseException:
            self._child.close()
            raise

    def run(self, file: Path, timeout: float) -> Execution:
        """One script."""
        self._child.mark_log()
        self._child.arm(timeout)
        try:
            self._child.channel.send({"script": str(file)})
            answer, _ = self._child.channel.receive()
        except TimeUp:
            self.spent = True
            return Execution("broken", f"no end within {timeout:g} s{self._child.tail()}")
        except Closed:
            self.spent = True
            return Execution("broken", f"{self._child.cause_of_death()}{self._child.tail()}")
        self.spent = answer["resident"] - self._at_start > GROWN
        return Execution(cast("Status", answer["status"]), without_places(answer["output"]))

    def close(self) -> None:
        self._child.close()
