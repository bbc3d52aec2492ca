"""Why records are bad: every one has one cause, and the causes are ordered by how many cases each explains."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ...conformance.verdict import UNEXPLAINED, UNJUDGED
from .. import tables
from ..wording import cause_of

Record = dict[str, Any]
Kind = Literal["proven", "known", "unexplained", "new"]
KINDS: dict[Kind, str] = {
    "proven": "The reference with this one meaning changed gives the very output.",
    "known": "Not asked for by changed meanings (there is no output to compare); the reason stands in an expectation.",
    "unexplained": "Looked into, and no cause could be proven.",
    "new": "Nobody has explained it yet.",
}
TITLE = 90
"""Characters of a sentence that stand for it."""


@dataclass(frozen=True)
class Cause:
    """One cause; ``key`` stands in links and stays the same from run to run."""

    key: str
    kind: Kind
    title: str
    sentence: str
    """In the smallest case's own numbers, where the cause was proven."""
    remedy: str
    cases: int
    records: int
    new: int
    engines: list[str]
    forms: list[str]
    verdicts: list[str]
    example: str
    """The smallest case's id."""


def is_bad(record: Mapping[str, Any]) -> bool:
    """Whether the record is one that a cause is looked for."""
    return not record["ok"] and record["verdict"] != UNJUDGED


def key_of(record: Mapping[str, Any]) -> str | None:
    """The cause of a record; None where it is right, or not judged.

    What was proven comes first, then the reason in an expectation, and where there is neither the verdict.
    """
    if not is_bad(record):
        return None
    if (proven := cause_of(record)) is not None:
        return proven
    if record["known"]:
        return f"known-{hashlib.sha256(record['known'].encode()).hexdigest()[:8]}"
    return UNEXPLAINED if record.get("diagnosis") is not None else f"new-{record['verdict']}"


def causes(records: Sequence[Record]) -> list[Cause]:
    """The causes of a run's bad records, the one that explains most cases first."""
    by_key: dict[str, list[Record]] = {}
    for record in records:
        key = key_of(record)
        if key is not None:
            by_key.setdefault(key, []).append(record)
    found = [_cause(key, seen) for key, seen in by_key.items()]
    return sorted(found, key=lambda cause: (-cause.cases, -cause.records, cause.key))


def _cause(key: str, seen: Sequence[Record]) -> Cause:
    smallest = tables.smallest(seen)
    why, known = smallest.get("diagnosis") or {}, smallest["known"] or ""
    kind: Kind
    if key == UNEXPLAINED:
        kind, title, sentence = "unexplained", "unexplained", smallest["message"]
    elif key == why.get("code"):
        kind, title, sentence = "proven", key.replace("-", " "), why["sentence"]
    elif known:
        kind, title, sentence = "known", _shortened(known), known
    else:
        kind, title, sentence = "new", f"new: {smallest['verdict']}", smallest["message"]
    return Cause(
        key,
        kind,
        title,
        sentence,
        remedy=(why.get("remedy") or "") if kind == "proven" else "",
        cases=len({record["case"] for record in seen}),
        records=len(seen),
        new=sum(record["status"] == "new" for record in seen),
        engines=list(dict.fromkeys(record["engine"] for record in seen)),
        forms=sorted({record["form"] for record in seen}),
        verdicts=sorted({record["verdict"] for record in seen}),
        example=smallest["case"],
    )


def _shortened(sentence: str) -> str:
    """The first clause, if it is short enough, else as many words as fit."""
    first = re.split(r"(?<=\w)[.;:](?=\s|$)", sentence, maxsplit=1)[0]
    return first if len(first) <= TITLE else first[:TITLE].rsplit(" ", 1)[0] + " …"
