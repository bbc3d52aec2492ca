"""The pictures in files."""

from __future__ import annotations

import re

import pytest

pytest.importorskip("altair", reason="pictures need convsuite[bench]")

from convsuite.benchmarks import charts, pictures


def test_every_chart_of_a_measurement_is_there(measurement):
    names = [chart.name for chart in charts.of_measurement(measurement.rows)]
    assert names == ["layers", "bars", "pareto", "crossover", "totals"]


def test_charts_without_data_are_left_out(measurement):
    numpy = [{**row, "ratio_to_vendor": None} for row in measurement.rows if row["network"] == "yardstick"]
    assert [chart.name for chart in charts.of_measurement(numpy)] == ["bars", "pareto"]


def test_rows_have_what_tables_and_filters_ask_for(measurement):
    for chart in charts.of_measurement(measurement.rows):
        for row in chart.rows:
            assert {*chart.columns, *(choice.field for choice in chart.filters)} <= set(row), chart.name


def test_what_one_colour_says_a_shape_or_a_label_says_too(measurement):
    """Implementations of one family share a colour, and differ in shape."""
    styles = charts.styles(charts.of_measurement(measurement.rows)[1].rows)["implementation"]
    looks = [tuple(style.values()) for style in styles.values()]
    assert len(looks) == len(set(looks))


def test_a_scale_names_what_is_shown_alone(measurement):
    (chart, *_) = charts.of_measurement(measurement.rows)
    rows = [row for row in chart.rows if row["implementation"] in ("auto", "winograd-4")]
    scales = [
        encoding["scale"]["domain"]
        for layer in charts.drawn(chart, rows)["layer"]
        for channel, encoding in layer["encoding"].items()
        if channel in ("color", "shape") and encoding.get("field") == "implementation"
    ]
    assert scales
    assert all(set(domain) == {"auto", "winograd-4"} for domain in scales)


def test_labels_of_equal_errors_do_not_overlap(measurement):
    (chart,) = (chart for chart in charts.of_measurement(measurement.rows) if chart.name == "pareto")
    layer = [row for row in chart.rows if row["layer"] == "yardstick::c64-e224" and row["threads"] == 1]
    places = [row["label_at"] for row in layer]
    assert places == sorted(places)
    assert len(set(places)) == len(layer)


def test_a_measurement_becomes_pictures(measurement, tmp_path):
    rows = [row for row in measurement.rows if row["network"] == "yardstick" and row["threads"] == 1]
    files = pictures.write_pictures(rows, tmp_path / "pictures")
    assert [file.name for file in files] == ["yardstick-1-layers.svg", "yardstick-1-bars.svg", "yardstick-1-pareto.svg"]
    for file in files:
        text = file.read_text()
        assert text.startswith("<svg")
        for layer in ("c64-e224", "c128-e112", "c256-e56"):
            assert layer in text, file.name
        # every point or bar says what it is, to a screen reader as well
        for name in ("winograd-4", "auto", "im2col"):
            assert re.search(rf'aria-label="[^"]*implementation: {name}\b', text), file.name
    assert "GFLOP/s" in files[1].read_text()
