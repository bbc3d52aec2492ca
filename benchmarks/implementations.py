"""What is timed: an adapter with options and variants under a name, as implementations.yaml says."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from ..adapters.case import Case
from ..conformance import engines
from ..conformance.engines import ONE_THREAD, QUIET, AdapterFields, Engine, Name
from ..conformance.errors import UsageError
from ..conformance.schema import Strict
from ..conformance.yaml_lines import read_yaml


@dataclass(frozen=True)
class Variant:
    """One way among several in which an implementation may compute a layer."""

    options: dict[str, Any] = field(default_factory=dict[str, Any])
    data_format: str | None = None
    """The order in which it is handed the input; None: as the layer says."""


@dataclass(frozen=True)
class Implementation:
    """An engine as a benchmark sees it; implementations.yaml says what the fields mean."""

    engine: Engine
    variants: dict[str, Variant]
    vendor: bool = False
    default: bool = True
    own_threads: bool = False
    most_macs: int | None = None
    winograd_tile: int | None = None

    @property
    def name(self) -> str:
        return self.engine.name

    def variables(self, threads: int) -> dict[str, str]:
        """Environment variables that its process gets besides this one's own."""
        inner = dict.fromkeys(ONE_THREAD, str(1 if self.own_threads else threads))
        # one operation at a time: more of these threads would only wait
        return {**inner, "TF_NUM_INTEROP_THREADS": "1", **QUIET, **self.engine.environment}

    def options(self, variant: str, threads: int) -> dict[str, Any]:
        """The adapter's options for a variant."""
        own = {"threads": threads} if self.own_threads else {}
        return {**self.engine.options, **self.variants[variant].options, **own}

    def formatted(self, case: Case, variant: str) -> Case:
        """The case as a variant is handed it."""
        data_format = self.variants[variant].data_format
        return case if data_format is None else replace(case, data_format=data_format)


class VariantFields(Strict):
    """A variant in a file."""

    options: dict[str, Any] = Field(default_factory=dict)
    data_format: Literal["channels_last", "channels_first"] | None = None


class ImplementationFields(AdapterFields):
    """An implementation in a file."""

    vendor: bool = False
    default: bool = True
    own_threads: bool = False
    most_macs: Annotated[int, Field(gt=0)] | None = None
    winograd_tile: Annotated[int, Field(gt=0)] | None = None
    variants: dict[Name, VariantFields] = Field(default_factory=dict)


FILE = TypeAdapter(dict[Name, ImplementationFields])


@cache
def known_implementations() -> dict[str, Implementation]:
    """The implementations that ship, by name."""
    return read(Path(str(resources.files("convsuite.benchmarks") / "implementations.yaml")))


def read(file: Path, taken: Mapping[str, Implementation] | None = None) -> dict[str, Implementation]:
    """The implementations of one file.  Raises `UsageError` with the line of a mistake; names may not be ``taken``."""
    document = read_yaml(file)
    said = engines.validated(document, FILE, taken)
    return {
        name: Implementation(
            engine=engines.make_engine(name, fields, document, file.absolute().parent),
            variants={one: Variant(**two.model_dump()) for one, two in fields.variants.items()} or {name: Variant()},
            **fields.model_dump(include={"vendor", "default", "own_threads", "most_macs", "winograd_tile"}),
        )
        for name, fields in said.items()
    }


def choose_implementations(specs: Sequence[str] = (), file: str | None = None) -> list[Implementation]:
    """Those that are asked for, by name, as an engine's name or as ``FILE.py:CLASS``; without any the default ones.

    ``file``: more of them, in the format of implementations.yaml.  Raises `UsageError`.
    """
    known = known_implementations()
    if file is not None:
        known = known | read(Path(file), taken=known)
    chosen = [_one(spec, known) for spec in specs] or [one for one in known.values() if one.default]
    names = [one.name for one in chosen]
    if doubled := {name for name in names if names.count(name) > 1}:
        raise UsageError("the same implementation is asked for twice", got=", ".join(sorted(doubled)))
    return chosen


def _one(spec: str, known: Mapping[str, Implementation]) -> Implementation:
    if spec in known:
        return known[spec]
    others = engines.known_engines()
    if spec not in others and ".py:" not in spec:
        near = difflib.get_close_matches(spec, [*known, *others])
        hint = f"{near[0]}, perhaps; " if near else ""
        expected = f"{hint}one of {', '.join(known)}, or an engine's name, or FILE.py:CLASS"
        raise UsageError("unknown implementation", got=spec, expected=expected)
    engine = engines.find_engine(spec, others)
    return Implementation(replace(engine, default=False), {spec: Variant()})
