"""asv's results as rows: every value of every commit, to be drawn by `dashboard`.

The names of benchmarks and of their parameters are those of `series`.
"""

from __future__ import annotations

import ast
import itertools
import json
import math
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ..conformance.errors import UsageError
from . import charts, summaries
from .charts import Chart
from .implementations import known_implementations
from .results import Row

COMMIT = 8
"""Digits by which a commit is named."""


def read(folder: Path) -> list[Row]:
    """The values in asv's ``results_dir``, oldest commit first; what failed or was skipped is left out.

    A row has ``machine``, ``commit``, ``date``, ``benchmark`` (asv's name), ``what`` (the set and the name for people),
    ``unit``, ``value``, ``series`` (the parameters as one text) and each parameter under its name.  Where a commit was
    measured twice on a machine, say by interpreters in two places, the later value counts.
    Raises `UsageError` where the folder is not asv's.
    """
    from asv.results import iter_results

    try:
        known = json.loads((folder / "benchmarks.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("no results of asv", got=folder, expected="what `asv run --set-commit-hash` saves") from error
    found: dict[tuple[str, ...], Row] = {}
    results = sorted(iter_results(str(folder)), key=lambda one: (one.date, max(one.started_at.values(), default=0)))
    for one in results:
        for name in sorted(one.get_result_keys(known)):
            for row in _values(one, known[name]):
                found[row["machine"], row["commit"], name, row["series"]] = row
    return list(found.values())


def _values(results: Any, benchmark: dict[str, Any]) -> Iterable[Row]:
    """What one commit has of one benchmark."""
    name, params = benchmark["name"], results.get_result_params(benchmark["name"])
    same = {
        "machine": results.params["machine"],
        "commit": results.commit_hash[:COMMIT],
        "date": datetime.fromtimestamp(results.date / 1000, tz=UTC).date().isoformat(),
        "benchmark": name,
        "what": f"{name.partition('.')[0]}: {benchmark.get('pretty_name') or name.rpartition('.')[2]}",
        "unit": benchmark["unit"],
    }
    values = results.get_result_value(name, params) or []
    for texts, value in zip(itertools.product(*params), values, strict=False):
        if value is None or math.isnan(value):
            continue
        given = [ast.literal_eval(text) for text in texts]
        said = dict(zip(benchmark["param_names"], given, strict=True))
        yield {**same, **said, "series": ", ".join(map(str, given)) or "all", "value": value}


def newest(values: Iterable[Row], count: int) -> list[Row]:
    """The values of the last commits."""
    values = list(values)
    kept = set(list(dict.fromkeys(row["commit"] for row in values))[-count:])
    return [row for row in values if row["commit"] in kept]


def charts_of(values: list[Row]) -> list[Chart]:
    """The charts over commits; none without values."""
    shown = (charts.history(ratios(values)), charts.tracked(_series(values)))
    return [chart for chart in shown if chart.rows]


def _series(values: Iterable[Row]) -> list[Row]:
    kept = ("machine", "commit", "date", "what", "series", "value", "unit")
    return [{field: row[field] for field in kept} for row in values]


def ratios(values: Iterable[Row]) -> list[Row]:
    """How many times as fast as the fastest framework each is, commit by commit, means first; and the controls."""
    groups = summaries.grouped(values, lambda row: row["benchmark"].partition(".")[2])
    speeds = [row for name in ("Means.track_ratio", "Layers.track_ratio") for row in groups.get(name, ())]
    vendors = {name for name, one in known_implementations().items() if one.vendor}
    shown = [
        _point(row, row["implementation"], summaries.family({**row, "vendor": row["implementation"] in vendors}))
        | {"value": 1 / row["value"]}
        for row in speeds
    ]
    for name in ("MeanControls.track_same", "Controls.track_same"):
        shown += [_point(row, summaries.SAME, summaries.CONTROL) for row in groups.get(name, ())]
    return [*shown, *_sgemm(groups)]


def _sgemm(groups: dict[str, list[Row]]) -> list[Row]:
    """The rate of sgemm against the newest one, beside every mean."""
    rates = groups.get("Machine.track_sgemm", ())
    newest_time = {(*_set(row), row["threads"]): row["value"] for row in rates}
    means = summaries.grouped(groups.get("Means.track_ratio", ()), _set)
    return [
        _point({**row, "kind": kind}, summaries.SGEMM, summaries.CONTROL)
        | {"value": newest_time[*_set(row), row["threads"]] / row["value"]}
        for row in rates
        for kind in dict.fromkeys(one["kind"] for one in means.get(_set(row), ()))
    ]


def _set(row: Row) -> tuple[str, str]:
    """The machine, and the module of `tracked` that measured."""
    return row["machine"], row["benchmark"].partition(".")[0]


def _point(row: Row, implementation: str, family: str) -> Row:
    """A point of the chart, from a row of a layer or of a kind of layers."""
    kept = {field: row[field] for field in ("machine", "commit", "date", "threads", "value")}
    layer = row["kind"] if "kind" in row else row["layer"]
    return {**kept, "set": _set(row)[1], "layer": layer, "implementation": implementation, "family": family}
