"""One row: case × engine × form."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from ..adapters.case import Case
from . import store
from .entry import Entry
from .expectations import Expectation
from .process import Outcome
from .verdict import Judgement

if TYPE_CHECKING:
    from .diagnosis import Diagnosis


class Found(NamedTuple):
    """What an engine did with a case in one form, or how the outputs of a law's parts relate to each other."""

    entry: Entry
    outcome: Outcome
    judgement: Judgement
    diagnosis: Diagnosis | None = None


def make_record(
    entry: Entry,
    engine: str,
    outcome: Outcome,
    judgement: Judgement,
    status: str,
    expectation: Expectation | None,
    diagnosis: Diagnosis | None = None,
) -> store.Record:
    """One line of records.jsonl."""
    case = entry.case
    due = None if case.must_refuse or entry.check or entry.law else list(case.result_shape)
    parameters = {name: value for name, value in case.to_json().items() if name not in ("id", "dtype", "must_refuse")}
    return {
        "case": entry.id,
        "engine": engine,
        "form": outcome.form,
        "verdict": judgement.verdict,
        "ok": judgement.ok,
        "status": status,
        "expected_verdict": _expected_verdict(judgement, status, expectation),
        "known": expectation.why if expectation and status in ("known", "vanished") else None,
        "shape": None if judgement.shape is None else list(judgement.shape),
        "expected_shape": due,
        "dtype": judgement.dtype,
        "expected_dtype": case.dtype,
        "max_error": judgement.max_error,
        "bound_ratio": judgement.bound_ratio,
        "seconds": outcome.seconds,
        "message": judgement.message,
        "error_map": judgement.error_map,
        "diagnosis": None if diagnosis is None else diagnosis.to_json(),
        "program": outcome.program,
        **parameters,
        "expect": "error" if case.must_refuse else None,
        "check": entry.check,
        "law": entry.law,
        "part_of": entry.part_of,
        "finding": entry.finding.model_dump() if entry.finding else None,
        "family": entry.family,
        "about": entry.about,
    }


COMPUTED = (
    *(name for name in Case.__dataclass_fields__ if name not in ("id", "dtype", "must_refuse", "tags", "literal")),
    "expected_dtype",
    "expect",
    "check",
    "law",
)
"""The fields of a record that say what is computed."""


def computation(record: store.Record) -> str:
    """What a record's case computes, for telling whether two records of one id are about the same."""
    return repr([record.get(name) for name in COMPUTED])


def _expected_verdict(judgement: Judgement, status: str, expectation: Expectation | None) -> str | None:
    """What an expectation says; None where none speaks of the record."""
    if expectation is None:
        return None
    return judgement.verdict if status == "known" else expectation.verdicts[0]
