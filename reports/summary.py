"""A run in a page short enough for a pull request: what is new, by cause, and how to see it oneself.

At most `MOST_LINES` lines and `MOST_CHARACTERS` characters, whatever the run: a comment on GitHub holds no more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..conformance.child import without_last_words
from ..conformance.verdict import UNJUDGED
from . import markdown, tables
from .tables import Record
from .wording import cause_of, reason, rerun

MOST_LINES, MOST_CHARACTERS = 60, 65_536
MOST_ENGINES, MOST_NEW, MOST_VANISHED = 12, 8, 3
MOST_TEXT, MOST_COMMAND = 300, 1_500
SAYING = ("crash", "timeout", "accepted", "unsupported")
"""Verdicts whose messages are the engine's; those of the others are about numbers."""
NUMBER = re.compile(r"\b0x[0-9a-fA-F]+|(?<![\w.])[-+]?\d+(?:\.\d+)?(?!\w)")
"""Numbers and addresses, but not those in words: float32 is no number."""
SEVERAL = re.compile(r"#(?:[\s,x×]+#)*,?")
"""Numbers in a row, as shapes have them."""


@dataclass(frozen=True)
class Row:
    """What an engine came to."""

    engine: str
    agree: int
    known: int
    new: int
    vanished: int
    missing: str
    """Why there are no records, or not all of them; empty where all are there."""


@dataclass(frozen=True)
class Cause:
    """Records that fail for one reason, as far as that can be told, and the smallest of them."""

    name: str
    records: int
    engines: list[str]
    text: str
    command: str


def render(run: Mapping[str, Any], records: Sequence[Record]) -> str:
    """The page, from run.json and the records."""
    rows = _rows(run, records)
    new, vanished = (_causes(records, status) for status in ("new", "vanished"))
    return (
        markdown.environment()
        .get_template("summary.md.j2")
        .render(
            run=run,
            records=len(records),
            rows=rows[:MOST_ENGINES],
            more_rows=rows[MOST_ENGINES:],
            counts={name: sum(record["status"] == name for record in records) for name in ("new", "known", "vanished")},
            unjudged=sum(record["verdict"] == UNJUDGED for record in records),
            new=[_cause(run, *group) for group in new[:MOST_NEW]],
            more_new=len(new[MOST_NEW:]),
            vanished=[_cause(run, *group) for group in vanished[:MOST_VANISHED]],
            more_vanished=len(vanished[MOST_VANISHED:]),
            versions=_versions(run),
        )
    )


def _rows(run: Mapping[str, Any], records: Iterable[Record]) -> list[Row]:
    missing: Mapping[str, str] = run.get("missing", {})
    broken: Mapping[str, str] = run.get("broken", {})
    names = dict.fromkeys([*run.get("engines", {}), *missing, *broken])
    counts = {name: dict.fromkeys(("agree", "known", "new", "vanished"), 0) for name in names}
    for record in records:
        count = counts.setdefault(record["engine"], dict.fromkeys(("agree", "known", "new", "vanished"), 0))
        if record["status"] in ("known", "new", "vanished"):
            count[record["status"]] += 1
        else:
            count["agree"] += record["ok"]
    why = {name: f"not installed: {lacks}" for name, lacks in missing.items()}
    why |= {name: f"stopped early: {how}"[:MOST_TEXT] for name, how in broken.items()}
    rows = [Row(name, **count, missing=why.get(name, "")) for name, count in counts.items()]
    return sorted(rows, key=lambda row: not (row.new or row.vanished))  # stable: the others keep their order


def _causes(records: Iterable[Record], status: str) -> list[tuple[str, list[Record]]]:
    """The records of that status, the largest group first: by proven cause, else by verdict, engine and what was said;
    what has vanished by the sentence that expected it.
    """
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        if record["status"] == status == "vanished":
            groups.setdefault((record["expected_verdict"], record["known"]), []).append(record)
        elif record["status"] == status:
            proven = cause_of(record)
            key = (proven,) if proven else (record["verdict"], record["engine"], _complaint(record))
            groups.setdefault(key, []).append(record)
    return sorted(((key[0], seen) for key, seen in groups.items()), key=lambda group: -len(group[1]))


def _complaint(record: Record) -> str:
    """What was said, where that tells one cause from another, without the numbers of the case."""
    if record["verdict"] not in SAYING:
        return ""
    first = without_last_words(record["message"]).strip().partition("\n")[0]
    if record["verdict"] == "crash":
        return first  # a status and a signal are what matters
    return SEVERAL.sub("#", NUMBER.sub("#", first))


def _cause(run: Mapping[str, Any], name: str, seen: list[Record]) -> Cause:
    smallest = tables.smallest(seen)
    said = f"because: {smallest['known']}" if smallest["status"] == "vanished" else reason(smallest)
    command = rerun(run, smallest)
    return Cause(
        name,
        len(seen),
        tables.distinct(seen, "engine"),
        said[:MOST_TEXT],
        command if len(command) <= MOST_COMMAND else smallest["case"][:MOST_COMMAND],
    )


def _versions(run: Mapping[str, Any]) -> str:
    """Each package once with its version, twice where engines have different ones; an engine that names no versions."""
    said = dict[str, None]()
    for engine, row in run.get("engines", {}).items():
        said |= dict.fromkeys([f"{name} {number}" for name, number in row["versions"].items()] or [engine])
    return ", ".join(said)[:MOST_COMMAND]
