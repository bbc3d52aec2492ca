"""`convsuite list`, `show` and `schema`: what a reader or a program wants to see, on standard output."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from ..conformance.errors import UsageError


def print_cases(names: Sequence[str], tags: Sequence[str], filter_expression: str | None, *, count: bool) -> None:
    """Ids, or numbers per family."""
    from ..conformance import corpus

    entries = corpus.select(corpus.load(names, layers=True), tags=tags, filter_expression=filter_expression)
    if not count:
        click.echo("\n".join(one for entry in entries for one in entry.ids))
        return
    families = Counter(entry.family for entry in entries for _ in entry.ids)
    for family, number in families.items():
        click.echo(f"{number:6} {family}")
    click.echo(f"{families.total():6} cases")


def print_engines(file: str | None) -> None:
    """Names, and what is installed, of the known engines and those of a file; imports no framework."""
    from ..conformance.engines import gather

    known = gather(file)
    width = max(map(len, known))
    for name, engine in known.items():
        lacks = engine.missing
        state = f"missing: {lacks}" if lacks else ", ".join(_version(need) for need in engine.needs) or "installed"
        spared = f"; by default on cases tagged {' or '.join(engine.tags)}" if engine.tags else ""
        click.echo(f"{name:{width}}  {'default' if engine.default else '       '}  {state}{spared}")


def _version(distribution: str) -> str:
    try:
        return f"{distribution} {version(distribution)}"
    except PackageNotFoundError:
        return distribution


def print_schema() -> None:
    """The case file's JSON Schema."""
    from ..conformance.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))


def print_records(folder: Path, case: str, engines: Sequence[str]) -> None:
    """The records of one case.  Raises `UsageError` where the run has none."""
    from ..conformance import store
    from ..reports.wording import describe

    records = store.read_records(folder)
    chosen = [record for record in records if record["case"] == case]
    if not chosen:
        near = difflib.get_close_matches(case, {record["case"] for record in records}, n=1, cutoff=0.4)
        raise UsageError("no record of this case in the run", got=case, expected=near[0] if near else "another run")
    chosen = [record for record in chosen if not engines or record["engine"] in engines]
    if not chosen:
        raise UsageError("no record of this case by these engines", got=", ".join(engines))
    first = chosen[0]
    click.echo(first["case"])
    if first["about"]:
        click.echo(f"  {first['about']}")
    click.echo(f"  {', '.join(f'{name}={_short(first[name])}' for name in PARAMETERS if first.get(name) is not None)}")
    if parts := dict.fromkeys(record["case"] for record in records if record.get("part_of") == case):
        click.echo("\n".join(["  a relation between", *(f"    {part}" for part in parts)]))
    if finding := first.get("finding"):
        click.echo(f"  the note, {finding['section']}: {finding['quote']!r} is {finding['verdict']}: {finding['rule']}")
    for record in chosen:
        click.echo("\n".join(["", *describe(record)]))


PARAMETERS = (
    "op", "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "expected_dtype", "data", "seed", "layout", "wrt", "kernel_shape",
    "expect", "check", "law", "part_of",
)  # fmt: skip


def _short(value: Any) -> str:
    return str(value).replace(" ", "")


def print_coverage(names: Sequence[str], tags: Sequence[str], filter_expression: str | None, *, most: int = 20) -> None:
    """Per operation and rank, the share of valid 1-, 2- and 3-way combinations that a case has, and what is missing."""
    from ..conformance import corpus
    from ..conformance.covering import coverage

    entries = corpus.select(corpus.load(names), tags=tags, filter_expression=filter_expression)
    there = {(entry.case.op, entry.case.rank) for entry in entries if entry.check is None}
    families = [family for family in coverage.FAMILIES if (family.op, family.rank) in there]
    measured = coverage.measure(entries, families)
    click.echo(f"{'':20}" + "".join(f"{f'{strength}-way':>18}" for strength in coverage.STRENGTHS))
    by_family: dict[str, list[coverage.Coverage]] = {}
    for one in measured:
        by_family.setdefault(one.family.name, []).append(one)
    for name, row in by_family.items():
        cells = (f"{one.percent:5.1f} % of {one.valid:6,}" for one in row)
        click.echo(f"{name:20}" + "".join(f"{cell:>18}" for cell in cells))
    if none := [family.name for family in coverage.FAMILIES if family not in families]:
        click.echo(f"no case of: {', '.join(none)}")
    missing = [(one.family.name, combination) for one in measured for combination in one.missing]
    if not missing:
        click.echo("nothing is missing")
        return
    click.echo(f"missing: {len(missing):,} combinations" + (f", the first {most}:" if len(missing) > most else ":"))
    for name, combination in missing[:most]:
        click.echo(f"  {name}: " + ", ".join(f"{parameter}={level}" for parameter, level in sorted(combination)))
