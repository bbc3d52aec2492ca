"""Runs to reproduce from, and scripts executed by a plain Python that cannot import convsuite."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from convsuite.conformance import corpus, engines, run, store
from convsuite.conformance.process import Limits

HERE = Path(__file__).parent
PLAIN = """
import runpy, sys
sys.modules["convsuite"] = None
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""

TOY = f"{HERE / 'toy.py'}:Toy"
CASES = """
defaults: {op: conv, input: [2, 7, 3], kernel_size: 2, filters: 4}
cases:
  - {id: differs, tags: [differs]}
  - {id: large, tags: [differs], input: [2, 300, 3]}
  - {id: huge, tags: [differs], input: [1, 3000, 3], kernel_size: 90, use_bias: true}
  - {id: first, tags: [differs], data_format: channels_first, strides: 2, input: [2, 40, 3]}
  - {id: special, tags: [differs], data: special, input: [1, 30, 3]}
  - {id: integers, tags: [differs], dtype: int8, data: full_range, input: [1, 30, 3]}
  - {id: brain, tags: [differs], dtype: bfloat16, input: [1, 30, 3]}
  - {id: overflow, tags: [differs], data: overflow}
  - {id: imprecise, tags: [imprecise], data: normal, input: [2, 20, 3]}
  - {id: imprecise-few, tags: [imprecise], data: normal, use_bias: true}
  - {id: half, tags: [half], data: normal, input: [2, 200, 8], filters: 8}
  - id: digits
    tags: [differs]
    input: [1, 5, 1]
    filters: 1
    data: {input: [[[1], [2], [3], [4], [5]]], kernel: [[[1]], [[10]]]}
  - {id: shape, tags: [shape]}
  - {id: shape-first, tags: [shape], data_format: channels_first}
  - {id: dtype, tags: [dtype]}
  - {id: unsupported, tags: [unsupported]}
  - {id: accepted, tags: [accepted], strides: 0, expect: error}
  - {id: unstable, tags: [unstable]}
  - {id: crash, tags: [crash]}
  - {id: exit, tags: [exit]}
  - {id: timeout, tags: [timeout]}
  - {id: memory, tags: [memory]}
  - {id: ported, tags: [ported]}
  - {id: batch, tags: [batch], law: batch, use_bias: true}
  - {id: batch-normal, tags: [batch], law: batch, data: normal}
  - {id: right}
"""


class Run(NamedTuple):
    """A run's folder, read."""

    folder: Path
    said: dict[str, Any]
    records: list[dict[str, Any]]

    def one(self, case: str, engine: str | None = None, form: str = "equivalent") -> dict[str, Any]:
        """The record whose id ends so."""
        found = [
            record
            for record in self.records
            if record["case"].endswith(case) and engine in (None, record["engine"]) and record["form"] == form
        ]
        assert len(found) == 1, (case, engine, form, [record["case"] for record in found])
        return found[0]


@pytest.fixture(scope="session")
def run_cases() -> Callable[..., Run]:
    """Runs cases on engines, and reads what is in the folder then."""

    def run_them(folder: Path, cases: list[str], names: list[str], *, seed: int = 0, **limits: Any) -> Run:
        chosen, missing = engines.choose_engines(names)
        options = run.Options(limits=Limits(**{"seconds": 30.0, **limits}), jobs=2, seed=seed)
        asked = {"cases": [case for case in cases if corpus.is_path(case)]}
        run.run(corpus.load(cases), chosen, folder, options, missing=missing, asked=asked)
        return Run(folder, store.read_run(folder), store.read_records(folder))

    return run_them


@pytest.fixture(scope="session")
def toys(tmp_path_factory: pytest.TempPathFactory, run_cases: Callable[..., Run]) -> Iterator[Run]:
    """A run in which every verdict occurs, of a framework that is all defects."""
    folder = tmp_path_factory.mktemp("toys")
    file = folder / "toys.yaml"
    file.write_text(CASES)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(HERE))  # for the processes that scripts about crashes start
        yield run_cases(folder / "run", [str(file)], [TOY], seconds=3.0, memory=1 << 30)


@pytest.fixture
def plainly(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Executes a script where convsuite cannot be imported."""

    def execute(script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "bug.py"
        file.write_text(script, encoding="utf-8")
        return subprocess.run(
            [sys.executable, "-P", "-c", PLAIN, str(file)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(HERE), **environment},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    return execute
