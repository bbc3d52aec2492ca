"""Runs that belong together, merged into one: shards of the same cases, or other engines on them.

The rules:

- The parts have one seed, and no engine has two versions: a run says one thing of one engine.
- A record that two parts hold counts once where they agree (seconds and messages aside); where they do not, or where
  one id means two computations, nothing is merged.  The named checks of the reference are in every part.
- A part that did not end, and a shard that is not there, are refused unless a partial run is asked for.  Some of the
  shards beside the whole run of the same cases are refused in any case: nothing is lacking then, and nothing partial.
- What differs else (processors, variables) is kept, part by part, and told.
- A status stays what it was: whether a discrepancy is known or has vanished is a matter of one record and of the
  expectations that its run was given, so that no shard says anything of what another one holds.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import store
from .errors import UsageError
from .record import computation
from .verdict import VERDICTS

Run = dict[str, Any]
STATUSES = ("new", "known", "vanished")
OWN = ("asked", "digest", "status", "started", "finished", "cases", "machine", "missing", "seconds")
"""What is kept of every part."""
UNION = ("cases", "engines", "tags")


@dataclass
class Merged:
    """A run that was merged: its run.json, what has to be said of it, and how many records counted once."""

    run: Run
    notes: list[str]
    doubled: int = 0


@dataclass
class _Seen:
    """What the parts so far say: for each record where it stands and what it says, for each case what it computes."""

    records: dict[tuple[str, str, str], tuple[Path, int]] = field(
        default_factory=dict[tuple[str, str, str], tuple[Path, int]]
    )
    cases: dict[str, int] = field(default_factory=dict[str, int])
    checked: set[tuple[str, Path]] = field(default_factory=set[tuple[str, Path]])
    """Cases, with the parts that have been found to mean the same by them."""

    def is_new(self, record: store.Record, path: Path) -> bool:
        """Whether no part before has said it.  Raises `UsageError` where one has said otherwise."""
        case, key = record["case"], (record["case"], record["engine"], record["form"])
        if (case, path) not in self.checked:
            self.checked.add((case, path))
            if self.cases.setdefault(case, computing := hash(computation(record))) != computing:
                what, got = "one case id, two computations", f"{case} in {path}"
                raise UsageError(what, got=got, expected="runs of the same cases")
        said = hash(json.dumps({**record, "seconds": None, "message": None}))
        before, what = self.records.setdefault(key, (path, said))
        if what != said:
            raise UsageError(
                "two parts contradict each other", got=f"{case}, {record['engine']}, {record['form']}: {path}",
                expected=f"what {before} says",
            )  # fmt: skip
        return before == path


def merge(paths: Sequence[Path], out: Path, *, partial: bool = False) -> Merged:
    """Writes the folder of a run that holds the records of all of them.

    ``partial``: whether parts may be lacking.  Raises `UsageError` where the rules above are broken; ``out`` is then
    left as it was.
    """
    parts = [store.read_run(path) for path in paths]
    _check_paths(paths, out)
    lacking = [*_unfinished(paths, parts), *_missing_shards(paths, parts)]
    if lacking and not partial:
        raise UsageError("parts are lacking", got="; ".join(lacking), expected="all of them, or --partial")
    run = _described(paths, parts, partial=bool(lacking))
    merged = Merged(run, [*lacking, *_differences(parts)])
    folder = store.RunFolder.create(out, run)
    try:
        counts, verdicts, total, cases = Counter[str](), Counter[str](), 0, set[str]()
        for record in _each_once(paths, merged):
            folder.append(record)
            total += 1
            cases.add(record.get("part_of") or record["case"])
            counts[record["status"]] += 1
            verdicts[record["verdict"]] += 1
    except BaseException:
        folder.remove()
        raise
    said = {"verdicts": {name: verdicts[name] for name in VERDICTS if verdicts[name]}}
    said = {"records": total, **{name: counts[name] for name in STATUSES}, **said}
    folder.finish({"cases": len(cases), "counts": said})
    return merged


def _each_once(paths: Sequence[Path], merged: Merged) -> Iterator[store.Record]:
    seen = _Seen()
    for path in paths:
        for record in store.each_record(path):
            if seen.is_new(record, path):
                yield record
            else:
                merged.doubled += 1


def _check_paths(paths: Sequence[Path], out: Path) -> None:
    resolved = [path.resolve() for path in paths]
    if doubled := [path for path in resolved if resolved.count(path) > 1]:
        raise UsageError("the same run is given twice", got=doubled[0])
    if out.resolve() in resolved:
        raise UsageError("--out is one of the runs", got=out, expected="a folder of its own")


def _unfinished(paths: Sequence[Path], parts: Sequence[Run]) -> list[str]:
    return [
        f"{path} is {part['status']}" for path, part in zip(paths, parts, strict=True) if part["status"] != "complete"
    ]


def _missing_shards(paths: Sequence[Path], parts: Sequence[Run]) -> list[str]:
    """Shards that belong to those that are there.

    Raises `UsageError` where these cut the same cases differently, and where the run that they are of is there as well.
    """
    shards: dict[str, set[tuple[int, int]]] = {}
    wholes: dict[str, Path] = {}
    for path, part in zip(paths, parts, strict=True):
        asked = part["asked"]
        if shard := asked.get("shard"):
            index, count = (int(number) for number in shard.split("/"))
            shards.setdefault(_selection(asked), set()).add((index, count))
        elif not asked.get("failed"):
            wholes[_selection(asked)] = path
    lacking: list[str] = []
    for selection, there in shards.items():
        counts = {count for _, count in there}
        if len(counts) > 1:
            raise UsageError(
                "shards of different sizes",
                got=", ".join(f"{index}/{count}" for index, count in sorted(there)),
                expected="I/N with one N",
            )
        (count,) = counts
        missing = [f"{index}/{count}" for index in range(1, count + 1) if (index, count) not in there]
        if missing and (whole := wholes.get(selection)):
            got = f"{', '.join(f'{index}/{count}' for index, _ in sorted(there))} beside {whole}"
            raise UsageError("a shard and a whole run overlap", got=got, expected="the whole run or all shards")
        if missing:
            lacking.append(f"no shard {', '.join(missing)}")
    return lacking


def _selection(asked: Run) -> str:
    """What shards of one whole have in common; of paths the name, for the folder may be another on each machine."""
    names = [Path(case).name if Path(case).is_absolute() else case for case in asked.get("cases", ())]
    return repr([names, *(asked.get(name) for name in ("engines", "tags", "filter_expression", "form"))])


def _described(paths: Sequence[Path], parts: Sequence[Run], *, partial: bool) -> Run:
    """The run.json of the whole, without its counts.  Raises `UsageError` for runs that cannot be one."""
    if any("cases" not in part["asked"] for part in parts):
        raise UsageError("a fuzz session cannot be merged", expected="folders of convsuite run")
    if len(seeds := {part.get("seed", 0) for part in parts}) > 1:
        raise UsageError("the runs drew different data", got=f"seeds {', '.join(map(str, sorted(seeds)))}")
    digests = sorted({part["digest"] for part in parts})
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(json.dumps(digests).encode()).hexdigest()[:16]
    finished = [part["finished"] for part in parts if "finished" in part]
    return {
        **parts[0],
        "status": "partial" if partial else "complete",
        "started": min(part["started"] for part in parts),
        **({"finished": max(finished)} if finished else {}),
        "asked": _asked([part["asked"] for part in parts]),
        "digest": whole,
        "forms": _union(part.get("forms", ()) for part in parts),
        "engines": _engines(paths, parts),
        "missing": _missing(parts),
        "spared": dict(sum((Counter[str](part.get("spared", {})) for part in parts), Counter[str]())),
        "broken": {name: why for part in parts for name, why in part.get("broken", {}).items()},
        "seconds": _sums(part.get("seconds", {}) for part in parts),
        "parts": [{name: part[name] for name in OWN if name in part} for part in parts],
    }


def _asked(asked: Sequence[Run]) -> Run:
    """What the whole was asked for: the first part's words, but the cases, engines, tags and forms of all."""
    forms = {one.get("form") for one in asked}
    together = {name: _union(one.get(name, ()) for one in asked) for name in UNION}
    if any(not one.get("cases") for one in asked):
        together["cases"] = []  # the corpus is the largest choice
    return {**asked[0], **together, "shard": None, "form": forms.pop() if len(forms) == 1 else "both"}


