"""Two runs' folders in, a `Comparison` out; the records are read one after the other and not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...conformance import store
from ...conformance.record import computation
from .. import tables
from ..wording import rerun
from .changes import KINDS, Change, Key, Side, key_of, kind_of, side_of

Run = dict[str, Any]


@dataclass(frozen=True)
class Version:
    """A package of an engine in both runs; None where the run does not say."""

    engine: str
    package: str
    before: str | None
    after: str | None

    @property
    def differs(self) -> bool:
        return self.before != self.after


@dataclass
class Group:
    """Changes of one kind that look alike, and the simplest of them."""

    kind: str
    engine: str
    form: str
    was: str
    is_now: str
    known: bool
    example: store.Record
    """The second run's record."""
    reason: str
    command: str
    cases: list[str] = field(default_factory=list[str])


@dataclass
class Comparison:
    """What became of the records that both runs have, and what could not be compared."""

    before: Run
    after: Run
    same: int = 0
    changes: list[Change] = field(default_factory=list[Change])
    groups: list[Group] = field(default_factory=list[Group])
    not_compared: list[str] = field(default_factory=list[str])
    versions: list[Version] = field(default_factory=list[Version])
    notes: list[str] = field(default_factory=list[str])

    @property
    def compared(self) -> int:
        return self.same + len(self.changes)

    @property
    def counts(self) -> dict[str, int]:
        """How many changes of each kind."""
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in KINDS}

    @property
    def versionless(self) -> list[str]:
        """The engines of which neither run knows a version: those of files, unless they tell one."""
        told = {version.engine for version in self.versions}
        engines = dict.fromkeys(name for run in (self.before, self.after) for name in run.get("engines", {}))
        return [name for name in engines if name not in told]

    def worse(self, fail_on: str) -> int:
        """How many records make the status 1: "new" are those that the second run's expectations do not know."""
        if fail_on == "never":
            return 0
        return sum(change.worse and (fail_on == "any" or not change.known) for change in self.changes)

    def to_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        kept = ("started", "status", "digest", "cases", "seed")
        return {
            "schema_version": 1,
            "before": {name: self.before.get(name) for name in kept},
            "after": {name: self.after.get(name) for name in kept},
            "versions": [{**vars(version), "differs": version.differs} for version in self.versions],
            "notes": self.notes,
            "compared": self.compared,
            "counts": self.counts,
            "not_compared": self.not_compared,
            "changes": [change.to_json() for change in self.changes],
        }


def compare(before: Path, after: Path) -> Comparison:
    """Raises `UsageError` where one of the folders holds no run."""
    found = Comparison(store.read_run(before), store.read_run(after))
    found.versions = list(_versions(found.before, found.after))
    found.notes = list(_notes(found.before, found.after))
    same_data = found.before.get("seed") == found.after.get("seed")
    computed: tuple[dict[str, int], dict[str, int]] = {}, {}
    earlier = {key_of(record): _side(record, computed[0]) for record in store.each_record(before)}
    groups: dict[tuple[object, ...], Group] = {}
    lacking = _NotCompared({engine for _, engine, _ in earlier})
    for record in store.each_record(after):
        now, was = _side(record, computed[1]), earlier.pop(key_of(record), None)
        same_case = computed[0].get(record["case"]) == computed[1][record["case"]]
        if not lacking.takes(record, was, now, same_case=same_case) or was is None:
            continue
        kind = kind_of(was, now, same_data=same_data)
        if kind is None:
            found.same += 1
            continue
        change = Change(kind, *key_of(record), was, now)
        found.changes.append(change)
        _add(groups, change, record)
    for group in groups.values():
        group.command = rerun(found.after, group.example)
    found.groups = sorted(groups.values(), key=lambda one: (list(KINDS).index(one.kind), one.known, -len(one.cases)))
    found.not_compared = list(lacking.told(earlier))
    return found


def _side(record: store.Record, computed: dict[str, int]) -> Side:
    """What is kept of a record; what its case computes is noted when the run first names it."""
    if record["case"] not in computed:
        computed[record["case"]] = hash(computation(record))
    return side_of(record)


