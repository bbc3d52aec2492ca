"""A comparison for a person at a terminal."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from .changes import KINDS, WORSE
from .compare import Comparison, Group

MOST_GROUPS, MOST_TEXT = 12, 160
STYLES = {"new": "red", "changed": "red", "grown": "red", "fixed": "green", "moved": "yellow"}


def show(found: Comparison, console: Console) -> None:
    """Versions, what else differs, the changes kind by kind, what was not compared, and the sums."""
    if any(version.differs for version in found.versions):
        console.print(_versions(found))
    for note in found.notes:
        console.print(note, style="yellow", soft_wrap=True)
    for kind, about in KINDS.items():
        groups = [group for group in found.groups if group.kind == kind]
        if groups:
            console.print(f"{kind}: {about}", style=f"bold {STYLES[kind]}")
        for group in groups[:MOST_GROUPS]:
            _show(group, console)
        if len(groups) > MOST_GROUPS:
            console.print(f"  and {len(groups) - MOST_GROUPS} more groups, see --html, --markdown or --json")
    for sentence in found.not_compared:
        console.print(f"not compared: {sentence}", soft_wrap=True)
    console.print(headline(found), soft_wrap=True)


def headline(found: Comparison) -> str:
    """The sums in a line."""
    counts = ", ".join(f"{number:,} {kind}" for kind, number in found.counts.items())
    known = sum(change.worse and change.known for change in found.changes)
    said = f" ({known:,} of what is worse are known)" if known else ""
    return f"{found.compared:,} records compared: {counts}, {found.same:,} as before{said}"


def _versions(found: Comparison) -> Table:
    table = Table("engine", "package", "before", "after")
    for version in found.versions:
        if version.differs:
            table.add_row(version.engine, version.package, version.before or "–", version.after or "–")
    return table


def _show(group: Group, console: Console) -> None:
    style = STYLES[group.kind] if group.kind not in WORSE or not group.known else "yellow"
    known = ", known" if group.known else ""
    became = group.is_now if group.was == group.is_now else f"{group.was} → {group.is_now}"
    console.print(Text(f"  {group.engine}, {group.form}: {len(group.cases)} × {became}{known}", style), soft_wrap=True)
    console.print(f"    {group.example['case']}", soft_wrap=True)
    if group.reason:
        console.print(f"    {group.reason[:MOST_TEXT]}", soft_wrap=True)
