"""Diagnoses in a run: what records hold, what they cost, and engines that die of questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convsuite.conformance import corpus, engines, run
from convsuite.conformance.process import Limits

ENGINES = Path(__file__).parent.parent / "engines"
CASES = """
defaults: {op: conv, input: [2, 9, 8, 3], kernel_size: [3, 2], filters: 5}
cases:
  - id: one
    matrix: {strides: [1, 2], padding: [same, valid]}
  - id: bad
    strides: 0
    expect: error
"""
LAW = """
defaults: {op: conv, input: [2, 12, 8, 3], kernel_size: [3, 2], filters: 5}
cases: [{id: holes, dilation: 2, padding: same, law: dilation}]
"""


@pytest.fixture
def records_of(tmp_path):
    """The records of cases on an engine of tests/engines."""

    def run_them(engine, text=CASES, **options):
        file = tmp_path / "cases.yaml"
        file.write_text(text)
        out = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        chosen, _ = engines.choose_engines([f"{ENGINES / engine.split(':')[0]}:{engine.split(':')[1]}"])
        run.run(corpus.load([str(file)]), chosen, out, run.Options(limits=Limits(seconds=20.0), **options))
        lines = (out / "records.jsonl").read_text().splitlines()
        return {(one["case"], one["form"]): one for one in map(json.loads, lines)}

    return run_them


def causes(records):
    return {one["case"]: one["diagnosis"] and one["diagnosis"]["code"] for one in records.values()}


def test_what_differs_has_a_code_a_sentence_and_a_remedy(records_of):
    records = records_of("wrong.py:PaddingOnTheWrongSide")
    differing = [one for one in records.values() if one["verdict"] in ("differs", "shape")]
    assert differing
    for one in differing:
        assert one["diagnosis"]["code"] == "same-extra-at-begin"
        assert "the case says" in one["diagnosis"]["sentence"]
        assert one["diagnosis"]["remedy"]
    assert all(one["diagnosis"] is None for one in records.values() if one not in differing)


def test_nothing_is_asked_without_diagnosis(records_of, tmp_path, monkeypatch):
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    records = records_of("asked.py:CountsQuestions", diagnose=False)
    assert {one["verdict"] for one in records.values()} >= {"differs"}
    assert all(one["diagnosis"] is None for one in records.values())
    assert not (tmp_path / "asked").exists()


def test_a_proven_cause_is_not_asked_about_again(records_of, tmp_path, monkeypatch):
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    text = CASES.replace("strides: [1, 2], padding: [same, valid]", "filters: [1, 2, 3, 4, 5, 6], padding: [same]")
    records = records_of("asked.py:CountsQuestions", text)
    assert [one["diagnosis"]["code"] for one in records.values() if one["diagnosis"]] == ["same-extra-at-begin"] * 6
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len({one.split("~")[0] for one in asked}) == 1


@pytest.mark.parametrize("engine", ["DiesWhenAsked", "RefusesToBeAsked"])
def test_an_engine_that_bears_no_question_is_unexplained_and_goes_on(records_of, engine):
    records = records_of(f"asked.py:{engine}")
    verdicts = {one["case"]: one["verdict"] for one in records.values()}
    assert len(verdicts) == 5
    assert set(verdicts.values()) == {"differs", "refused"}
    assert {cause for case, cause in causes(records).items() if verdicts[case] == "differs"} == {"unexplained"}


def test_a_relation_that_does_not_hold_has_the_cause_of_its_part(records_of):
    records = records_of("lawless.py:DilationDropped", LAW)
    assert {one["case"].split("~")[-1]: one["verdict"] for one in records.values()} == {
        "dilated": "differs",
        "stuffed": "exact",
        "cases::holes": "differs",
    }
    assert list(causes(records).values()) == ["dilation-dropped", None, "dilation-dropped"]


def test_a_run_that_is_resumed_keeps_its_diagnoses(records_of, tmp_path):
    records_of("wrong.py:KernelFlipped")
    out = next(tmp_path.glob("run*"))
    lines = (out / "records.jsonl").read_text().splitlines(keepends=True)
    (out / "records.jsonl").write_text("".join(lines[:2]) + lines[2][:40])  # killed while it wrote
    chosen, _ = engines.choose_engines([f"{ENGINES / 'wrong.py'}:KernelFlipped"])
    run.run(corpus.load([str(tmp_path / "cases.yaml")]), chosen, out, run.Options(resume=True))
    again = (out / "records.jsonl").read_text().splitlines(keepends=True)
    assert again[:2] == lines[:2]

    def told(some):
        return [(one["case"], one["verdict"], one["diagnosis"]) for one in map(json.loads, some)]

    assert told(again) == told(lines)


def test_what_the_diagnoses_took_stands_apart(records_of, tmp_path):
    records_of("wrong.py:KernelFlipped")
    seconds = json.loads((next(tmp_path.glob("run*")) / "run.json").read_text())["seconds"]
    assert seconds["diagnosis"] > 0
    records_of("right.py:Right")
    assert json.loads((tmp_path / "run1" / "run.json").read_text())["seconds"]["diagnosis"] == 0
