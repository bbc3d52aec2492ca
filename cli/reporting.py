"""`convsuite report` and `expect`: a run's folder in, pages, files for CI, a status and expectations out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..conformance import store
from .publishing import junit, status_of_run, write


def report_command(folder: Path, options: Mapping[str, Any]) -> int:
    """Writes the files that are asked for, from one reading of the run; the status is that of ``--fail-on``.

    Raises `UsageError` where there is no run, and where a file cannot be written.
    """
    run, records = store.read_run(folder), store.read_records(folder)
    if (target := options["markdown"]) is not None:
        from ..reports import markdown

        write("the report", target, markdown.render(run, records).encode())
    if (target := options["html"]) is not None:
        from ..reports.html import page

        made = page.write(
            folder,
            run,
            records,
            target,
            reproducers=not options["no_reproducers"],
            drawn=not options["no_pictures"],
            told=lambda said: click.echo(said, err=True),
        )
        click.echo(made)
    if (target := options["summary"]) is not None:
        from ..reports import summary

        write("the summary", target, summary.render(run, records).encode())
    if (target := options["junit"]) is not None:
        write("the JUnit file", target, junit(run, records))
    return status_of_run(run, records, options["fail_on"])


def print_expectations(folder: Path) -> None:
    """An expectations file for what is new."""
    from ..reports.propose import propose

    click.echo(propose(store.read_records(folder)), nl=False)
