"""What a benchmark found, for a terminal: a table per layer, the means by kind of layer, the networks' totals."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from . import summaries
from .gate import Change, Comparison
from .results import Results, Row

WIDEST_LOG = 200
LEGEND = (
    "× vendor: the fastest framework's time over its own, above 1 is faster; % peak: of the machine's sgemm, "
    "multiplications of the definition counted; rms: error in units of one float32 GEMM's; bound: largest error in "
    "units of its bound."
)
STYLES = {"slower": "red", "faster": "green", "unsure": "yellow"}


def print_results(results: Results) -> None:
    """Everything, to standard error."""
    console = _console()
    for rows in summaries.grouped(results.rows, lambda row: row["layer"]).values():
        console.print(layer_table(rows))
    if results.rows:
        for table in (*kind_tables(results.rows), *total_tables(results.rows)):
            console.print(table)
        console.print(LEGEND)
    _print_rounds(console, results)
    for line in skipped_lines(results.skipped):
        console.print(line, style="yellow")
    for one in results.wrong:
        where = f"{one['layer']} on {one['implementation']}, {_threads(one['threads'])}"
        console.print(f"WRONG: {where}: {one['reason']}", style="red")


def print_comparison(comparison: Comparison, baseline: Results, now: Results) -> None:
    """What has changed since the baseline, and by how much, to standard error."""
    console = _console()
    for change in comparison.changed:
        console.print(_change(change), style=STYLES[change.verdict])
    for what, why in comparison.left_out.items():
        console.print(f"not compared: {what}: {why}", style="yellow")
    for name, version in now.environment["versions"].items():
        before = baseline.environment.get("versions", {}).get(name, version)
        if before != version:
            console.print(f"{name} was {before} in the baseline and is {version}", style="yellow")
    rows = [change for change in comparison.changes if len(change.layers) == 1]
    counts = ", ".join(f"{sum(row.verdict == verdict for row in rows)} {verdict}" for verdict in STYLES)
    console.print(f"{len(rows)} rows compared with the baseline of {baseline.started}: {counts}")


def _change(change: Change) -> str:
    count = len(change.layers)
    where = change.layers[0] if count == 1 else f"mean of {count} layers"
    times = f"{change.factor:.2f} times the time, {change.low:.2f} to {change.high:.2f}"
    starts = f"{change.starts} start{'' if change.starts == 1 else 's'}"
    what = f"{change.verdict}: {change.implementation}, {_threads(change.threads)}, {where}"
    return f"{what}: {times} (against {change.against}; {starts})"


def layer_table(rows: Sequence[Row]) -> Table:
    """One layer: implementations against what was measured with each number of threads."""
    first, counts = rows[0], _counts(rows)
    table = Table(title=_title(first, rows), title_justify="left", caption_justify="left")
    table.add_column("implementation")
    table.add_column("variant")
    for count in counts:
        for name in (f"ms, {_threads(count)}", "±%", "GFLOP/s", "% peak", "× vendor"):
            table.add_column(name, justify="right")
    for name in ("rms", "bound"):
        table.add_column(name, justify="right")
    for members in summaries.grouped(rows, lambda row: row["implementation"]).values():
        by_threads = {row["threads"]: row for row in members}
        cells: list[str | Text] = [members[0]["implementation"], _variants(members)]
        for count in counts:
            cells += _times(by_threads.get(count))
        largest = max((row["bound_ratio"] or 0.0 for row in members), default=0.0)
        cells += [_number(members[0]["rms_error_ratio"], ".2f"), Text(f"{largest:.2g}", "red" if largest > 1 else "")]
        table.add_row(*cells)
    return table


def _title(first: Row, rows: Iterable[Row]) -> str:
    shape = f"{first['op']} {first['input']}, kernel {first['kernel_size']}"
    shape += f" → {first['filters']}" if first["filters"] else ""
    for name in ("strides", "dilation"):
        shape += f", {name} {first[name]}" if max(first[name]) > 1 else ""
    shape += f", groups {first['groups']}" if first["groups"] > 1 else ""
    fastest = {row["threads"]: row["implementation"] for row in rows if row["vendor"] and row["ratio_to_vendor"] == 1.0}
    vendors = ", ".join(f"{name} ({_threads(count)})" for count, name in sorted(fastest.items()))
    said = f"; fastest vendor: {vendors}" if vendors else "; no vendor"
    return f"{first['layer']}: {shape}, {2 * first['macs'] / 1e9:.3g} GFLOP{said}"


def _variants(rows: Sequence[Row]) -> str:
    """Which variant was taken, where there were several: with each number of threads if it was not the same."""
    if all(len(row["variants"]) == 1 for row in rows):
        return ""
    return " / ".join(dict.fromkeys(row["variant"] for row in rows))


def _times(row: Row | None) -> list[str | Text]:
    if row is None:
        return ["", "", "", "", ""]
    ratio = row["ratio_to_vendor"]
    style = "green" if ratio is not None and ratio > 1 and not row["vendor"] else ""
    return [
        f"{1e3 * row['seconds']:.3g}",
        f"{100 * row['spread'] / 2:.0f}",
        f"{row['gflops']:.3g}",
        f"{100 * row['peak_fraction']:.0f}",
        Text(_number(ratio, ".2f"), style),
    ]


def kind_tables(rows: Sequence[Row]) -> list[Table]:
    """Per network, the geometric means over its layers of each kind, of implementations that compute them all."""
    tables: list[Table] = []
    for network in dict.fromkeys(row["network"] for row in rows):
        lines, counts = summaries.headline(rows, network), _counts(rows)
        table = Table(title=f"{network}: geometric means", title_justify="left")
        for name in ("layers", "implementation"):
            table.add_column(name)
        for count in counts:
            table.add_column(f"× vendor, {_threads(count)}", justify="right")
            table.add_column("% peak", justify="right")
        table.add_column("rms", justify="right")
        for number, line in enumerate(lines):
            cells = [f"{line['kind']} ({line['layers']})", line["implementation"]]
            for count in counts:
                cells += [_number(line["speed"].get(count), ".2f"), _percent(line["peak"].get(count))]
            last = number + 1 == len(lines) or lines[number + 1]["kind"] != line["kind"]
            table.add_row(*cells, _number(line["error"], ".2f"), end_section=last)
        tables.append(table)
    return tables


def total_tables(rows: Sequence[Row]) -> list[Table]:
    """Per network, the time of all its layers, each as often as it occurs."""
    tables: list[Table] = []
    for network, lines in summaries.grouped(summaries.totals(rows), lambda line: line["network"]).items():
        whole = [line for line in lines if not line["missing"]]
        counts = sorted({line["threads"] for line in whole})
        table = Table(title=f"{network}: all layers", title_justify="left")
        table.add_column("implementation")
        for count in counts:
            table.add_column(f"ms, {_threads(count)}", justify="right")
        for name, members in summaries.grouped(whole, lambda line: line["implementation"]).items():
            seconds = {line["threads"]: line["seconds"] for line in members}
            table.add_row(name, *(f"{1e3 * seconds[count]:.1f}" if count in seconds else "" for count in counts))
        if whole:
            tables.append(table)
    return tables


def skipped_lines(skipped: Iterable[dict[str, Any]]) -> list[str]:
    """What has no row, a line for all layers that share an implementation and a reason."""
    parts = summaries.grouped(
        (one for one in skipped if not one["wrong"]), lambda one: (one["implementation"], one["reason"])
    )
    lines: list[str] = []
    for (name, reason), members in parts.items():
        layers = list(dict.fromkeys(one["layer"] for one in members))
        where = layers[0] if len(layers) == 1 else f"{len(layers)} layers"
        lines.append(f"skipped: {name}, {where}: {reason}")
    return lines


def _print_rounds(console: Console, results: Results) -> None:
    for one in results.machine:
        rates = f"sgemm {one['sgemm_gflops']:.0f} GFLOP/s, copy {one['copy_gbps']:.0f} GB/s"
        console.print(f"machine, {_threads(one['threads'])}: {rates}")
    layers = {summaries.computation(row): row for row in results.rows}.values()
    kept, thrown = (sum(row[name] for row in layers) for name in ("rounds", "thrown_away"))
    why = ", in which a probe saw less than 90 % of the machine" if thrown else ""
    console.print(f"{kept} rounds, {thrown} more thrown away{why}; {results.seconds:.0f} s")


def _console() -> Console:
    console = Console(stderr=True, highlight=False, emoji=False, markup=False)
    if not console.is_terminal:
        console.width = max(console.width, WIDEST_LOG)  # a log has no edge to wrap at
    return console


def _counts(rows: Iterable[Row]) -> list[int]:
    return sorted({row["threads"] for row in rows})


def _threads(count: int) -> str:
    return f"{count} thread{'' if count == 1 else 's'}"


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}"
