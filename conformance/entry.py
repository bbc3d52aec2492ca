"""A case or a law where it stands in a file, and what conditions see of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..adapters.case import Case
from .porting import PORTED
from .schema import Finding

if TYPE_CHECKING:
    from .relation import Relation

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
NAMES = frozenset({*Case.__dataclass_fields__, *DERIVED, *PORTED, "family", "law"})
"""What conditions can speak of."""
NETWORKS = "networks"
"""The folder of the shipped corpus that holds networks, a file each."""


@cache
def shipped() -> Path:
    """The folder of the corpus that comes with the package."""
    return Path(str(resources.files("convsuite.cases")))


@dataclass(frozen=True)
class Entry:
    """What stands in a file: a case, or the `check` that it names, or a `law` about it; and what its author knows.

    A law's entry holds the ``parts`` that engines compute, entries of their own, and the ``relation`` between them.
    """

    case: Case
    file: str
    line: int
    about: str = ""
    source: str = ""
    expect_shape: tuple[int, ...] | None = None
    expect_values: Any = None
    check: str | None = None
    finding: Finding | None = None
    law: str | None = None
    occurs: int = 1
    """How often the layer occurs in its network."""
    relation: Relation | None = None
    parts: tuple[Entry, ...] = ()
    part_of: str | None = None
    """The id of the law whose part it is."""
    draw: Callable[[int], dict[str, np.ndarray]] | None = None
    """Makes a part's arrays from the seed of the run; None where they are the case's own."""

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def computations(self) -> tuple[Entry, ...]:
        """What engines compute for it: itself, the parts of its law, nothing for a named check."""
        return () if self.check is not None else self.parts or (self,)

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all its records."""
        return (*(part.id for part in self.parts), self.id)

    @property
    def shipped(self) -> bool:
        """Whether it belongs to the corpus that comes with the package."""
        return Path(self.file).absolute().is_relative_to(shipped())

    @property
    def layer(self) -> bool:
        """Whether it is a layer of a shipped network: of full size, and so not run unless it is asked for."""
        return self.family == NETWORKS and self.shipped

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
        if name in ("family", "law"):
            return getattr(self._entry, name)
        try:
            return PORTED[name](self._entry.case) if name in PORTED else getattr(self._entry.case, name)
        except (ValueError, ZeroDivisionError):
            return None

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)
