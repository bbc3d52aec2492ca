"""Every command and every file of the README, as written, in an empty folder."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from convsuite.conformance import engines

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STATUS = re.compile(r"# ends with status (\d)")
BLOCKS: list[tuple[str, str]] = BLOCK.findall((ROOT / "README.md").read_text())
NEEDED = ("torch", "tensorflow")


def test_there_is_something_to_try():
    assert {"sh", "yaml", "python"} <= {language for language, _ in BLOCKS}


@pytest.mark.slow
@pytest.mark.frameworks
@pytest.mark.skipif(
    any(engines.known_engines()[name].missing for name in NEEDED), reason=f"the README uses {', '.join(NEEDED)}"
)
def test_the_commands_do_what_the_readme_says(tmp_path):
    """In the order of the page: files are written, commands end with their status, code runs."""
    (tmp_path / "convsuite").write_text(f'#!/bin/sh\nexec {sys.executable} -m convsuite.cli "$@"\n')
    (tmp_path / "convsuite").chmod(0o755)
    path = f"{tmp_path}:{Path(sys.executable).parent}:{os.environ['PATH']}"  # `python` has the frameworks
    environment = {**os.environ, "PATH": path}
    for language, text in BLOCKS:
        named = re.match(r"# (\S+\.\w+)\n", text)
        if named:
            (tmp_path / named[1]).write_text(text)
        elif language == "python":
            subprocess.run([sys.executable, "-c", text], check=True, timeout=60)
        elif language == "sh":
            for line in text.splitlines():
                _try(line, tmp_path, environment)


def _try(line: str, folder: Path, environment: dict[str, str]) -> None:
    if line.startswith("make "):  # the recipe exists; running it here would run this very test
        subprocess.run(["make", "-n", *line.split()[1:]], cwd=ROOT, check=True, capture_output=True)
        return
    wanted = STATUS.search(line)
    done = subprocess.run(
        ["sh", "-c", line], cwd=folder, env=environment, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == (int(wanted[1]) if wanted else 0), f"{line}\n{done.stdout}{done.stderr}"
