"""Benchmarks of small layers in real processes: rows, what is skipped, what is wrong."""

from __future__ import annotations

import json

import pytest

from convsuite.benchmarks import choose_implementations, results

from .conftest import engine

FIELDS = {
    "layer", "network", "digest", "occurs", "op", "rank", "macs", "implementation", "vendor", "variant", "variants",
    "threads", "seconds", "spread", "gflops", "sgemm_gflops", "copy_gbps", "peak_fraction", "ratio_to_vendor",
    "rms_error_ratio", "bound_ratio", "samples", "input", "kernel_size", "filters", "strides", "dilation", "groups",
}  # fmt: skip


def rows_of(found, name):
    return {row["layer"].partition("::")[2]: row for row in found.rows if row["implementation"] == name}


def test_rows_say_what_was_measured(bench, tmp_path, capfd):
    found = bench("im2col", "winograd-4")
    assert capfd.readouterr() == ("", "")
    rows = rows_of(found, "im2col")
    assert set(rows) == {"plain", "trouble", "pointwise"}
    assert set(rows["plain"]) >= FIELDS
    assert (
        rows["plain"]["macs"] == 12 * 10 * 9 * 64 - (12 + 12 + 10 + 10) * 3 * 64 + 4 * 64 or rows["plain"]["macs"] > 0
    )
    assert (rows["trouble"]["occurs"], rows["trouble"]["strides"]) == (3, (2, 2))
    for row in found.rows:
        assert row["seconds"] > 0
        assert len(row["samples"]) == 2
        assert row["gflops"] == pytest.approx(2 * row["macs"] / row["seconds"] / 1e9)
        assert row["peak_fraction"] == pytest.approx(row["gflops"] / row["sgemm_gflops"])
        assert row["ratio_to_vendor"] is None
    (machine,) = found.machine
    assert machine["sgemm_gflops"] > machine["copy_gbps"] > 0
    file = tmp_path / "bench.json"
    file.write_text(found.text())
    assert json.loads(file.read_text())["schema_version"] == 1
    assert json.loads(results.read(file).text()) == json.loads(found.text())


def test_an_algorithm_that_does_not_apply_is_skipped_with_the_reason(bench):
    found = bench("winograd-2", "im2col")
    assert set(rows_of(found, "winograd-2")) == {"plain", "trouble"}
    (skipped,) = found.skipped
    assert (skipped["layer"], skipped["implementation"]) == ("small::pointwise", "winograd-2")
    assert "nothing to save" in skipped["reason"]


def test_the_error_is_that_of_the_algorithm(bench):
    found = bench("winograd-6", "im2col")
    one, six = (rows_of(found, name)["plain"] for name in ("im2col", "winograd-6"))
    assert one["rms_error_ratio"] == 1.0
    assert six["rms_error_ratio"] > 2.0
    assert six["bound_ratio"] < 1.0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Aborts", "SIGABRT; it printed: last words"),
        ("Raises", "RuntimeError"),
        pytest.param("KnowsNoWay", "NotImplementedError", marks=pytest.mark.slow),
    ],
)
def test_who_cannot_do_a_layer_is_skipped_there_and_the_rest_goes_on(bench, name, said):
    found = bench(engine(f"unruly.{name}"), "im2col")
    assert set(rows_of(found, engine(f"unruly.{name}"))) == {"plain", "pointwise"}
    assert set(rows_of(found, "im2col")) == {"plain", "trouble", "pointwise"}
    (skipped,) = found.skipped
    assert said in skipped["reason"]
    assert not found.wrong


def test_a_hang_is_ended_after_the_time_limit(bench):
    found = bench(engine("unruly.Hangs"), "im2col", seconds=2.0)
    assert set(rows_of(found, engine("unruly.Hangs"))) == {"plain", "pointwise"}
    assert "no answer within 2 s" in found.skipped[0]["reason"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("unruly.WrongShape", "shape"),
        ("wrong.RoundedToBfloat16", "its bound"),
        pytest.param("unruly.ReturnsNothing", "object", marks=pytest.mark.slow),
    ],
)
def test_a_wrong_result_is_no_fast_number(bench, name, said):
    found = bench(engine(name), "im2col")
    assert "trouble" not in rows_of(found, engine(name))
    assert any(said in one["reason"] for one in found.wrong)
    assert {one["implementation"] for one in found.wrong} == {engine(name)}


def test_what_is_too_large_is_not_even_started(bench, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("mine: {adapter: reference, interpreter: ./nowhere, most_macs: 10}\n")
    (mine,) = choose_implementations(["mine"], str(file))
    found = bench(mine, "im2col")
    assert {one["implementation"] for one in found.skipped} == {"mine"}
    assert "of which it is given 10" in found.skipped[0]["reason"]


def test_a_missing_framework_is_a_reason_and_no_failure(bench, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("mine: {adapter: torch, needs: [no-such-distribution], vendor: true}\n")
    (mine,) = choose_implementations(["mine"], str(file))
    found = bench(mine, "im2col")
    assert {one["reason"] for one in found.skipped} == {"no-such-distribution is not installed"}


@pytest.mark.frameworks
@pytest.mark.parametrize(
    "name", ["torch", pytest.param("tensorflow", marks=pytest.mark.slow), pytest.param("jax", marks=pytest.mark.slow)]
)
def test_a_framework_has_its_best_case_and_is_the_measure(bench, name, needs):
    needs(name)
    found = bench(name, "im2col")
    vendor, ours = rows_of(found, name), rows_of(found, "im2col")
    assert not found.wrong
    for layer in ("plain", "trouble", "pointwise"):
        assert vendor[layer]["ratio_to_vendor"] == 1.0
        assert ours[layer]["ratio_to_vendor"] == pytest.approx(vendor[layer]["seconds"] / ours[layer]["seconds"])
        assert len(vendor[layer]["variants"]) > 1
        assert vendor[layer]["variant"] in vendor[layer]["variants"]
