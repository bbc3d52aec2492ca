"""`convsuite repro` as somebody uses it who has never seen it."""

from __future__ import annotations

import shutil
import sys
from typing import NamedTuple

import pytest


class Said(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def repro(toys, monkeypatch, capfd):
    """Runs ``convsuite repro RUN ARGUMENTS`` here; RUN is that of the toys."""
    from convsuite.cli import main

    def run(*arguments: object, folder=toys.folder) -> Said:
        monkeypatch.setattr(sys, "argv", ["convsuite", "repro", str(folder), *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        return Said(int(left.value.code or 0), *capfd.readouterr())

    return run


def test_the_script_is_what_stands_on_standard_output(repro, plainly):
    said = repro("toys::shape")
    assert (said.status, said.err) == (0, "")
    assert plainly(said.out).returncode == 1


def test_the_text_of_an_issue_holds_the_script(repro):
    script, issue = repro("toys::shape").out, repro("toys::shape", "--issue").out
    assert issue.startswith("# toylib.conv1d: shape (2, 5, 4) instead of (2, 6, 4)")
    assert script.strip() in issue


def test_executed_it_shows_what_it_prints_and_has_its_status(repro):
    said = repro("toys::shape", "--run")
    assert said.status == 1
    assert said.out == "shape: got (2, 5, 4), expected (2, 6, 4)\n"
    assert "the discrepancy lives" in said.err


def test_all_of_them_are_written_and_executed(repro, monkeypatch, tmp_path):
    monkeypatch.setattr("convsuite.reports.reproducers.scripts.PATIENCE", 3)
    said = repro("--all", "--out", tmp_path / "out", "--run", "--form", "equivalent")
    assert said.status == 1
    scripts = sorted((tmp_path / "out").glob("*.py"))
    assert [file.with_suffix(".md").exists() for file in scripts] == [True] * len(scripts)
    verdicts = ("accepted", "crash", "differs", "dtype", "shape", "timeout", "unstable", "unsupported")
    for verdict in verdicts:
        assert any(verdict in file.name for file in scripts), verdict
    lines = [line for line in said.out.splitlines() if line.startswith(("lives", "gone", "broken"))]
    assert len(lines) == len(scripts)
    assert {line.split()[0] for line in lines} == {"lives"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "give a CASE, or --all"),
        (("toys::shape", "--all", "--out", "x"), "give a CASE, or --all"),
        (("--all",), "--all needs --out DIR, or --run"),
        (("--all", "--issue", "--out", "x"), "leave --issue out"),
        (("toys::shap",), "no record of this case in the run · got toys::shap · expected toys::shape"),
        (("toys::shape", "--engine", "jaxx"), "no record of this case by this engine in this form · got jaxx"),
        (("toys::shape", "--form", "literal"), "got literal · expected one of "),
        (("toys::right",), "nothing is wrong here · got "),
        (("toys::ported", "--form", "equivalent"), "nothing is wrong here"),
        (("--all", "--engine", "jax", "--run"), "nothing is wrong in this run · got 0 records"),
        (("toys::shape", "--form", "both"), "'both' is not one of"),
    ],
)
def test_a_mistake_is_told_in_a_line(repro, arguments, words):
    said = repro(*arguments)
    assert said.status == 2
    assert words in said.err
    assert "Traceback" not in said.err
    assert not said.out


def test_a_folder_that_is_no_run_or_has_no_records_is_told(repro, toys, tmp_path):
    assert "no run is there" in repro("x", folder=tmp_path).err
    shutil.copy(toys.folder / "run.json", tmp_path)
    assert repro("--all", "--run", folder=tmp_path).status == 2
    assert "no record of this case" in repro("toys::shape", folder=tmp_path).err


def test_a_folder_that_cannot_be_written_is_told(repro, tmp_path):
    (tmp_path / "file").write_text("")
    said = repro("--all", "--out", tmp_path / "file" / "out")
    assert said.status == 2
    assert "reproducers cannot be written" in said.err
