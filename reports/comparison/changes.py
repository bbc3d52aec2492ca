"""One record of two runs: what has become of it.

Compared is what an engine did, and not what expectations say of it: a discrepancy that somebody has written down in
between is the same discrepancy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...conformance.verdict import UNJUDGED
from ..wording import reason

Record = Mapping[str, Any]
Key = tuple[str, str, str]
"""(case, engine, form)."""

KINDS = {
    "new": "right before, wrong now",
    "changed": "wrong both times, in another way or for another cause",
    "grown": "wrong both times, and now by more than twice as many bounds",
    "fixed": "wrong before, right now",
    "moved": "right both times: refused once and answered once, or now by more than twice as many bounds",
}
"""What may have become of a record; the first three are worse."""
WORSE = ("new", "changed", "grown")
GROWN = 2.0
NOTICED = 0.25
"""Bounds below which a right result may move as the order of summation likes, without a word."""


@dataclass(frozen=True, slots=True)
class Side:
    """What is kept of a record of one run."""

    verdict: str
    ok: bool
    status: str
    cause: str | None
    """The diagnosis's code; None where nobody asked."""
    bound_ratio: float | None
    reason: str

    @property
    def judged(self) -> bool:
        return self.verdict != UNJUDGED


@dataclass(frozen=True, slots=True)
class Change:
    """A record that is not what it was."""

    kind: str
    case: str
    engine: str
    form: str
    before: Side
    after: Side

    @property
    def worse(self) -> bool:
        return self.kind in WORSE

    @property
    def known(self) -> bool:
        """Whether the second run's expectations know what it is now."""
        return self.after.status == "known"

    def to_json(self) -> dict[str, Any]:
        """For programs."""
        sides = {
            name: {field: getattr(side, field) for field in Side.__dataclass_fields__}
            for name, side in (("before", self.before), ("after", self.after))
        }
        return {"kind": self.kind, "case": self.case, "engine": self.engine, "form": self.form, **sides}


def key_of(record: Record) -> Key:
    """What a record is a record of."""
    return record["case"], record["engine"], record["form"]


def side_of(record: Record) -> Side:
    """What is kept of a record."""
    why = record.get("diagnosis")
    said = reason(record) if not record["ok"] else ""
    code = None if why is None else why["code"]
    return Side(record["verdict"], record["ok"], record["status"], code, record.get("bound_ratio"), said)


def kind_of(before: Side, after: Side, *, same_data: bool) -> str | None:
    """One of `KINDS`, or None where nothing is to be told.  Errors are compared on the ``same_data`` only."""
    grown = same_data and _has_grown(before.bound_ratio, after.bound_ratio)
    if before.ok and after.ok:
        answered_once = (before.verdict == "refused") != (after.verdict == "refused")
        return "moved" if answered_once or (grown and (after.bound_ratio or 0.0) > NOTICED) else None
    if before.ok or after.ok:
        return "fixed" if after.ok else "new"
    asked_twice = before.cause is not None and after.cause is not None
    if before.verdict != after.verdict or (asked_twice and before.cause != after.cause):
        return "changed"
    return "grown" if grown else None


def _has_grown(before: float | None, after: float | None) -> bool:
    return before is not None and after is not None and after > GROWN * before
