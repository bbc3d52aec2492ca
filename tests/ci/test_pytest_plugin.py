"""`pytest --convsuite-engine …`: cases as items, judged by the harness of `convsuite run`."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import convsuite.cli.pytest_items  # pytester forgets what a run imports: once for all of them, not in each
import convsuite.conformance.diagnosis.session  # noqa: F401

from ..cli.conftest import CASES, ENGINES
from .conftest import KNOWN, WRONG

pytest_plugins = ["pytester"]

LAW = "{id: law, law: shift, op: conv, input: [1, 8, 3], kernel_size: 3, filters: 2}"
REFUSED = "{id: refused, op: conv, input: [1, 8, 3], kernel_size: 3, filters: 2, strides: 0, expect: error}"
HALF = "{id: half, op: conv, input: [1, 8, 3], kernel_size: 3, filters: 2, dtype: bfloat16, wrt: kernel}"
ONE = "cases: [{id: one, op: conv, input: [1, 8, 3], kernel_size: 3, filters: 2}]"


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A folder with engines, cases and a test of its own."""
    for name in ("right.py", "wrong.py", "unruly.py"):
        shutil.copy(ENGINES / name, pytester.path)
    (pytester.path / "some.yaml").write_text(CASES)
    pytester.makepyfile(test_own="def test_own(): pass")
    return pytester


QUICK = ("-p", "no:hypothesispytest", "-p", "no:randomly")
"""Without the plugins of others that take a second."""


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_inprocess(*QUICK, "-p", "no:cacheprovider", *arguments)


def on(engine: str, cases: str = "some.yaml") -> list[str]:
    return [f"--convsuite-engine={engine}", f"--convsuite-cases={cases}"]


def test_cases_are_items(project):
    done = run(project, *on("right.py:Right"), "-v")  # beside the folder's own
    done.assert_outcomes(passed=8)
    done.stdout.fnmatch_lines(
        [
            "convsuite: 7 cases on right.py:Right, equivalent",
            "test_own.py::test_own PASSED*",
            "convsuite::right.py:Right::some::sweep[[]strides=1,dilation=2,padding=same][[]equivalent] PASSED*",
        ]
    )


def test_a_failure_says_what_show_says(project):
    done = run(project, *on("wrong.py:DilationDropped"))
    assert done.ret == 1
    done.assert_outcomes(passed=6, failed=2)
    text = done.stdout.str()
    assert "shape: the kernel is not dilated" in text
    assert "got [2, 7, 7, 5], expected [2, 5, 6, 5]" in text
    assert "| y = engine.run(case, arrays)" in text
    assert "$ convsuite run some.yaml --engine wrong.py:DilationDropped --filter" in text
    assert "some.yaml:4" in text
    assert "Traceback" not in text
    assert "pytest_items.py" not in text  # no line of the suite's own


def test_choosing_items(project):
    """Told by what is collected, which starts no engine."""
    engine = on("wrong.py:DilationDropped")

    def chosen(*arguments: str) -> int:
        done = run(project, *arguments, "--collect-only", "-q")
        return sum(line.startswith("convsuite::") for line in done.stdout.lines)

    assert chosen(*engine) == 7
    assert chosen(*engine, "-k", "trouble") == 1
    assert chosen(*engine, "-k", "own") == 0
    assert chosen(*engine, "--convsuite-tag", "trouble") == 1
    assert chosen(*engine, "--convsuite-filter", "dilation > 1") == 2
    assert chosen(*engine, "--convsuite-form", "both") == 14
    assert chosen(*engine, "--convsuite-engine", "right.py:Right") == 14
    assert chosen(*engine, "convsuite::wrong.py:DilationDropped::some::sweep") == 6
    assert run(project, *engine, "convsuite::wrong.py:DilationDropped::nothing").ret == pytest.ExitCode.USAGE_ERROR


