"""Every kind of reproducer, end to end, on a framework that is all defects: alone, and after they are mended."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from convsuite.reports.reproducers import NoReproducer, execute, reproducer

HERE = Path(__file__).parent
TOY, OPAQUE = f"{HERE / 'toy.py'}:Toy", f"{HERE / 'toy.py'}:Opaque"
KINDS = {
    "differs": "differs", "large": "differs", "huge": "differs", "first": "differs", "special": "differs",
    "integers": "differs", "brain": "differs", "overflow": "differs", "imprecise": "differs",
    "imprecise-few": "differs", "half": "differs", "digits": "differs", "shape": "shape", "shape-first": "shape",
    "dtype": "dtype", "unsupported": "unsupported", "accepted": "accepted", "unstable": "unstable", "crash": "crash",
    "exit": "crash", "timeout": "timeout", "memory": "crash", "batch": "differs", "batch-normal": "differs",
}  # fmt: skip
"""The verdict on each."""


def made(toys, case: str, form: str = "equivalent"):
    return reproducer(toys.one(f"::{case}", form=form), toys.said, toys.records)


def quick(script: str) -> str:
    """The script with less patience."""
    return re.sub(r"timeout=\d+", "timeout=3", script)


@pytest.fixture(scope="module")
def mended(toys):
    """What every script does once the framework is mended."""
    scripts = [made(toys, case) for case in KINDS]
    fixed = [
        replace(one, script=quick(one.script), environment={**one.environment, "TOYLIB": "fixed"}) for one in scripts
    ]
    return dict(zip(KINDS, execute(fixed), strict=True))


@pytest.mark.parametrize("case", KINDS)
def test_a_script_ends_with_1_while_the_discrepancy_lives_and_with_0_when_it_is_gone(case, toys, mended, plainly):
    assert toys.one(f"::{case}")["verdict"] == KINDS[case]
    lives = plainly(quick(made(toys, case).script))
    assert lives.returncode == 1, lives.stderr
    assert "Traceback" not in lives.stderr or case == "memory"  # which is the child's
    assert mended[case].status == "gone", mended[case].output


@pytest.mark.parametrize("case", KINDS)
def test_a_script_is_short_and_says_what_it_is_about(case, toys):
    one = made(toys, case)
    lines = one.script.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 120
    assert "convsuite" not in one.script
    said = " ".join(one.script.split('"""')[1].split())
    for words in ("Expected: ", "Got: ", "(toylib 1.2.3)"):
        assert words in said
    assert one.title.startswith("toylib.conv1d: ")


@pytest.mark.parametrize("case", ["overflow", "special"])
def test_nothing_that_nobody_needs_is_made_or_said(case, toys, plainly):
    script = made(toys, case).script
    assert plainly(script).stderr == ""
    assert ("random = " in script) == ("random." in script)


def test_many_are_executed_in_one_process_and_a_death_harms_no_other(toys):
    cases = ["differs", "shape", "crash", "unstable", "batch", "digits"]
    told: list[str] = []
    ended = execute([made(toys, case) for case in cases], done=lambda one, _: told.append(one.case))
    assert [one.status for one in ended] == ["lives"] * len(cases)
    assert "elements differ" in ended[0].output
    assert len(told) == len(cases)
    # a script that kills the process it runs in, between two others
    first, killer, last = made(toys, "differs"), made(toys, "unsupported"), made(toys, "shape")
    deadly = replace(killer, script="import os; os.kill(os.getpid(), 9)")
    ended = execute([first, deadly, last])
    assert [one.status for one in ended] == ["lives", "broken", "lives"]
    assert "SIGKILL" in ended[1].output


def test_a_script_that_fails_by_itself_is_broken_and_shows_why(toys):
    one = made(toys, "differs")
    wrong = replace(one, script="import no_such_module")
    slow = replace(one, script="import time; time.sleep(60)")
    ended = execute([wrong, slow], timeout=1.0)
    assert [one.status for one in ended] == ["broken", "broken"]
    assert "no_such_module" in ended[0].output
    assert "no end within 1 s" in ended[1].output


def test_what_fits_says_the_definition_and_what_does_not_says_numbers(toys):
    assert "def definition(x, w):" in made(toys, "large").script
    assert "places = [" in made(toys, "huge").script  # a quarter of a million steps
    assert "expected = np.array(" in made(toys, "digits").script or "def definition" in made(toys, "digits").script
    assert "input = np.array([[[1], [2], [3], [4], [5]]], np.float32)" in made(toys, "digits").script
    assert "mean square error" in made(toys, "half").script


def test_the_text_of_an_issue_holds_what_a_maintainer_asks_for(toys):
    text = made(toys, "differs").text
    for words in (
        "# toylib.conv1d: wrong values",
        "**Expected:**",
        "**Got:**",
        "```python",
        "toylib 1.2.3",
        "CPU: ",
        "Python 3.",
    ):
        assert words in text
    assert "convsuite" not in text
    ported = made(toys, "ported", form="literal")
    assert ported.title.startswith("Port, not a defect: ")
    assert "The framework does what it documents" in ported.text


def test_a_port_that_is_replaced_by_its_equivalent_is_gone(toys, plainly):
    literal, equivalent = toys.one("::ported", form="literal"), toys.one("::ported")
    assert equivalent["ok"]
    mended = reproducer({**literal, "program": equivalent["program"]}, toys.said, toys.records)
    assert plainly(mended.script).returncode == 0


@pytest.mark.parametrize(
    ("case", "words"),
    [("right", "nothing is wrong"), ("batch~whole", "")],
)
def test_right_records_have_none(case, words, toys):
    if case == "right":
        with pytest.raises(NoReproducer, match=words):
            made(toys, case)
    else:  # the part of a law is an ordinary case
        assert "random" in made(toys, case).script


