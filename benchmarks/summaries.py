"""The rows of a measurement as what a picture shows: plain rows in, plain rows out; nothing is drawn here."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import TypeVar

from ..conformance.corpus import NETWORK_TAG
from .results import Row

Key = TypeVar("Key", bound=Hashable)

FRAMEWORKS = "frameworks"
FAMILIES = {"naive": "the definition", "winograd": "Winograd", "fft": "FFT"}
"""By the first word of an implementation's name; every other one of NumPy is a matrix product of some kind."""
PRODUCTS = "im2col and kin"
FASTEST_NUMPY, FASTEST_FRAMEWORK = "fastest NumPy", "fastest framework"
COLLECTIONS = ("yardstick", "crossover")
"""Networks that are none: layers put together to measure by, which make no model."""
CONTROL = "control"
CONTROLS = (SAME, SGEMM) = ("the same again", "sgemm")
"""Series that no change of the code moves: how much the machine and chance do."""


def family(row: Row) -> str:
    """What kind of implementation the row is of; pictures colour by it."""
    return FRAMEWORKS if row["vendor"] else FAMILIES.get(row["implementation"].partition("-")[0], PRODUCTS)


def kind(row: Row) -> str:
    """Which layers are like this one: what it is tagged with in its file, or else its operation."""
    return ", ".join(tag for tag in row["tags"] if tag != NETWORK_TAG) or row["op"]


def grouped(rows: Iterable[Row], key: Callable[[Row], Key]) -> dict[Key, list[Row]]:
    """The rows by key, in the order in which the keys first occur."""
    found: defaultdict[Key, list[Row]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def layers(rows: Iterable[Row]) -> list[Row]:
    """What pictures need of each row, with its `family` and whether it is on the `front` of its layer.

    On the Pareto front is an implementation that no other of the same layer and number of threads beats in time
    without a larger rms error, or in error without more time.  The fastest of a layer comes first.
    """
    kept = ("network", "layer", "implementation", "variant", "threads", "seconds", "spread", "gflops", "sgemm_gflops",
            "peak_fraction", "ratio_to_vendor", "rms_error_ratio", "bound_ratio")  # fmt: skip
    shown: list[Row] = []
    for rivals in grouped(rows, computation).values():
        shown += [
            {
                **{key: row[key] for key in kept},
                "family": family(row),
                "front": not any(_beats(one, row) for one in rivals),
            }
            for row in sorted(rivals, key=lambda row: row["seconds"])
        ]
    return shown


def computation(row: Row) -> tuple[str, int]:
    """What a row shares with its rivals: layer and number of threads."""
    return row["layer"], row["threads"]


def _beats(one: Row, other: Row) -> bool:
    """Whether ``one`` is as good as the other in time and in error, and better in one of them."""
    if one["rms_error_ratio"] is None:
        return False
    if other["rms_error_ratio"] is None:
        return one["seconds"] <= other["seconds"]
    a, b = ((row["seconds"], row["rms_error_ratio"]) for row in (one, other))
    return a[0] <= b[0] and a[1] <= b[1] and a != b


def totals(rows: Iterable[Row]) -> list[Row]:
    """Per network, implementation and threads the time of the model: its layers' medians times how often each occurs.

    Two further implementations take the fastest of NumPy's and of the frameworks' in every layer.  ``layers`` says how
    many of the measured layers the total has, ``missing`` how many it lacks: such a total is no model's.
    """
    shown: list[Row] = []
    models = (row for row in rows if row["network"] not in COLLECTIONS)
    for (network, threads), part in grouped(models, lambda row: (row["network"], row["threads"])).items():
        count = len({row["layer"] for row in part})
        candidates = grouped(part, lambda row: row["implementation"])
        for name, vendor in ((FASTEST_NUMPY, False), (FASTEST_FRAMEWORK, True)):
            best = grouped((row for row in part if row["vendor"] is vendor), computation).values()
            candidates[name] = [min(rivals, key=lambda row: row["seconds"]) for rivals in best]
        shown += [
            {
                "network": network,
                "implementation": name,
                "family": family(members[0]),
                "threads": threads,
                "seconds": sum(row["seconds"] * row["occurs"] for row in members),
                "layers": len(members),
                "missing": count - len(members),
            }
            for name, members in candidates.items()
            if members
        ]
    return sorted(shown, key=lambda row: (row["network"], row["threads"], row["missing"] > 0, row["seconds"]))


def crossover(rows: Iterable[Row]) -> list[Row]:
    """How many times as fast as every other implementation each Winograd is, over channels × extent.

    From the layers of the network ``crossover``: square images, as many filters as channels.  Without it: no rows.
    """
    shown: list[Row] = []
    for part in grouped((row for row in rows if row["network"] == "crossover"), computation).values():
        fast = [row for row in part if family(row) == FAMILIES["winograd"]]
        shown += [
            {
                "channels": row["input"][-1],
                "extent": row["input"][1],
                "winograd": row["implementation"],
                "baseline": other["implementation"],
                "threads": row["threads"],
                "speedup": other["seconds"] / row["seconds"],
                "milliseconds": 1e3 * row["seconds"],
                "baseline_milliseconds": 1e3 * other["seconds"],
            }
            for row in fast
            for other in part
            if other not in fast
        ]
    return sorted(shown, key=lambda row: (row["channels"], row["extent"]))


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive numbers."""
    return math.exp(sum(map(math.log, values)) / len(values))


def headline(rows: Iterable[Row], network: str) -> list[Row]:
    """Per kind of a network's layers the geometric means of every implementation that computes them all.

    ``speed`` and ``peak`` by number of threads, how many times as fast as the fastest framework and as the machine's
    sgemm; ``error``, in units of one float32 GEMM's.  None where that cannot be told.
    """
    shown: list[Row] = []
    for kind_name, part in grouped((row for row in rows if row["network"] == network), kind).items():
        count = len({row["layer"] for row in part})
        for name, members in grouped(part, lambda row: row["implementation"]).items():
            by_threads = grouped(members, lambda row: row["threads"])
            if any(len(group) == count for group in by_threads.values()):
                whole = {threads: group for threads, group in by_threads.items() if len(group) == count}
                shown.append({
                    "kind": kind_name,
                    "layers": count,
                    "implementation": name,
                    "speed": {threads: _mean(group, "ratio_to_vendor") for threads, group in whole.items()},
                    "peak": {threads: _mean(group, "peak_fraction") for threads, group in whole.items()},
                    "error": _mean(members, "rms_error_ratio"),
                })  # fmt: skip
    return shown


def _mean(rows: Iterable[Row], field: str) -> float | None:
    values = [row[field] for row in rows]
    return geometric_mean(values) if all(values) else None
