"""Which combinations of parameter values some case has, and which none has."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

from ..entry import Entry
from .model import FAMILIES, Family, Level, level_of

Combination = frozenset[tuple[str, Level]]
STRENGTHS = (1, 2, 3)


@dataclass(frozen=True)
class Coverage:
    """Of one family at one strength: how many valid combinations there are, and those that no case has."""

    family: Family
    strength: int
    valid: int
    missing: tuple[Combination, ...]

    @property
    def percent(self) -> float:
        """Rounded down to a tenth, so that 100 means all."""
        return (self.valid - len(self.missing)) * 1000 // self.valid / 10


def measure(entries: Iterable[Entry], families: Iterable[Family] = FAMILIES) -> list[Coverage]:
    """The coverage of every family at strengths 1, 2 and 3 by these cases, must-refuse ones and checks left out."""
    families = list(families)
    rows: dict[Family, set[Combination]] = {family: set() for family in families}
    by_name = {(family.op, family.rank): family for family in families}
    for entry in entries:
        family = by_name.get((entry.case.op, entry.case.rank))
        if family is not None and entry.check is None and not entry.case.must_refuse:
            rows[family].add(frozenset(levels(family, entry)))
    return [_measure(family, strength, rows[family]) for family in families for strength in STRENGTHS]


def levels(family: Family, entry: Entry) -> list[tuple[str, Level]]:
    """The parameters of a case that have one of the family's levels."""
    found = ((name, level_of(name, entry.values)) for name in family.factors)
    return [(name, level) for name, level in found if level in family.factors[name]]


def _measure(family: Family, strength: int, rows: set[Combination]) -> Coverage:
    covered: set[Combination] = set()
    for row in rows:
        covered.update(map(frozenset, combinations(row, strength)))
    valid = list(family.combinations(strength))
    return Coverage(family, strength, len(valid), tuple(one for one in valid if one not in covered))