def test_a_run_of_another_seed_is_reproduced_on_its_own_numbers(tmp_path, run_cases, plainly):
    file = tmp_path / "seeded.yaml"
    file.write_text(
        "defaults: {op: conv, input: [2, 9, 3], kernel_size: 2, filters: 4}\n"
        "cases: [{id: one, tags: [differs]}, {id: law, law: batch, tags: [batch], use_bias: true}]"
    )
    found = run_cases(tmp_path / "run", [str(file)], [TOY], seed=7)
    for case in ("::one", "::law"):
        script = reproducer(found.one(case), found.said, found.records).script
        assert "RandomState(7)" in script
        assert plainly(script).returncode == 1
        assert plainly(script, TOYLIB="fixed").returncode == 0


OWN = """
import os


class Own:
    def __init__(self):
        self.mended = os.environ.get("OWN") == "mended"

    def run(self, case, arrays):
        defect = "" if self.mended else next(iter(case.tags), "")
        if defect == "unsupported":
            raise NotImplementedError("no stride of 2")
        if defect == "crash":
            os._exit(3)
        if defect == "dtype":
            return answer(case, arrays).astype("float64")
        return answer(case, arrays) + (defect in ("differs", "law"))


def answer(case, arrays):
    from convsuite.conformance.expected import evaluate
    from convsuite.conformance.faults.engine import channels_last, in_format

    return in_format(case, evaluate(case, channels_last(case, arrays)))
"""
OWN_CASES = """
defaults: {op: conv, input: [2, 7, 3], kernel_size: 2, filters: 4, padding: same_lower, data_format: channels_first}
cases:
  - {id: differs, tags: [differs]}
  - {id: dtype, tags: [dtype]}
  - {id: unsupported, tags: [unsupported], strides: 2}
  - {id: crash, tags: [crash], use_bias: true}
  - {id: law, tags: [law], law: linear_in_input}
"""


@pytest.fixture(scope="module")
def own(tmp_path_factory, run_cases):
    """A run of an engine in a user's file, that computes in code of its own."""
    folder = tmp_path_factory.mktemp("own engine")
    (folder / "own.py").write_text(OWN)
    (folder / "own.yaml").write_text(OWN_CASES)
    return run_cases(folder / "run", [str(folder / "own.yaml")], [f"{folder / 'own.py'}:Own"])


@pytest.mark.parametrize("case", ["differs", "dtype", "unsupported", "crash", "law"])
def test_an_engine_with_code_of_its_own_has_scripts_too(own, case, tmp_path):
    one = made(own, case)
    first, *rest = one.script.splitlines()
    assert first.startswith("# needs convsuite, and Own from ")
    assert len(rest) < 40
    assert one.title.startswith(f"{own.records[0]['engine']}: ")
    assert f"The script {first[2:]}. It ends" in one.text
    script = tmp_path / "bug.py"
    script.write_text(one.script)
    for mended, status in (("", 1), ("mended", 0)):
        done = subprocess.run(
            [sys.executable, script], env={**os.environ, "OWN": mended}, cwd=tmp_path, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr


def test_an_engine_whose_code_is_gone_has_no_script(own):
    ((name, row),) = own.said["engines"].items()
    said = {**own.said, "engines": {name: {**row, "adapter": "/nowhere/own.py:Own"}}}
    with pytest.raises(NoReproducer, match=r"not there any more: /nowhere/own\.py"):
        reproducer(own.one("::differs"), said)


def test_what_no_script_can_show_is_told(tmp_path, run_cases):
    file = tmp_path / "few.yaml"
    file.write_text("cases: [{id: one, op: conv, input: [1, 5, 1], kernel_size: 2, filters: 1}]")
    found = run_cases(tmp_path / "run", [str(file)], [OPAQUE])
    unknown = {**found.records[0], "program": None, "message": "no words"}
    with pytest.raises(NoReproducer, match="nothing was called"):
        reproducer(unknown, found.said)


def test_a_run_that_was_interrupted_has_reproducers_all_the_same(toys):
    said = {name: value for name, value in toys.said.items() if name not in ("engines", "finished")}
    one = reproducer(toys.one("::differs"), said)
    assert execute([one])[0].status == "lives"


def test_a_case_file_that_is_gone_is_told_where_it_is_needed(toys):
    said = {**toys.said, "asked": {"cases": []}}
    assert reproducer(toys.one("::differs"), said).script
    with pytest.raises(NoReproducer, match="not there any more"):
        reproducer(toys.one("::digits"), said)


def test_variables_of_the_engine_and_of_the_run_stand_in_the_script(toys):
    name = toys.records[0]["engine"]
    row = toys.said["engines"][name]
    variables = {
        **row["environment"],
        "TOY_KERNELS": 'fast "ones"',
        "XLA_FLAGS": "--x=1 --xla_cpu_multi_thread_eigen=false",
    }
    machine = {**toys.said["machine"], "environment": {"ONEDNN_MAX_CPU_ISA": "AVX2"}}
    said = {**toys.said, "engines": {name: {**row, "environment": variables}}, "machine": machine}
    one = reproducer(toys.one("::differs"), said)
    assert dict(one.environment) == {
        "TOY_KERNELS": 'fast "ones"', "XLA_FLAGS": "--x=1", "ONEDNN_MAX_CPU_ISA": "AVX2",
    }  # fmt: skip
    set_before = one.script.index("os.environ.update(") < one.script.index("import toylib")
    assert set_before
    assert "`ONEDNN_MAX_CPU_ISA=AVX2`" in one.text
