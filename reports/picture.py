"""The picture of a run for a README: the terminal's table as SVG.

python -m convsuite.reports.picture RUN FILE.svg
"""

from __future__ import annotations

import io
import sys
from collections import Counter
from pathlib import Path

from rich.console import Console

from ..conformance import store
from . import tables, terminal

WIDTH = 118


def draw(folder: Path, target: Path) -> None:
    """Writes the table of a run.  Raises `convsuite.conformance.UsageError` where there is none."""
    records = store.read_records(folder)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), highlight=False, emoji=False, markup=False)
    run = store.read_run(folder)
    console.print(terminal.table(records, list(run.get("engines", ()))))
    console.print(tables.LEGEND)
    counts = Counter(record["status"] for record in records)
    console.print(
        f"{len(records)} records: {counts['new']} new, {counts['known']} known with "
        f"{len(tables.causes(records))} causes, {counts['vanished']} vanished"
    )
    target.write_text(console.export_svg(title="convsuite run"), encoding="utf-8")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
