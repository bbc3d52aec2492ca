"""The GitHub Actions example: YAML that says what it should, and commands that run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ..cli.conftest import CASES, ENGINES

WORKFLOW = Path(__file__).parent.parent.parent / "docs" / "github-actions.yml"
SPARED = ("pip install", "gh run")
"""What tests leave out: installing, and what asks GitHub."""


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    return yaml.safe_load(WORKFLOW.read_text())


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for step in job["steps"] if "run" in step and not any(word in step["run"] for word in SPARED)]


def test_it_is_a_workflow(workflow):
    assert workflow.keys() == {"name", True, "permissions", "env", "jobs"}  # YAML takes `on` for a truth
    assert workflow["jobs"]["judge"]["needs"] == "run"
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            assert step.keys() <= {"name", "run", "uses", "with", "if", "env", "continue-on-error"}


def test_its_files_are_handed_over(workflow):
    """What a step takes up was written before, under that name."""
    uploads = [step["with"] for step in workflow["jobs"]["judge"]["steps"] if "upload" in step.get("uses", "")]
    assert {one["name"] for one in uploads} == {"run", "reports"}
    assert "--name run --dir baseline" in WORKFLOW.read_text()
    script = "".join(step["run"] for step in steps(workflow["jobs"]["judge"]))
    assert all(name in script for one in uploads for name in one["path"].split())


@pytest.mark.slow
def test_its_commands_run(workflow, tmp_path):
    """On a small corpus and a wrong engine, as the shell of a runner takes them; then with the run for a baseline."""
    for name in ("right.py", "wrong.py"):
        shutil.copy(ENGINES / name, tmp_path)
    (tmp_path / "mine.yaml").write_text(CASES)
    (tmp_path / "convsuite").write_text(f'#!/bin/sh\nexec {sys.executable} -m convsuite.cli "$@"\n')
    (tmp_path / "convsuite").chmod(0o755)
    summary = tmp_path / "summary.md"
    given = {"GITHUB_STEP_SUMMARY": str(summary), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    environment = {**os.environ, **workflow["env"], **given, "ENGINE": "wrong.py:DilationDropped", "CASES": "mine.yaml"}

    def run(script: str) -> int:
        command = ["bash", "-e", "-o", "pipefail", "-c", script]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert "Traceback" not in done.stderr
        assert done.returncode in (0, 1), done.stderr
        return done.returncode

    shards = workflow["jobs"]["run"]["strategy"]["matrix"]["shard"]
    for shard in shards:
        for step in steps(workflow["jobs"]["run"]):
            assert run(re.sub(r"\$\{\{ matrix\.shard \}\}", str(shard), step["run"])) == 0
    found = [run(step["run"]) for step in steps(workflow["jobs"]["judge"])]
    assert found == [0] * (len(found) - 1) + [1]  # all but the last, which is the gate
    shutil.copytree(tmp_path / "run", tmp_path / "baseline")
    (compare,) = [step["run"] for step in steps(workflow["jobs"]["judge"]) if "convsuite compare" in step["run"]]
    assert run(compare) == 0
    said = summary.read_text()
    assert said.startswith("## convsuite: 2 new")
    assert "## convsuite: nothing new or worse" in said
    assert all((tmp_path / name).exists() for name in ("junit.xml", "report.md", "comparison.html"))
