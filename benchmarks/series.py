"""What asv tracks of a network's layers: the parameters of the series, and one measurement looked up by them.

asv starts a process per combination of parameters.  So a module of `tracked` measures once, in its ``setup_cache``, all
implementations in turn, and the classes here only look up what was found.  Parameters are read from YAML files, which
imports no framework.  In asv larger is worse: it gets times and ratios, never rates.
"""

from __future__ import annotations

import hashlib
import math
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from . import summaries
from .bench import measure
from .implementations import choose_implementations
from .layers import load_layers
from .results import Results, Row

DIGITS = 4
"""Significant digits that asv is given, and prints."""
THREADS = ("1", "all")
"""How the number of threads is called in a series, whatever the machine has."""
TWINNED, TWIN = "auto", "auto-again"
ROOT = Path(__file__).resolve().parent.parent
SAVED = ROOT / ".asv" / "bench"
"""Where measurements are kept for the dashboard, the newest per network."""

Values = dict[str, dict[tuple[str, ...], float | None]]
"""What a measurement comes to: what the numbers are -> the parameters of a series -> its value,
or None where it cannot be told, say without a framework."""
Track = Callable[..., float]


def measured(network: str, implementations: Sequence[str], threads: Sequence[int] | None = None) -> Values:
    """Measures a network, keeps the results for the dashboard, and returns the values of all series.

    One implementation takes part twice, for the control: `TWIN` is the same in a process of its own.
    """
    chosen = choose_implementations(implementations)
    (single,) = (one for one in chosen if one.name == TWINNED)
    twin = replace(single, engine=replace(single.engine, name=TWIN))
    results = measure(load_layers(networks=[network]), [*chosen, twin], threads=threads)
    values = values_of(results)
    results.rows = [row for row in results.rows if row["implementation"] != TWIN]
    results.skipped = [one for one in results.skipped if one["implementation"] != TWIN]
    SAVED.mkdir(parents=True, exist_ok=True)
    (SAVED / f"{network}.json").write_text(results.text(), encoding="utf-8")
    return values


def values_of(results: Results) -> Values:
    """The values of all series; what was skipped is not among them."""
    rows = [row for row in results.rows if row["implementation"] != TWIN]
    by_layer = _of_layers(rows)
    same = _control(results.rows)
    return {
        **by_layer,
        "same": same,
        "mean": _means(rows, by_layer["ratio"]),
        "mean same": _means(rows, same),
        "model": {
            (total["implementation"], _threads(total["threads"])): total["seconds"]
            for total in summaries.totals(rows)
            if not total["missing"]
        },
        "sgemm": {(_threads(one["threads"]),): 1 / one["sgemm_gflops"] for one in results.machine},
        "copy": {(_threads(one["threads"]),): 1 / one["copy_gbps"] for one in results.machine},
    }


def _of_layers(rows: Iterable[Row]) -> Values:
    values: Values = {name: {} for name in ("time", "ratio", "error", "bound")}
    for rivals in summaries.grouped(rows, summaries.computation).values():
        fastest = min((row for row in rivals if row["vendor"]), key=lambda row: row["seconds"], default=None)
        for row in rivals:
            layer, name, threads = _layer_id(row), row["implementation"], _threads(row["threads"])
            values["time"][layer, name, threads] = row["seconds"]
            values["ratio"][layer, name, threads] = None if fastest is None else paired(row, fastest)
            if threads == "1":  # with all threads the error differs in chance alone
                values["error"][layer, name] = row["rms_error_ratio"]
                values["bound"][layer, name] = row["bound_ratio"]
    return values


def _control(rows: Iterable[Row]) -> dict[tuple[str, ...], float | None]:
    """One implementation over itself, by layer and number of threads."""
    both = summaries.grouped(
        (row for row in rows if row["implementation"] in (TWINNED, TWIN)), summaries.computation
    ).values()
    return {
        (_layer_id(pair[0]), _threads(pair[0]["threads"])): paired(pair[1], pair[0]) for pair in both if len(pair) == 2
    }


def _means(rows: Iterable[Row], values: dict[tuple[str, ...], float | None]) -> dict[tuple[str, ...], float | None]:
    """Geometric means over all layers of a kind, of what has a value for each: layer, … -> kind, …."""
    means: dict[tuple[str, ...], float | None] = {}
    for kind, members in kinds(rows).items():
        layers = {_layer_id(row) for row in members}
        parts: defaultdict[tuple[str, ...], list[float]] = defaultdict(list)
        for (layer, *rest), value in values.items():
            if layer in layers and value is not None:
                parts[tuple(rest)].append(value)
        whole = {rest: part for rest, part in parts.items() if len(part) == len(layers)}
        means |= {(kind_id(kind, members), *rest): summaries.geometric_mean(part) for rest, part in whole.items()}
    return means


def paired(row: Row, other: Row) -> float:
    """The median over rounds of one's time over the other's in the same round: what slows the machine slows both."""
    return statistics.median(a / b for a, b in zip(row["samples"], other["samples"], strict=False))


