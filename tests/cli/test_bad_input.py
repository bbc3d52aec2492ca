"""Wrong input: one clear line, status 2, no traceback, nothing half-written."""

from __future__ import annotations

import os

import pytest

from .conftest import ENGINES

RIGHT = f"{ENGINES / 'right.py'}:Right"
GOOD = "op: conv, input: [2, 9, 8, 3], kernel_size: 2, filters: 5"
TEN = "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]"
ONE_DOT = "op: conv, input: [1, 2, 1], kernel_size: 1, filters: 1"


def entry(more: str = "", common: str = GOOD) -> str:
    """A file whose only case stands on line 2, ``more`` of it on line 3."""
    return f"cases:\n  - {{id: a, {common},\n     {more}}}\n"


FILES = {
    "syntax": ("cases: [{id: a, op: conv\n", ":2:", "not YAML"),
    "empty": ("", ":1:", "empty"),
    "a list": ("- 1\n", ":1:", "mapping"),
    "no cases": ("about: nothing\n", ":1:", "cases is missing"),
    "unknown key": (entry("colour: red"), ":3:", "colour"),
    "wrong type": (entry("strides: two"), ":3:", "strides"),
    "wrong word": (entry("padding: some"), ":3:", "padding"),
    "a float": (entry("groups: 1.0"), ":3:", "groups"),
    "missing": (entry(common="op: conv, kernel_size: 2, filters: 5"), ":2:", "input is missing"),
    "stride 0": (entry("strides: 0"), ":3:", "expect: error"),
    "groups": (entry("groups: 2"), ":3:", "does not divide"),
    "rank": (entry("strides: [1, 2, 3]"), ":3:", "2 spatial axes"),
    "no meaning": (entry("depth_multiplier: 2"), ":3:", "depth_multiplier has no meaning"),
    "nothing impossible": (entry("expect: error"), ":3:", "nothing in this case is impossible"),
    "wrong shape": (entry("expect: {shape: [2, 9, 7, 5]}"), ":3:", "expect.shape"),
    "wrong values": (entry("expect: {values: [[[1]]]}"), ":3:", "expect.values"),
    "duplicate id": (entry() + f"  - {{id: a, {GOOD}}}\n", ":4:", "duplicate id"),
    "duplicate key": (entry("filters: 4"), ":3:", "twice"),
    "anchor": (f"defaults: &x {{op: conv}}\n{entry()}", ":1:", "anchors"),
    "null defaults": (f"defaults:\n{entry('strides: 0')}", ":4:", "strides"),
    "wrong defaults": (f"defaults: {{strides: 0}}\n{entry()}", ":1:", "strides"),
    "matrix key": (entry("matrix: {stride: [1]}"), ":3:", "stride"),
    "matrix value": (entry("matrix: {strides: [1,\n     x]}"), ":4:", "strides"),
    "impossible matrix": (entry("matrix: {strides: [1, 0]}"), ":3:", "strides"),
    "empty matrix": (entry("matrix: {strides: [1]}, exclude: strides == 1"), ":2:", "leaves no case"),
    "absurd matrix": (
        entry(
            f"matrix: {{strides: {TEN}, dilation: {TEN}, groups: {TEN}, filters: {TEN}, kernel_size: {TEN[:-1]}, 11]}}"
        ),
        ":3:",
        "110,000",
    ),
    "condition": (entry("matrix: {strides: [1]}, exclude: strides >"), ":3:", "strides >"),
    "code": (entry("matrix: {strides: [1]}, exclude: __import__('os')"), ":3:", "not part"),
    "unknown name": (entry("matrix: {strides: [1]}, exclude: stride > 1"), ":3:", "stride"),
    "zeros": (entry("data: {input: [[[0], [0]]], kernel: [[[1]]]}", ONE_DOT), ":3:", "prove nothing"),
    "ragged": (entry("data: {input: [[[1], [0, 2]]], kernel: [[[1]]]}", ONE_DOT), ":3:", "data.input"),
    "no array": (entry("data: {input: [[[1], [2]]]}", ONE_DOT), ":3:", "data.kernel is missing"),
    "no sample": (entry("padding: [[5, -9], [0, 0]]"), ":3:", "prove nothing"),
    "check with parameters": ("cases:\n  - {id: a, check: nonsense,\n     strides: 0}\n", ":3:", "beside check"),
    "huge": (entry(f"groups: {10**23}"), ":3:", "groups"),
    "endless": (entry(f"groups: {'9' * 5000}"), ":3:", "too long a number"),
    "too large": (entry(common="op: conv, input: [1, 2000000000, 1], kernel_size: 2, filters: 5"), ":2:", "elements"),
    "octal": (entry("strides: 010"), ":3:", "strides"),
    "a tag": (entry("strides: !int 1"), ":3:", "tag"),
    "odd key": (entry("2020-99-99: 1"), ":3:", "2020-99-99"),
    "a number as a key": (entry("1: 1"), ":3:", "a key is a word"),
    "no array of numbers": (entry("data: {input: [[[1], [2]]], kernel: x}", ONE_DOT), ":3:", "data.kernel"),
    "words in data": (entry("data: {input: [[['1'], [2]]], kernel: [[[1]]]}", ONE_DOT), ":3:", "numbers alone"),
    "too small data": (entry("data: {input: [[[1.0e-50], [0]]], kernel: [[[1]]]}", ONE_DOT), ":3:", "all zeros"),
    "key of data": (entry("data: {input: [[[1], [0]]], kern: [[[1]]]}", ONE_DOT), ":3:", "kern"),
    "key of expect": (entry("expect: {shap: [1]}"), ":3:", "one of error, shape, values"),
    "refusal with a gradient": (entry("strides: 0, wrt: input, expect: error"), ":3:", "no gradient"),
    "refusal with a shape": (entry("strides: 0, expect: {error: true, shape: [1]}"), ":3:", "neither shape"),
    "a kernel that fits": (entry("kernel_shape: [2, 2, 3, 7], expect: error"), ":3:", "fits"),
    "same twice": (entry("matrix: {strides: [1, 1]}"), ":3:", "twice"),
    "no check": ("cases:\n  - {id: a, check: nonsense}\n", ":2:", "unknown check"),
}


