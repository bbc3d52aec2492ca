"""`convsuite merge`: runs that belong together as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
from rich.console import Console

from ..conformance import store
from ..conformance.merging import merge
from ..reports import tables, terminal


def merge_command(paths: Sequence[Path], out: Path, *, partial: bool) -> None:
    """Merges, shows the table of the whole and what differs between its parts, and tells the folder."""
    merged = merge(paths, out, partial=partial)
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    records = store.read_records(out)
    if records:
        console.print(terminal.table(records, list(merged.run.get("engines", ()))))
        console.print(tables.LEGEND)
    for note in merged.notes:
        console.print(note, style="yellow", soft_wrap=True)
    counts, runs = merged.run["counts"], "1 run" if len(paths) == 1 else f"{len(paths)} runs"
    doubled = f", {merged.doubled:,} of them in more than one" if merged.doubled else ""
    console.print(
        f"{counts['records']:,} records from {runs}{doubled}: {counts['new']} new, {counts['known']} known, "
        f"{counts['vanished']} vanished",
        soft_wrap=True,
    )
    click.echo(str(out))