def _engines(paths: Sequence[Path], parts: Sequence[Run]) -> dict[str, Any]:
    """A row per engine, numbers added up.  Raises `UsageError` where it was not the same engine in all parts."""
    rows: dict[str, Any] = {}
    for path, part in zip(paths, parts, strict=True):
        for name, row in part.get("engines", {}).items():
            first = rows.setdefault(name, row)
            if first is row:
                continue
            for what in ("versions", "options", "profile"):
                if first[what] != row[what] and first["starts"] and row["starts"]:
                    raise UsageError(
                        f"engine {name} is not the same in all parts: {what}", got=f"{row[what]} in {path}",
                        expected=first[what],
                    )  # fmt: skip
            rows[name] = {
                **first,
                **{what: first[what] or row[what] for what in ("versions", "profile")},
                **{what: first[what] + row[what] for what in ("starts", "deaths_between_cases")},
                "seconds": _sums([first["seconds"], row["seconds"]]),
            }
    return rows


def _missing(parts: Sequence[Run]) -> dict[str, str]:
    """Engines that were not installed where some cases ran, if no other part ran these cases on them."""
    ran = {(part["digest"], name) for part in parts for name in part.get("engines", {})}
    return {
        name: lacks
        for part in parts
        for name, lacks in part.get("missing", {}).items()
        if (part["digest"], name) not in ran
    }


def _differences(parts: Sequence[Run]) -> Iterator[str]:
    """What is worth a word of the machines and of the engines' variables."""
    for name in store.MACHINE:
        values = dict.fromkeys(str(part["machine"].get(name)) for part in parts)
        if len(values) > 1:
            yield f"the machines differ: {name} {' · '.join(values)}"
    flags = Counter[str](flag for part in parts for flag in part["machine"].get("cpu_flags", ()))
    if odd := [flag for flag, number in flags.items() if number < len(parts)]:
        yield f"the machines differ: CPU flags {', '.join(sorted(odd))}"
    for name in _union(part.get("engines", {}) for part in parts):
        rows = [part["engines"][name] for part in parts if name in part.get("engines", {})]
        odd = {key for row in rows for key in row["environment"].items() ^ rows[0]["environment"].items()}
        if odd:
            yield f"engine {name} ran with different variables: {', '.join(sorted({key for key, _ in odd}))}"


def _union(values: Iterable[Iterable[Any]]) -> list[Any]:
    return list(dict.fromkeys(value for several in values for value in several))


def _sums(numbers: Iterable[dict[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for one in numbers:
        for name, value in one.items():
            total[name] = round(total.get(name, 0.0) + value, 3)
    return total
