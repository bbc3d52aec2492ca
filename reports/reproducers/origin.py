"""What a record was asked: its case, the arrays that the engine was handed, and the right answer.

A record holds the parameters of its case.  What it does not hold, arrays that are written out in a case file and
those of a law's parts, is looked up where the run found the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from ...adapters.case import Case
from ...conformance import corpus
from ...conformance.answers import ATTEMPTS, DRAWN_AGAIN, answer_to
from ...conformance.data import draw_arrays
from ...conformance.entry import Entry
from ...conformance.errors import UsageError
from ...conformance.expected import Expected, expect

Record = dict[str, Any]


class NoReproducer(Exception):
    """There is no script for this record; the message says why, in one sentence."""


def case_of(record: Record) -> Case:
    """The case whose parameters a record holds, without arrays that are written out."""
    told = {"id": record["case"], "dtype": record["expected_dtype"], "must_refuse": record["expect"] == "error"}
    return Case.from_json({name: told.get(name, record.get(name)) for name in Case.__dataclass_fields__})


@dataclass(frozen=True)
class Question:
    """A case with its arrays, channels last."""

    case: Case
    run_seed: int
    entry: Entry | None = None
    """Where it stands in a file; only for literal data and for parts of laws."""
    law: Entry | None = None
    """The law whose part it is."""

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        if self.entry is not None and self.entry.draw is not None:
            return self.entry.draw(self.run_seed)
        if self.entry is not None:
            return draw_arrays(self.entry.case)
        if self.case.must_refuse:
            return draw_arrays(self.case, seed=self.run_seed)
        return answer_to(self.case, self.run_seed)[0]

    @property
    def seeds(self) -> list[int]:
        """Those that the arrays may have been drawn with; see `answer_to`."""
        return [0, *(self.run_seed + DRAWN_AGAIN * attempt for attempt in range(ATTEMPTS))]

    @cached_property
    def expected(self) -> Expected:
        """The right answer of a case that has one."""
        return expect(self.case, self.arrays)


def question(record: Record, run: dict[str, Any]) -> Question:
    """What the record was asked in that run.  Raises `NoReproducer` where a file is needed that is gone or changed."""
    case = case_of(record)
    entry = law = None
    if record["data"] == "literal" or record.get("part_of"):
        found = find(record.get("part_of") or record["case"], run)
        entry = next((one for one in (found, *found.parts) if one.id == record["case"]), None)
        law = found if record.get("part_of") else None
        if entry is None or entry.case.to_json() != case.to_json():
            raise NoReproducer(f"the case's file says something else now than in the run: {record['case']}")
    return Question(case, run.get("seed", 0), entry, law)


def find(case_id: str, run: dict[str, Any]) -> Entry:
    """The entry of that id in the shipped corpus, or in the run's own files.  Raises `NoReproducer`."""
    files = tuple(name for name in run.get("asked", {}).get("cases", ()) if corpus.is_path(name))
    for names in ((case_id.split("::", maxsplit=1)[0],), *((name,) for name in files)):
        entry = _entries(names).get(case_id)
        if entry is not None:
            return entry
    raise NoReproducer(f"its arrays stand in a case file that is not there any more: {case_id}")


@cache
def _entries(names: tuple[str, ...]) -> dict[str, Entry]:
    try:
        return {entry.id: entry for entry in corpus.load(names, layers=True)}
    except UsageError:
        return {}
