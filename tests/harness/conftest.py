"""A small corpus, and runs of engines over it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convsuite.conformance import corpus, engines, expectations, run
from convsuite.conformance.process import Limits

ENGINES = Path(__file__).parent.parent / "engines"
Records = list[dict[str, Any]]

SMALL = """
defaults: {op: conv, input: [2, 9, 8, 3], kernel_size: [3, 2], filters: 5}
cases:
  - id: before
  - id: trouble
    tags: [trouble]
  - id: after
"""


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three cases, of which the one in the middle is trouble."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return file


@pytest.fixture
def run_cases(tmp_path: Path) -> Callable[..., Records]:
    """Runs files of cases on one engine and returns the records."""

    def run_them(engine: str, *cases: Path | str, expect: Path | None = None, **limits: Any) -> Records:
        out = tmp_path / f"run{len(list(tmp_path.glob('run*')))}"
        chosen, missing = engines.choose_engines([engine])
        options = run.Options(limits=Limits(**{"seconds": 20.0, **limits}))
        known = expectations.read(expect) if expect else []
        entries = corpus.load([str(case) for case in cases])
        run.run(entries, chosen, out, options, expectations=known, missing=missing)
        return [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]

    return run_them


def unruly(name: str) -> str:
    """The engine of that name in tests/engines/unruly.py."""
    return f"{ENGINES / 'unruly.py'}:{name}"


def wrong(name: str) -> str:
    """The engine of that name in tests/engines/wrong.py."""
    return f"{ENGINES / 'wrong.py'}:{name}"
