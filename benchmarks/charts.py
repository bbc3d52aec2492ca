"""Charts of measurements, as Vega-Lite: the same specification draws the files of `pictures` and a page of `dashboard`.

A `Chart` holds plain rows, how they are drawn and which of their fields a reader may choose by.  Colours follow
Okabe and Ito: they can be told apart with every common colour blindness, on white as on black; and what a colour says
is always said once more by a label or a shape.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..conformance.errors import UsageError
from . import summaries
from .results import Row

try:
    import altair as alt
except ModuleNotFoundError as error:
    raise UsageError("pictures need a package", got=error.name, expected="pip install 'convsuite[bench]'") from error

COLOURS = {
    summaries.PRODUCTS: "#0072B2",
    summaries.FAMILIES["winograd"]: "#D55E00",
    summaries.FAMILIES["fft"]: "#009E73",
    summaries.FRAMEWORKS: "#9467A8",
    summaries.FAMILIES["naive"]: "#808080",
    summaries.CONTROL: "#B39000",
}
SHAPES = ("circle", "square", "diamond", "triangle-up", "triangle-down", "cross", "triangle-right", "triangle-left")
"""Of the implementations of one family, in their order."""
PARETO_HEIGHT = 340


@dataclass(frozen=True)
class Filter:
    """A field by whose values a reader chooses rows: one of them, or with ``many`` any number."""

    field: str
    title: str
    many: bool = False
    start: tuple[Any, ...] = ()
    """What is chosen at first, as far as it is there; by default the first value, or all."""


@dataclass(frozen=True)
class Chart:
    """A picture and the table that says the same."""

    name: str
    title: str
    about: str
    rows: list[Row]
    spec: dict[str, Any]
    """Vega-Lite of one view that draws the data set ``rows``; it has no width and holds no data."""
    columns: dict[str, str]
    """The table's headings, with units, by field."""
    filters: tuple[Filter, ...] = ()


def _spec(*marks: alt.Chart, height: int | alt.Step, about: str) -> dict[str, Any]:
    spec = alt.layer(*marks, data=alt.NamedData(name="rows"), height=height, description=about).to_dict()
    return {key: value for key, value in spec.items() if key != "config"}  # the page brings its own, light or dark


def _base() -> alt.Chart:
    return alt.Chart()


def _once() -> alt.Chart:
    """For a mark that is there once, and not for every row."""
    return alt.Chart(alt.InlineData(values=[{}]))


def styles(rows: Iterable[Row]) -> dict[str, dict[str, dict[str, str]]]:
    """The colours and shapes of the values of the fields that have some: field -> value -> channel -> what it gets."""
    names = summaries.grouped(rows, lambda row: row["family"])
    implementations = {
        name: {"color": COLOURS[kind], "shape": SHAPES[place % len(SHAPES)]}
        for kind, members in names.items()
        for place, name in enumerate(dict.fromkeys(row["implementation"] for row in members))
    }
    return {"family": {kind: {"color": colour} for kind, colour in COLOURS.items()}, "implementation": implementations}


def drawn(chart: Chart, rows: list[Row]) -> dict[str, Any]:
    """The specification with rows to draw and, for what is in them alone, the scales of colours and shapes.

    The script of the page does the same with the rows that its reader chooses.
    """
    spec, known = copy.deepcopy(chart.spec), styles(chart.rows)
    for layer in spec["layer"]:
        for channel, encoding in layer["encoding"].items():
            if channel in ("color", "shape") and encoding.get("field") in known:
                shown = dict.fromkeys(row[encoding["field"]] for row in rows)
                given = [known[encoding["field"]][value][channel] for value in shown]
                encoding["scale"] = {"domain": list(shown), "range": given}
    return spec | {"datasets": spec.get("datasets", {}) | {"rows": rows}}


def _legend() -> alt.Legend:
    return alt.Legend(orient="top", columns=3, title=None, symbolLimit=0)


def _family() -> alt.Color:
    return alt.Color("family:N", legend=_legend())


def _implementation() -> tuple[alt.Color, alt.Shape]:
    """Colour and shape in one legend."""
    return (
        alt.Color("implementation:N", sort=None, legend=_legend()),
        alt.Shape("implementation:N", sort=None, legend=_legend()),
    )


