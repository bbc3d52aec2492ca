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

    entries = corpus.select(corpus.load(names), tags=tags, filter_expression=filter_expression)
    if not count:
        click.echo("\n".join(entry.id for entry in entries))
        return
    families = Counter(entry.family for entry in entries)
    for family, number in families.items():
        click.echo(f"{number:6} {family}")
    click.echo(f"{families.total():6} cases")


def print_engines() -> None:
    """Names, and what is installed; imports no framework."""
    from ..conformance.engines import known_engines

    known = known_engines()
    width = max(map(len, known))
    for name, engine in known.items():
        lacks = engine.missing
        state = f"missing: {lacks}" if lacks else ", ".join(_version(need) for need in engine.needs) or "installed"
        click.echo(f"{name:{width}}  {'default' if engine.default else '       '}  {state}")


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
    if finding := first.get("finding"):
        click.echo(f"  the note, {finding['section']}: {finding['quote']!r} is {finding['verdict']}: {finding['rule']}")
    for record in chosen:
        click.echo()
        _print_record(record)


PARAMETERS = (
    "op", "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "expected_dtype", "data", "seed", "layout", "wrt", "kernel_shape",
    "expect", "check",
)  # fmt: skip


def _print_record(record: dict[str, Any]) -> None:
    mark = {"new": "NEW", "known": "known", "vanished": "VANISHED"}.get(record["status"], "as it should be")
    click.echo(f"{record['engine']}, {record['form']}: {record['verdict']} ({mark})")
    if record["message"]:
        click.echo(f"  {record['message']}")
    if record["known"]:
        click.echo(f"  known: {record['known']}")
    if record["shape"] is not None:
        ratio = "" if record["bound_ratio"] is None else f", {record['bound_ratio']:.3g} of the bound"
        error = "" if record["max_error"] is None else f", largest error {record['max_error']:.3g}{ratio}"
        due = f"{record['expected_dtype']}{record['expected_shape']}"
        click.echo(f"  {record['dtype']}{record['shape']}, expected {due}{error}")
    if record["program"]:
        click.echo("\n".join(f"  | {line}" for line in record["program"].splitlines()))


def _short(value: Any) -> str:
    return str(value).replace(" ", "")
