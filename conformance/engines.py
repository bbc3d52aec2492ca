"""The engines: an adapter with options, environment variables and an interpreter, under a name, as YAML files say.

The suite's own stand in engines.yaml; a user's file of the same format adds more (``--engines FILE``).
"""

from __future__ import annotations

import ast
import difflib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from importlib.metadata import PackageNotFoundError, distribution, entry_points
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from .entry import Entry
from .errors import UsageError
from .profiles import find_profile
from .schema import Strict
from .yaml_lines import Document, Place, read_yaml

ENTRY_POINTS = "convsuite.adapters"
T = TypeVar("T")

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
    tags: tuple[str, ...] = ()
    """If there are any, it runs of the shipped cases only those with one of them, unless they are chosen singly."""
    profile: str | None = None
    """The name of the wider bound under which it is judged; see `profiles`.  An adapter may name its own."""
    mode_of: str | None = None
    """The plain engine that it is a mode of: what is known of that one may show in this one as well, or not."""

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
    def of_user(self) -> bool:
        """Whether the adapter is a user's file, in which a mistake is likely."""
        return ".py:" in self.adapter

    def spares(self, entry: Entry) -> bool:
        """Whether the case is left out by default: a shipped one without a tag that the engine asks for."""
        return bool(self.tags) and entry.shipped and not set(self.tags) & set(entry.case.tags)

    @property
    def variables(self) -> dict[str, str]:
        """Environment variables that the engine's process gets besides the harness's own."""
        flags = f"{os.environ.get('XLA_FLAGS', '')} {XLA_ONE_THREAD}".strip()
        return {**ONE_THREAD, "XLA_FLAGS": flags, **QUIET, **NO_BLOCK_CACHE, **self.environment}


class AdapterFields(Strict):
    """What files say of an adapter's process; see `Engine` for what the fields mean."""

    adapter: Annotated[str, Field(min_length=1)]
    options: dict[str, Any] = Field(default_factory=dict)
    environment: dict[str, str] = Field(default_factory=dict)
    needs: list[str] = Field(default_factory=list)
    interpreter: str | None = None


class EngineFields(AdapterFields):
    """One engine of an engines file."""

    default: bool = False
    slow: bool = False
    tags: list[str] = Field(default_factory=list)
    profile: str | None = None
    mode_of: str | None = None


Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
FILE = TypeAdapter(dict[Name, EngineFields])


def cores() -> int:
    """The cores that this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def known_engines() -> dict[str, Engine]:
    """The engines that ship, by name, and those of installed distributions."""
    engines = read(Path(str(resources.files("convsuite.conformance") / "engines.yaml")))
    # adapters that other distributions bring are engines of the same name
    for name, place in _entry_points().items():
        engines.setdefault(name, Engine(name=name, adapter=place))
    return engines


def gather(file: str | None) -> dict[str, Engine]:
    """The known engines and those of a user's file.  Raises `UsageError` where one has a name that is taken."""
    return known_engines() if file is None else known_engines() | read(Path(file), taken=known_engines())


def read(file: Path, taken: Mapping[str, Engine] | None = None) -> dict[str, Engine]:
    """The engines of one file, paths in it being relative to it.  Raises `UsageError` with the line of a mistake."""
    document = read_yaml(file)
    said = validated(document, FILE, taken)
    for name, fields in said.items():
        if fields.mode_of is not None and fields.mode_of not in {*said, *(taken or {})}:
            place, names = (name, "mode_of"), ", ".join({*said, *(taken or {})} - {name})
            raise document.error(
                place, "a mode of no engine that there is", got=fields.mode_of, expected=f"one of {names}"
            )
    return {name: _made(name, fields, document, file.absolute().parent) for name, fields in said.items()}


def validated(
    document: Document, form: TypeAdapter[dict[str, T]], taken: Mapping[str, object] | None = None
) -> dict[str, T]:
    """What a file of named things says.  Raises `UsageError` for a mistake, and for a name that is ``taken``."""
    try:
        said = form.validate_python(document.value)
    except ValidationError as error:
        raise _mistake(document, error) from error
    if doubled := [name for name in said if name in (taken or {})]:
        raise document.error(doubled[:1], "an engine of this name exists", got=doubled[0], expected="another name")
    return said


