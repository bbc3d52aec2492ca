"""The harness against engines that lie, die, hang or take too much: one verdict, and the rest runs."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from convsuite.conformance import corpus, engines, run

from .conftest import unruly, wrong

linux = pytest.mark.skipif(sys.platform != "linux", reason="limits and fills are Linux's")

DEATHS = {
    "Aborts": ("crash", "SIGABRT"),
    "Segfaults": ("crash", "SIGSEGV"),
    "DividesByZero": ("crash", "SIGFPE"),
    "ExitsQuietly": ("crash", "status 0"),
    "ExitsPolitely": ("crash", "status 0"),
    "ClosesEverything": ("crash", ""),
}


@pytest.mark.parametrize("engine", DEATHS)
def test_a_death_is_a_verdict_on_one_case(engine, run_cases, small):
    before, trouble, after = run_cases(unruly(engine), small)
    verdict, said = DEATHS[engine]
    assert trouble["verdict"] == verdict
    assert said in trouble["message"]
    assert trouble["program"]  # what ran is known, although it never answered
    assert (before["verdict"], after["verdict"]) == ("exact", "exact")


def test_the_last_words_of_a_dying_engine_are_kept(run_cases, small):
    assert "last words before the abort" in run_cases(unruly("Aborts"), small)[1]["message"]


def test_an_errors_message_holds_no_place_of_this_machine(run_cases, small, tmp_path):
    (tmp_path / "told.py").write_text(
        "import numpy as np\nclass Told:\n    def run(self, case, arrays):\n        raise RuntimeError(np.__file__)\n"
    )
    for record in run_cases(f"{tmp_path / 'told.py'}:Told", small):
        assert record["message"] == "RuntimeError: numpy/__init__.py"


@pytest.mark.parametrize("engine", ["Hangs", "HangsInC"])
def test_a_hang_is_ended_after_the_time_limit(engine, run_cases, small):
    begin = time.monotonic()
    verdicts = [record["verdict"] for record in run_cases(unruly(engine), small, seconds=1.0)]
    assert verdicts == ["exact", "timeout", "exact"]
    assert time.monotonic() - begin < 20


def test_what_a_hanging_engine_has_started_dies_with_it(run_cases, small, tmp_path, monkeypatch):
    pid_file = tmp_path / "child"
    monkeypatch.setenv("CHILD_PID_FILE", str(pid_file))
    assert run_cases(unruly("LeavesAChild"), small, seconds=2.0)[1]["verdict"] == "timeout"
    time.sleep(0.2)
    status = Path(f"/proc/{pid_file.read_text()}/stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"


@linux
@pytest.mark.parametrize("engine", ["TakesMemory", "TakesMemoryBitByBit"])
def test_memory_is_limited(engine, run_cases, small):
    before, trouble, after = run_cases(unruly(engine), small, memory=300 << 20)
    assert trouble["verdict"] == "crash"
    assert "memory" in trouble["message"]
    assert (before["ok"], after["ok"]) == (True, True)


WORDS = {
    "ReturnsNothing": "shape",
    "ReturnsWords": "dtype",
    "ReturnsRagged": "dtype",
    "ReturnsRecords": "dtype",
    "RaisesUnprintably": "unsupported",
    "SpeaksOfRoom": "unsupported",
    "ReturnsFarTooMuch": "shape",
    "WrongShape": "shape",
    "WrongDtype": "dtype",
    "Varies": "unstable",
    "WritesToItsInput": "unstable",
    "Raises": "unsupported",
    "KnowsNoWay": "unsupported",
}


@pytest.mark.parametrize(
    "engine",
    [pytest.param(name, marks=[pytest.mark.slow] if name == "ReturnsFarTooMuch" else []) for name in WORDS],
)
def test_what_is_no_result_has_its_word(engine, run_cases, small):
    before, trouble, after = run_cases(unruly(engine), small)
    assert (before["verdict"], trouble["verdict"], after["verdict"]) == ("exact", WORDS[engine], "exact")
    assert not trouble["ok"]


def test_a_right_answer_in_another_byte_order_is_right(run_cases, small):
    assert {record["verdict"] for record in run_cases(unruly("ReturnsBigEndian"), small)} == {"exact"}


def test_an_engine_that_prints_for_ever_is_judged_by_its_answer(run_cases, small):
    assert {record["verdict"] for record in run_cases(unruly("TalksTooMuch"), small)} == {"exact"}


def test_a_death_between_two_cases_is_not_the_next_cases(run_cases, tmp_path):
    file = tmp_path / "slow.yaml"
    file.write_text(
        "defaults: {op: conv, input: [2, 9, 8, 3], kernel_size: [3, 2], filters: 5}\n"
        "cases: [{id: one, tags: [trouble]}, {id: two, matrix: {strides: [1, 2, 3], dilation: [1, 2, 3]}}]"
    )
    assert {record["verdict"] for record in run_cases(unruly("DiesLater"), file)} <= {"exact", "crash"}
    records = run_cases(unruly("DiesLater"), file)
    assert all(record["program"] for record in records if record["verdict"] == "crash")


def test_a_death_between_two_forms_is_not_the_next_forms(run_cases, small):
    found = [(record["form"], record["verdict"]) for record in run_cases(unruly("DiesBetweenForms"), small)]
    assert found == [("equivalent", "exact")] * 3


def test_a_crash_is_a_crash_though_a_child_holds_the_pipes(run_cases, small):
    begin = time.monotonic()
    assert run_cases(unruly("ForksAndDies"), small)[1]["verdict"] == "crash"
    assert time.monotonic() - begin < 15


def test_an_engine_that_cannot_start_again_does_not_stop_the_others(small, tmp_path, monkeypatch):
    monkeypatch.setenv("MARK_FILE", str(tmp_path / "mark"))
    chosen, _ = engines.choose_engines([unruly("DoesNotStartAgain"), unruly("Raises")])
    summary = run.run(corpus.load([str(small)]), chosen, tmp_path / "out", run.Options())
    assert list(summary.broken) == [unruly("DoesNotStartAgain")]
    assert summary.records == 2 + 3


@linux
@pytest.mark.parametrize("size", [[1, 4, 4, 1], [2, 9, 8, 3], [2, 90, 80, 3]])
def test_memory_that_was_never_written_shows(size, run_cases, tmp_path):
    """In blocks that NumPy keeps, that the C library keeps, and that the system gives afresh."""
    file = tmp_path / "unwritten.yaml"
    file.write_text(f"cases: [{{id: one, op: conv, input: {size}, kernel_size: 2, filters: 5, tags: [trouble]}}]")
    assert [record["verdict"] for record in run_cases(unruly("NeverWritten"), file)] == ["unstable"]


def test_a_refusal_is_right_where_an_error_is_due_and_an_answer_is_not(run_cases, tmp_path):
    file = tmp_path / "refuse.yaml"
    file.write_text(
        "defaults: {op: conv, input: [2, 9, 3], kernel_size: 2, filters: 5, expect: error}\n"
        "cases: [{id: stride, strides: 0}, {id: mismatch, kernel_shape: [2, 4, 5]}]"
    )
    assert {record["verdict"] for record in run_cases("reference", file)} == {"refused"}
    assert {record["verdict"] for record in run_cases(wrong("AcceptsEverything"), file)} == {"accepted"}


def test_where_nothing_fits_an_error_and_the_empty_array_are_both_right(run_cases, tmp_path):
    file = tmp_path / "empty.yaml"
    file.write_text("cases: [{id: one, op: conv, input: [2, 3, 3], kernel_size: 5, filters: 4, tags: [trouble]}]")
    assert run_cases("reference", file)[0]["verdict"] == "exact"
    assert run_cases(unruly("Raises"), file)[0]["verdict"] == "refused"
    file.write_text("cases: [{id: one, op: conv, input: [0, 8, 3], kernel_size: 5, filters: 4, tags: [trouble]}]")
    assert run_cases(unruly("Raises"), file)[0]["verdict"] == "unsupported"  # a batch of none has one answer


def test_no_process_outlives_the_run(run_cases, small):
    run_cases(unruly("Hangs"), small, seconds=1.0)
    workers = [
        entry.name
        for entry in Path("/proc").glob("[0-9]*")
        if "conformance/worker.py" in _command(entry) and f"PPid:\t{os.getpid()}" in _status(entry)
    ]
    assert workers == []


def _command(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def _status(entry: Path) -> str:
    try:
        return (entry / "status").read_text()
    except OSError:
        return ""
