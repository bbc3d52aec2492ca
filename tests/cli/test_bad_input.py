"""Wrong input: one clear line, status 2, no traceback, nothing half-written."""

from __future__ import annotations

import os

import pytest

from .conftest import ENGINES

RIGHT = f"{ENGINES / 'right.py'}:Right"
GOOD = "op: conv, input: [2, 9, 8, 3], kernel_size: 2, filters: 5"

FILES = {
    "syntax": ("cases: [{id: a, op: conv\n", ":2:", "not YAML"),
    "empty": ("", ":1:", "empty"),
    "a list": ("- 1\n", ":1:", "mapping"),
    "no cases": ("about: nothing\n", ":1:", "cases is missing"),
    "unknown key": (f"cases:\n  - {{id: a, {GOOD}}}\n  - {{id: b, {GOOD},\n     colour: red}}\n", ":4:", "colour"),
    "wrong type": (f"cases:\n  - {{id: a, {GOOD}, strides: two}}\n", ":2:", "strides"),
    "wrong word": (f"cases:\n  - {{id: a, {GOOD}, padding: some}}\n", ":2:", "padding"),
    "a float": (f"cases:\n  - {{id: a, {GOOD}, groups: 1.0}}\n", ":2:", "groups"),
    "missing": ("cases:\n  - {id: a, op: conv, kernel_size: 2, filters: 5}\n", ":2:", "input is missing"),
    "stride 0": (f"cases:\n  - id: a\n    strides: 0\n    {GOOD.replace(', input', chr(10) + '    input').replace(', kernel', chr(10) + '    kernel').replace(', filters', chr(10) + '    filters')}\n", ":3:", "expect: error"),
    "groups": (f"cases:\n  - {{id: a, {GOOD}, groups: 2}}\n", ":2:", "does not divide"),
    "rank": (f"cases:\n  - {{id: a, {GOOD}, strides: [1, 2, 3]}}\n", ":2:", "2 spatial axes"),
    "no meaning": (f"cases:\n  - {{id: a, {GOOD}, depth_multiplier: 2}}\n", ":2:", "depth_multiplier has no meaning"),
    "nothing impossible": (f"cases:\n  - {{id: a, {GOOD}, expect: error}}\n", ":2:", "nothing in this case is impossible"),
    "wrong shape": (f"cases:\n  - {{id: a, {GOOD},\n     expect: {{shape: [2, 9, 7, 5]}}}}\n", ":3:", "expect.shape"),
    "duplicate id": (f"cases:\n  - {{id: a, {GOOD}}}\n  - {{id: a, {GOOD}}}\n", ":3:", "duplicate id"),
    "duplicate key": (f"cases:\n  - {{id: a, {GOOD}, filters: 4}}\n", ":2:", "twice"),
    "anchor": (f"defaults: &x {{op: conv}}\ncases:\n  - {{id: a, {GOOD}}}\n", ":1:", "anchors"),
    "matrix key": (f"cases:\n  - {{id: a, {GOOD},\n     matrix: {{stride: [1]}}}}\n", ":3:", "stride"),
    "matrix value": (f"cases:\n  - {{id: a, {GOOD},\n     matrix: {{strides: [1,\n     x]}}}}\n", ":4:", "strides"),
    "absurd matrix": (
        f"cases:\n  - id: a\n    matrix: {{{', '.join(f'{key}: [{values}]' for key, values in (('strides', '1, 2, 3, 4, 5, 6, 7, 8, 9, 10'), ('dilation', '1, 2, 3, 4, 5, 6, 7, 8, 9, 10'), ('groups', '1, 2, 3, 4, 5, 6, 7, 8, 9, 10'), ('kernel_size', '1, 2, 3, 4, 5, 6, 7, 8, 9, 10'), ('filters', '1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11')))}}}\n    op: conv\n    input: [1, 9, 1]\n",
        ":3:", "100,000",
    ),
    "condition": (f"cases:\n  - {{id: a, {GOOD}, matrix: {{strides: [1]}},\n     exclude: strides >}}\n", ":3:", "strides >"),
    "code": (f"cases:\n  - {{id: a, {GOOD}, matrix: {{strides: [1]}},\n     exclude: __import__('os')}}\n", ":3:", "not part"),
    "unknown name": (f"cases:\n  - {{id: a, {GOOD}, matrix: {{strides: [1]}},\n     exclude: stride > 1}}\n", ":3:", "stride"),
    "zeros": (f"cases:\n  - {{id: a, op: conv, input: [1, 2, 1], kernel_size: 1, filters: 1,\n     data: {{input: [[[0], [0]]], kernel: [[[1]]]}}}}\n", ":3:", "prove nothing"),
    "ragged": (f"cases:\n  - {{id: a, op: conv, input: [1, 2, 1], kernel_size: 1, filters: 1,\n     data: {{input: [[[1], [0, 2]]], kernel: [[[1]]]}}}}\n", ":3:", "data.input"),
    "no check": ("cases:\n  - {id: a, check: nonsense}\n", "", "unknown check"),
}  # fmt: skip


