"""Answers of earlier questions, kept where caches belong, so that a second look need not start the frameworks.

What an engine answered is found again only by the very same question: the case, the engine with its options and
environment, the versions, the machine, and this suite's code down to the byte.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ...adapters.case import Case
from .. import store
from ..engines import Engine

MOST_FILES = 2000
PACKAGES = ("adapters", "conformance", "reference")
"""Folders whose code decides on an answer."""


class Kept:
    """A folder of answers; ``folder`` None: nothing is kept and nothing found."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def find(self, key: str) -> tuple[Any, str] | None:
        """What was kept under a key, and when; None where there is nothing, or something else."""
        if self._folder is None:
            return None
        try:
            said = json.loads((self._folder / f"{key}.json").read_text(encoding="utf-8"))
            return said["answer"], said["time"]
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, key: str, answer: Any) -> None:
        """Keeps it if it can; a cache that cannot be written is none."""
        if self._folder is None:
            return
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            part = self._folder / f"{key}.{os.getpid()}.part"
            part.write_text(json.dumps({"answer": answer, "time": store.now()}), encoding="utf-8")
            part.replace(self._folder / f"{key}.json")  # whole or not at all
            files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime)
            for file in files[:-MOST_FILES]:
                file.unlink(missing_ok=True)


def folder() -> Path:
    """``$XDG_CACHE_HOME/convsuite/explain``, as https://specifications.freedesktop.org/basedir-spec/ has it."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "convsuite" / "explain"


def key_of(case: Case, engine: Engine) -> str:
    """What an engine's answer to a case depends on, in one word."""
    said = {
        "case": {**case.to_json(), "id": None},
        "literal": case.literal,
        "engine": [engine.adapter, engine.options, engine.variables, engine.interpreter],
        "versions": {name: _version(name) for name in (*engine.needs, "numpy")},
        "machine": store.machine(),
        "code": _code(),
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:32]


@cache
def _version(distribution: str) -> str:
    return version(distribution)


@cache
def _code() -> str:
    """A digest of the suite's own sources."""
    state, root = hashlib.sha256(), Path(__file__).resolve().parents[2]
    for package in PACKAGES:
        for file in sorted((root / package).rglob("*.py")):
            state.update(file.read_bytes())
    return state.hexdigest()
