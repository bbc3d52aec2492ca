"""`convsuite selftest`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from ..conformance import engines
from ..conformance.faults import SUBJECTS, choose
from ..conformance.selftest import selftest
from ..reports import kills, terminal
from . import STATUS_NEW
from .running import check_writable, choose_entries


def selftest_command(options: dict[str, Any]) -> int:
    """Runs, shows the kill matrix, and says with the status whether every fault is dead and nobody accused wrongly."""
    if options["list_faults"]:
        print_faults()
        return 0
    faults, target = choose(options["faults"]), options["json_file"]
    if target is not None:
        check_writable("the report", target)
    entries = choose_entries(options)
    with terminal.progress({"selftest": sum(bool(entry.computations) for entry in entries)}) as progress:
        report = selftest(
            entries,
            faults,
            seed=options["seed"],
            jobs=options["jobs"] or engines.cores(),
            progress=lambda: progress("selftest", 1),
        )
    kills.print_report(report)
    if target is not None:
        Path(target).write_text(json.dumps(report.to_json(), indent=1) + "\n", encoding="utf-8")
        click.echo(target)
    return STATUS_NEW if report.survivors or report.alarms else 0


def print_faults() -> None:
    """The catalogue by subject: code, sentence, source."""
    for subject, faults in SUBJECTS.items():
        click.echo(subject)
        for fault in faults:
            source = f"  ({fault.source})" if fault.source else ""
            click.echo(f"  {fault.code}: {fault.sentence}{source}")
