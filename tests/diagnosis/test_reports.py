"""Causes as a user meets them: in a run's summary, in `show` and in the Markdown report."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from convsuite.reports import tables

WRONG = Path(__file__).parent.parent / "engines" / "wrong.py"
CASES = """
defaults: {op: conv, input: [2, 12, 8, 3], kernel_size: 3, filters: 5}
cases:
  - id: same
    padding: same
    matrix: {strides: [2], filters: [4, 5]}
  - id: pairs
    padding: [[1, 2], [0, 1]]
  - id: valid
"""


@pytest.fixture
def convsuite(tmp_path):
    """Runs ``convsuite ARGUMENTS`` in a folder with cases.yaml."""
    (tmp_path / "cases.yaml").write_text(CASES)

    def run(*arguments):
        command = [sys.executable, "-c", "from convsuite.cli import main; main()", *map(str, arguments)]
        return subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=120, env=dict(os.environ), check=False
        )

    return run


def test_a_run_tells_the_causes_by_how_much_they_explain(convsuite):
    done = convsuite("run", "cases.yaml", "--engine", f"{WRONG}:PaddingOnTheWrongSide", "--out", "run")
    assert done.returncode == 1, done.stderr
    said = done.stderr[done.stderr.index("why they differ") :]
    assert said.index("2 × same-extra-at-begin") < said.index("1 × pads-ends-swapped")
    assert "pads ((2, 1), (1, 0)), the case says ((1, 2), (0, 1))" in said
    shown = convsuite("show", "run", "cases::pairs")
    assert "cause: pads-ends-swapped: explicit pads go to the other end of their axis" in shown.stdout
    assert "remedy: Put the zeros around the input yourself, ((1, 2), (0, 1)) before and after" in shown.stdout
    report = convsuite("report", "run", "--markdown", "-").stdout
    rows = [line for line in report.splitlines() if "same-extra-at-begin" in line or "pads-ends-swapped" in line]
    assert rows[0].startswith("| 2 (2 records new) | **same-extra-at-begin**")
    assert "Put the zeros around the input yourself" in rows[0]


@pytest.mark.slow
def test_a_run_without_diagnosis_tells_none(convsuite, tmp_path):
    done = convsuite("run", "cases.yaml", "--engine", f"{WRONG}:KernelFlipped", "--out", "run", "--no-diagnosis")
    assert done.returncode == 1, done.stderr
    assert "why they differ" not in done.stderr
    records = map(json.loads, (tmp_path / "run" / "records.jsonl").read_text().splitlines())
    assert all(record["diagnosis"] is None for record in records)
    assert "cause:" not in convsuite("show", "run", "cases::valid").stdout
    assert "by cause\n\nA cause is" not in convsuite("report", "run", "--markdown", "-").stdout


def record(case, code, engine="torch", status="known"):
    """As much of a record as the table looks at."""
    return {
        "case": case, "engine": engine, "form": "literal", "status": status, "input": [1, 5, 1], "kernel_size": [2],
        "diagnosis": None if code is None else {"code": code, "sentence": f"{code} of {case}", "remedy": ""},
    }  # fmt: skip


def test_causes_are_counted_by_cases_and_what_is_unexplained_comes_last():
    records = [
        record("a", "unexplained"), record("b", "unexplained"), record("c", "unexplained"), record("d", "mirrored"),
        record("d", "mirrored", "jax", "new"), record("e", "shifted"), record("f", "shifted"), record("g", None),
    ]  # fmt: skip
    found = tables.diagnosed(records)
    assert [(one.code, one.cases, one.records, one.new) for one in found] == [
        ("shifted", 2, 2, 0),
        ("mirrored", 1, 2, 1),
        ("unexplained", 3, 3, 0),
    ]
    assert found[1].engines == ["torch", "jax"]
    assert found[0].sentence == "shifted of e"
