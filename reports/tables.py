"""Records counted: the matrix of families and engines, and the groups that a discrepancy shows in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..conformance.verdict import UNEXPLAINED, UNJUDGED
from .conditions import describe

Record = dict[str, Any]
LEGEND = "right/all  ~known  !new  ?vanished"


@dataclass(frozen=True)
class Cell:
    """One family on one engine: records, and those of them that are known, new and vanished discrepancies."""

    records: int = 0
    good: int = 0
    known: int = 0
    new: int = 0
    vanished: int = 0

    @property
    def short(self) -> str:
        """``58/60 ~2``, for a narrow column; `LEGEND` explains the marks."""
        marks = [
            f"{mark}{number}"
            for mark, number in zip("~!?", (self.known, self.new, self.vanished), strict=True)
            if number
        ]
        return " ".join([f"{self.good}/{self.records}", *marks]) if self.records else "–"

    @property
    def text(self) -> str:
        """``58/60 · 2 known``: how many are right, and what the others are."""
        if not self.records:
            return "–"
        others = [
            f"{number} {name}"
            for number, name in ((self.known, "known"), (self.new, "NEW"), (self.vanished, "VANISHED"))
            if number
        ]
        return " · ".join([f"{self.good}/{self.records}", *others])


@dataclass(frozen=True)
class Group:
    """Records that show the same: who, in which form, how, and under which condition."""

    engine: str
    form: str
    verdict: str
    condition: str
    exact: bool
    """Whether no other case of this engine, form and operation meets the condition."""
    count: int
    example: str
    message: str
    why: str | None = None


def matrix(
    records: Sequence[Record], order: Sequence[str] = ()
) -> tuple[list[str], list[str], dict[tuple[str, str], Cell]]:
    """(families, engines, cells); cells of ("all", engine) add up.

    Families stand in the order of their first record, engines in the given one, others after them.  Relations that were
    not judged are in no cell.
    """
    judged = [record for record in records if record["verdict"] != UNJUDGED]
    frame = pd.DataFrame.from_records(judged, columns=["family", "engine", "ok", "status"])
    sums = pd.DataFrame(
        {
            "family": frame["family"],
            "engine": frame["engine"],
            "records": 1,
            "good": frame["ok"].astype(int),
            **{status: (frame["status"] == status).astype(int) for status in ("known", "new", "vanished")},
        }
    )
    both = pd.concat([sums, sums.assign(family="all")]).groupby(["family", "engine"], sort=False).sum()
    counts: dict[tuple[str, str], dict[str, int]] = both.to_dict("index")  # pyright: ignore[reportAssignmentType]
    cells = {place: Cell(**count) for place, count in counts.items()}
    return distinct(records, "family"), engines(records, order), cells


def engines(records: Sequence[Record], order: Iterable[str] = ()) -> list[str]:
    """The engines that have records, in the given order, others after them."""
    seen = distinct(records, "engine")
    told = [name for name in order if name in seen]
    return told + [name for name in seen if name not in told]


def groups(records: Sequence[Record], status: str) -> list[Group]:
    """The records of that status, grouped by engine, form, verdict, operation and rank, the largest group first."""
    chosen: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        if record["status"] == status:
            chosen.setdefault(_key(record), []).append(record)
    found: list[Group] = []
    for key, bad in chosen.items():
        engine, form, verdict, op, rank, _ = key
        others = [
            record
            for record in records
            if (record["engine"], record["form"], record["op"], len(record["input"]) - 2) == (engine, form, op, rank)
            and record["status"] != status
        ]
        condition, exact = describe(bad, others)
        smallest = min(bad, key=_complexity)
        found.append(
            Group(
                engine,
                form,
                verdict,
                condition,
                exact,
                len(bad),
                smallest["case"],
                smallest["message"],
                bad[0]["known"],
            )
        )
    return sorted(found, key=lambda group: -group.count)


def _key(record: Record) -> tuple[Any, ...]:
    rank = len(record["input"]) - 2
    return record["engine"], record["form"], record["verdict"], record["op"], rank, record["known"]


def smallest(records: Sequence[Record]) -> Record:
    """The simplest example among them; raises ValueError where there is none."""
    return min(records, key=_complexity)


def _complexity(record: Record) -> tuple[bool, int, str]:
    """What makes an example simple: a computation rather than a law, then a small one."""
    return record.get("law") is not None, _volume(record), record["case"]


def _volume(record: Record) -> int:
    size = 1
    for extent in (*record["input"], *record["kernel_size"]):
        size *= max(extent, 1)
    return size


@dataclass(frozen=True)
class Cause:
    """A known discrepancy: its sentence, and where it was seen."""

    why: str
    engines: list[str]
    forms: list[str]
    verdicts: list[str]
    count: int
    example: str


def causes(records: Sequence[Record]) -> list[Cause]:
    """The known discrepancies by sentence, the one that explains most records first."""
    by_sentence: dict[str, list[Record]] = {}
    for record in records:
        if record["status"] == "known":
            by_sentence.setdefault(record["known"], []).append(record)
    found = [
        Cause(
            why,
            engines=distinct(seen, "engine"),
            forms=distinct(seen, "form"),
            verdicts=distinct(seen, "verdict"),
            count=len(seen),
            example=smallest(seen)["case"],
        )
        for why, seen in by_sentence.items()
    ]
    return sorted(found, key=lambda cause: -cause.count)


@dataclass(frozen=True)
class Diagnosed:
    """A diagnosed cause: where it was found, and what it comes to in the smallest case."""

    code: str
    cases: int
    records: int
    new: int
    """Of the records, those that no expectation names."""
    engines: list[str]
    forms: list[str]
    example: str
    sentence: str
    remedy: str


def diagnosed(records: Sequence[Record]) -> list[Diagnosed]:
    """The causes of what differs, the one that explains most cases first, and at the end what is not explained."""
    by_code: dict[str, list[Record]] = {}
    for record in records:
        if record.get("diagnosis") is not None:
            by_code.setdefault(record["diagnosis"]["code"], []).append(record)
    found: list[Diagnosed] = []
    for code, seen in by_code.items():
        example = smallest(seen)
        found.append(
            Diagnosed(
                code,
                cases=len(distinct(seen, "case")),
                records=len(seen),
                new=sum(record["status"] == "new" for record in seen),
                engines=distinct(seen, "engine"),
                forms=distinct(seen, "form"),
                example=example["case"],
                sentence=example["diagnosis"]["sentence"],
                remedy=example["diagnosis"]["remedy"],
            )
        )
    return sorted(found, key=lambda cause: (cause.code == UNEXPLAINED, -cause.cases, cause.code))


def distinct(records: Sequence[Record], key: str) -> list[str]:
    """The values of a field, in the order of the records."""
    return list(dict.fromkeys(record[key] for record in records))
