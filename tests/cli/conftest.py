"""The command line in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ENGINES = Path(__file__).parent.parent / "engines"
COMMAND = [sys.executable, "-c", "from convsuite.cli import main; main()"]

CASES = """
defaults: {op: conv, input: [2, 9, 8, 3], kernel_size: [3, 2], filters: 5}
cases:
  - id: sweep
    matrix: {strides: [1, 2], dilation: [1, 2], padding: [valid, same]}
    exclude: strides > 1 and dilation > 1
  - id: trouble
    tags: [trouble]
"""


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    """Seven cases in a file."""
    file = tmp_path / "some.yaml"
    file.write_text(CASES)
    return file


@pytest.fixture
def convsuite(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs ``convsuite ARGUMENTS`` in an empty folder."""

    def run(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, **environment},
            check=False,
        )

    return run
