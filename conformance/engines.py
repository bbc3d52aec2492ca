"""The engines: an adapter with options, environment variables and an interpreter, under a name."""

from __future__ import annotations

import ast
import difflib
import os
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Any

import yaml

from .errors import UsageError

ENTRY_POINTS = "convsuite.adapters"

ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
}
XLA_ONE_THREAD = "--xla_cpu_multi_thread_eigen=false"
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": "", "JAX_PLATFORMS": "cpu", "PYTHONWARNINGS": "ignore"}
NO_BLOCK_CACHE = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
"""glibc does not fill blocks that its per-thread cache hands out again: without the cache every block is filled."""


@dataclass(frozen=True)
class Engine:
    """A named thing that runs cases."""

    name: str
    adapter: str
    """``module:Class`` or ``path/file.py:Class``."""
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    environment: dict[str, str] = field(default_factory=dict[str, str])
    needs: tuple[str, ...] = ()
    interpreter: str = sys.executable
    default: bool = False
    slow: bool = False
    """Whether it compiles every case: then it is started first, and the others fill the time beside it."""

    @property
    def missing(self) -> str | None:
        """The first distribution that is not installed beside the suite, or None; imports nothing."""
        if self.interpreter != sys.executable:
            return None  # told when the engine starts
        for name in self.needs:
            try:
                distribution(name)
            except PackageNotFoundError:
                return name
        return None

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that the engine's process gets besides the harness's own."""
        flags = f"{os.environ.get('XLA_FLAGS', '')} {XLA_ONE_THREAD}".strip()
        return {**ONE_THREAD, "XLA_FLAGS": flags, **QUIET, **NO_BLOCK_CACHE, **self.environment}


@cache
def known_engines() -> dict[str, Engine]:
    """The engines of engines.yaml, by name."""
    text = (resources.files("convsuite.conformance") / "engines.yaml").read_text()
    places = {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}
    engines: dict[str, Engine] = {}
    written: Any = yaml.safe_load(text)
    for name, said in written.items():
        fields: dict[str, Any] = {**said, "needs": tuple(said.get("needs", ()))}
        fields["adapter"] = places.get(fields["adapter"], fields["adapter"])
        engines[name] = Engine(name=name, **fields)
    # adapters that other distributions bring are engines of the same name
    for name, value in places.items():
        engines.setdefault(name, Engine(name=name, adapter=value))
    return engines


def choose_engines(specs: tuple[str, ...] | list[str]) -> tuple[list[Engine], dict[str, str]]:
    """The engines that are asked for, and those of them that are missing, with the distribution they lack.

    Raises `UsageError` for a name that is unknown, a file that cannot be an adapter, or if nothing is left to run.
    """
    known = known_engines()
    chosen = [_one(spec, known) for spec in specs] or [engine for engine in known.values() if engine.default]
    names = [engine.name for engine in chosen]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise UsageError("the same engine is asked for twice", got=", ".join(sorted(doubled)))
    missing = {engine.name: lacks for engine in chosen if (lacks := engine.missing)}
    installed = [engine for engine in chosen if engine.name not in missing]
    if not installed:
        lacking = ", ".join(f"{name} lacks {what}" for name, what in missing.items())
        raise UsageError("no engine is installed", got=lacking, expected="for example: pip install convsuite[torch]")
    return installed, missing


def _one(spec: str, known: dict[str, Engine]) -> Engine:
    if spec in known:
        return known[spec]
    path, separator, name = spec.rpartition(":")
    if separator and path.endswith(".py"):
        _check_file(path, name, spec)
        return Engine(name=spec, adapter=f"{Path(path).resolve()}:{name}")
    near = difflib.get_close_matches(spec, known)
    hint = f"{near[0]}, perhaps; " if near else ""
    raise UsageError("unknown engine", got=spec, expected=f"{hint}one of {', '.join(known)}, or FILE.py:CLASS")


def _check_file(path: str, name: str, spec: str) -> None:
    try:
        ast.parse(Path(path).read_text(), path)
    except OSError as error:
        raise UsageError("an adapter file cannot be read", got=spec, expected=error.strerror) from error
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UsageError(f"an adapter file is not Python: {error}", file=path, line=line) from error
    if not name.isidentifier():
        raise UsageError("an adapter is named FILE.py:CLASS", got=spec)
