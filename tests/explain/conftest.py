"""Explanations in tests: their own cache, engines that need no framework, and a whole command line."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ENGINES = Path(__file__).parent.parent / "engines"
COMMAND = [sys.executable, "-c", "from convsuite.cli import main; main()"]
RIGHT = f"{ENGINES / 'right.py'}:Right"


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of what is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "convsuite" / "explain"


@pytest.fixture
def explain(convsuite_here: Callable[..., subprocess.CompletedProcess[str]]) -> Callable[..., Ended]:
    """``convsuite explain ARGUMENTS`` in an empty folder."""

    def run(*arguments: object) -> Ended:
        ended = convsuite_here("explain", *arguments)
        return Ended(ended.returncode, ended.stdout, ended.stderr)

    return run
