"""`convsuite run` as a user meets it: statuses, folders, resuming, narrowing down."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from .conftest import COMMAND, ENGINES

RIGHT, WRONG = f"{ENGINES / 'right.py'}:Right", f"{ENGINES / 'wrong.py'}:DilationDropped"
FIELDS = {
    "case", "engine", "form", "verdict", "ok", "expected_verdict", "shape", "expected_shape", "dtype",
    "expected_dtype", "max_error", "bound_ratio", "seconds", "message", "diagnosis", "program", "op", "input",
    "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier", "output_padding",
    "use_bias", "data_format", "data", "layout", "wrt", "kernel_shape",
}  # fmt: skip


@pytest.fixture
def convsuite(convsuite_here):
    """Inside this process: what of the processes matters here is stopped and told below."""
    return convsuite_here


def records(folder):
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def test_a_right_engine_ends_with_status_0(convsuite, cases, tmp_path):
    done = convsuite("run", cases, "--engine", RIGHT, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out\n"
    assert "7/7" in done.stderr
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["status"] == "complete"
    assert set(run["seconds"]) >= {"startup", "engine", "harness"}
    assert run["machine"]["cpu_flags"] is not None
    found = records(tmp_path / "out")
    assert len(found) == run["counts"]["records"] == 7
    assert set(found[0]) >= FIELDS


def test_a_wrong_engine_ends_with_status_1_and_says_where(convsuite, cases):
    done = convsuite("run", cases, "--engine", WRONG, "--out", "out")
    assert done.returncode == 1
    assert "dilation > 1" in done.stderr


def test_fail_on(convsuite, cases):
    assert convsuite("run", cases, "--engine", WRONG, "--out", "a", "--fail-on", "never").returncode == 0
    assert convsuite("run", cases, "--engine", WRONG, "--out", "b", "--fail-on", "any").returncode == 1


def test_what_is_expected_makes_no_failure_until_it_is_gone(convsuite, cases, tmp_path):
    convsuite("run", cases, "--engine", WRONG, "--out", "first")
    proposed = convsuite("expect", "first")
    assert proposed.returncode == 0
    (tmp_path / "known.yaml").write_text(proposed.stdout)
    known = convsuite("run", cases, "--engine", WRONG, "--out", "second", "--expectations", "known.yaml")
    assert known.returncode == 0, known.stderr
    assert all(
        record["expected_verdict"] == record["verdict"] for record in records(tmp_path / "second") if not record["ok"]
    )
    text = proposed.stdout.replace(WRONG, RIGHT).replace("sometimes: true", "sometimes: false")
    (tmp_path / "gone.yaml").write_text(text)
    gone = convsuite("run", cases, "--engine", RIGHT, "--out", "third", "--expectations", "gone.yaml")
    assert gone.returncode == 1
    assert "vanished" in gone.stderr
    narrowed = convsuite(
        "run", cases, "--engine", RIGHT, "--out", "fourth", "--expectations", "gone.yaml", "--filter", "dilation == 1"
    )
    assert narrowed.returncode == 0  # what the condition does not concern says nothing about it


def test_only_what_failed_runs_again(convsuite, cases, tmp_path):
    convsuite("run", cases, "--engine", WRONG, "--out", "first")
    failed = {record["case"] for record in records(tmp_path / "first") if not record["ok"]}
    done = convsuite("run", "--failed", "first", "--out", "second")
    assert done.returncode == 1
    assert {record["case"] for record in records(tmp_path / "second")} == failed
    assert len(failed) == 2


def test_filter_tag_shard_and_form(convsuite, cases, tmp_path):
    convsuite("run", cases, "--engine", RIGHT, "--out", "a", "--filter", "strides > 1 and padding == 'same'")
    assert [record["case"] for record in records(tmp_path / "a")] == ["some::sweep[strides=2,dilation=1,padding=same]"]
    convsuite("run", cases, "--engine", RIGHT, "--out", "b", "--tag", "trouble")
    assert [record["case"] for record in records(tmp_path / "b")] == ["some::trouble"]
    shards = []
    for shard in ("1/3", "2/3", "3/3"):
        convsuite("run", cases, "--engine", RIGHT, "--out", shard[0], "--shard", shard)
        shards += [record["case"] for record in records(tmp_path / shard[0])]
    assert len(shards) == len(set(shards)) == 7
    assert convsuite("run", cases, "--engine", RIGHT, "--out", "c", "--form", "literal").returncode == 2


def test_seed_draws_other_data(convsuite, tmp_path):
    engine = tmp_path / "echo.py"
    engine.write_text(
        "class Echo:\n    def run(self, case, arrays):\n        raise RuntimeError(arrays['input'].tolist())\n"
    )
    file = tmp_path / "one.yaml"
    file.write_text("cases: [{id: one, op: conv, input: [1, 5, 1], kernel_size: 2, filters: 1}]")
    for out, seed in (("a", 0), ("b", 1), ("c", 0)):
        convsuite("run", file, "--engine", "echo.py:Echo", "--out", out, "--seed", seed)
    a, b, c = (records(tmp_path / out)[0]["message"] for out in "abc")
    assert a == c != b


def test_a_folder_with_a_run_is_not_written_over(convsuite, cases):
    convsuite("run", cases, "--engine", RIGHT, "--out", "out")
    again = convsuite("run", cases, "--engine", RIGHT, "--out", "out")
    assert again.returncode == 2
    assert "--resume" in again.stderr


@pytest.mark.parametrize(
    "signals", [[signal.SIGINT], pytest.param([signal.SIGTERM], marks=pytest.mark.slow), [signal.SIGKILL]]
)
def test_a_stopped_run_goes_on_where_it_was(signals, convsuite, cases, tmp_path):
    """Interrupted or killed in the middle of a hang: the records are kept, and resuming runs the rest alone."""
    unruly = f"{ENGINES / 'unruly.py'}:Hangs"
    command = [*COMMAND, "run", str(cases), "--engine", unruly, "--out", "out", "--timeout", "60"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    lines = tmp_path / "out" / "records.jsonl"
    deadline = time.monotonic() + 30
    while not (lines.exists() and lines.read_text().count("\n") == 6) and time.monotonic() < deadline:
        time.sleep(0.05)
    for number in signals:
        process.send_signal(number)
    _, said = process.communicate(timeout=20)
    if signals != [signal.SIGKILL]:
        assert process.returncode == 130, said
        assert b"--resume" in said
        assert json.loads((tmp_path / "out" / "run.json").read_text())["status"] == "interrupted"
    with lines.open("a") as file:
        file.write('{"case": "cut o')
    done = convsuite("run", "--resume", "--out", "out", "--timeout", "1")
    assert done.returncode == 1, done.stderr
    found = records(tmp_path / "out")
    assert [record["case"] for record in found[:6]] == [
        record["case"] for record in found if record["verdict"] == "exact"
    ]
    assert len(found) == 7
    assert found[6]["verdict"] == "timeout"
    assert json.loads((tmp_path / "out" / "run.json").read_text())["counts"]["records"] == 7


def test_a_run_of_other_cases_is_not_resumed(convsuite, cases):
    convsuite("run", cases, "--engine", RIGHT, "--out", "out")
    cases.write_text(cases.read_text().replace("filters: 5", "filters: 6"))
    done = convsuite("run", "--resume", "--out", "out")
    assert done.returncode == 2
    assert "resume" in done.stderr


def test_engines_run_side_by_side(convsuite, cases, tmp_path):
    done = convsuite(
        "run", cases, "--engine", RIGHT, "--engine", WRONG, "--engine", "reference", "--out", "out", "--jobs", 3
    )
    assert done.returncode == 1
    assert {record["engine"] for record in records(tmp_path / "out")} == {RIGHT, WRONG, "reference"}


def children():
    """The processes that this one has started, be they dead and not yet waited for."""
    return {pid for file in Path("/proc/self/task").glob("*/children") for pid in file.read_text().split()}


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_no_engine_is_left(convsuite, cases):
    before = children()
    convsuite("run", cases, "--engine", RIGHT, "--out", "out")
    assert children() <= before


def test_list_show_schema_and_report(convsuite, cases, tmp_path):
    assert convsuite("list", "cases", cases).stdout.splitlines()[-1] == "some::trouble"
    assert convsuite("list", "cases", cases, "--count").stdout.split() == ["7", "some", "7", "cases"]
    assert "keras-jax" in convsuite("list", "engines").stdout
    assert json.loads(convsuite("schema").stdout)["properties"]["cases"]
    convsuite("run", cases, "--engine", WRONG, "--out", "out")
    shown = convsuite("show", "out", "some::trouble").stdout
    assert "engine.run(case, arrays)" in shown
    assert "exact" in shown
    report = convsuite("report", "out", "--markdown", "-").stdout
    assert "dilation > 1" in report
    assert convsuite("report", "out", "--markdown", "page.md").returncode == 0
    assert (tmp_path / "page.md").read_text() == report


def test_no_colour_where_nobody_looks(convsuite, cases):
    done = convsuite("run", cases, "--engine", WRONG, "--out", "out")
    assert "\x1b" not in done.stderr + done.stdout


def test_what_failed_runs_again_on_the_data_on_which_it_failed(convsuite, cases, tmp_path):
    convsuite("run", cases, "--engine", WRONG, "--out", "first", "--seed", "3")
    assert convsuite("run", "--failed", "first", "--out", "second").returncode == 1
    assert json.loads((tmp_path / "second" / "run.json").read_text())["seed"] == 3


def test_a_resumed_run_is_the_same_run(convsuite, cases):
    convsuite("run", cases, "--engine", RIGHT, "--out", "out")
    for other in (["--engine", "reference"], ["--seed", "1"], ["--form", "literal"], ["--filter", "strides > 1"]):
        done = convsuite("run", "--resume", "--out", "out", *other)
        assert done.returncode == 2
        assert "same run" in done.stderr
    assert convsuite("run", cases, "--engine", RIGHT, "--resume", "--out", "out").returncode == 0


def test_two_runs_do_not_write_to_one_folder(convsuite, cases, tmp_path):
    command = [*COMMAND, "run", str(cases), "--engine", f"{ENGINES / 'unruly.py'}:Hangs", "--out", "out"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 30
        while not (tmp_path / "out" / "records.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        done = convsuite("run", "--resume", "--out", "out")
        assert done.returncode == 2
        assert "another run" in done.stderr
    finally:
        process.terminate()
        process.wait()


def test_a_full_disk_is_one_line(cases, tmp_path):
    script = f"ulimit -f 4; exec {' '.join(COMMAND[:1])} -c '{COMMAND[2]}' run {cases} --engine reference --out out"
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
