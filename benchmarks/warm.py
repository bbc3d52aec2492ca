"""The harness's side of a warm engine process: one implementation with one number of threads, for all layers."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..conformance.child import Child, EngineMissing, NotReady, TimeUp
from ..conformance.errors import UsageError
from ..conformance.process import Limits
from ..conformance.wire import Closed
from .implementations import Implementation
from .layers import Layer
from .truth import WrongResult

SERVER = "convsuite.benchmarks.turns"
LIMITS = Limits(seconds=60.0)
"""Seconds for what a process is asked, compiling a layer included; the rest as for the conformance suite."""

TURN, MOST_CALLS = 0.005, 50
"""Seconds that the calls of a turn take together, if one of them is shorter; and how many they are at most."""


class Unready(Exception):
    """An implementation cannot do what it was asked; the message says why."""


class Died(Unready):
    """Its process died or hung, and is gone."""


def cpus(threads: int) -> set[int] | None:
    """The CPUs for so many threads: the last ones, since interrupts prefer the first; None where there is no choice."""
    return set(sorted(os.sched_getaffinity(0))[-threads:]) if hasattr(os, "sched_getaffinity") else None


@contextlib.contextmanager
def kept_on(chosen: set[int] | None) -> Generator[None]:
    """What this thread starts inside may use these CPUs alone, from its first instruction on."""
    if chosen is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, chosen)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def calls_in_turn(seconds: float) -> int:
    """How many calls of so many seconds make a turn."""
    return min(max(math.ceil(TURN / seconds), 1), MOST_CALLS)


@dataclass
class Warm:
    """A process that is started when it is needed, and again after it died."""

    implementation: Implementation
    threads: int
    limits: Limits = LIMITS
    versions: dict[str, str] = field(default_factory=dict[str, str])
    _child: Child | None = None
    _ready: bool = False
    _broken: str | None = None

    def begin(self) -> None:
        """Starts the process and does not wait for it.  Raises `UsageError` where there is no such interpreter."""
        engine = self.implementation.engine
        if self._child is not None or self._broken is not None:
            return
        if engine.missing is not None:
            self._broken = f"{engine.missing} is not installed"
            return
        with kept_on(cpus(self.threads)):
            self._child, self._ready = Child(engine, self.implementation.variables(self.threads), SERVER), False
        self._child.greet(memory=self.limits.memory)

    def start(self) -> None:
        """Waits until the process is ready.

        Raises `Unready` where it cannot be had, and `UsageError` where the adapter is at fault.
        """
        self.begin()
        if self._child is not None and not self._ready:
            try:
                self.versions = self._child.ready(self.limits.start)["versions"]
                self._ready = True
            except EngineMissing as error:
                self._broken = str(error)
            except NotReady as error:
                self._broken = f"does not start: {error}"
        if self._broken is not None:
            raise Unready(self._broken)

    def prepare(self, layer: Layer, arrays: dict[str, np.ndarray], variant: str) -> float:
        """Makes a variant ready; the seconds of its first call.  Raises as `start` does, and `Unready`."""
        self.start()
        case = self.implementation.formatted(layer.case, variant)
        options = self.implementation.options(variant, self.threads)
        asked = {"do": "prepare", "variant": variant, "options": options, "case": case.to_json()}
        said, _ = self._ask(asked, arrays, seconds=self.limits.seconds)
        if "fault" in said:
            raise UsageError(f"{self.implementation.name}: fault of the adapter", got=said["fault"])
        if "reason" in said:
            raise Unready(said["reason"])
        return float(said["seconds"])

    def turn(self, variant: str, calls: int, *, warm: bool = True) -> list[float]:
        """Seconds of each call, after one that is not timed.  Raises `Died`."""
        said, _ = self._ask(
            {"do": "turn", "variant": variant, "calls": calls, "warm": warm}, seconds=self.limits.seconds
        )
        return [float(one) for one in said["seconds"]]

    def result(self, variant: str) -> np.ndarray:
        """What the variant's last call left, in its data format.  Raises `WrongResult` and `Died`."""
        said, arrays = self._ask({"do": "result", "variant": variant}, seconds=self.limits.seconds)
        if "wrong" in said:
            raise WrongResult(said["wrong"])
        return arrays["result"]

    def forget(self) -> None:
        """Lets go of the layer."""
        if self._child is not None:
            with contextlib.suppress(Died):
                self._ask({"do": "forget"}, seconds=self.limits.seconds)

    def close(self) -> None:
        """Ends the process."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def _ask(
        self, asked: dict[str, Any], arrays: dict[str, np.ndarray] | None = None, *, seconds: float
    ) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        child = self._child
        if child is None:
            raise Died("its process is gone")
        child.mark_log()
        child.arm(seconds)
        try:
            child.channel.send(asked, arrays)
            return child.channel.receive()
        except (Closed, TimeUp) as error:
            how = f"no answer within {seconds:g} s" if isinstance(error, TimeUp) else child.cause_of_death()
            tail = child.tail()
            self.close()
            raise Died(f"{how}{tail}") from error
