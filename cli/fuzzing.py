"""`convsuite fuzz`."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..conformance import engines, expectations, store
from ..conformance.entry import NAMES
from ..conformance.errors import UsageError
from ..conformance.expressions import condition
from ..conformance.verdict import VERDICTS
from . import STATUS_NEW, STATUS_WRONG
from .running import SESSION, absolute_file, asked_before, forms_of, interrupt, interrupted, limits_of

if TYPE_CHECKING:
    from ..conformance.fuzzing.causes import Cause
    from ..conformance.fuzzing.fuzz import Summary

WHAT = ("engines", "engines_file", "filter_expression", "form", "seed", "expectations")
"""Options that say what is drawn and who is to be caught; a session that goes on takes them from its folder."""
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}
SECONDS_BETWEEN_LINES = 10.0


def fuzz_command(given: set[str], options: dict[str, Any]) -> int:
    """Fuzzes, tells each cause on standard error, and ends with a summary.

    ``given``: the options that stand on the command line.  Raises `UsageError`.
    """
    fuzz, harness_options = _fuzzer()
    out, resume = options["out"], options["resume"]
    if out is not None and not out.name:
        raise UsageError("--out is empty", got=repr(str(out)), expected="a folder for the session")
    asked = {name: options[name] for name in WHAT}
    asked["engines_file"] = absolute_file(asked["engines_file"])
    if resume:
        asked = asked_before(out, given, asked, WHAT, SESSION)
    chosen, missing = engines.choose_engines(asked["engines"], engines.gather(asked["engines_file"]))
    text = asked["filter_expression"]
    folder = out or store.default_folder()
    signal.signal(signal.SIGTERM, interrupt)
    said = harness_options(
        budget=_budget(options["budget"]),
        forms=forms_of(asked["form"]),
        jobs=options["jobs"] or engines.cores(),
        limits=limits_of(options),
        seed=asked["seed"],
        resume=resume,
        condition=None if text is None else condition(text, NAMES, "--filter"),
    )
    known = expectations.gather(asked["expectations"])
    try:
        summary = fuzz(
            chosen, folder, said, expectations=known, missing=missing, asked=asked, tell=_tell, progress=_progress()
        )
    except KeyboardInterrupt:
        return interrupted("fuzz", folder)
    _print_summary(summary)
    click.echo(str(folder))
    if summary.broken:
        return STATUS_WRONG
    return STATUS_NEW if summary.causes else 0


def _fuzzer() -> tuple[Callable[..., Summary], Callable[..., Any]]:
    """The session's function and its options.  Raises `UsageError` where hypothesis is not installed."""
    try:
        from ..conformance.fuzzing.fuzz import Options, fuzz
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "hypothesis":
            raise
        raise UsageError(
            "convsuite fuzz draws with hypothesis, which is not installed", expected="pip install 'convsuite[fuzz]'"
        ) from error
    return fuzz, Options


def _budget(text: str) -> float:
    """Seconds of ``90``, ``60s``, ``10m``, ``1.5h``.  Raises `UsageError`."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,3})?)([smh]?)", text.strip().lower())
    seconds = float(match[1]) * UNITS[match[2]] if match else 0.0
    if not seconds:
        raise UsageError("--budget is a length of time", got=text, expected="for example 60s, 10m or 1h")
    return seconds


def _tell(cause: Cause, file: Path) -> None:
    """One line for a cause that was found."""
    sign = cause.sign
    message = " ".join(cause.about.split())[:120]
    needs = ", ".join(f"{name} {what}" for name, what in sorted(cause.features)) or "nothing but a plain case"
    said = f": {message}" if message else ""
    click.echo(f"found: {sign.engine}, {sign.form}, {sign.op}: {sign.verdict}{said}", err=True)
    click.echo(f"  takes {needs}; {file}: {cause.case_id.partition('::')[2]}", err=True)


def _progress() -> Callable[[Summary], None]:
    """A plain line now and then."""
    last = time.monotonic()

    def progress(summary: Summary) -> None:
        nonlocal last
        if time.monotonic() - last > SECONDS_BETWEEN_LINES:
            last = time.monotonic()
            done = ", ".join(f"{name} {counts['cases']}" for name, counts in summary.counts.items())
            click.echo(f"{summary.seconds:.0f} s: cases {done or 0}; causes {len(summary.causes)}", err=True)

    return progress


def _print_summary(summary: Summary) -> None:
    for name, counts in summary.counts.items():
        verdicts = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
        click.echo(
            f"{name}: {counts['cases']} cases: {verdicts}; {counts['known']} known, {counts['new']} new", err=True
        )
    for name, lacks in summary.missing.items():
        click.echo(f"not installed: {name} ({lacks})", err=True)
    for name, why in summary.broken.items():
        click.echo(f"{name} {why}", err=True)
    for cause in summary.causes:
        sign = cause.sign
        click.echo(
            f"{cause.count:5} × {sign.engine}, {sign.form}, {sign.op}: {sign.verdict}  {cause.case_id}", err=True
        )
    rate = summary.cases_now / summary.seconds if summary.seconds else 0.0
    found = len(summary.causes)
    click.echo(
        f"{summary.cases_now} cases in {summary.seconds:.0f} s, {rate:.1f} a second; "
        f"{found} cause{'' if found == 1 else 's'} found",
        err=True,
    )