def modes_of(engines: Iterable[Engine]) -> dict[str, str]:
    """By the name of each that is a mode, the plain engine's."""
    return {engine.name: engine.mode_of for engine in engines if engine.mode_of is not None}


def _mistake(document: Document, error: ValidationError) -> UsageError:
    """The first mistake that pydantic sees, at its line."""
    first = error.errors()[0]
    place: Place = tuple(first["loc"])
    if place[-1:] == ("[key]",):
        return document.error(place, "not a name for an engine", got=repr(place[0]), expected="letters, digits, ._-")
    return document.mistake(first)


def _made(name: str, fields: EngineFields, document: Document, folder: Path) -> Engine:
    """The engine of an entry; ``folder`` is its file's."""
    if fields.profile is not None:
        try:
            find_profile(fields.profile)
        except UsageError as error:
            raise document.error((name, "profile"), error.what, got=error.got, expected=error.expected) from error
    rest = fields.model_dump(include={"default", "slow", "profile", "mode_of"})
    return replace(make_engine(name, fields, document, folder), tags=tuple(fields.tags), **rest)


def make_engine(name: str, fields: AdapterFields, document: Document, folder: Path) -> Engine:
    """The engine with the adapter that an entry of a file in ``folder`` names.  Raises `UsageError`."""
    adapter, places = fields.adapter, _entry_points()
    module, separator, cls = adapter.rpartition(":")
    if adapter in places:
        adapter = places[adapter]
    elif module.endswith(".py"):
        try:
            _check_file(str(folder / module), cls, adapter)
        except UsageError as error:
            raise document.error((name, "adapter"), str(error)) from error
        adapter = f"{(folder / module).resolve()}:{cls}"
    elif not separator:
        near = difflib.get_close_matches(adapter, places, n=1)
        expected = f"{near[0] if near else ', '.join(places)}, or MODULE:CLASS, or FILE.py:CLASS"
        raise document.error((name, "adapter"), "no such adapter", got=adapter, expected=expected)
    interpreter = fields.interpreter or sys.executable
    if os.sep in interpreter:  # without one it is looked for on PATH
        interpreter = str(folder / interpreter)
    return Engine(name, adapter, fields.options, fields.environment, tuple(fields.needs), interpreter)


@cache
def _entry_points() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=ENTRY_POINTS)}


def choose_engines(
    specs: tuple[str, ...] | list[str], known: dict[str, Engine] | None = None
) -> tuple[list[Engine], dict[str, str]]:
    """The engines that are asked for, and those of them that are missing, with the distribution they lack.

    ``known``: the engines that have names, as `gather` gives them; without it those that ship.

    Raises `UsageError` for a name that is unknown, a file that cannot be an adapter, or if nothing is left to run.
    """
    known = known or known_engines()
    chosen = [find_engine(spec, known) for spec in specs] or [engine for engine in known.values() if engine.default]
    names = [engine.name for engine in chosen]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise UsageError("the same engine is asked for twice", got=", ".join(sorted(doubled)))
    missing = {engine.name: lacks for engine in chosen if (lacks := engine.missing)}
    installed = [engine for engine in chosen if engine.name not in missing]
    if not installed:
        lacking = ", ".join(f"{name} lacks {what}" for name, what in missing.items())
        raise UsageError("no engine is installed", got=lacking, expected="for example: pip install convsuite[torch]")
    return installed, missing


def find_engine(spec: str, known: Mapping[str, Engine]) -> Engine:
    """The engine of that name, or that of a ``FILE.py:CLASS``.  Raises `UsageError`."""
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
        raise UsageError(
            "an adapter file cannot be read", got=f"{spec}: {error.strerror}", expected="a Python file"
        ) from error
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise UsageError(f"an adapter file is not Python: {error}", file=path, line=line) from error
    if not name.isidentifier():
        raise UsageError("an adapter is named FILE.py:CLASS", got=spec)
