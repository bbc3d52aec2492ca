"""A case where it stands in a file, and what conditions see of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from ..adapters.case import Case
from .schema import Finding

DERIVED = (
    "rank",
    "batch",
    "spatial",
    "channels",
    "pads",
    "window",
    "full",
    "raw_sizes",
    "output_shape",
    "output_channels",
)
NAMES = frozenset({*Case.__dataclass_fields__, *DERIVED, "family"})
"""What conditions can speak of."""


@cache
def shipped() -> Path:
    """The folder of the corpus that comes with the package."""
    return Path(str(resources.files("convsuite.cases")))


@dataclass(frozen=True)
class Entry:
    """A case where it stands in a file: what it computes, or the `check` that it names, and what its author knows."""

    case: Case
    file: str
    line: int
    about: str = ""
    source: str = ""
    expect_shape: tuple[int, ...] | None = None
    expect_values: Any = None
    check: str | None = None
    finding: Finding | None = None

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def shipped(self) -> bool:
        """Whether it belongs to the corpus that comes with the package."""
        return Path(self.file).is_relative_to(shipped())

    @property
    def family(self) -> str:
        """The first folder of the id."""
        return self.id.split("::")[0].split("/")[0]

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What conditions see of it."""
        return _Values(self)


class _Values(Mapping[str, Any]):
    """A case's fields and derived values by name; None where a bad value leaves nothing to derive."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def __getitem__(self, name: str) -> Any:
        if name == "family":
            return self._entry.family
        try:
            return getattr(self._entry.case, name)
        except (ValueError, ZeroDivisionError):
            return None

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)