def kinds(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """By kind a row of each of its layers."""
    return summaries.grouped({row["layer"]: row for row in rows}.values(), summaries.kind)


def _threads(count: int) -> str:
    return "1" if count == 1 else "all"


def layer_id(layer: str, digest: str) -> str:
    """A layer in the history: with the digest of what is computed, so that another computation is another series."""
    return f"{layer}@{digest}"


def _layer_id(row: Row) -> str:
    return layer_id(row["layer"], row["digest"])


def kind_id(kind: str, members: Sequence[Row]) -> str:
    """A group of layers in the history, with a digest of theirs."""
    digest = hashlib.sha256(" ".join(sorted(_layer_id(row) for row in members)).encode()).hexdigest()[:8]
    return f"{kind}@{digest}"


class _Series:
    """Looks values up; what is not a number asv marks as skipped, which is no failure."""

    version = "1"  # instead of a hash of the source, which any comment would change
    param_names: tuple[str, ...]

    def _value(self, values: Values, what: str, *place: str) -> float:
        value = values[what].get(place)
        return math.nan if value is None else float(f"{value:.{DIGITS}g}")


def named(name: str, unit: str) -> Callable[[Track], Track]:
    """A decorator that tells asv what the values are."""

    def name_it(track: Track) -> Track:
        vars(track).update(pretty_name=name, unit=unit)
        return track

    return name_it


class Layers(_Series):
    """A layer on an implementation."""

    param_names = ("layer", "implementation", "threads")

    @named("time of a layer", "seconds")
    def track_time(self, values: Values, *place: str) -> float:
        return self._value(values, "time", *place)

    @named("time of a layer / fastest framework's", "ratio")
    def track_ratio(self, values: Values, *place: str) -> float:
        return self._value(values, "ratio", *place)


class Errors(_Series):
    """What a layer on an implementation is off by."""

    param_names = ("layer", "implementation")

    @named("rms error / one float32 GEMM's", "ratio")
    def track_rms(self, values: Values, *place: str) -> float:
        return self._value(values, "error", *place)

    @named("largest error / its bound", "ratio")
    def track_bound(self, values: Values, *place: str) -> float:
        return self._value(values, "bound", *place)


class Means(_Series):
    """A kind of layers on an implementation that computes them all."""

    param_names = ("kind", "implementation", "threads")

    @named("geometric mean of time / fastest framework's", "ratio")
    def track_ratio(self, values: Values, *place: str) -> float:
        return self._value(values, "mean", *place)


class Models(_Series):
    """All convolutions of a network, each as often as it occurs."""

    param_names = ("implementation", "threads")

    @named("time of the whole network", "seconds")
    def track_time(self, values: Values, *place: str) -> float:
        return self._value(values, "model", *place)


class Controls(_Series):
    """What no change of this code moves: it shows chance."""

    param_names = ("layer", "threads")

    @named("auto / the same in a process beside", "ratio")
    def track_same(self, values: Values, *place: str) -> float:
        return self._value(values, "same", *place)


class MeanControls(_Series):
    """The same over a kind of layers."""

    param_names = ("kind", "threads")

    @named("geometric mean of auto / the same in a process beside", "ratio")
    def track_same(self, values: Values, *place: str) -> float:
        return self._value(values, "mean same", *place)


class Machine(_Series):
    """The machine's own rates, upside down."""

    param_names = ("threads",)

    @named("sgemm, time of 10⁹ operations", "seconds")
    def track_sgemm(self, values: Values, *place: str) -> float:
        return self._value(values, "sgemm", *place)

    @named("copy, time of 10⁹ bytes", "seconds")
    def track_copy(self, values: Values, *place: str) -> float:
        return self._value(values, "copy", *place)


def classes(network: str, implementations: Sequence[str], threads: Sequence[int] | None = None) -> list[type[_Series]]:
    """The benchmarks of what `measured` measures for a module of `tracked`: the classes above, with the values of their
    parameters.  `Models` comes last, and only for networks that are models.
    """
    layers = load_layers(networks=[network])
    rows = [{"layer": one.name, "digest": one.digest, **one.parameters} for one in layers]
    names = [one.name for one in choose_implementations(implementations)]
    values = {
        "layer": [_layer_id(row) for row in rows],
        "kind": [kind_id(kind, members) for kind, members in kinds(rows).items()],
        "implementation": names,
        "threads": list(dict.fromkeys(map(_threads, threads))) if threads else list(THREADS),
    }
    made = [_with(base, values) for base in (Layers, Errors, Means, Controls, MeanControls, Machine)]
    if network not in summaries.COLLECTIONS:
        best = [summaries.FASTEST_NUMPY, summaries.FASTEST_FRAMEWORK]
        made.append(_with(Models, {**values, "implementation": [*names, *best]}))
    return made


def _with(base: type[_Series], values: dict[str, list[str]]) -> type[_Series]:
    """The class with values for its parameters; asv knows it by its name, which is that in the module."""
    params = [values[name] for name in base.param_names]
    return type(base.__name__, (base,), {"params": params, "param_names": list(base.param_names)})
