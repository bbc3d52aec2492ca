"""The dashboard: one HTML page over asv's results and the newest measurements, that needs no network.

python -m convsuite.benchmarks.dashboard [--results DIR] [--out FILE] [BENCH.json…]
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import vl_convert
from markupsafe import Markup

from ..conformance.errors import UsageError
from ..pages import inline, packing
from . import charts, history, results, summaries
from .charts import Chart
from .results import Results, Row

TEMPLATES = Path(__file__).with_name("templates")
DIGITS = 5
"""Significant digits of a number on the page."""
COMMITS = 100
"""The page shows the newest ones."""
HEADLINE = "yardstick"
"""The network of the page's first table; the first that there is, where it was not measured."""


def render(measurements: Sequence[Results], values: Iterable[Row]) -> str:
    """The page.

    ``measurements``: of different networks, in any order; where two have a layer, the later one is shown.  ``values``:
    asv's results, as `history.read` gives them.
    """
    measurements = sorted(measurements, key=lambda one: one.started)
    rows = [row for part in _newest(measurements).values() for row in part]
    values = history.newest(values, COMMITS)
    shown = [*history.charts_of(values), *charts.of_measurement(rows)]
    network = HEADLINE if any(row["network"] == HEADLINE for row in rows) else rows[0]["network"] if rows else ""
    environment = inline.environment(TEMPLATES)
    environment.filters["number"] = number
    return environment.get_template("dashboard.html.j2").render(
        charts=shown,
        data=inline.embedded([_packed(chart) for chart in shown]),
        style=inline.shared("theme.css") + inline.text(TEMPLATES / "dashboard.css"),
        theme=inline.shared("theme.js"),
        script=inline.shared("unpack.js") + inline.text(TEMPLATES / "dashboard.js"),
        library=Markup(vl_convert.javascript_bundle()),  # noqa: S704  # pyright: ignore[reportCallIssue]  its stub lacks the default
        network=network,
        kinds=summaries.grouped(summaries.headline(rows, network), lambda row: row["kind"]),
        threads=sorted({row["threads"] for row in rows if row["network"] == network}),
        newest=values[-1] if values else None,
        measurements=measurements,
        skipped=[row for one in measurements for row in one.skipped],
    )


def _newest(measurements: Iterable[Results]) -> dict[str, list[Row]]:
    """The rows of each layer from the last measurement that has it."""
    found: dict[str, list[Row]] = {}
    for one in measurements:
        found |= summaries.grouped(one.rows, lambda row: row["layer"])
    return found


def _packed(chart: Chart) -> dict[str, Any]:
    """A chart as the page's script reads it: its rows by column, each column its different values and their places."""
    rows = [{field: packing.rounded(value, DIGITS) for field, value in row.items()} for row in chart.rows]
    return {
        "name": chart.name,
        "spec": chart.spec,
        "columns": chart.columns,
        "filters": [vars(one) for one in chart.filters],
        "styles": charts.styles(chart.rows) if "family" in rows[0] else {},
        "rows": packing.columns(rows),
    }


def number(value: float | None) -> str:
    """A number in a table of the page."""
    return "–" if value is None else f"{value:.3g}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Writes the page and prints where; status 2 for a mistake in the input."""
    parser = argparse.ArgumentParser(
        prog="python -m convsuite.benchmarks.dashboard", description="Write the dashboard, one HTML page."
    )
    parser.add_argument(
        "measurements", nargs="*", type=Path, metavar="BENCH.json", help="what `convsuite bench --json` wrote"
    )
    parser.add_argument("--results", type=Path, metavar="DIR", help="asv's results_dir")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", default=Path("dashboard.html"), help="default: dashboard.html"
    )
    given = parser.parse_args(arguments)
    try:
        measurements = [results.read(file) for file in given.measurements]
        values = history.read(given.results) if given.results else []
        if not measurements and not values:
            raise UsageError("nothing to show", expected="a BENCH.json, or --results with what asv run has saved")
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(render(measurements, values), encoding="utf-8")
    except (UsageError, OSError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(given.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
