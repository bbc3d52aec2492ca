"""What a person sees of a self-test: which families of cases kill which fault, and where the suite is weak."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from ..conformance.selftest import Alarm, Report

MOST_LINES = 12
MOST_ALARMS = 40
MOST_TEXT = 160
EXAMPLES = 3
NAMES_WIDTH, DIGITS, BORDER = 56, 4, 3
"""Room for a fault's code and sum; the least a column of numbers needs; what stands between two columns."""


def table(report: Report, width: int) -> Table:
    """Faults against families of cases: how many cases of a family kill a fault.

    Where that is wider than ``width``, the families that kill it most stand in one column.
    """
    from ..conformance.faults import SUBJECTS

    counts = report.matrix()
    families = list(dict.fromkeys(row.family for row in report.rows))
    drawn = Table()
    drawn.add_column("fault", overflow="fold")
    drawn.add_column("all", justify="right")
    matrix = width >= NAMES_WIDTH + sum(max(len(family), DIGITS) + BORDER for family in families)
    for family in families if matrix else ["by family, the best first"]:
        drawn.add_column(family, justify="right" if matrix else "left")
    for faults in SUBJECTS.values():
        chosen = [fault for fault in faults if fault.code in counts]
        for fault in chosen:
            killed = counts[fault.code]
            cells = [str(killed[family] or "·") for family in families] if matrix else [_best(killed)]
            total = Text(str(killed.total()), "green" if killed else "bold red")
            drawn.add_row(fault.code, total, *cells, end_section=fault is chosen[-1])
    return drawn


def _best(killed: Counter[str]) -> str:
    more = " …" if len(killed) > EXAMPLES else ""
    return ", ".join(f"{family} {number}" for family, number in killed.most_common(EXAMPLES)) + more


def print_report(report: Report) -> None:
    """The matrix, the weak places, what survives and who is accused wrongly; to standard error."""
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, 300)  # a log has no edge to wrap at
    console.print(table(report, console.width))
    _print_weak_places(report, console)
    applied = {code for row in report.rows for code in row.applied}
    for fault in report.survivors:
        why = "survives" if fault.code in applied else "survives: it applies to none of these cases"
        console.print(f"{fault.code} {why}: {fault.sentence}", style="bold red")
    _print_alarms(report, console)
    if report.left_out:
        console.print(
            f"{len(report.left_out)} cases left out, whose strides, dilation or pads only an engine's process can hold"
        )
    killed = len(report.faults) - len(report.survivors)
    console.print(
        f"{killed} of {len(report.faults)} faults killed by {len(report.rows):,} cases, of which "
        f"{len(report.enough())} would do; {len(report.right)} right engines, {len(report.alarms)} false alarms; "
        f"{report.seconds:.0f} s"
    )


def _print_weak_places(report: Report, console: Console) -> None:
    console.print("faults that the fewest cases kill")
    killers = sorted(report.killers.items(), key=lambda one: len(one[1]))
    for code, cases in [one for one in killers if one[1]][:MOST_LINES]:
        more = " …" if len(cases) > EXAMPLES else ""
        console.print(f"  {len(cases):6} {code}: {', '.join(cases[:EXAMPLES])}{more}")
    console.print("families that kill the fewest faults")
    for name, codes, cases in report.strength(lambda row: row.family)[:MOST_LINES]:
        console.print(f"  {codes:6} {name}, {cases} {'case' if cases == 1 else 'cases'}")
    console.print("groups of cases that kill the fewest faults, but some")
    for name, codes, cases in [one for one in report.strength(lambda row: row.group) if one[1]][:MOST_LINES]:
        console.print(f"  {codes:6} {name}, {cases} {'case' if cases == 1 else 'cases'}")
    idle = report.idle
    if idle:
        console.print(f"{len(idle)} cases that no fault needs")
        for case in idle[:MOST_LINES]:
            console.print(f"         {case}")
        if len(idle) > MOST_LINES:
            console.print(f"         and {len(idle) - MOST_LINES} more, see --json")


def _print_alarms(report: Report, console: Console) -> None:
    by_case: dict[str, list[Alarm]] = {}
    for alarm in report.alarms:
        by_case.setdefault(alarm.case, []).append(alarm)
    for case, accused in list(by_case.items())[:MOST_ALARMS]:
        everybody = len(accused) == len(report.right)
        engines = "every right engine" if everybody else ", ".join(alarm.engine for alarm in accused)
        console.print(f"false alarm: {case}: {accused[0].verdict} for {engines}", style="bold red")
        console.print(f"  {accused[0].message[:MOST_TEXT]}")
    if len(by_case) > MOST_ALARMS:
        console.print(f"false alarms on {len(by_case) - MOST_ALARMS} more cases, see --json", style="bold red")
