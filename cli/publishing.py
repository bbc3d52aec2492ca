"""What commands have in common that publish a run: how files are written, the JUnit file, the status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import click

from ..conformance.errors import UsageError
from . import STATUS_NEW, STATUS_WRONG

STDOUT = "-"
"""In place of a file's name."""


def junit(run: Mapping[str, Any], records: Iterable[Mapping[str, Any]]) -> bytes:
    """The JUnit file of a run."""
    from ..reports.junit import render

    return render(run, records)


def write(what: str, target: str, content: bytes, *, tell: bool = True) -> None:
    """To standard output where ``target`` is `STDOUT`, else to a file, which is told.  Raises `UsageError`."""
    if target == STDOUT:
        click.echo(content, nl=False)
        return
    try:
        Path(target).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{what} cannot be written: {error.strerror}", got=target) from error
    if tell:
        click.echo(target)


def status_of_run(run: Mapping[str, Any], records: Iterable[Mapping[str, Any]], fail_on: str) -> int:
    """The status that the run would have ended with, had it been asked with this ``--fail-on``.

    Raises `UsageError` for a run that lacks records: what it has not judged must not pass.
    """
    if fail_on == "never":
        return 0
    check_whole(run)
    counts = Counter(record["status"] for record in records)
    return status_of(fail_on, counts.__getitem__, broken=False)


def check_whole(run: Mapping[str, Any]) -> None:
    """Raises `UsageError` for a run that lacks records, since it did not end or an engine stopped early."""
    if run["status"] != "complete":
        raise UsageError("the run did not end, so that it cannot pass", got=run["status"], expected="complete")
    if broken := run.get("broken"):
        said = "; ".join(f"{engine} {why}" for engine, why in broken.items())
        raise UsageError("an engine stopped early, so that the run cannot pass", got=said)


def status_of(fail_on: str, number: Callable[[str], int], *, broken: bool) -> int:
    """What a run ends with.

    ``number``: of records that are new, known, or vanished.  ``broken``: whether an engine did not start again, so that
    records are lacking.
    """
    if broken:
        return STATUS_WRONG
    failing = {"new": ("new", "vanished"), "any": ("new", "known", "vanished"), "never": ()}[fail_on]
    return STATUS_NEW if sum(map(number, failing)) else 0
