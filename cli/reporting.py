"""`convsuite report` and `expect`: a run's folder in, pages and expectations out."""

from __future__ import annotations

from pathlib import Path

import click

from ..conformance import store
from ..conformance.errors import UsageError


def write_markdown(folder: Path, target: str) -> None:
    """The Markdown report to a file, or to standard output.  Raises `UsageError` where it cannot be written."""
    from ..reports.markdown import render

    text = render(store.read_run(folder), store.read_records(folder))
    if target == "-":
        click.echo(text, nl=False)
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the report cannot be written: {error.strerror}", got=target) from error
    click.echo(target)


def write_html(folder: Path, target: Path, *, reproducers: bool, pictures: bool) -> None:
    """The HTML report into a folder; tells its path.  Raises `UsageError` where it cannot be written."""
    from ..reports.html.page import write

    page = write(folder, target, reproducers=reproducers, drawn=pictures, told=lambda said: click.echo(said, err=True))
    click.echo(page)


def print_expectations(folder: Path) -> None:
    """An expectations file for what is new."""
    from ..reports.propose import propose

    click.echo(propose(store.read_records(folder)), nl=False)
