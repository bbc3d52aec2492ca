"""A run's records as the tables that the page's script reads: cases, pairs of a case and an engine, records, texts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...conformance.verdict import UNEXPLAINED
from ...pages import packing
from .. import tables
from ..wording import rerun
from .causes import is_bad, key_of
from .facets import FACETS, facets, in_order
from .states import GOOD, STATES, Words, state_of

Record = dict[str, Any]
DIGITS = 3
PARAMETERS = (
    "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "expected_dtype", "data", "seed", "layout", "wrt", "kernel_shape",
    "expect", "expected_shape", "check", "law", "part_of", "tags",
)  # fmt: skip
"""What the page says of a case, where it is given."""
DETAILS = ("shape", "dtype", "max_error", "bound_ratio", "seconds", "message", "known", "error_map")
"""What is read of a record when its case is looked at."""


@dataclass(frozen=True)
class Tables:
    """What the page is given, and what its first lines count."""

    core: dict[str, Any]
    """What the matrix, the filters and the list of cases need."""
    details: dict[str, Any]
    """What the page of one case shows besides."""
    engines: list[str]
    """Those that computed more than the suite's checks of itself."""
    cases: int
    states: Counter[str]
    """How many pairs of a case and an engine are in a state."""

    @property
    def agreeing(self) -> int:
        """Pairs of a case and an engine that are right, in whatever words."""
        return sum(self.states[name] for name in GOOD)


def tabulate(run: Mapping[str, Any], records: Sequence[Record]) -> Tables:
    """The tables of a run, whose records may be none; the records of a pair stand together, in the pairs' order."""
    words = Words((run.get("asked") or {}).get("engines_file"))
    by_case: dict[str, dict[str, list[Record]]] = {}
    for record in records:
        by_case.setdefault(record["case"], {}).setdefault(record["engine"], []).append(record)
    names = tables.engines(records, run.get("engines", ()))
    cases, pairs, found = list[Record](), list[Record](), list[Record]()
    for by_engine in by_case.values():
        cases.append(_case_row(next(iter(by_engine.values()))[0]))
        for engine in sorted(by_engine, key=names.index):
            forms = by_engine[engine]
            state = state_of(forms, words)
            pairs.append({"case": len(cases) - 1, "engine": engine, "state": state, "records": len(forms)})
            found += forms
    core = {
        "engines": names,
        "states": [vars(state) for state in STATES.values()],
        "facets": _values_of_facets(cases),
        "cases": packing.columns(cases),
        "pairs": packing.columns(pairs),
        "records": packing.columns([_record_row(record) for record in found]),
    }
    computed = {record["engine"] for record in found if not record.get("check")}
    engines = [name for name in names if name in computed]
    return Tables(core, _details(run, found), engines, len(cases), Counter(pair["state"] for pair in pairs))


def _case_row(record: Record) -> Record:
    given = {name: record.get(name) for name in PARAMETERS}
    given["expected_dtype"] = record["expected_dtype"]
    shown = {name: value for name, value in given.items() if value is not None and value != []}
    return {
        "id": record["case"],
        "about": record.get("about") or "",
        "op": record["op"],
        "rank": len(record["input"]) - 2,
        "family": record["family"],
        "check": record.get("check") is not None,
        "part_of": record.get("part_of"),
        "parameters": shown,
        **{f"facet {name}": value for name, value in facets(record).items()},
    }


def _record_row(record: Record) -> Record:
    return {
        "form": record["form"],
        "verdict": record["verdict"],
        "status": record["status"],
        "cause": key_of(record),
    }


def _values_of_facets(cases: Sequence[Record]) -> dict[str, list[str]]:
    """The facets in which cases of the run differ, and their values in order."""
    found = {name: {case[f"facet {name}"] for case in cases} - {None} for name in FACETS}
    return {name: in_order(list(values)) for name, values in found.items() if len(values) > 1}


def _without_script(record: Record) -> bool:
    """Whether nothing was called that a script could call; then the case can only be run again."""
    return is_bad(record) and not record["program"] and not record.get("law")


def _details(run: Mapping[str, Any], records: Sequence[Record]) -> dict[str, Any]:
    """What one record's card shows; programs line by line, since most lines stand in many of them."""
    lines: dict[str, int] = {}
    programs = [
        [lines.setdefault(line, len(lines)) for line in (record["program"] or "").rstrip("\n").split("\n")]
        for record in records
    ]
    rows = [
        {
            **{name: packing.rounded(record.get(name), DIGITS) for name in DETAILS},
            **{name: (record.get("diagnosis") or {}).get(name) for name in ("sentence", "remedy")},
            "again": rerun(run, record) if _without_script(record) else None,
            "program": program if record["program"] else None,
        }
        for record, program in zip(records, programs, strict=True)
    ]
    return {"lines": list(lines), "records": packing.columns(rows)}


@dataclass(frozen=True)
class Headline:
    """What the page says first."""

    records: int
    cases: int
    asked: int
    """Cases that the run was to compute, parts of relations not counted."""
    reached: dict[str, int]
    """By engine, how many of those have a record."""
    begun: int
    """How many of those have a record of any engine."""
    everywhere: int
    """How many of those have a record of every engine."""
    partial: bool
    """Whether the run has not come to its end, or an engine has not."""
    pairs: int
    agreeing: int
    states: Counter[str]
    statuses: Counter[str]
    unexplained: int
    """Discrepancies that were looked into and for which no cause could be proven."""


def headline(run: Mapping[str, Any], found: Tables, records: Sequence[Record]) -> Headline:
    """The counts of a run: what was asked for as run.json has it, what has come of it from the records."""
    names = dict.fromkeys([*found.engines, *run.get("engines", ()), *run.get("broken", ())])
    reached = {name: set[str]() for name in names}
    begun = set[str]()
    for record in records:
        if not record.get("part_of"):
            begun.add(record["case"])
            if record["engine"] in reached:
                reached[record["engine"]].add(record["case"])
    return Headline(
        records=len(records),
        cases=found.cases,
        asked=run["cases"],
        reached={name: len(cases) for name, cases in reached.items()},
        begun=len(begun),
        everywhere=len(begun.intersection(*reached.values())),
        partial=run["status"] != "complete" or bool(run.get("broken")),
        pairs=found.states.total(),
        agreeing=found.agreeing,
        states=found.states,
        statuses=Counter(record["status"] for record in records),
        unexplained=sum(cause.records for cause in tables.diagnosed(records) if cause.code == UNEXPLAINED),
    )
