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
from convsuite.conformance import corpus

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


def test_what_is_short_begins_with_the_verdict(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    done = run(project, *on("wrong.py:DilationDropped"), "--junitxml=out.xml")
    short = [line for line in done.stdout.lines if line.startswith("FAILED")]
    messages = re.findall('<failure message="(.*?):', (project.path / "out.xml").read_text())
    assert [line.split(" - ")[1].split(":")[0] for line in short] == messages == ["shape", "differs"]


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


@pytest.mark.slow
def test_where_other_tests_are_named_they_are_all_that_runs(project):
    """But for an option on the command line: one in a file says how to run, and not that cases are due."""
    project.makeconftest("convsuite_engine = 'right.py:Right'")
    project.makeini("[pytest]\naddopts = --convsuite-cases=some.yaml")
    trouble = "convsuite::right.py:Right::some::trouble[equivalent]"
    for arguments, number in (
        ([], 8),
        (["."], 8),
        (["test_own.py"], 1),
        (["test_own.py::test_own"], 1),
        (["test_own.py", "--convsuite-tag=trouble"], 2),
        ([trouble], 1),
    ):
        done = run(project, *arguments, "--collect-only", "-q")
        assert sum(line.startswith(("test_own.py::", "convsuite::")) for line in done.stdout.lines) == number
    for arguments, passed in (["test_own.py"], 1), ([], 8):
        done = project.runpytest_subprocess(*QUICK, *arguments, "-n", "1", "-p", "no:cacheprovider")
        done.assert_outcomes(passed=passed)


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
    assert re.search(r"\$ convsuite run .* --timeout 1\.5", done.stdout.str())


@pytest.mark.parametrize("workers", [[], pytest.param(["-n", "1"], marks=pytest.mark.slow)])
@pytest.mark.parametrize(("engine", "said"), [("Nowhere", "has no Nowhere"), ("Fails", "no device")])
def test_a_broken_adapter_is_one_mistake(project, workers, engine, said):
    with (project.path / "wrong.py").open("a") as file:
        file.write("\nclass Fails:\n    def __init__(self):\n        raise OSError('no device')\n")
    started = project.runpytest_subprocess if workers else project.runpytest_inprocess
    done = started(*QUICK, "-p", "no:cacheprovider", *on(f"wrong.py:{engine}"), *workers)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert done.stderr.str().count(said) == 1
    assert "failed" not in done.stdout.str()
    assert "Traceback" not in done.stdout.str() + done.stderr.str()


def test_an_adapter_that_is_not_to_run_is_not_started(project):
    run(project, *on("wrong.py:Nowhere"), "-k", "own").assert_outcomes(passed=1, deselected=7)


def test_layers_that_were_left_out_are_told_unless_ids_say_what_runs(project, monkeypatch):
    """Of a small corpus, the first case of which stands for a layer."""
    load, without = corpus.load, corpus.without_layers
    monkeypatch.setattr(corpus, "load", lambda _, **rest: load(["some.yaml"], **rest))
    monkeypatch.setattr(corpus, "without_layers", lambda entries, names: without(entries, names)[1:])
    engine = "--convsuite-engine=right.py:Right"
    assert "layers of networks left out: 1" in run(project, engine, "--collect-only").stderr.str()
    picked = run(project, engine, "--collect-only", "convsuite::right.py:Right::some::trouble")
    assert picked.ret == 0
    assert "left out" not in picked.stderr.str()


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


@pytest.mark.slow
def test_workers_of_xdist_collect_the_same_and_keep_an_engine_each(project):
    """The engine tells its process: one that is tried before, and as many as there are workers for four items each."""
    (project.path / "told.py").write_text(
        "import os, pathlib\nfrom right import Right\n"
        "class Told(Right):\n"
        "    def __init__(self):\n"
        "        (pathlib.Path(__file__).parent / f'started-{os.getpid()}').touch()\n"
    )
    done = project.runpytest_subprocess(*QUICK, *on("told.py:Told"), "-n", "2", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=8)
    started = [int(path.name.removeprefix("started-")) for path in project.path.glob("started-*")]
    assert 2 <= len(started) <= 3
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


@pytest.mark.slow
@pytest.mark.frameworks
def test_a_framework_and_its_literal_form(project, needs):
    needs("torch")
    arguments = ["--convsuite-engine=torch", "--convsuite-cases=conv1d/digits::same-stride-2", "--convsuite-form=both"]
    run(project, *arguments, "-v").assert_outcomes(passed=2, xfailed=1)


def test_the_plugin_is_found_by_its_entry_point():
    from importlib.metadata import entry_points

    assert [point.value for point in entry_points(group="pytest11", name="convsuite")] == [
        "convsuite.cli.pytest_plugin"
    ]
    assert (Path(__file__).parents[2] / "cli" / "pytest_plugin.py").is_file()