def complains(done, *words):
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    line = done.stderr.strip().splitlines()
    assert len(line) == 1, done.stderr
    for word in words:
        assert word in line[0]


@pytest.mark.parametrize("name", FILES)
def test_a_wrong_case_file(name, convsuite_here, tmp_path):
    text, place, word = FILES[name]
    (tmp_path / "wrong.yaml").write_text(text)
    complains(
        convsuite_here("run", "wrong.yaml", "--engine", RIGHT, "--out", "out"),
        f"wrong.yaml{place}" if place else "",
        word,
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
def test_a_wrong_adapter_file(name, convsuite_here, cases, tmp_path):
    text, word = ADAPTERS[name]
    (tmp_path / "mine.py").write_text(text)
    complains(convsuite_here("run", cases, "--engine", "mine.py:A", "--out", "out"), "mine.py", word)
    assert not (tmp_path / "out").exists()


def test_a_fault_in_translate_is_the_adapters(convsuite_here, cases, tmp_path):
    (tmp_path / "mine.py").write_text(
        "class A:\n    def versions(self): return {}\n    def translate(self, case, form):\n"
        "        if case.tags: raise KeyError('stride')\n        return None\n"
    )
    complains(convsuite_here("run", cases, "--engine", "mine.py:A", "--out", "out"), "fault of the adapter", "stride")


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
        (["some.yaml", "--engine", RIGHT, "--memory", "9999999999G"], "--memory"),
        (["some.yaml", "--engine", RIGHT, "--memory", "5I"], "--memory"),
        (["some.yaml", "--engine", RIGHT, "--out", ""], "--out"),
        (["some.yaml", "--engine", RIGHT, "--timeout", "nan"], "--timeout"),
        (["some.yaml", "--engine", RIGHT, "--shard", "4/3"], "--shard"),
        (["some.yaml", "--engine", RIGHT, "--resume"], "--out"),
        (["some.yaml", "--engine", RIGHT, "--expectations", "nowhere.yaml"], "nowhere.yaml"),
        (["--failed", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_command_line(arguments, word, convsuite_here, cases, tmp_path):
    del cases
    complains(convsuite_here("run", *arguments), word)
    assert not (tmp_path / "runs").exists()


def test_options_that_click_refuses(convsuite_here, cases):
    for arguments in (["--jobs", "0"], ["--timeout", "-1"], ["--form", "loose"], ["--seed", "x"], ["--nonsense"]):
        done = convsuite_here("run", cases, *arguments)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written(convsuite_here, cases, tmp_path):
    (tmp_path / "file").write_text("in the way")
    complains(convsuite_here("run", cases, "--engine", RIGHT, "--out", "file/out"), "cannot be written")
    complains(convsuite_here("run", cases, "--engine", RIGHT, "--out", "file"), "cannot be written")
    if os.geteuid():
        complains(convsuite_here("run", cases, "--engine", RIGHT, "--out", "/proc/out"), "cannot be written")


def test_a_broken_run_folder(convsuite_here, tmp_path):
    for command in (["report", "broken", "--markdown", "-"], ["show", "broken", "a::b"], ["expect", "broken"]):
        complains(convsuite_here(*command), "no run is there")
    (tmp_path / "broken").mkdir()
    for text, word in (("{", "not a run"), ('{"schema_version": 1}', "damaged"), ("[]", "another format")):
        (tmp_path / "broken" / "run.json").write_text(text)
        complains(convsuite_here("expect", "broken"), word)


def test_a_broken_record(convsuite_here, cases, tmp_path):
    convsuite_here("run", cases, "--engine", RIGHT, "--out", "out")
    lines = (tmp_path / "out" / "records.jsonl").read_text()
    for text in ("{}\n", "nonsense\n", "3\n"):
        (tmp_path / "out" / "records.jsonl").write_text(text + lines)
        complains(convsuite_here("report", "out", "--markdown", "-"), "records.jsonl:1:", "not a record")


def test_a_wrong_expectations_file(convsuite_here, cases, tmp_path):
    entry = "{engine: x, verdict: differs, why: because it does}"
    for text, place, word in (
        ("expectations: [{engine: x}]", ":1:", "verdict"),
        (f"expectations:\n- {entry[:-1]},\n   when: stride > 1}}", ":3:", "stride"),
        (f"expectations:\n- {entry[:-1]},\n   versions: {{torch: new}}}}", ":3:", "version"),
        (f"expectations:\n- {entry.replace('differs', 'exact')}", ":2:", "verdict"),
    ):
        (tmp_path / "known.yaml").write_text(text)
        done = convsuite_here("run", cases, "--engine", RIGHT, "--out", "out", "--expectations", "known.yaml")
        complains(done, f"known.yaml{place}", word)
    assert not (tmp_path / "out").exists()
