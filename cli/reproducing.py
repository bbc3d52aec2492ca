"""`convsuite repro`: a bad record as a script, as the text of an issue, or executed."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..conformance import store
from ..conformance.errors import UsageError
from ..reports.reproducers import Execution, NoReproducer, Reproducer, execute, reproducer
from . import STATUS_NEW, STATUS_WRONG

Record = dict[str, Any]
STATUSES = {"lives": STATUS_NEW, "gone": 0, "broken": STATUS_WRONG}
SENTENCES = {
    "lives": "the discrepancy lives",
    "gone": "the discrepancy is gone",
    "broken": "the script did not come to an end of its own",
}


def repro_command(folder: Path, case: str | None, options: dict[str, Any]) -> int:
    """Prints, writes or executes reproducers.

    Raises `UsageError` where the run has no such record, where it has several, and where none can be made a script.
    """
    run, records = store.read_run(folder), store.read_records(folder)
    chosen = [record for record in records if _wanted(record, options["engines"], options["form"])]
    if options["every"]:
        return _all(run, records, chosen, options)
    record = _one(records, chosen, str(case), options)
    try:
        made = reproducer(record, run, records)
    except NoReproducer as error:
        raise UsageError(f"no reproducer: {error}", got=_name(record)) from error
    if not options["execute"] or options["issue"]:
        click.echo(made.text if options["issue"] else made.script, nl=False)
    return _told(made, *execute([made])) if options["execute"] else 0


def _wanted(record: Record, engines: Sequence[str], form: str | None) -> bool:
    return (not engines or record["engine"] in engines) and form in (None, record["form"])


def _one(records: Sequence[Record], chosen: Sequence[Record], case: str, options: dict[str, Any]) -> Record:
    """The one bad record that is asked for.  Raises `UsageError`."""
    of_case = [record for record in records if record["case"] == case]
    if not of_case:
        near = difflib.get_close_matches(case, {record["case"] for record in records}, n=1, cutoff=0.4)
        raise UsageError("no record of this case in the run", got=case, expected=near[0] if near else "another run")
    asked = [record for record in chosen if record["case"] == case]
    if not asked:
        others = ", ".join(dict.fromkeys(_name(record) for record in of_case))
        got = ", ".join([*options["engines"], *filter(None, [options["form"]])])
        raise UsageError("no record of this case by this engine in this form", got=got, expected=f"one of {others}")
    bad = [record for record in asked if not record["ok"]]
    if not bad:
        verdicts = ", ".join(f"{_name(record)}: {record['verdict']}" for record in asked)
        elsewhere = [_name(record) for record in of_case if not record["ok"]]
        raise UsageError("nothing is wrong here", got=verdicts, expected=", ".join(elsewhere) or "a bad record")
    if len(bad) > 1:
        raise UsageError(
            "several records of this case are bad",
            got=", ".join(_name(record) for record in bad),
            expected="one of them, by --engine and --form",
        )
    return bad[0]


def _name(record: Record) -> str:
    return f"{record['engine']} ({record['form']})"


def _told(made: Reproducer, ended: Execution) -> int:
    """Shows what a script did, and gives the status that says so."""
    click.echo(ended.output, nl=False)
    click.echo(f"{made.engine} ({made.form}): {SENTENCES[ended.status]}", err=True)
    return STATUSES[ended.status]


def _all(run: dict[str, Any], records: Sequence[Record], chosen: Sequence[Record], options: dict[str, Any]) -> int:
    """The smallest record of every cause, engine, operation and form, each as a script and an issue's text."""
    from ..reports.html.causes import is_bad
    from ..reports.html.evidence import chosen as smallest_of_each

    if not any(map(is_bad, chosen)):
        raise UsageError("nothing is wrong in this run", got=f"{len(chosen)} records", expected="a bad one")
    made, without = dict[str, Reproducer](), Counter[str]()
    for record in smallest_of_each(chosen):
        try:
            one = reproducer(record, run, records)
        except NoReproducer as error:
            without[str(error)] += 1
            continue
        made[_file_name(record, made)] = one
    for why, count in without.items():
        click.echo(f"without a script: {count} ({why})", err=True)
    if not made:
        raise UsageError("none of the bad records can be made a script", got=f"{without.total()} causes")
    folder: Path | None = options["out"]
    if folder is not None:
        _write(folder, made)
    if not options["execute"]:
        return 0
    ended = execute(list(made.values()), jobs=options["jobs"] or 1)
    for name, one in zip(made, ended, strict=True):
        click.echo(f"{one.status:7}{name}")
        if one.status == "broken":
            click.echo(one.output.strip(), err=True)
    return max(STATUSES[one.status] for one in ended)


def _file_name(record: Record, taken: dict[str, Reproducer]) -> str:
    """Engine, form, operation, verdict and cause, as a name that is free."""
    cause = (record.get("diagnosis") or {}).get("code") or ""
    words = [record["engine"], record["form"], record["op"], record["verdict"], cause]
    name = re.sub(r"[^A-Za-z0-9]+", "-", "-".join(filter(None, words))).strip("-")
    number = sum(other == name or other.startswith(f"{name}-no") for other in taken)
    return f"{name}-no{number + 1}" if number else name


def _write(folder: Path, made: dict[str, Reproducer]) -> None:
    """A script and a text of each; tells the paths of the scripts.  Raises `UsageError` where one cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, one in made.items():
            (folder / f"{name}.md").write_text(one.text, encoding="utf-8")
            file = folder / f"{name}.py"
            file.write_text(one.script, encoding="utf-8")
            click.echo(file)
    except OSError as error:
        raise UsageError(f"reproducers cannot be written: {error.strerror}", got=folder) from error