def _number(field: str, title: str, form: str = ".3~g") -> alt.Tooltip:
    return alt.Tooltip(f"{field}:Q", title=title, format=form)


_THREADS = Filter("threads", "threads")
_NETWORK = Filter("network", "network", start=("yardstick",))
_MODEL = Filter("network", "network", start=("vgg16",))
LAYER = Filter("layer", "layer")
_USUAL = Filter(
    "implementation", "implementations", many=True, start=("winograd-4", "winograd-2", "auto", "im2col", "fft")
)
_ABOUT_LAYER = [
    "layer:N",
    "implementation:N",
    alt.Tooltip("variant:N"),
    _number("gflops", "effective GFLOP/s"),
    _number("ratio_to_vendor", "× fastest framework"),
    _number("rms_error_ratio", "rms error, × float32 GEMM"),
]
_LAYER_COLUMNS = {
    "layer": "layer",
    "implementation": "implementation",
    "variant": "variant",
    "threads": "threads",
    "seconds": "time, s",
    "spread": "spread, (q75 − q25) / median",
    "gflops": "effective GFLOP/s",
    "peak_fraction": "fraction of sgemm's rate",
    "ratio_to_vendor": "× as fast as the fastest framework",
    "rms_error_ratio": "rms error, × one float32 GEMM's",
    "bound_ratio": "largest error / its bound",
}


def against_frameworks(rows: Iterable[Row]) -> Chart:
    """Every layer of a network at once: how many times as fast as the fastest framework."""
    about = "A point per layer and implementation; right of the line is faster than every framework. Logarithmic."
    x = alt.X("ratio_to_vendor:Q", title="times as fast as the fastest framework").scale(
        type="log", nice=False, padding=8
    )
    y = alt.Y("layer:N", title=None, sort=None).axis(labelLimit=220, grid=True, labelExpr="split(datum.label, '::')[1]")
    points = _base().mark_point(filled=True, size=70, opacity=0.9)
    rule = _once().mark_rule(strokeDash=[4, 3]).encode(x=alt.datum(1))
    marks = points.encode(x, y, *_implementation(), tooltip=_ABOUT_LAYER)
    shown = [row for row in rows if row["ratio_to_vendor"] is not None and row["family"] != summaries.FRAMEWORKS]
    filters = (_NETWORK, _THREADS, _USUAL)
    spec = _spec(rule, marks, height=alt.Step(24), about=about)
    return Chart("layers", "Against the frameworks", about, shown, spec, _LAYER_COLUMNS, filters)


def bars(rows: Iterable[Row]) -> Chart:
    """One layer: a bar per implementation, and the rate of sgemm as a line."""
    about = (
        "2 × multiplications of the definition, divided by the time; a fast algorithm multiplies less and may pass "
        "the dashed line, the rate of this machine's sgemm."
    )
    y = alt.Y("implementation:N", title=None, sort=None).axis(labelLimit=160)
    base = _base().encode(y)
    bar = base.mark_bar().encode(alt.X("gflops:Q", title="effective GFLOP/s"), _family(), tooltip=_ABOUT_LAYER)
    value = base.mark_text(align="left", dx=3).encode(alt.X("gflops:Q"), alt.Text("gflops:Q", format=".3~s"))
    peak = _base().mark_rule(strokeDash=[4, 3]).encode(alt.X("max(sgemm_gflops):Q"))
    spec = _spec(bar, peak, value, height=alt.Step(18), about=about)
    return Chart("bars", "Layer by layer", about, list(rows), spec, _LAYER_COLUMNS, (_NETWORK, LAYER, _THREADS))