def complains(done, *words):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()
    assert len(line) == 1, done.stderr
    for word in words:
        assert word in line[0]


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_case_file(name, convsuite, tmp_path):
    text, place, word = FILES[name]
    (tmp_path / "wrong.yaml").write_text(text)
    complains(
        convsuite("run", "wrong.yaml", "--engine", RIGHT, "--out", "out"), f"wrong.yaml{place}" if place else "", word
    )
    assert not (tmp_path / "out").exists()


ADAPTERS = {
    "missing import": ("import no_such_framework\nclass A: pass\n", "no_such_framework"),
    "raises": ("raise RuntimeError('on import')\n", "on import"),
    "exits": ("import sys; sys.exit(0)\n", "SystemExit"),
    "syntax": ("class A:\n  def\n", "not Python"),
    "no class": ("class B: pass\n", "has no A"),
    "no run": ("class A: pass\n", "neither run"),
    "constructor": ("class A:\n    def __init__(self): raise OSError('no device')\n", "no device"),
    "dies": ("import os; os._exit(3)\n", "status 3"),
}


@pytest.mark.parametrize("name", ADAPTERS)
def test_a_wrong_adapter_file(name, convsuite, cases, tmp_path):
    text, word = ADAPTERS[name]
    (tmp_path / "mine.py").write_text(text)
    complains(convsuite("run", cases, "--engine", "mine.py:A", "--out", "out"), "mine.py", word)
    assert not (tmp_path / "out").exists()


def test_a_fault_in_translate_is_the_adapters(convsuite, cases, tmp_path):
    (tmp_path / "mine.py").write_text(
        "class A:\n    def versions(self): return {}\n    def translate(self, case, form):\n"
        "        if case.tags: raise KeyError('stride')\n        return None\n"
    )
    complains(convsuite("run", cases, "--engine", "mine.py:A", "--out", "out"), "fault of the adapter", "stride")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["nowhere.yaml"], "nowhere.yaml"),
        (["conv9d/nothing"], "conv9d/nothing"),
        (["some.yaml", "--engine", "torhc"], "torch, perhaps"),
        (["some.yaml", "--engine", "nowhere.py:A"], "nowhere.py"),
        (["some.yaml", "--engine", RIGHT, "--engine", RIGHT], "twice"),
        (["some.yaml", "--engine", RIGHT, "--filter", "strides > 100"], "no case is left"),
        (["some.yaml", "--engine", RIGHT, "--filter", "strides >"], "--filter"),
        (["some.yaml", "--engine", RIGHT, "--filter", "().__class__"], "not part of this language"),
        (["some.yaml", "--engine", RIGHT, "--tag", "nobody"], "no case is left"),
        (["some.yaml", "--engine", RIGHT, "--memory", "much"], "--memory"),
        (["some.yaml", "--engine", RIGHT, "--shard", "4/3"], "--shard"),
        (["some.yaml", "--engine", RIGHT, "--resume"], "--out"),
        (["some.yaml", "--engine", RIGHT, "--expectations", "nowhere.yaml"], "nowhere.yaml"),
        (["--failed", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_command_line(arguments, word, convsuite, cases, tmp_path):
    del cases
    complains(convsuite("run", *arguments), word)
    assert not (tmp_path / "runs").exists()


def test_options_that_click_refuses(convsuite, cases):
    for arguments in (["--jobs", "0"], ["--timeout", "-1"], ["--form", "loose"], ["--seed", "x"], ["--nonsense"]):
        done = convsuite("run", cases, *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written(convsuite, cases, tmp_path):
    (tmp_path / "file").write_text("in the way")
    complains(convsuite("run", cases, "--engine", RIGHT, "--out", "file/out"), "cannot be written")
    complains(convsuite("run", cases, "--engine", RIGHT, "--out", "file"), "cannot be written")
    if os.geteuid():
        complains(convsuite("run", cases, "--engine", RIGHT, "--out", "/proc/out"), "cannot be written")


def test_a_broken_run_folder(convsuite, tmp_path):
    for command in (["report", "broken", "--markdown", "-"], ["show", "broken", "a::b"], ["expect", "broken"]):
        complains(convsuite(*command), "no run is there")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "run.json").write_text("{")
    complains(convsuite("expect", "broken"), "not a run")


def test_a_wrong_expectations_file(convsuite, cases, tmp_path):
    entry = "{engine: x, verdict: differs, why: because it does}"
    for text, place, word in (
        ("expectations: [{engine: x}]", ":1:", "verdict"),
        (f"expectations:\n- {entry[:-1]},\n   when: stride > 1}}", ":3:", "stride"),
        (f"expectations:\n- {entry[:-1]},\n   versions: {{torch: new}}}}", ":3:", "version"),
        (f"expectations:\n- {entry.replace('differs', 'exact')}", ":2:", "verdict"),
    ):
        (tmp_path / "known.yaml").write_text(text)
        done = convsuite("run", cases, "--engine", RIGHT, "--out", "out", "--expectations", "known.yaml")
        complains(done, f"known.yaml{place}", word)
    assert not (tmp_path / "out").exists()