def test_an_item_runs_by_its_id(project):
    item = "convsuite::wrong.py:DilationDropped::some::sweep[strides=1,dilation=2,padding=same][equivalent]"
    run(project, "--convsuite-cases=some.yaml", item).assert_outcomes(failed=1)  # and no test of the folder


def test_what_failed_last_and_no_further(project):
    engine = on("wrong.py:DilationDropped")
    project.runpytest_inprocess(*QUICK, *engine, "-x").assert_outcomes(passed=3, failed=1)
    project.runpytest_inprocess(*QUICK, *engine, "--lf").assert_outcomes(failed=1, deselected=7)
    project.runpytest_inprocess(*QUICK, *engine, "--nf", "-k", "own").assert_outcomes(passed=1, deselected=7)


def test_known_is_an_expected_failure_and_vanished_is_one(project):
    (project.path / "known.yaml").write_text(KNOWN.replace(WRONG, "wrong.py:*"))
    arguments = [*on("wrong.py:DilationDropped"), "--convsuite-expectations=known.yaml"]
    done = run(project, *arguments, "-rx")
    done.assert_outcomes(passed=5, failed=2, xfailed=1)
    text = done.stdout.str()
    assert "differs: this engine leaves the dilation out, by intention" in text
    assert "vanished: exact, though it is expected to be differs" in text
    run(project, *arguments, "--runxfail").assert_outcomes(passed=5, failed=3)


def test_laws_refusals_gradients_and_bfloat16(project):
    (project.path / "more.yaml").write_text(f"cases: [{LAW}, {REFUSED}, {HALF}]")
    both = run(project, *on("reference", "more.yaml"), "test_own.py", "--convsuite-form=both", "-rs")
    both.assert_outcomes(passed=4, skipped=2)  # the reference says everything in one way; a refusal has one form
    both.stdout.fnmatch_lines(["*no literal form of its own"])


def test_a_law_that_does_not_hold(project):
    (project.path / "law.yaml").write_text(f"cases: [{LAW.replace('8, 3', '9, 2')}]")
    (project.path / "odd.py").write_text(
        "from right import Right\n"
        "class Odd(Right):\n"
        "    def compute(self, case, arrays):\n"
        "        return super().compute(case, arrays) + 1\n"
    )
    done = run(project, *on("odd.py:Odd", "law.yaml"))
    done.assert_outcomes(passed=1, failed=1)
    assert "law~" in done.stdout.str()


@pytest.mark.parametrize(
    ("engine", "said"),
    [
        ("unruly.py:Aborts", "crash: killed by SIGABRT; it printed: *last words"),
        ("unruly.py:Hangs", "timeout: no answer"),
    ],
)
def test_a_dying_engine_costs_one_item(project, engine, said):
    done = run(project, *on(engine), "--convsuite-timeout=1.5")
    done.assert_outcomes(passed=7, failed=1)
    assert re.search(said.replace("*", ".*"), done.stdout.str())


def test_a_broken_adapter_is_said_for_each_item_without_a_traceback(project):
    done = run(project, *on("wrong.py:Nowhere"))
    done.assert_outcomes(passed=1, failed=7)
    assert "has no Nowhere" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()


def test_an_engine_in_a_conftest(project):
    project.makeconftest("from right import Right\nclass Mine(Right):\n    pass\nconvsuite_engine = Mine")
    done = run(project, "--convsuite-cases=some.yaml", "-v")
    done.assert_outcomes(passed=8)
    done.stdout.fnmatch_lines(["convsuite::conftest.py:Mine::some::trouble[[]equivalent] PASSED*"])
    project.makeconftest("convsuite_engine = ['right.py:Right', 'reference']")
    header = "convsuite: 7 cases on {}, equivalent"
    named = run(project, "--convsuite-cases=some.yaml", "--collect-only")
    named.stdout.fnmatch_lines([header.format("right.py:Right, reference")])
    run(project, *on("reference"), "--collect-only").stdout.fnmatch_lines(
        [header.format("reference")]
    )  # the option wins


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (on("nope"), "unknown engine"),
        (on("nowhere.py:X"), "cannot be read"),
        (on("reference", "nothing.yaml"), "no such file or folder"),
        ([*on("reference"), "--convsuite-filter=strides >"], "invalid syntax"),
        ([*on("reference"), "--convsuite-tag=nobody"], "no case is left"),
        ([*on("reference"), "--convsuite-expectations=nothing.yaml"], "no such expectations file"),
        ([*on("reference"), "--convsuite-timeout=nan"], "no number of seconds"),
        ([*on("reference"), "--convsuite-seed=-1"], "no whole number"),
    ],
)
def test_wrong_input_is_a_line(project, arguments, said):
    done = run(project, *arguments)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert said in done.stderr.str()
    assert "Traceback" not in done.stderr.str() + done.stdout.str()


