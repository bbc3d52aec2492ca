"""The charts of a measurement as SVG files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from . import charts, summaries
from .results import Row

WIDTH = 560  # pixels of a picture of a network
PANEL_WIDTH = 240  # and of one of its layers,
PANELS = 3  # of which so many stand side by side


def write_pictures(rows: Iterable[Row], folder: Path) -> list[Path]:
    """Draws the rows of a measurement into SVG files: per network and number of threads the bars and the Pareto front
    of every layer, and the layers against the frameworks; the files are returned.
    """
    import vl_convert  # after `charts`, which tells how to install it

    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, spec in _pictures(summaries.layers(rows)):
        written.append(folder / f"{name}.svg")
        written[-1].write_text(vl_convert.vegalite_to_svg(spec), encoding="utf-8")
    return written


def _pictures(rows: list[Row]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and specification, data included, of every file."""
    parts = summaries.grouped(rows, lambda row: (row["network"], row["threads"]))
    for (network, threads), part in parts.items():
        for chart in (charts.against_frameworks(part), charts.bars(part), charts.pareto(part)):
            if rows := _at_first(chart):
                title = f"{network}, {threads} thread{'s' * (threads > 1)}: {chart.title.lower()}"
                spec = charts.drawn(chart, rows)
                spec = _panels(spec) if charts.LAYER in chart.filters else spec | {"width": WIDTH}
                yield f"{network}-{threads}-{chart.name}", spec | {"title": title, "background": "white"}


def _at_first(chart: charts.Chart) -> list[Row]:
    """The rows less those that a reader of the page would have to ask for."""
    many = [choice for choice in chart.filters if choice.many and choice.start]
    return [row for row in chart.rows if all(row[choice.field] in choice.start for choice in many)]


def _panels(spec: dict[str, Any]) -> dict[str, Any]:
    """A panel per layer."""
    outside = ("$schema", "data", "datasets", "description")
    view = {key: value for key, value in spec.items() if key not in outside}
    layers = list(dict.fromkeys(row["layer"] for row in spec["datasets"]["rows"]))
    return {key: spec[key] for key in outside} | {
        "facet": {"field": "layer", "type": "nominal", "sort": layers, "title": None},
        "columns": PANELS,
        "spec": view | {"width": PANEL_WIDTH},
        "resolve": {"scale": {"y": "independent"}},
    }
