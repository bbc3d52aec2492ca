"""`convsuite explain` on engines that need no framework."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from convsuite.adapters.base import Words
from convsuite.adapters.layout import Layout, layout
from convsuite.cli import options
from convsuite.conformance import make_case
from convsuite.conformance.engines import known_engines
from convsuite.conformance.explaining import KEYS, Kept, Row, Told, convert
from convsuite.conformance.explaining import kept as kept_module
from convsuite.reports.explanation import of_row

from .conftest import COMMAND, ENGINES, RIGHT

CONV = ("--op", "conv", "--input", "2,9,8,3", "--kernel-size", "3,2", "--filters", "5", "--padding", "same")
SAME_EARLY = """
from convsuite import reference


class Early:
    def run(self, case, arrays):
        lo, hi = zip(*case.pads)
        return reference.conv(arrays["input"], arrays["kernel"], strides=case.strides, padding=tuple(zip(hi, lo)))
"""
TRAP = """
from convsuite.adapters.base import Program

IMPORTS = "import numpy as np\\nfrom convsuite import reference"
CALL = "y = reference.conv(input, kernel, strides={}, dilation={}, padding={!r})"


class Trap:
    def versions(self):
        return {}

    def translate(self, case, form):
        ported = form == "literal" and case.padding == "same"
        halves = (d * (k // 2) for k, d in zip(case.kernel_size, case.dilation))
        padding = tuple((half, half) for half in halves) if ported else case.padding
        return Program(IMPORTS, "", CALL.format(case.strides, case.dilation, padding), "result = y")
"""


def test_the_whole_answer_on_a_terminal(explain):
    ended = explain(*CONV, "--strides", 2, "--engine", "reference")
    assert ended.status == 0
    assert "output (2, 5, 4, 5), pads ((1, 1), (0, 0))" in ended.out
    assert "kernel in the reference's layout: (*kernel, Cin/groups, Cout) = (3, 2, 3, 5)" in ended.out
    assert "reference (convsuite" in ended.out
    assert "y = reference.conv(input, kernel, strides=(2, 2), padding='same'" in ended.out
    assert ended.err == ""


def test_a_case_by_its_id_and_out_of_a_file(explain, tmp_path):
    ended = explain("conv1d/digits::same-stride-2", "--engine", "reference")
    assert ended.status == 0
    assert "output (1, 3, 1), pads ((0, 1),)" in ended.out
    (tmp_path / "mine.yaml").write_text(
        "cases:\n"
        "  - {id: a, about: My layer, op: conv, input: [1, 5, 2], filters: 2, matrix: {kernel_size: [2, 3]}}\n"
        "  - {id: b, op: conv, input: [1, 5, 2], filters: 2, kernel_size: 1}\n"
    )
    ended = explain("mine.yaml::a[kernel_size=3]", "--engine", "reference")
    assert ended.status == 0
    assert "My layer" in ended.out
    assert explain("mine.yaml::b", "--engine", "reference").status == 0
    for name, said in (("mine.yaml", "3 cases"), ("mine.yaml::a", "2 cases"), ("mine.yaml::c", "no such case")):
        assert said in explain(name, "--engine", "reference").err


def test_blanks_after_commas_are_no_part_of_numbers(explain):
    shape = ("--input", "2, 9, 8, 3", "--kernel-size", "3 ,2", "--filters", 5, "--padding", "1:0, 0:1")
    ended = explain("--op", "conv", *shape, "--engine", "reference")
    assert (ended.status, ended.err) == (0, "")
    assert "pads ((1, 0), (0, 1))" in ended.out


def test_what_is_wrong_with_a_file_is_told_alone(explain, tmp_path):
    (tmp_path / "mine.py").write_text(SAME_EARLY)
    ended = explain(*CONV, "--engine", "reference", "--engine", "mine.py:Nope")
    assert (ended.status, ended.out) == (2, "")
    assert "has no Nope" in ended.err


def row_of(says, literal_form, equivalent, literal):
    def told(made):
        return made and Told(made[0], words=Words(made[1], "channels_last", {}), program=f"# {made[1]}")

    row = Row("one", {}, says, literal_form, told(equivalent), told(literal))
    return [block.text for block in of_row(row)]


def test_an_engine_s_own_words_stand_first_where_they_are_right():
    said = row_of("literal", "own", ("exact", "y = pieces(x)"), ("within", "y = layer(x)"))
    assert said[:2] == ["one: in its own words: within", "y = layer(x)"]
    assert said.index("y = pieces(x)") > said.index("In other words, or put together from several calls: exact")
    same = row_of("literal", "own", ("exact", "y = layer(x)"), ("exact", "y = layer(x)"))
    assert same.count("y = layer(x)") == 1
    trap = row_of("composed", "own", ("exact", "y = pieces(x)"), ("differs", "y = layer(x)"))
    assert trap[:2] == ["one: composed or in other words: exact", "y = pieces(x)"]


def test_json_holds_all_of_it(explain):
    said = explain(*CONV, "--use-bias", "--engine", "reference", "--engine", RIGHT, "--json", "-").json
    assert (said["schema_version"], said["ok"], said["missing"]) == (1, True, {})
    assert said["pads"] == [[1, 1], [0, 1]]
    assert said["output_shape"] == [2, 9, 8, 5]
    assert said["axes"][0]["formulas"][-1].endswith("= 9")
    kernel = {"axes": ["*k", "Cin/groups", "Cout"], "mirrored": False, "shape": [3, 2, 3, 5]}
    assert said["kernels"] == {"kernel": {**kernel, "from_reference": "", "to_reference": ""}}
    assert [row["engine"] for row in said["engines"]] == ["reference", RIGHT]
    for row in said["engines"]:
        assert set(row) == {"engine", "versions", "says", "literal_form", "equivalent", "literal", "kept"}
        assert (row["says"], row["literal"], row["equivalent"]["verdict"]) == ("literal", None, "exact")
        assert row["equivalent"]["program"].startswith("# imports\n")
    pairs = [(one["source"], one["target"], one["ok"]) for one in said["conversions"]]
    assert pairs == [("reference", RIGHT, True), (RIGHT, "reference", True)]


def test_a_page_is_code_and_words(explain, tmp_path):
    ended = explain(*CONV, "--engine", "reference", "--markdown", "page.md")
    text = (tmp_path / "page.md").read_text()
    assert ended.status == 0
    assert text.startswith("# conv: input 2×9×8×3")
    assert "```python\ny = reference.conv(" in text
    assert text.count("```") % 2 == 0


def test_a_wrong_engine_is_named_with_the_reason(explain, tmp_path):
    (tmp_path / "early.py").write_text(SAME_EARLY)
    ended = explain(*CONV, "--engine", "early.py:Early", "--engine", "reference")
    assert ended.status == 1
    assert "early.py:Early: cannot: differs" in ended.out
    assert "Why: " in ended.out
    assert "1 column to the left" in ended.out


def test_a_trap_is_named_with_what_it_gives_and_the_way_out(explain, tmp_path):
    """Even kernels under the port's idiom: one output too many."""
    (tmp_path / "trap.py").write_text(TRAP)
    said = explain(*CONV, "--engine", "trap.py:Trap", "--json", "-").json
    (row,) = said["engines"]
    assert (row["says"], row["literal_form"], said["ok"]) == ("composed", "own", True)
    assert (row["literal"]["verdict"], row["literal"]["diagnosis"]["code"]) == ("shape", "same-pads-half-a-kernel")
    text = explain(*CONV, "--engine", "trap.py:Trap").out
    assert "the literal spelling means something else: shape" in text
    assert "Instead: Put the zeros around the input yourself, ((1, 1), (0, 1)) before and after" in text
    odd = explain(*CONV, "--kernel-size", 3, "--engine", "trap.py:Trap", "--json", "-").json
    assert (odd["engines"][0]["says"], odd["engines"][0]["literal"]["verdict"]) == ("literal", "exact")


@pytest.mark.parametrize(("engine", "verdict"), [("Aborts", "crash"), ("ExitsQuietly", "crash"), ("Hangs", "timeout")])
def test_engines_that_die_or_hang_are_an_answer_too(explain, tmp_path, engine, verdict):
    (tmp_path / "one.yaml").write_text(
        "cases: [{id: a, tags: [trouble], op: conv, input: [1, 5, 2], kernel_size: 2, filters: 2}]"
    )
    there = f"{ENGINES / 'unruly.py'}:{engine}"
    ended = explain("one.yaml", "--engine", there, "--engine", "reference", "--timeout", 2, "--json", "-")
    rows = {row["engine"]: row for row in ended.json["engines"]}
    assert ended.status == 1
    assert rows[there]["equivalent"]["verdict"] == verdict
    assert rows["reference"]["equivalent"]["ok"]


def test_what_must_be_refused(explain):
    ended = explain(*CONV, "--strides", 0, "--expect", "error", "--engine", "reference", "--json", "-")
    assert ended.status == 0
    assert (ended.json["axes"], ended.json["pads"], ended.json["conversions"]) == ([], None, [])
    assert ended.json["engines"][0]["says"] == "refuses"
    assert "every engine has to refuse" in explain(*CONV, "--strides", 0, "--expect", "error", "--engine", RIGHT).out


def test_an_output_without_elements(explain):
    ended = explain("--op", "conv", "--input", "1,2,1", "--kernel-size", 5, "--filters", 1, "--engine", "reference")
    assert ended.status == 0
    assert "output (1, 0, 1)" in ended.out


@pytest.mark.parametrize("more", [("--wrt", "kernel"), ("--dtype", "bfloat16"), ("--data", "normal", "--wrt", "input")])
def test_gradients_and_narrow_floats(explain, more):
    ended = explain(*CONV, *more, "--engine", "reference", "--json", "-")
    assert ended.status == 0
    assert ended.json["engines"][0]["equivalent"]["ok"]


def test_every_key_of_a_computation_is_an_option():
    assert set(options.PARAMETERS) == set(KEYS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to explain"),
        (("--op", "conv", "--input", "2,9,8,3"), "--kernel-size: kernel_size is missing"),
        (("--op", "convolve", *CONV[2:]), "wrong value for --op · got 'convolve' · expected 'conv'"),
        ((*CONV, "--kernel-size", "a,2"), "wrong value for --kernel-size · got 'a,2' · expected a valid integer"),
        ((*CONV, "--kernel-size", "3,2,1"), "--kernel-size: kernel_size has 3 numbers for 2 spatial axes"),
        ((*CONV, "--padding", "1:2"), "--padding: padding has 1 pairs for 2 spatial axes"),
        ((*CONV, "--padding", "1:x,2:3"), "wrong value for --padding · got '1:x,2:3'"),
        ((*CONV, "--strides", "99999999999999999999"), "wrong value for --strides"),
        ((*CONV, "--strides", 0), "--strides: strides [0, 0] is not at least 1"),
        ((*CONV, "--groups", 2), "--groups: groups 2 does not divide the 3 input channels"),
        ((*CONV, "--depth-multiplier", 2), "--depth-multiplier: depth_multiplier has no meaning for conv"),
        ((*CONV, "--wrt", "bias"), "--wrt: conv here has no argument bias"),
        ((*CONV, "--expect", "error"), "--expect: nothing in this case is impossible"),
        ((*CONV, "--input", "2,99999,99999,3"), "--input: the input of shape"),
        (("nosuch",), "no such path and no such case"),
        (("nosuch.yaml::a",), "no such file"),
        (("conv1d/digits",), "one case is explained at a time"),
        (("conv1d/digits::same-stride-2", "--strides", 2), "a case or parameters"),
        ((*CONV, "--engine", "referense"), "unknown engine"),
        ((*CONV, "--from", "torch"), "--from and --to go together"),
        ((*CONV, "--from", "reference", "--to", "reference"), "are the same engine"),
        ((*CONV, "--from", "torch", "--to", "reference", "--engine", "reference"), "name engines that are asked"),
        ((*CONV, "--json", "-", "--markdown", "-"), "one thing goes to standard output"),
        ((*CONV, "--json", "no/such/folder.json"), "cannot be written"),
        ((*CONV, "--memory", "much", "--engine", "reference"), "--memory"),
    ],
)
def test_mistakes_are_one_line(explain, arguments, said):
    ended = explain(*arguments)
    assert ended.status == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert "Traceback" not in ended.err


def test_laws_and_checks_are_no_computations(explain, tmp_path):
    (tmp_path / "mine.yaml").write_text(
        "defaults: {input: [1, 9, 2], kernel_size: 2, filters: 2}\n"
        "cases:\n  - {id: law, law: stride, op: conv, strides: 2}\n  - {id: fine, op: conv}\n"
    )
    ended = explain("mine.yaml::law", "--engine", "reference")
    assert ended.status == 2
    part = ended.err.split("one of its parts: ")[1].split(",")[0].strip()
    assert explain(f"mine.yaml::{part.split('::')[1]}", "--engine", "reference").status == 0


def test_engines_that_are_not_installed(explain, tmp_path):
    (tmp_path / "more.yaml").write_text(
        "absent: {adapter: reference, needs: [no-such-distribution]}\n"
        "cannot-import: {adapter: 'no_such_module:Adapter'}\n"
    )
    more = ("--engines", "more.yaml")
    ended = explain(*CONV, *more, "--engine", "absent", "--engine", "reference", "--json", "-")
    assert ended.status == 0
    assert ended.json["missing"] == {"absent": "no-such-distribution"}
    assert "no engine is installed" in explain(*CONV, *more, "--engine", "absent").err
    ended = explain(*CONV, *more, "--engine", "cannot-import")
    assert (ended.status, "no_such_module" in ended.err) == (2, True)


def test_an_adapter_at_fault(explain, tmp_path):
    (tmp_path / "bad.py").write_text("class Bad:\n    pass\n")
    for engine, said in (("bad.py:Bad", "neither run"), ("bad.py:Nope", "has no Nope")):
        ended = explain(*CONV, "--engine", engine)
        assert (ended.status, said in ended.err) == (2, True)
        assert "Traceback" not in ended.err


def test_a_second_time_is_from_the_cache_and_says_so(explain, cache):
    first = explain(*CONV, "--engine", "reference", "--engine", RIGHT)
    assert "from the cache" not in first.out
    (file,) = cache.iterdir()  # what stands in a user's file may change, and is asked again
    second = explain(*CONV, "--engine", "reference", "--engine", RIGHT)
    assert second.out.count("from the cache") == 1
    said = explain(*CONV, "--engine", "reference", "--json", "-").json
    assert said["engines"][0]["kept"] == json.loads(file.read_text())["time"]
    assert "from the cache" not in explain(*CONV, "--engine", "reference", "--fresh").out
    file.write_text('{"answer": {"engine": 1}, "time": "now"}')
    assert "from the cache" not in explain(*CONV, "--engine", "reference").out


@pytest.mark.parametrize("broken", ["{", "[]", "", '{"answer": {}}', "\x00"])
def test_what_is_no_answer_is_not_found(tmp_path, broken):
    (tmp_path / "key.json").write_text(broken)
    assert Kept(tmp_path).find("key") is None
    assert Kept(tmp_path / "nowhere").find("key") is None


def test_old_answers_go(tmp_path, monkeypatch):
    monkeypatch.setattr(kept_module, "MOST_FILES", 3)
    kept = Kept(tmp_path)
    for number in range(5):
        kept.keep(f"{number}", number)
        os.utime(tmp_path / f"{number}.json", (number, number))
    assert sorted(file.stem for file in tmp_path.iterdir()) == ["2", "3", "4"]


def test_other_code_or_surroundings_are_another_question(monkeypatch):
    case = make_case(op="conv", input=[1, 5, 2], kernel_size=2, filters=2)
    engine = known_engines()["reference"]
    key = kept_module.key_of(case, engine)
    assert key == kept_module.key_of(make_case(id="x", op="conv", input=[1, 5, 2], kernel_size=2, filters=2), engine)
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "AVX2")
    assert key != kept_module.key_of(case, engine)
    monkeypatch.delenv("ONEDNN_MAX_CPU_ISA")
    monkeypatch.setattr(kept_module, "_code", lambda: "other")
    assert key != kept_module.key_of(case, engine)


