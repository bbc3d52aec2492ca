"""What the pictures show, from rows whose numbers are known."""

from __future__ import annotations

import pytest

from convsuite.benchmarks import summaries


def one(rows, **wanted):
    (found,) = (row for row in rows if all(row[field] == value for field, value in wanted.items()))
    return found


def test_the_front_holds_what_nothing_beats_in_time_and_in_error(measurement):
    rows = summaries.layers(measurement.rows)
    layer = [row for row in rows if row["layer"] == "yardstick::c64-e224" and row["threads"] == 1]
    # winograd-6 is slower than winograd-4 and less accurate; of the frameworks torch is the fastest and as accurate
    front = [row["implementation"] for row in layer if row["front"]]
    assert front == ["winograd-4", "winograd-2", "torch", "auto", "fft"]


def test_of_equals_both_are_on_the_front(measurement):
    first = measurement.rows[0]
    rows = summaries.layers([first, {**first, "implementation": "twin"}])
    assert [row["front"] for row in rows] == [True, True]


def test_a_model_takes_each_layer_as_often_as_it_occurs(measurement):
    layers = {
        row["layer"]: row["seconds"]
        for row in measurement.rows
        if row["network"] == "vgg16" and row["implementation"] == "auto" and row["threads"] == 1
    }
    total = one(summaries.totals(measurement.rows), network="vgg16", implementation="auto", threads=1)
    expected = layers["vgg16::c3-e224"] + layers["vgg16::c64-e224"] + 3 * layers["vgg16::c512-e14"]
    assert total["seconds"] == pytest.approx(expected)
    assert (total["layers"], total["missing"]) == (3, 0)


def test_what_lacks_a_layer_has_no_total_of_the_model(measurement):
    total = one(summaries.totals(measurement.rows), network="vgg16", implementation="winograd-6", threads=1)
    assert (total["layers"], total["missing"]) == (2, 1)


def test_the_fastest_per_layer_are_totals_of_their_own(measurement):
    totals = summaries.totals(measurement.rows)
    numpy = one(totals, network="vgg16", implementation=summaries.FASTEST_NUMPY, threads=1)
    framework = one(totals, network="vgg16", implementation=summaries.FASTEST_FRAMEWORK, threads=1)
    assert numpy["seconds"] == one(totals, network="vgg16", implementation="winograd-4", threads=1)["seconds"]
    assert framework["seconds"] == one(totals, network="vgg16", implementation="torch", threads=1)["seconds"]


def test_layers_put_together_to_measure_by_are_no_model(measurement):
    assert {row["network"] for row in summaries.totals(measurement.rows)} == {"vgg16"}


def test_the_crossover_is_where_the_ratio_passes_one(measurement):
    cells = [
        row
        for row in summaries.crossover(measurement.rows)
        if row["winograd"] == "winograd-4" and row["baseline"] == "im2col" and row["threads"] == 1
    ]
    assert {row["channels"] for row in cells} == {16, 64, 256}
    # 290 GFLOP/s at an extent of 28, in proportion to the extent, against 90
    assert [row["speedup"] for row in cells[:3]] == pytest.approx([290 / 4 / 90, 290 / 2 / 90, 290 * 2 / 90])


def test_without_the_network_there_is_no_crossover(measurement):
    assert summaries.crossover(row for row in measurement.rows if row["network"] == "vgg16") == []


def test_means_are_of_all_layers_of_a_kind(measurement):
    lines = summaries.headline(measurement.rows, "yardstick")
    line = one(lines, kind="dense3x3", implementation="winograd-4")
    assert line["layers"] == 3
    assert line["speed"] == pytest.approx({1: 290 / 116, 2: 290 / 116})
    assert line["peak"] == pytest.approx({1: 290 / 105, 2: 290 / 105})
    assert line["error"] == pytest.approx(3.4)


def test_there_is_no_mean_where_a_layer_is_missing(measurement):
    names = {line["implementation"] for line in summaries.headline(measurement.rows, "vgg16")}
    assert "winograd-4" in names
    assert "winograd-6" not in names


def test_there_is_no_ratio_without_a_framework(measurement):
    rows = [{**row, "ratio_to_vendor": None} for row in measurement.rows if not row["vendor"]]
    line = one(summaries.headline(rows, "yardstick"), implementation="auto")
    assert line["speed"] == {1: None, 2: None}
    assert line["peak"][1] == pytest.approx(102 / 105)
