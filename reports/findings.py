"""The note's statements, section by section: confirmed or refuted, by which cases, and whether the run bears it out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass
class Finding:
    """A statement of the note, and the evidence: per engine how many records bear it out, and how many there are."""

    section: str
    quote: str
    verdict: str
    rule: str
    cases: list[str] = field(default_factory=list[str])
    engines: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    @property
    def good(self) -> int:
        return sum(good for good, _ in self.engines.values())

    @property
    def records(self) -> int:
        return sum(records for _, records in self.engines.values())

    @property
    def number(self) -> tuple[int, ...]:
        """The section's number, to order by: 1.10 comes after 1.9."""
        return tuple(int(part) for part in re.findall(r"\d+", self.section.split(" ", 1)[0]))


def findings(records: Sequence[Record]) -> list[Finding]:
    """The statements that the run's cases are about; each is borne out by records in the equivalent form."""
    found: dict[tuple[str, str], Finding] = {}
    for record in records:
        told = record.get("finding")
        if told and record["form"] == "equivalent":
            key = (told["section"], told["quote"])
            one = found.setdefault(key, Finding(told["section"], told["quote"], told["verdict"], told["rule"]))
            if record["case"] not in one.cases:
                one.cases.append(record["case"])
            good, count = one.engines.get(record["engine"], (0, 0))
            one.engines[record["engine"]] = (good + bool(record["ok"]), count + 1)
    return sorted(found.values(), key=lambda one: (one.number, one.section))