def pareto(rows: Iterable[Row]) -> Chart:
    """One layer: accuracy against speed, with the front of those that nothing beats in both."""
    about = (
        "Right is faster, down is more accurate. The line joins what no other implementation beats in both; "
        "the error is the root mean square against float64, in units of one float32 GEMM's. Both axes are logarithmic."
    )
    x = alt.X("gflops:Q", title="effective GFLOP/s").scale(type="log", nice=False, padding=12).axis(tickCount=5)
    error = alt.Y("rms_error_ratio:Q", title="rms error, × one float32 GEMM's")
    error = error.scale(type="log", nice=False, padding=12).axis(tickCount=5)
    base = _base().encode(x, error)
    line = base.mark_line(interpolate="step-after", strokeDash=[4, 3], opacity=0.7).encode(order="gflops:Q")
    line = line.transform_filter("datum.front")
    points = base.mark_point(filled=True, size=80, opacity=1).encode(_family(), tooltip=_ABOUT_LAYER)
    edge = alt.value("width")
    leader = base.mark_rule(opacity=0.25).encode(x2=edge, y2="label_at:Q")
    label = _base().mark_text(align="left", dx=4, fontSize=11)
    label = label.encode(alt.Text("implementation:N"), alt.Y("label_at:Q"), x=edge)
    spec = _spec(leader, line, points, label, height=PARETO_HEIGHT, about=about)
    columns = _LAYER_COLUMNS | {"front": "on the front"}
    return Chart(
        "pareto", "Accuracy against speed", about, _with_labels(rows), spec, columns, (_NETWORK, LAYER, _THREADS)
    )


def _with_labels(rows: Iterable[Row]) -> list[Row]:
    """The rows that have an error, with ``label_at``: their errors, moved apart until labels there do not overlap."""
    shown: list[Row] = []
    accurate = (row for row in rows if row["rms_error_ratio"])
    for rivals in summaries.grouped(accurate, summaries.computation).values():
        rivals.sort(key=lambda row: row["rms_error_ratio"])
        logs = [math.log(row["rms_error_ratio"]) for row in rivals]
        line = 14 / PARETO_HEIGHT * max(logs[-1] - logs[0], 1.0)
        for place in range(1, len(logs)):
            logs[place] = max(logs[place], logs[place - 1] + line)
        shown += [row | {"label_at": math.exp(log)} for row, log in zip(rivals, logs, strict=True)]
    return shown


def crossover(rows: list[Row]) -> Chart:
    """Where Winograd beats im2col, over channels × extent."""
    about = (
        "3×3 convolutions with as many filters as channels on square images. Each cell says how many times as fast "
        "Winograd is: orange above 1, where it wins; blue below, where it loses."
    )
    scale = alt.Scale(type="log", domain=[1 / 4, 1, 4], clamp=True, range=["#56A5D8", "#F2F2F2", "#EC8A45"])
    base = _base().encode(
        alt.X("extent:O", title="extent of the image, pixels").axis(labelAngle=0),
        alt.Y("channels:O", title="channels", sort="descending"),
    )
    cells = base.mark_rect(stroke="#888", strokeWidth=0.5).encode(
        alt.Color("speedup:Q", title="times as fast").scale(scale).legend(orient="top", gradientLength=200),
        tooltip=["channels:O", "extent:O", _number("speedup", "times as fast"), _number("milliseconds", "ms"),
                 _number("baseline_milliseconds", "baseline, ms")],
    )  # fmt: skip
    values = base.mark_text(fontSize=12).encode(alt.Text("speedup:Q", format=".2f"), color=alt.value("#111"))
    columns = {
        "channels": "channels",
        "extent": "extent, pixels",
        "winograd": "Winograd",
        "baseline": "against",
        "threads": "threads",
        "milliseconds": "Winograd, ms",
        "baseline_milliseconds": "against, ms",
        "speedup": "times as fast",
    }
    filters = (
        Filter("winograd", "Winograd", start=("winograd-4",)),
        Filter("baseline", "against", start=("im2col",)),
        _THREADS,
    )
    spec = _spec(cells, values, height=alt.Step(36), about=about)
    return Chart("crossover", "Where Winograd beats im2col", about, rows, spec, columns, filters)


