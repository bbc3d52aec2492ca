"""What asv finds and tracks: discovery without frameworks, series by content, and gaps that are no failures."""

from __future__ import annotations

import ast
import dataclasses
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("asv", reason="the history needs convsuite[bench]")

from asv.config import Config
from asv.util import load_json

from convsuite.benchmarks import allocations, series, summaries
from convsuite.benchmarks.implementations import known_implementations
from convsuite.benchmarks.layers import Layer, load_layers
from convsuite.benchmarks.results import read
from convsuite.conformance import make_case

ROOT = Path(__file__).resolve().parents[2]
FRAMEWORKS = ("jax", "jaxlib", "keras", "tensorflow", "torch")
DISCOVER = """
import sys
from asv_runner.discovery import list_benchmarks
with open(sys.argv[2], "w") as file:
    list_benchmarks(sys.argv[1], file)
"""


def discover(folder, out, **environment):
    """What asv does at first, in a process of its own; and what that printed."""
    done = subprocess.run(
        [sys.executable, "-c", DISCOVER, folder, out],
        env={**os.environ, **environment}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, (json.loads(out.read_text()) if done.returncode == 0 else [])


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The benchmarks, as discovered where importing a framework is an error that leaves a trace."""
    folder = tmp_path_factory.mktemp("traps")
    for name in FRAMEWORKS:
        (folder / name).mkdir()
        trap = f"open({str(folder / 'imported')!r}, 'a').write({name!r} + ' ')\nraise ImportError({name!r})"
        (folder / name / "__init__.py").write_text(trap)
    done, benchmarks = discover(ROOT / "benchmarks" / "tracked", folder / "found.json", PYTHONPATH=str(folder))
    assert done.returncode == 0, done.stderr
    assert not (folder / "imported").exists(), (folder / "imported").read_text()
    return {one["name"]: one for one in benchmarks}


def test_asv_finds_all_that_is_tracked(found):
    kinds = {name.rpartition(".")[2] for name in found}
    assert kinds == {
        "track_time", "track_ratio", "track_rms", "track_bound", "track_same", "track_sgemm", "track_copy",
        "track_extra", "track_hundred", "timeraw_import",
    }  # fmt: skip


def test_parameters_are_layers_and_implementations_of_the_yaml_files(found):
    params = found["yardstick.Layers.track_ratio"]["params"]
    layers = load_layers(networks=["yardstick"])
    assert params[0] == [repr(series.layer_id(one.name, one.digest)) for one in layers]
    names = {ast.literal_eval(text) for text in params[1]}
    assert {"auto", "winograd-4"} < names <= set(known_implementations())
    assert {name for name, one in known_implementations().items() if one.vendor and one.default} <= names
    assert params[2] == ["'1'", "'all'"]


def test_every_layer_and_kind_bears_a_digest(found):
    for one in found.values():
        for name, values in zip(one["param_names"], one["params"], strict=True):
            if name in ("layer", "kind", "cases"):
                assert all(re.search(r"@[0-9a-f]{8}'$", value) for value in values), one["name"]


def test_less_is_better_of_all_that_is_tracked(found):
    """asv knows no other direction: times, bytes, and ratios to what is better the larger it is."""
    assert {one["unit"] for one in found.values()} == {"seconds", "bytes", "ratio"}


def test_each_module_measures_once(found):
    caches = {}
    for name, one in found.items():
        caches.setdefault(name.partition(".")[0], set()).add(one.get("setup_cache_key"))
    assert all(len(keys) == 1 for keys in caches.values()), caches
    keys = [key for (key,) in caches.values() if key]
    assert len(keys) == len(set(keys))


def test_a_comment_begins_no_new_history(found):
    assert {one["version"] for one in found.values()} == {"1"}


def test_another_copy_of_the_package_is_not_measured(tmp_path):
    """asv would keep what that one does under the commit of this one."""
    shutil.copytree(ROOT / "benchmarks" / "tracked", tmp_path / "benchmarks" / "tracked")
    done, _ = discover(tmp_path / "benchmarks" / "tracked", tmp_path / "found.json")
    assert done.returncode
    assert f"would measure convsuite in {ROOT}" in done.stderr


def test_asv_knows_every_key_of_its_configuration():
    """It says nothing of those that it does not know."""
    said = load_json(str(ROOT / "asv.conf.json"), js_comments=True)
    assert set(said) - {"version"} <= set(vars(Config()))
    assert (ROOT / said["benchmark_dir"]).is_dir()


def test_the_same_computation_is_the_same_series_and_another_is_another(measurement):
    row = measurement.rows[0]
    assert series.layer_id(row["layer"], row["digest"]) == f"yardstick::c64-e224@{row['digest']}"
    (kind, members), *_ = series.kinds(measurement.rows).items()
    changed = [{**members[0], "digest": "00000000"}, *members[1:]]
    assert series.kind_id(kind, members) == series.kind_id(kind, members[::-1])
    assert series.kind_id(kind, members) != series.kind_id(kind, changed)


@pytest.fixture
def yardstick(measurement):
    """The measurement of one network, as a module makes it."""
    rows = [row for row in measurement.rows if row["network"] == "yardstick"]
    return dataclasses.replace(measurement, rows=rows)


def track(method, results, *place):
    """What asv gets for a series."""
    name = method.__qualname__.partition(".")[0]
    return method(getattr(series, name)(), series.values_of(results), *place)


def layer_of(results):
    return series.layer_id(results.rows[0]["layer"], results.rows[0]["digest"])


def test_the_values_are_those_of_the_measurement(yardstick):
    layer = layer_of(yardstick)
    seconds = 2 * 9 * 64 * 64 * 224 * 224 / 290e9
    assert track(series.Layers.track_time, yardstick, layer, "winograd-4", "1") == pytest.approx(seconds, rel=1e-3)
    assert track(series.Layers.track_time, yardstick, layer, "winograd-4", "all") == pytest.approx(
        seconds / 2, rel=1e-3
    )
    assert track(series.Layers.track_ratio, yardstick, layer, "winograd-4", "1") == 0.4
    assert track(series.Errors.track_rms, yardstick, layer, "winograd-4") == 3.4
    assert track(series.Errors.track_bound, yardstick, layer, "winograd-4") == 0.034
    assert track(series.Machine.track_sgemm, yardstick, "1") == pytest.approx(1 / 105, rel=1e-3)
    (kind,) = (series.kind_id(*one) for one in series.kinds(yardstick.rows).items())
    assert track(series.Means.track_ratio, yardstick, kind, "winograd-4", "1") == 0.4


def test_the_network_as_a_whole(measurement):
    results = dataclasses.replace(measurement, rows=[row for row in measurement.rows if row["network"] == "vgg16"])
    (total,) = (
        row["seconds"]
        for row in summaries.totals(results.rows)
        if (row["implementation"], row["threads"]) == ("auto", 1)
    )
    assert track(series.Models.track_time, results, "auto", "1") == pytest.approx(total, rel=1e-3)
    assert math.isnan(track(series.Models.track_time, results, "winograd-6", "1"))  # lacks a layer


def test_a_missing_framework_is_skipped(yardstick):
    """asv takes what is not a number for skipped, and None for failed."""
    rest = [row for row in yardstick.rows if row["implementation"] != "torch"]
    results = dataclasses.replace(yardstick, rows=rest)
    layer = layer_of(results)
    assert math.isnan(track(series.Layers.track_time, results, layer, "torch", "1"))
    assert math.isnan(track(series.Errors.track_rms, results, layer, "torch"))
    assert track(series.Layers.track_time, results, layer, "auto", "1") > 0


def test_without_any_framework_times_and_errors_are_left(yardstick):
    rest = [{**row, "ratio_to_vendor": None} for row in yardstick.rows if not row["vendor"]]
    results = dataclasses.replace(yardstick, rows=rest)
    layer = layer_of(results)
    assert math.isnan(track(series.Layers.track_ratio, results, layer, "auto", "1"))
    assert math.isnan(track(series.Controls.track_same, results, layer, "1"))
    assert track(series.Layers.track_time, results, layer, "auto", "1") > 0
    assert track(series.Errors.track_rms, results, layer, "auto") == 1.0


def test_what_slows_the_machine_for_some_rounds_moves_no_ratio():
    slow = [1, 1, 3, 3, 1]
    one = {"samples": [2.0 * factor for factor in slow]}
    other = {"samples": [1.0 * factor for factor in slow]}
    assert series.paired(one, other) == 2.0


def test_the_control_is_one_implementation_against_itself(yardstick):
    twin = [
        {**row, "implementation": series.TWIN, "samples": [1.02 * sample for sample in row["samples"]]}
        for row in yardstick.rows
        if row["implementation"] == series.TWINNED
    ]
    results = dataclasses.replace(yardstick, rows=[*yardstick.rows, *twin])
    assert track(series.Controls.track_same, results, layer_of(results), "1") == 1.02
    (kind,) = (series.kind_id(*one) for one in series.kinds(results.rows).items())
    assert track(series.MeanControls.track_same, results, kind, "all") == 1.02


def test_measuring_keeps_the_results_without_the_control(yardstick, monkeypatch, tmp_path):
    """asv's setup_cache: the twin takes part, and is in no picture."""
    taken = []

    def measure(_, implementations, **__):
        taken.extend(one.name for one in implementations)
        return dataclasses.replace(
            yardstick,
            rows=[*yardstick.rows, *({**row, "implementation": series.TWIN} for row in yardstick.rows[:1])],
            skipped=[],
        )

    monkeypatch.setattr(series, "measure", measure)
    monkeypatch.setattr(series, "SAVED", tmp_path / "bench")
    values = series.measured("yardstick", ["auto", "torch"])
    assert taken == ["auto", "torch", series.TWIN]
    assert values["time"]
    kept = read(tmp_path / "bench" / "yardstick.json")
    assert {row["implementation"] for row in kept.rows} == {row["implementation"] for row in yardstick.rows}


def memory_of(name, **keys):
    case = make_case(op="conv", data="normal", kernel_size=3, padding=1, **keys)
    return allocations.peak(Layer(case), known_implementations()[name])


def test_the_memory_of_an_algorithm_is_what_it_takes_besides_its_result():
    """Plain im2col holds every window: nine times the input of a 3×3 layer."""
    keys = {"input": [1, 64, 64, 32], "filters": 8}
    array = 64 * 64 * 32 * 4
    plain, auto = memory_of("im2col", **keys), memory_of("auto", **keys)
    assert plain is not None
    assert plain >= 9 * array
    assert auto is not None
    assert auto < 9 * array


def test_an_algorithm_that_refuses_a_layer_has_no_memory():
    assert memory_of("kn2row", input=[1, 16, 16, 4], filters=4, strides=2) is None


def test_a_layer_that_is_too_large_has_no_memory():
    assert memory_of("naive", input=[1, 256, 256, 64], filters=64) is None
