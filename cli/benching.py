"""`convsuite bench`."""

from __future__ import annotations

import signal
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from ..benchmarks import gate, results, table
from ..benchmarks.bench import Bench
from ..benchmarks.gate import Comparison, Key
from ..benchmarks.implementations import Implementation, choose_implementations
from ..benchmarks.layers import Layer, layers_of, load_layers
from ..benchmarks.results import Results
from ..conformance.errors import UsageError
from ..reports import terminal
from . import STATUS_INTERRUPTED, STATUS_NEW
from .running import check_writable, interrupt, limits_of

STANDARD_OUTPUT = "-"


def bench_command(options: dict[str, Any]) -> int:
    """Measures, prints the tables, writes the file, and says with the status whether all is as it should be."""
    baseline = None if options["baseline"] is None else results.read(options["baseline"])
    if baseline is not None:
        gate.require_same_machine(baseline)
        options = _as_before(options, baseline)
    implementations = choose_implementations(options["engines"], options["implementations_file"])
    if options["list_implementations"]:
        _print_implementations(implementations)
        return 0
    layers, target = _layers(options, baseline), options["json_file"]
    if target not in (None, STANDARD_OUTPUT):
        check_writable("the results", target)
    if options["pictures"] is not None:
        from ..benchmarks import charts  # noqa: F401  raises UsageError now, where what draws is not installed
    signal.signal(signal.SIGTERM, interrupt)
    found, comparison = _measure(layers, implementations, options, baseline)
    table.print_results(found)
    if baseline is not None and comparison is not None:
        table.print_comparison(comparison, baseline, found)
        found.comparison = [asdict(change) for change in comparison.changes]
    if target is not None:
        _write(found, target)
    if options["pictures"] is not None and found.rows:
        from ..benchmarks.pictures import write_pictures

        for file in write_pictures(found.rows, options["pictures"]):
            click.echo(file)
    if found.interrupted:
        click.echo("interrupted: what is above was measured before", err=True)
        return STATUS_INTERRUPTED
    return STATUS_NEW if found.wrong or (comparison is not None and comparison.slower) else 0


def _as_before(options: dict[str, Any], baseline: Results) -> dict[str, Any]:
    """The options, those that are not given being the baseline's."""
    before = baseline.settings
    said = {"engines": before["implementations"], "threads": before["threads"], "rounds": before["rounds"]}
    return options | {name: options[name] or value for name, value in said.items()}


def _layers(options: dict[str, Any], baseline: Results | None) -> list[Layer]:
    cases, networks = options["cases"], options["networks"]
    if baseline is not None and not cases and not networks:
        return layers_of(baseline.settings["layers"])
    return load_layers(cases, networks)


def _measure(
    layers: list[Layer], implementations: list[Implementation], options: dict[str, Any], baseline: Results | None
) -> tuple[Results, Comparison | None]:
    """What was found, and the changes since the baseline; an interruption cuts both short."""
    found = _bench(layers, implementations, options, options["threads"], "bench")
    if found.interrupted:
        return found, None
    if not found.rows and not found.wrong:
        reasons = "; ".join(table.skipped_lines(found.skipped))
        raise UsageError("nothing could be measured", got=reasons)
    if baseline is None:
        return found, None

    def again(keys: set[Key]) -> Results:
        """Measures these rows once more."""
        names, engines, threads = ({key[place] for key in keys} for place in range(3))
        some = [layer for layer in layers if layer.name in names]
        more = _bench(some, [one for one in implementations if one.name in engines], options, threads, "once more")
        if more.interrupted:
            raise KeyboardInterrupt
        return more

    try:
        return found, gate.compare(baseline, found, again)
    except KeyboardInterrupt:
        found.interrupted = True
        return found, None


def _bench(
    layers: list[Layer], implementations: list[Implementation], options: dict[str, Any], threads: Any, name: str
) -> Results:
    """Measures in processes of their own, with a bar."""
    said: dict[str, Any] = {"threads": threads, "rounds": options["rounds"], "limits": limits_of(options)}
    with Bench(layers, implementations, **said) as bench, terminal.progress({name: bench.steps}) as progress:
        try:
            return bench.run(lambda: progress(name, 1))
        except KeyboardInterrupt:
            progress.stop()
            bench.results.interrupted = True
            return bench.results


def _print_implementations(implementations: list[Implementation]) -> None:
    for one in implementations:
        lacks = one.engine.missing
        missing = f"  (not installed: {lacks})" if lacks else ""
        kind = "vendor, " if one.vendor else ""
        click.echo(f"{one.name}: {kind}{', '.join(one.variants)}{missing}")


def _write(found: Results, target: str) -> None:
    if target == STANDARD_OUTPUT:
        click.echo(found.text(), nl=False)
        return
    Path(target).write_text(found.text(), encoding="utf-8")
    click.echo(target)
