"""A user's file of engines: what it adds, what it may not, and how a mistake in it is told."""

from __future__ import annotations

import json
import sys

import pytest

from convsuite.cli.commands import app
from convsuite.conformance import corpus, engines, run
from convsuite.conformance.errors import UsageError
from convsuite.conformance.process import EngineProcess, Limits

ADAPTER = """
import os


class Echo:
    def __init__(self, answer="nothing"):
        self.answer = answer

    def run(self, case, arrays):
        raise NotImplementedError(f"{self.answer} {os.environ['GREETING']}")
"""
FILE = """
# engines of mine
echo:
  adapter: adapters/echo.py:Echo
  options: {answer: "42"}
  environment: {GREETING: hello}
  interpreter: PYTHON
picky:
  adapter: reference
  tags: [trouble, other]
"""


@pytest.fixture
def folder(tmp_path):
    """A file of engines beside its adapter, away from the current folder."""
    home = tmp_path / "home"
    (home / "adapters").mkdir(parents=True)
    (home / "adapters" / "echo.py").write_text(ADAPTER)
    (home / "mine.yaml").write_text(FILE.replace("PYTHON", sys.executable))
    return home


def test_a_file_adds_engines_with_options_environment_and_interpreter(folder, small, tmp_path):
    chosen, missing = engines.choose_engines(["echo"], engines.gather(str(folder / "mine.yaml")))
    assert not missing
    run.run(corpus.load([str(small)]), chosen, tmp_path / "out", run.Options())
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()]
    assert {record["message"] for record in records} == {"NotImplementedError: 42 hello"}


def test_the_shipped_engines_remain(folder):
    assert engines.gather(str(folder / "mine.yaml")).items() >= engines.known_engines().items()
    assert "echo" not in engines.known_engines()


def test_paths_are_relative_to_the_file(folder, monkeypatch):
    monkeypatch.chdir(folder.parent)
    engine = engines.gather("home/mine.yaml")["echo"]
    assert engine.adapter == f"{folder}/adapters/echo.py:Echo"
    assert engine.interpreter == sys.executable


MISTAKES = {
    "torch: {adapter: reference}": "1: an engine of this name exists · got torch",
    "a: {adapter: reference}\na: {adapter: reference}": "2: the same key twice",
    "a:\n  adapter: reference\n  option: {}": "3: a.option: Extra inputs are not permitted",
    "a:\n  options: {}": "1: a.adapter: Field required",
    "a:\n  adapter: reference\n  environment: {N: 1}": "3: a.environment.N: Input should be a valid string · got 1",
    "a:\n  adapter: reference\n  default: maybe": "3: a.default: Input should be a valid boolean",
    "a:\n  adapter: torhc": "2: no such adapter · got torhc · expected torch,",
    "a:\n  adapter: echo.py:Echo": "2: an adapter file cannot be read",
    "two words: {adapter: reference}": "1: not a name for an engine · got 'two words'",
    "- torch": "1: the file: Input should be a valid dictionary",
    "a: [": "not YAML",
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_is_told_with_its_line(text, tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text(text)
    with pytest.raises(UsageError) as error:
        engines.gather(str(file))
    assert str(error.value).startswith(f"{file}:")
    assert MISTAKES[text] in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        engines.gather(str(tmp_path / "none.yaml"))


def test_an_engine_with_tags_is_spared_shipped_cases_without_them(folder, tmp_path):
    """Of the user's own files it runs everything, and what it was spared is counted."""
    engine = engines.gather(str(folder / "mine.yaml"))["picky"]
    shipped = corpus.load(["conv1d/digits"])
    own = tmp_path / "own.yaml"
    own.write_text("cases: [{id: mine, op: conv, input: [1, 5, 1], kernel_size: 2, filters: 1}]")
    entries = [*shipped, *corpus.load([str(own)])]
    summary = run.run(entries, [engine], tmp_path / "spared", run.Options(spare=True))
    assert (summary.records, summary.spared) == (1, {"picky": len(shipped)})
    assert json.loads((tmp_path / "spared" / "run.json").read_text())["spared"] == {"picky": len(shipped)}
    summary = run.run(entries, [engine], tmp_path / "all", run.Options())
    assert (summary.records, summary.spared) == (len(entries), {})


def test_an_engine_that_is_spared_everything_says_so(folder, tmp_path):
    engine = engines.gather(str(folder / "mine.yaml"))["picky"]
    with pytest.raises(UsageError, match=r"nothing could run.*picky: spared all of \d+ cases"):
        run.run(corpus.load(["conv1d/digits"]), [engine], tmp_path / "out", run.Options(spare=True))


def test_an_adapter_that_hangs_while_it_is_imported(tmp_path):
    file = tmp_path / "hangs.py"
    file.write_text("import time\nprint('loading', flush=True)\ntime.sleep(60)\nclass Engine: ...")
    chosen, _ = engines.choose_engines([f"{file}:Engine"])
    process = EngineProcess(chosen[0], Limits(start=1.0))
    try:
        with pytest.raises(UsageError, match=r"does not start.*not ready after 1 s.*--start-timeout.*loading"):
            process.start()
    finally:
        process.close()


@pytest.fixture
def convsuite(monkeypatch, capsys):
    """The command line in this process: its status and what it prints to standard output and to standard error."""

    def call(*arguments, folder):
        monkeypatch.chdir(folder)
        status = app.main([str(argument) for argument in arguments], standalone_mode=False)
        return status or 0, *capsys.readouterr()

    return call


def test_the_command_line_knows_the_files_engines(convsuite, folder, small):
    assert "echo" in convsuite("list", "engines", "--engines", "mine.yaml", folder=folder)[1]
    run_it = ("run", small, "--engines", "mine.yaml", "--engine", "echo", "--out", "out", "--fail-on", "never")
    assert convsuite(*run_it, folder=folder)[0] == 0
    with pytest.raises(UsageError, match="unknown engine"):
        convsuite("run", small, "--engine", "echo", folder=folder)


def test_a_run_goes_on_with_the_files_engines_from_any_folder(convsuite, folder, small):
    out = folder / "out"
    convsuite("run", small, "--engines", "mine.yaml", "--engine", "echo", "--out", out, folder=folder)
    lines = (out / "records.jsonl").read_text().splitlines()
    (out / "records.jsonl").write_text("\n".join(lines[:1]) + "\n")
    assert json.loads((out / "run.json").read_text())["asked"]["engines_file"] == str(folder / "mine.yaml")
    convsuite("run", "--resume", "--out", out, folder=folder.parent)
    assert len((out / "records.jsonl").read_text().splitlines()) == len(lines) == 3


@pytest.mark.parametrize(
    ("chosen", "spared"),
    [
        (["conv1d/digits"], True),
        (["conv1d/digits::same-stride-2"], False),
        (["conv1d/digits", "--filter", "strides == 2"], False),
        (["conv1d/digits", "--shard", "1/2"], True),
    ],
)
def test_cases_that_are_chosen_singly_are_run_by_every_engine(chosen, spared, convsuite, folder):
    run_it = ("run", *chosen, "--engines", "mine.yaml", "--engine", "picky", "--engine", "reference", "--out", "out")
    status, _, said = convsuite(*run_it, folder=folder)
    records = [json.loads(line) for line in (folder / "out" / "records.jsonl").read_text().splitlines()]
    assert status == 0
    assert ("picky" in {record["engine"] for record in records}) != spared
    assert ("picky was spared" in said) == spared
