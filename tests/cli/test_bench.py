"""`convsuite bench` as a user meets it: statuses, the file, the table, the baseline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time

import pytest

from .conftest import COMMAND, ENGINES

SLOWED, WRONG = f"{ENGINES / 'timed.py'}:Slowed", f"{ENGINES / 'wrong.py'}:RoundedToBfloat16"
LAYERS = """
defaults: {op: conv, data: normal, input: [1, 24, 20, 16], kernel_size: 3, filters: 32}
cases: [{id: one}, {id: two, strides: 2, tags: [trouble]}]
"""
SHORT = ("--threads", 1, "--rounds", 8)


@pytest.fixture
def layers(tmp_path):
    file = tmp_path / "layers.yaml"
    file.write_text(LAYERS)
    return file


def test_the_table_goes_to_the_error_stream_and_the_file_where_it_is_asked(convsuite, layers, tmp_path):
    done = convsuite("bench", layers, "--engine", "im2col", "--engine", "winograd-2", *SHORT, "--json", "bench.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "bench.json\n"
    assert "layers::one" in done.stderr
    assert "winograd-2" in done.stderr
    said = json.loads((tmp_path / "bench.json").read_text())
    assert {(row["layer"], row["implementation"]) for row in said["rows"]} == {
        (layer, name) for layer in ("layers::one", "layers::two") for name in ("im2col", "winograd-2")
    }


@pytest.mark.slow
def test_standard_output_is_a_file_too(convsuite, layers):
    done = convsuite("bench", layers, "--engine", "im2col", *SHORT, "--json", "-")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["rows"]) == 2


def test_a_wrong_result_is_status_1_and_said(convsuite, layers):
    done = convsuite("bench", layers, "--engine", "im2col", "--engine", WRONG, *SHORT)
    assert done.returncode == 1
    assert "WRONG: layers::one" in done.stderr
    assert "times its bound" in done.stderr


@pytest.mark.slow
def test_a_baseline_of_the_same_is_status_0_and_a_slow_down_is_1(convsuite, layers):
    asked = ("bench", layers, "--engine", "im2col", "--engine", SLOWED, *SHORT, "--json", "bench.json")
    assert convsuite(*asked).returncode == 0
    same = convsuite("bench", layers, "--baseline", "bench.json")
    assert same.returncode == 0, same.stderr
    assert "4 rows compared with the baseline" in same.stderr
    slow = convsuite("bench", layers, "--baseline", "bench.json", SLOWED="2.5")
    assert slow.returncode == 1, slow.stderr
    assert f"slower: {SLOWED}, 1 thread, mean of 2 layers: 2." in slow.stderr
    assert "slower: im2col" not in slow.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.slow)])
def test_what_was_measured_before_an_interruption_is_written(how, layers, tmp_path):
    begun, engine = tmp_path / "begun", f"{ENGINES / 'timed.py'}:SaysWhen"
    process = subprocess.Popen(
        [*COMMAND, "bench", str(layers), "--engine", engine, "--rounds", "5000", "--json", "b.json"],
        cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
        env={**os.environ, "BEGUN": str(begun)},
    )  # fmt: skip
    while not begun.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert "Traceback" not in said
    assert json.loads((tmp_path / "b.json").read_text())["interrupted"]


BAD = {
    "--network nowhere": "no such network",
    "--engine nobody": "unknown implementation",
    "--threads 4096": "numbers of threads",
    "--rounds 0": "--rounds",
    "--json /nowhere/at/all.json": "cannot be written",
    "--baseline nowhere.json": "no results of a benchmark",
    "--implementations nowhere.yaml": "cannot be read",
    "nowhere.yaml": "no such file",
    "--engine fft --engine fft": "twice",
}


@pytest.mark.parametrize("words", BAD)
def test_wrong_input_is_one_line_and_status_2(convsuite_here, words):
    done = convsuite_here("bench", *words.split())
    assert done.returncode == 2
    assert BAD[words] in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_file_that_is_no_baseline(convsuite_here, tmp_path):
    (tmp_path / "other.json").write_text('{"schema_version": 99}')
    assert "another format" in convsuite_here("bench", "--baseline", "other.json").stderr
    for rows in ([], [{"layer": "a"}], {"layer": "a"}):
        (tmp_path / "half.json").write_text(json.dumps({"schema_version": 1, "settings": {}, "rows": rows}))
        assert "damaged" in convsuite_here("bench", "--baseline", "half.json").stderr


def test_the_implementations_are_listed(convsuite_here):
    done = convsuite_here("bench", "--list")
    assert done.returncode == 0
    assert "torch: vendor, channels-first, channels-last, prepacked" in done.stdout
