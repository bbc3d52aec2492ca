"""asv's results as rows."""

from __future__ import annotations

import datetime as dt
import json
import math

import pytest

pytest.importorskip("asv", reason="the history needs convsuite[bench]")

from asv.results import Results
from asv.runner import BenchmarkResult

from convsuite.benchmarks import history, series, summaries
from convsuite.conformance import UsageError

LAYER, KIND = "yardstick::c64@1a2b3c4d", "dense3x3@5e6f7a8b"
NAMES = ["auto", "torch"]
THREADS = ["1"]


def benchmark(track, name, *params):
    """What asv writes down of a class of `series` in the module yardstick."""
    said = vars(track)
    return {
        "name": name,
        "unit": said["unit"],
        "pretty_name": said["pretty_name"],
        "param_names": [place for place, _ in params],
        "params": [[repr(value) for value in values] for _, values in params],
        "version": "1",
        "type": "track",
    }


LAYERS = benchmark(
    series.Layers.track_ratio,
    "yardstick.Layers.track_ratio",
    ("layer", [LAYER]),
    ("implementation", NAMES),
    ("threads", THREADS),
)
MEANS = benchmark(
    series.Means.track_ratio,
    "yardstick.Means.track_ratio",
    ("kind", [KIND]),
    ("implementation", NAMES),
    ("threads", THREADS),
)
SAME = benchmark(
    series.MeanControls.track_same, "yardstick.MeanControls.track_same", ("kind", [KIND]), ("threads", THREADS)
)
SGEMM = benchmark(series.Machine.track_sgemm, "yardstick.Machine.track_sgemm", ("threads", THREADS))
KNOWN = {one["name"]: one for one in (LAYERS, MEANS, SAME, SGEMM)}


@pytest.fixture
def save(tmp_path):
    """Saves a commit's results as `asv run` does, by asv itself; returns their folder."""
    (tmp_path / "benchmarks.json").write_text(json.dumps({**KNOWN, "version": 2}))
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "machine.json").write_text(json.dumps({"machine": "m", "version": 1}))

    def save_one(commit, day, values, python="/somewhere/bin/python", version="1", started=0):
        date = int(dt.datetime(2026, 11, day, tzinfo=dt.UTC).timestamp() * 1000)
        results = Results(
            {"machine": "m", "python": python}, {}, commit * 10, date, python, python.replace("/", "_"), {}
        )
        for name, numbers in values.items():
            outcome = BenchmarkResult(numbers, [None] * len(numbers), [None] * len(numbers), 0, "", None)
            at = dt.datetime.fromtimestamp(started, tz=dt.UTC)
            results.add_result({**KNOWN[name], "version": version}, outcome, started_at=at, duration=1.0)
        results.save(str(tmp_path))
        return tmp_path

    return save_one


def test_values_come_oldest_commit_first(save):
    save("bbbb", 2, {LAYERS["name"]: [0.5, 1.0]})
    folder = save("aaaa", 1, {LAYERS["name"]: [0.4, 1.0]})
    rows = [row for row in history.read(folder) if row["implementation"] == "auto"]
    assert [(row["commit"], row["date"], row["value"]) for row in rows] == [
        ("aaaaaaaa", "2026-11-01", 0.4),
        ("bbbbbbbb", "2026-11-02", 0.5),
    ]
    assert rows[0]["layer"] == LAYER
    assert rows[0]["unit"] == "ratio"


def test_what_was_skipped_or_failed_is_no_value(save):
    folder = save("aaaa", 1, {LAYERS["name"]: [math.nan, None]})
    assert history.read(folder) == []


def test_interpreters_in_two_places_are_one_history(save):
    save("aaaa", 1, {LAYERS["name"]: [0.4, 1.0]}, python="/new/bin/python", started=2000)
    folder = save("aaaa", 1, {LAYERS["name"]: [0.6, 1.0]}, python="/old/bin/python", started=1000)
    assert [row["value"] for row in history.read(folder) if row["implementation"] == "auto"] == [0.4]


def test_values_of_another_version_of_a_benchmark_are_left_out(save):
    folder = save("aaaa", 1, {LAYERS["name"]: [0.4, 1.0]}, version="0")
    assert history.read(folder) == []


def test_a_folder_that_is_not_asvs_is_told(tmp_path):
    with pytest.raises(UsageError, match="no results of asv"):
        history.read(tmp_path)


def test_the_page_shows_speeds_means_first(save):
    folder = save("aaaa", 1, {LAYERS["name"]: [0.5, 1.0], MEANS["name"]: [0.4, 1.0]})
    rows = history.ratios(history.read(folder))
    assert [(row["layer"], row["implementation"], row["value"]) for row in rows] == [
        (KIND, "auto", 2.5), (KIND, "torch", 1.0), (LAYER, "auto", 2.0), (LAYER, "torch", 1.0),
    ]  # fmt: skip
    assert [row["family"] for row in rows[:2]] == [summaries.PRODUCTS, summaries.FRAMEWORKS]


def test_controls_stand_beside_the_means(save):
    values = {MEANS["name"]: [0.4, 1.0], SAME["name"]: [1.02]}
    save("aaaa", 1, {**values, SGEMM["name"]: [0.02]})
    folder = save("bbbb", 2, {**values, SGEMM["name"]: [0.01]})
    rows = [row for row in history.ratios(history.read(folder)) if row["family"] == summaries.CONTROL]
    assert [(row["commit"][0], row["layer"], row["implementation"], row["value"]) for row in rows] == [
        ("a", KIND, summaries.SAME, 1.02),
        ("b", KIND, summaries.SAME, 1.02),
        ("a", KIND, summaries.SGEMM, 0.5),  # half as fast as at the newest commit
        ("b", KIND, summaries.SGEMM, 1.0),
    ]


def test_the_newest_commits_are_kept(save):
    for day, commit in enumerate(("aaaa", "bbbb", "cccc"), 1):
        folder = save(commit, day, {LAYERS["name"]: [0.4, 1.0]})
    assert {row["commit"] for row in history.newest(history.read(folder), 2)} == {"bbbbbbbb", "cccccccc"}
