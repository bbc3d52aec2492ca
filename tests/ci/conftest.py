"""A small run with something of every kind in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from convsuite.conformance import corpus, engines, expectations, run, store

from ..cli.conftest import CASES, ENGINES, cases, convsuite  # noqa: F401  the fixtures of the command line

WRONG, RIGHT, ABORTS = (
    f"{ENGINES / file}:{name}"
    for file, name in (("wrong.py", "DilationDropped"), ("right.py", "Right"), ("unruly.py", "Aborts"))
)
KNOWN = f"""
expectations:
  - engine: "{WRONG}"
    when: padding == 'same' and dilation > 1
    verdict: differs
    why: this engine leaves the dilation out, by intention
  - engine: "{WRONG}"
    when: strides > 1 and padding == 'valid'
    verdict: differs
    why: this engine once left strides out as well
"""
"""One discrepancy that is known, and one that has vanished."""


def run_cases(
    folder: Path,
    file: Path,
    *names: str,
    known: Path | None = None,
    asked: dict[str, Any] | None = None,
    **options: Any,
) -> Path:
    """A run of a file on engines, without a command line."""
    chosen, missing = engines.choose_engines(names)
    given: dict[str, Any] = {
        "cases": [str(file)], "engines": list(names), "engines_file": None, "tags": [], "filter_expression": None,
        "failed": None, "shard": None, "form": "both", "seed": 0, "expectations": known and str(known),
        "timeout": 30.0, "start_timeout": 300.0, "memory": "4G",
    }  # fmt: skip
    entries = corpus.load([str(file)])
    run.run(
        entries, chosen, folder, run.Options(**options), missing=missing, asked=given | (asked or {}),
        expectations=expectations.read(known) if known else [],
    )  # fmt: skip
    return folder


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is known of the wrong engine."""
    file = tmp_path_factory.mktemp("known") / "known.yaml"
    file.write_text(KNOWN)
    return file


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory, known: Path) -> Path:
    """Right, new, known, vanished and crashed records; not to be written to."""
    folder = tmp_path_factory.mktemp("shared")
    file = folder / "some.yaml"
    file.write_text(CASES)
    return run_cases(folder / "run", file, WRONG, ABORTS, known=known)


@pytest.fixture
def folder(shared_run: Path, tmp_path: Path) -> Path:
    """A copy of the run, to be damaged."""
    return Path(shutil.copytree(shared_run, tmp_path / "run"))


@pytest.fixture
def read(shared_run: Path) -> tuple[dict[str, Any], list[store.Record]]:
    """run.json and the records."""
    return store.read_run(shared_run), store.read_records(shared_run)