def test_a_cache_that_cannot_be_written_is_none(explain, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert explain(*CONV, "--engine", "reference").status == 0


def test_an_interruption_ends_the_engines(tmp_path: Path):
    (tmp_path / "one.yaml").write_text(
        "cases: [{id: a, tags: [trouble], op: conv, input: [1, 5, 2], kernel_size: 2, filters: 2}]"
    )
    (tmp_path / "tells.py").write_text(
        "import os, time\nfrom pathlib import Path\n\n\nclass Tells:\n    def run(self, case, arrays):\n"
        "        Path('pid').write_text(str(os.getpid()))\n        time.sleep(600)\n"
    )
    arguments = ["explain", "one.yaml", "--engine", "tells.py:Tells", "--start-timeout", "300"]
    asked = subprocess.Popen([*COMMAND, *arguments], cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    pid = tmp_path / "pid"
    deadline = time.monotonic() + 100
    while not (pid.exists() and pid.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    asked.send_signal(signal.SIGINT)
    _, err = asked.communicate(timeout=60)
    assert asked.returncode == 130
    assert b"Traceback" not in err
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid.read_text()}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{pid.read_text()}").exists()


def test_help_needs_no_framework_and_names_the_options():
    said = subprocess.run(
        [sys.executable, "-X", "importtime", *COMMAND[1:], "explain", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--output-padding" in said.stdout
    assert not [name for name in ("numpy", "pydantic", "torch") if f"| {name}\n" in said.stderr.replace(" " * 2, "")]


def test_a_conversion_that_puts_an_element_elsewhere_differs(monkeypatch):
    """Even where the kernel's numbers are all the same."""
    case = make_case(op="conv", input=[1, 5, 4, 2], kernel_size=2, filters=2)
    kernels = {"kernel": layout(case, "kernel")}
    row = Row("one", {}, "literal", "same", Told("exact", words=Words("y", "channels_last", kernels)))
    assert getattr(convert(row, row), "verdict", None) == "exact"
    monkeypatch.setattr(Layout, "to", lambda *_: ".transpose((1, 0, 2, 3))")
    assert getattr(convert(row, row), "verdict", None) == "differs"