def _add(groups: dict[tuple[object, ...], Group], change: Change, record: store.Record) -> None:
    was, now = _said(change.before), _said(change.after)
    key = change.kind, change.engine, change.form, was, now, change.known
    group = groups.setdefault(
        key, Group(change.kind, change.engine, change.form, was, now, change.known, record, "", "")
    )
    group.cases.append(change.case)
    group.example = tables.smallest([group.example, record])
    if group.example is record:
        group.reason = change.after.reason or change.before.reason
        if change.kind in ("grown", "moved") and change.after.bound_ratio is not None:
            group.reason = (
                f"{change.before.bound_ratio or 0:.3g} of the bound before, {change.after.bound_ratio:.3g} now"
            )


def _said(side: Side) -> str:
    return side.verdict if side.ok or side.cause is None else f"{side.verdict} ({side.cause})"


class _NotCompared:
    """Counts what only one run has, or what is not the same in both."""

    def __init__(self, engines_before: set[str]) -> None:
        self._before, self._after = engines_before, set[str]()
        self._only_after: Counter[str] = Counter()
        self._bad: Counter[str] = Counter()
        self._other = self._unjudged = 0

    def takes(self, record: store.Record, was: Side | None, now: Side, *, same_case: bool) -> bool:
        """Whether the record can be compared."""
        self._after.add(record["engine"])
        if was is None:
            self._only_after[record["engine"]] += 1
            self._bad[record["engine"]] += now.status == "new"
        elif not same_case:
            self._other += 1
        elif not (was.judged and now.judged):
            self._unjudged += 1
        else:
            return True
        return False

    def told(self, only_before: Iterable[Key]) -> Iterator[str]:
        """Sentences; ``only_before``: the records that the second run does not have."""
        gone = Counter(engine for _, engine, _ in only_before)
        for engine, number in gone.items():
            what = "" if engine in self._after else ", an engine of the first run alone"
            yield f"{engine}: {number:,} records that only the first run has{what}"
        for engine, number in self._only_after.items():
            what = "" if engine in self._before else ", an engine of the second run alone"
            bad = f", {self._bad[engine]:,} of them new discrepancies" if self._bad[engine] else ""
            yield f"{engine}: {number:,} records that only the second run has{what}{bad}"
        if self._other:
            yield f"{self._other:,} records of cases that compute something else now"
        if self._unjudged:
            yield f"{self._unjudged:,} relations that were not judged in one of the runs"


def _versions(before: Run, after: Run) -> Iterator[Version]:
    rows = before.get("engines", {}), after.get("engines", {})
    for engine in dict.fromkeys([*rows[0], *rows[1]]):
        was, now = (row.get(engine, {}).get("versions", {}) for row in rows)
        for package in dict.fromkeys([*was, *now]):
            yield Version(engine, package, was.get(package), now.get(package))


def _notes(before: Run, after: Run) -> Iterator[str]:
    """What else may have made a difference."""
    for name, run in (("first", before), ("second", after)):
        if run["status"] != "complete":
            yield f"the {name} run is {run['status']}"
        if broken := run.get("broken"):
            yield f"in the {name} run {', '.join(broken)} stopped early"
    if before.get("seed") != after.get("seed"):
        yield f"other random data (seeds {before.get('seed')} and {after.get('seed')}): errors are not compared"
    for name in store.MACHINE:
        was, now = before["machine"].get(name), after["machine"].get(name)
        if was != now:
            yield f"another {name}: {was}, now {now}"
    odd = set(before["machine"].get("cpu_flags", ())) ^ set(after["machine"].get("cpu_flags", ()))
    if odd:
        yield f"other CPU flags: {', '.join(sorted(odd))}"
    for engine, row in after.get("engines", {}).items():
        was = before.get("engines", {}).get(engine, row)
        for name in ("options", "environment", "profile"):
            if was[name] != row[name]:
                yield f"{engine} ran with {_different(was[name], row[name]) or f'another {name}'}"


def _different(before: Any, after: Any) -> str:
    """Of two mappings what is not the same."""
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return f"{after}, before {before}" if before or after else ""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return ", ".join(f"{name}={after.get(name)} (before: {before.get(name)})" for name in names)
