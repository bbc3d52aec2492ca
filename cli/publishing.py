"""What CI wants of a run: a JUnit file, a summary for a pull request, and a status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import click

from ..conformance import store
from ..conformance.errors import UsageError
from . import STATUS_NEW, STATUS_WRONG


def write_junit(folder: Path, target: str, *, tell: bool = True) -> None:
    """The JUnit file to a file, or to standard output.  Raises `UsageError` where it cannot be written."""
    from ..reports.junit import render

    write("the JUnit file", target, render(store.read_run(folder), store.each_record(folder)), tell=tell)


def write_summary(folder: Path, target: str) -> None:
    """The summary to a file, or to standard output.  Raises `UsageError` where it cannot be written."""
    from ..reports.summary import render

    write("the summary", target, render(store.read_run(folder), store.read_records(folder)).encode())


def write(what: str, target: str, content: bytes, *, tell: bool = True) -> None:
    """To standard output where ``target`` is "-", else to a file, which is told.  Raises `UsageError`."""
    if target == "-":
        click.echo(content, nl=False)
        return
    try:
        Path(target).write_bytes(content)
    except OSError as error:
        raise UsageError(f"{what} cannot be written: {error.strerror}", got=target) from error
    if tell:
        click.echo(target)


def status_of_run(folder: Path, fail_on: str) -> int:
    """The status that the run would have ended with, had it been asked with this ``--fail-on``.

    Raises `UsageError` for a run that did not end: what it has not judged must not pass.
    """
    if fail_on == "never":
        return 0
    run = store.read_run(folder)
    if run["status"] != "complete":
        raise UsageError("the run did not end, so that it cannot pass", got=run["status"], expected="complete")
    counts = Counter(record["status"] for record in store.each_record(folder))
    return status_of(fail_on, counts.__getitem__, broken=bool(run.get("broken")))


def status_of(fail_on: str, number: Callable[[str], int], *, broken: bool) -> int:
    """What a run ends with.

    ``number``: of records that are new, known, or vanished.  ``broken``: whether an engine did not start again, so that
    records are lacking.
    """
    if broken:
        return STATUS_WRONG
    failing = {"new": ("new", "vanished"), "any": ("new", "known", "vanished"), "never": ()}[fail_on]
    return STATUS_NEW if sum(map(number, failing)) else 0
