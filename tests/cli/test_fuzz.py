"""`convsuite fuzz` as a user meets it: statuses, the folder, going on, being interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from .conftest import COMMAND, ENGINES

RIGHT, WRONG = f"{ENGINES / 'right.py'}:Right", f"{ENGINES / 'wrong.py'}:BiasForgotten"
ONLY = ("--filter", "op == 'conv' and wrt is None")


def test_a_right_engine_ends_with_status_0(convsuite, tmp_path):
    done = convsuite("fuzz", "--engine", RIGHT, "--budget", "2s", "--out", "out", *ONLY)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "out\n"
    assert "0 causes found" in done.stderr
    said = json.loads((tmp_path / "out" / "run.json").read_text())
    assert said["status"] == "complete"
    assert said["cases"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_wrong_engine_ends_with_status_1_and_a_case_file(convsuite):
    done = convsuite("fuzz", "--engine", WRONG, "--budget", "5s", "--out", "out", *ONLY)
    assert done.returncode == 1, done.stderr
    assert "found: " in done.stderr
    assert "use_bias true" in done.stderr
    again = convsuite("run", "out/found.yaml", "--engine", WRONG, "--out", "again")
    assert again.returncode == 1
    ids = convsuite("list", "cases", "out/found.yaml").stdout.splitlines()
    assert convsuite("show", "out", ids[0]).returncode == 0
    assert convsuite("report", "out", "--markdown", "-").returncode == 0
    more = convsuite("fuzz", "--resume", "--out", "out", "--budget", "2s")
    assert more.returncode == 1, "what was found before is found"
    assert convsuite("list", "cases", "out/found.yaml").stdout.splitlines()[: len(ids)] == ids


def test_an_interruption_keeps_what_was_found(convsuite, tmp_path):
    command = [*COMMAND, "fuzz", "--engine", WRONG, "--budget", "10m", "--out", "out", *ONLY]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={**os.environ})
    assert process.stderr is not None
    while "found: " not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "go on with: convsuite fuzz --resume --out out" in said
    assert json.loads((tmp_path / "out" / "run.json").read_text())["status"] == "interrupted"
    assert convsuite("list", "cases", "out/found.yaml").stdout.strip()


def test_a_session_that_is_killed_goes_on(convsuite, tmp_path):
    command = [*COMMAND, "fuzz", "--engine", RIGHT, "--budget", "10m", "--out", "out", *ONLY]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL)
    draws = tmp_path / "out" / "draws.jsonl"
    while not draws.exists():
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.wait()
    with draws.open("a") as file:
        file.write('{"engine": "cut o')
    done = convsuite("fuzz", "--resume", "--out", "out", "--budget", "2s")
    assert done.returncode == 0, done.stderr
    batches = [json.loads(line)["batch"] for line in draws.read_text().splitlines()]
    assert batches == list(range(len(batches)))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--budget", "soon"], "--budget is a length of time"),
        (["--budget", "0s"], "--budget is a length of time"),
        (["--engine", "torhc"], "unknown engine"),
        (["--resume"], "--resume needs --out"),
        (["--resume", "--out", "nothing"], "no run is there"),
        (["--filter", "strides >"], "condition"),
        pytest.param(
            ["--engine", RIGHT, "--filter", "rank == 7", "--out", "none"],
            "meets the condition",
            marks=pytest.mark.slow,
        ),
        (["--expectations", "nothing.yaml"], "no such expectations file"),
        (["--out", ""], "--out is empty"),
        (["--memory", "much"], "--memory is a number of bytes"),
    ],
)
def test_mistakes_are_told_in_a_line(convsuite_here, tmp_path, arguments, said):
    done = convsuite_here("fuzz", *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
def test_a_session_goes_on_as_itself_or_not_at_all(convsuite_here, cases):
    assert convsuite_here("run", cases, "--engine", RIGHT, "--out", "run").returncode == 0
    assert "not a fuzz session" in convsuite_here("fuzz", "--resume", "--out", "run").stderr
    assert convsuite_here("fuzz", "--engine", RIGHT, "--budget", "4s", "--out", "out", *ONLY).returncode == 0
    other = convsuite_here("fuzz", "--resume", "--out", "out", "--seed", "5")
    assert other.returncode == 2
    assert "a resumed session is the same session" in other.stderr
    assert "holds a run already" in convsuite_here("fuzz", "--engine", RIGHT, "--out", "out").stderr


def test_without_hypothesis_it_says_how_to_get_it(convsuite_here, monkeypatch):
    for name in [name for name in sys.modules if name.startswith(("hypothesis", "convsuite.conformance.fuzzing"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    done = convsuite_here("fuzz", "--engine", RIGHT)
    assert done.returncode == 2
    assert "pip install 'convsuite[fuzz]'" in done.stderr
