"""Layers on implementations, measured: everything is started, made ready, judged, and timed in turn."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from typing import Self

from ..conformance import store
from ..conformance.engines import cores
from ..conformance.errors import UsageError
from ..conformance.process import Limits
from .implementations import Implementation, choose_implementations
from .layers import Layer, load_layers
from .machine import Machine
from .results import Measured, Results
from .rounds import Contender, Rounds, calibrate
from .truth import Errors, Truth, WrongResult
from .warm import LIMITS, Died, Unready, Warm

ROUNDS = 30
LAYER_SECONDS = 3.0
"""Of rounds, per layer and number of threads, where nobody says how many rounds there are to be."""
LONGEST_CALL = 1.0
"""Seconds of one call, from which on an implementation is left out: it would take most of the time."""


def measure(
    layers: Sequence[Layer | str],
    implementations: Sequence[Implementation | str] = (),
    *,
    threads: Sequence[int] | None = None,
    rounds: int | None = None,
    limits: Limits = LIMITS,
) -> Results:
    """Times the layers, `Layer` or what names cases, on implementations, `Implementation` or their names.

    ``implementations``: the default ones where there is none; ``threads``: 1 and all CPUs where nothing is said;
    ``rounds``: samples per layer, or as many as fit into a few seconds.  Prints nothing.  Raises `UsageError`.
    """
    names = [one for one in layers if isinstance(one, str)]
    specs = [one for one in implementations if isinstance(one, str)]
    chosen = [one for one in layers if isinstance(one, Layer)]
    given = [one for one in implementations if isinstance(one, Implementation)]
    if names or not chosen:
        chosen += load_layers(names)
    if specs or not given:
        given += choose_implementations(specs)
    with Bench(chosen, given, threads=threads, rounds=rounds, limits=limits) as bench:
        return bench.run()


class Bench:
    """One invocation; a context whose end is the end of all processes.  ``results`` are those so far."""

    def __init__(
        self,
        layers: Sequence[Layer],
        implementations: Sequence[Implementation],
        *,
        threads: Sequence[int] | None = None,
        rounds: int | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        self._layers, self._implementations = list(layers), list(implementations)
        self._threads = sorted(set(threads or (1, cores())))
        if not 1 <= self._threads[0] <= self._threads[-1] <= cores():
            got, expected = ", ".join(map(str, self._threads)), f"1 to {cores()}, the CPUs that it may use"
            raise UsageError("numbers of threads that cannot be", got=got, expected=expected)
        self._rounds = rounds
        self._begin = time.monotonic()
        self._warm = {
            (one.name, count): Warm(one, count, limits) for count in self._threads for one in self._implementations
        }
        self._machines = {count: Machine(count) for count in self._threads}
        self._measured: list[Measured] = []
        settings = {
            "layers": [layer.name for layer in self._layers],
            "implementations": [one.name for one in self._implementations],
            "threads": self._threads,
            "rounds": rounds,
        }
        self._results = Results(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self._warm.values(), *self._machines.values()):
            process.close()

    @property
    def results(self) -> Results:
        """What has been found so far."""
        results = self._results
        results.seconds = round(time.monotonic() - self._begin, 3)
        results.machine = [
            {"threads": count, "sgemm_gflops": machine.sgemm, "copy_gbps": machine.copy}
            for count, machine in self._machines.items()
            if machine.sgemm
        ]
        results.rows = [row for one in self._measured for row in one.rows(self._machines[one.threads])]
        said = store.machine()
        variables = said.pop("environment")
        versions: dict[str, str] = {}
        for process in self._warm.values():
            versions |= process.versions
        results.environment = {**said, "variables": variables, "versions": dict(sorted(versions.items()))}
        return results

    @property
    def steps(self) -> int:
        """How often `run` tells of its progress."""
        return len(self._layers) * len(self._threads)

    def run(self, progress: Callable[[], None] = lambda: None) -> Results:
        """Measures everything; ``progress`` is called for each layer and number of threads.

        Raises `UsageError` where an adapter is at fault, and KeyboardInterrupt: `results` are then those before it.
        """
        self._start()
        for layer in self._layers:
            truth = Truth(layer)
            for count in self._threads:
                try:
                    self._layer(layer, truth, count)
                except Died as error:  # of what is measured nothing gets here
                    raise UsageError("the machine's probe has died", got=error) from error
                progress()
        return self.results

    def _start(self) -> None:
        """Starts all processes that some layer is for, side by side; then takes the machine's rates."""
        needed = [
            process
            for process in self._warm.values()
            if any(_too_large(process.implementation, layer) is None for layer in self._layers)
        ]
        for process in needed:
            process.begin()
        for process in needed:
            with contextlib.suppress(Unready):  # told when it is asked for a layer
                process.start()
        for machine in self._machines.values():
            try:
                machine.measure()
            except Unready as error:
                raise UsageError("the machine's own rates cannot be measured", got=error) from error

    def _layer(self, layer: Layer, truth: Truth, count: int) -> None:
        """One layer with one number of threads."""
        errors: dict[tuple[str, str], Errors] = {}
        ready: list[Contender] = []
        chosen: list[Contender] = []
        for one in self._implementations:
            try:
                variants = self._ready(one, layer, truth, count, errors)
                near = calibrate(variants) if variants else []
            except Unready as error:
                self._skip(layer, one.name, count, str(error))
                continue
            ready += variants
            if near and near[0].seconds > LONGEST_CALL:
                reason = f"one call takes {near[0].seconds:.2g} s, more than {LONGEST_CALL:g} s"
                self._skip(layer, one.name, count, reason)
            else:
                chosen += near
        wanted, most = (ROUNDS, LAYER_SECONDS) if self._rounds is None else (self._rounds, math.inf)
        rounds = Rounds(chosen, self._machines[count], wanted, most)
        self._measured.append(Measured(layer, count, rounds, ready, errors))
        rounds.run(lambda contender, cause: self._skip(layer, contender.name, count, cause))
        for one in self._implementations:
            self._warm[one.name, count].forget()

    def _ready(
        self, one: Implementation, layer: Layer, truth: Truth, count: int, errors: dict[tuple[str, str], Errors]
    ) -> list[Contender]:
        """The variants that can do the layer, and do it right; their errors are put down.

        Wrong results are told.  Raises `Unready` where none of them can.
        """
        if (reason := _too_large(one, layer)) is not None:
            raise Unready(reason)
        process, reasons, wrong = self._warm[one.name, count], dict[str, str](), None
        while True:  # once more from the start where a variant has taken the process with it
            contenders: list[Contender] = []
            for variant in one.variants:
                if variant in reasons:
                    continue
                try:
                    seconds = process.prepare(layer, truth.arrays, variant)
                    case, result = one.formatted(layer.case, variant), process.result(variant)
                    errors[one.name, variant] = truth.judge(case, result, one.winograd_tile)
                    contenders.append(Contender(process, variant, seconds))
                except WrongResult as error:
                    reasons[variant] = wrong = f"{variant}: wrong result, {error}"
                    self._skip(layer, one.name, count, wrong, wrong=True)
                except Died as error:
                    reasons[variant] = str(error)
                    break
                except Unready as error:
                    reasons[variant] = str(error)
            else:
                break
        if not contenders and wrong is None:
            raise Unready("; ".join(dict.fromkeys(reasons.values())))
        return contenders

    def _skip(self, layer: Layer, name: str, count: int, reason: str, *, wrong: bool = False) -> None:
        said = {"layer": layer.name, "implementation": name, "threads": count, "reason": reason, "wrong": wrong}
        self._results.skipped.append(said)


def _too_large(one: Implementation, layer: Layer) -> str | None:
    """Why the implementation is not given the layer."""
    if one.most_macs is None or layer.macs <= one.most_macs:
        return None
    return f"{layer.macs:.2g} multiplications, of which it is given {one.most_macs:.2g} at most"