def totals(rows: list[Row]) -> Chart:
    """The convolutions of whole networks."""
    about = (
        "The layers' median times, each as often as it occurs in the network, of the implementations that compute all "
        "of them. Two bars take the fastest implementation in every layer."
    )
    y = alt.Y("implementation:N", title=None, sort=None).axis(labelLimit=190)
    base = _base().encode(y).transform_calculate(label="format(datum.seconds, '.3~s') + 's'")
    seconds = alt.X("seconds:Q", title="time of all convolutions, s")
    bar = base.mark_bar().encode(seconds, _family(), tooltip=["implementation:N", _number("seconds", "s"), "layers:Q"])
    value = base.mark_text(align="left", dx=3).encode(seconds, alt.Text("label:N"))
    columns = {
        "network": "network",
        "implementation": "implementation",
        "threads": "threads",
        "seconds": "time, s",
        "layers": "layers",
    }
    spec = _spec(bar, value, height=alt.Step(18), about=about)
    whole = [row for row in rows if not row["missing"]]
    return Chart("totals", "Whole networks", about, whole, spec, columns, (_MODEL, _THREADS))


def history(rows: list[Row]) -> Chart:
    """The ratio to the fastest framework, commit by commit, beside controls that no change of this code moves."""
    about = (
        "One is as fast as the fastest framework, measured in the same run. The controls tell what the machine and "
        "chance do: one implementation against itself, and the rate of sgemm against the newest commit's. Logarithmic."
    )
    colour, shape = _implementation()
    y = alt.Y("value:Q", title="times as fast as the fastest framework").scale(type="log", nice=False, padding=12)
    base = _base().encode(_commit(), y, colour)
    line = base.mark_line(strokeWidth=1.5, opacity=0.7)
    tooltip = ["commit:N", "date:N", "layer:N", "implementation:N", _number("value", "times as fast")]
    points = base.mark_point(filled=True, size=60, opacity=1).encode(shape, tooltip=tooltip)
    rule = _once().mark_rule(strokeDash=[4, 3]).encode(y=alt.datum(1))
    columns = {
        "commit": "commit",
        "date": "date",
        "layer": "layer",
        "implementation": "implementation",
        "threads": "threads",
        "value": "times as fast",
    }
    filters = (
        Filter("machine", "machine"),
        Filter("set", "layers of", start=("yardstick",)),
        Filter("layer", "mean over a kind of layers, or layer"),
        _THREADS,
        Filter("implementation", "implementations", many=True, start=(*_USUAL.start, *summaries.CONTROLS)),
    )
    spec = _spec(rule, line, points, height=320, about=about)
    return Chart("history", "Commit by commit", about, rows, spec, columns, filters)


def tracked(rows: list[Row]) -> Chart:
    """Any series that asv keeps, as asv keeps it."""
    about = "Every series of the history in its own unit; less is better. An id holds the digest of what is computed."
    unit = "(data('rows').length ? data('rows')[0].unit : '')"
    short = f"{unit} == 'seconds' ? 's' : {unit} == 'bytes' ? 'B' : ''"
    label = f"format(datum.value, {unit} == 'ratio' ? '~g' : '~s') + ({short})"
    axis = alt.Axis(labelExpr=label, labelLimit=150, title="value, in its unit")
    base = _base().encode(_commit(), alt.Y("value:Q", scale=alt.Scale(zero=False), axis=axis))
    tooltip = ["commit:N", "date:N", "series:N", _number("value", "value", ".4~g"), "unit:N"]
    line = base.mark_line(opacity=0.7, color=COLOURS[summaries.PRODUCTS])
    points = base.mark_point(filled=True, size=60, opacity=1, color=COLOURS[summaries.PRODUCTS]).encode(tooltip=tooltip)
    columns = {
        "commit": "commit",
        "date": "date",
        "what": "what",
        "series": "series",
        "value": "value",
        "unit": "unit",
    }
    filters = (Filter("machine", "machine"), Filter("what", "what"), Filter("series", "series"))
    spec = _spec(line, points, height=260, about=about)
    return Chart("tracked", "All that is tracked", about, rows, spec, columns, filters)


def _commit() -> alt.X:
    """Commits in the order of their dates, as the rows stand."""
    return alt.X("commit:N", title="commit", sort=None).axis(labelAngle=-60, labelOverlap=True)


def of_measurement(rows: Iterable[Row]) -> list[Chart]:
    """All charts of measurements; those without data are left out."""
    rows = list(rows)
    shown = summaries.layers(rows)
    charts = (
        against_frameworks(shown),
        bars(shown),
        pareto(shown),
        crossover(summaries.crossover(rows)),
        totals(summaries.totals(rows)),
    )
    return [chart for chart in charts if chart.rows]