def test_pytests_own_junit_file_knows_the_verdicts(project):
    run(project, *on("wrong.py:DilationDropped"), "--junitxml=out.xml")
    assert '<property name="verdict" value="differs"' in (project.path / "out.xml").read_text()


def test_workers_of_xdist_collect_the_same_and_keep_an_engine_each(project):
    """The engine tells its process: as many as there are workers, though there are four items for each."""
    (project.path / "told.py").write_text(
        "import os, pathlib\nfrom right import Right\n"
        "class Told(Right):\n"
        "    def __init__(self):\n"
        "        (pathlib.Path(__file__).parent / f'started-{os.getpid()}').touch()\n"
    )
    done = project.runpytest_subprocess(*QUICK, *on("told.py:Told"), "-n", "2", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=8)
    started = [int(path.name.removeprefix("started-")) for path in project.path.glob("started-*")]
    assert 1 <= len(started) <= 2
    assert not [number for number in started if alive(number)]


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True


def test_an_interruption_ends_the_engines(project):
    (project.path / "hangs.py").write_text(
        "import os, pathlib, time\n"
        "class Hangs:\n"
        "    def run(self, case, arrays):\n"
        "        (pathlib.Path(__file__).parent / f'started-{os.getpid()}').touch()\n"
        "        time.sleep(600)\n"
    )
    (project.path / "one.yaml").write_text(ONE)
    command = [sys.executable, "-m", "pytest", *QUICK, *on("hangs.py:Hangs", "one.yaml"), "--convsuite-timeout=300"]
    process = subprocess.Popen(command, cwd=project.path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 60
    while not list(project.path.glob("started-*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, said.decode()
    (started,) = [int(path.name.removeprefix("started-")) for path in project.path.glob("started-*")]
    assert not alive(started)


def test_without_the_option_nothing_happens(project):
    """No item, and nothing imported but the plugin itself."""
    listing = "import sys; print('loaded', sorted(name for name in sys.modules if name.startswith('convsuite')))"
    project.makepyfile(test_own=f"def test_own():\n    {listing}\n    assert 'click' not in sys.modules")
    done = project.runpytest_subprocess("-s", "-p", "no:xdist")
    done.assert_outcomes(passed=1)
    (line,) = [line for line in done.stdout.lines if "loaded" in line]
    loaded = line[line.index("[") :]
    assert set(eval(loaded)) <= {"convsuite", "convsuite.cli", "convsuite.cli.pytest_plugin"}  # noqa: S307  our own list


@pytest.mark.frameworks
def test_a_framework_and_its_literal_form(project):
    pytest.importorskip("torch")
    arguments = ["--convsuite-engine=torch", "--convsuite-cases=conv1d/digits::same-stride-2", "--convsuite-form=both"]
    run(project, *arguments, "-v").assert_outcomes(passed=2, xfailed=1)


def test_the_plugin_is_found_by_its_entry_point():
    from importlib.metadata import entry_points

    assert [point.value for point in entry_points(group="pytest11", name="convsuite")] == [
        "convsuite.cli.pytest_plugin"
    ]
    assert (Path(__file__).parents[2] / "cli" / "pytest_plugin.py").is_file()
