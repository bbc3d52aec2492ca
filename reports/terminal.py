"""What a person at a terminal sees of a run: progress, then a table.  All of it goes to standard error."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from ..conformance.verdict import UNJUDGED
from . import tables

if TYPE_CHECKING:
    from ..conformance.run import Summary

SECONDS_BETWEEN_LINES = 10.0
MOST_GROUPS = 12
MOST_TEXT = 160


class Reporter(Protocol):
    """Is told of every case that an engine has done."""

    def __call__(self, engine: str, records: int) -> None: ...
    def stop(self) -> None:
        """Leaves the terminal as it was."""
        ...


class _Bars:
    """One bar per engine."""

    def __init__(self, totals: Mapping[str, int], console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=console
        )
        self._tasks = {name: self._progress.add_task(name, total=cases, start=False) for name, cases in totals.items()}
        self._progress.start()

    def __call__(self, engine: str, records: int) -> None:
        task = self._tasks[engine]
        self._progress.start_task(task)
        self._progress.advance(task)

    def stop(self) -> None:
        self._progress.stop()


class _Lines:
    """A plain line now and then, where nobody watches."""

    def __init__(self, totals: Mapping[str, int], console: Console) -> None:
        self._totals, self._console = totals, console
        self._done: Counter[str] = Counter()
        self._last = time.monotonic()

    def __call__(self, engine: str, records: int) -> None:
        self._done[engine] += 1
        if self._done[engine] == self._totals[engine] or time.monotonic() - self._last > SECONDS_BETWEEN_LINES:
            self._last = time.monotonic()
            self._console.print(f"{engine}: {self._done[engine]} of {self._totals[engine]} cases", highlight=False)

    def stop(self) -> None:
        return


@contextmanager
def progress(totals: Mapping[str, int]) -> Iterator[Reporter]:
    """Bars on a terminal, plain lines elsewhere; ``totals``: how many cases each engine is to run."""
    console = Console(stderr=True, emoji=False, markup=False)
    reporter = (_Bars if console.is_terminal else _Lines)(totals, console)
    try:
        yield reporter
    finally:
        reporter.stop()


def table(records: Sequence[dict[str, Any]], order: Sequence[str]) -> Table:
    """Families and engines: how many records are right, and what the others are."""
    families, engines, cells = tables.matrix(records, order)
    drawn = Table()
    drawn.add_column("family")
    for engine in engines:
        drawn.add_column(engine, justify="right")
    for family in [*families, "all"]:
        row = [cells.get((family, engine), tables.Cell()) for engine in engines]
        drawn.add_row(family, *(_coloured(cell) for cell in row), end_section=family == families[-1])
    return drawn


def print_summary(summary: Summary, records: Sequence[dict[str, Any]], *, whole: bool) -> None:
    """The table of families and engines, what is new, and the sums.

    ``whole``: everything was run, so that an expectation that concerned nothing is worth a word.
    """
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a log has no edge to wrap at
    console.print(table(records, list(summary.versions)))
    console.print(tables.LEGEND)
    for status, style in (("new", "red"), ("vanished", "magenta")):
        _print_groups(console, tables.groups(records, status), status, style)
    _print_causes(console, tables.diagnosed(records))
    for name, count in summary.spared.items():
        console.print(f"{name} was spared {count} cases without its tags; choose by id, --tag or --filter to run them")
    for name, lacks in summary.missing.items():
        console.print(f"not installed: {name} ({lacks})", style="yellow")
    for name, why in summary.broken.items():
        console.print(f"{name} {why}; the rest of its cases has no record", style="red")
    if whole:
        for one in summary.ledger.idle({record["engine"] for record in records} - summary.spared.keys()):
            console.print(f"{one.file}:{one.line}: this expectation concerned no record", style="yellow")
    causes = len(tables.causes(records))
    unjudged = summary.verdicts[UNJUDGED]
    laws = f"{unjudged} laws not judged, " if unjudged else ""
    right = summary.records - summary.bad - summary.vanished - unjudged
    console.print(
        f"{summary.records} records: {summary.new} new, {summary.known} known with {causes} "
        f"cause{'' if causes == 1 else 's'}, {summary.vanished} vanished, {laws}{right} as they should be; "
        f"{summary.seconds['wall']:.0f} s"
    )


def _print_causes(console: Console, causes: list[tables.Diagnosed]) -> None:
    """What explains most cases first, each with what it comes to in the smallest."""
    if causes:
        console.print("why they differ, by cause")
    for cause in causes[:MOST_GROUPS]:
        new = f", {cause.new} new" if cause.new else ""
        console.print(f"{cause.cases:6} × {cause.code} ({', '.join(cause.engines)}{new})")
        console.print(f"         {cause.sentence[:MOST_TEXT]}")
    if len(causes) > MOST_GROUPS:
        console.print(f"         and {len(causes) - MOST_GROUPS} more causes, see: convsuite report RUN --markdown -")


def _coloured(cell: tables.Cell) -> Text:
    style = "red" if cell.new else "magenta" if cell.vanished else "yellow" if cell.known else "green"
    return Text(cell.short, style if cell.records else "")


def _print_groups(console: Console, groups: list[tables.Group], status: str, style: str) -> None:
    for group in groups[:MOST_GROUPS]:
        console.print(
            f"{status}: {group.engine}, {group.form}: {group.count} × {group.verdict}", style=style, markup=False
        )
        condition = f"where {group.condition}" + ("" if group.exact else " (and others that are right)")
        why = f"expected because: {group.why}" if status == "vanished" else group.message
        console.print(f"  {condition}\n  {group.example}\n  {why[:MOST_TEXT]}")
    if len(groups) > MOST_GROUPS:
        console.print(
            f"{status}: {len(groups) - MOST_GROUPS} more groups, see: convsuite report RUN --markdown -", style=style
        )
