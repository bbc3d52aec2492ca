"""`convsuite run`."""

from __future__ import annotations

import os
import re
import signal
from pathlib import Path
from typing import Any

import click

from ..adapters.base import FORMS
from ..conformance import corpus, engines, expectations, store
from ..conformance import run as harness
from ..conformance.errors import UsageError
from ..conformance.process import Limits
from ..reports import terminal
from . import STATUS_INTERRUPTED, STATUS_NEW

SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SMALLEST_MEMORY = 1 << 20
ASKED = ("cases", "engines", "tags", "filter_expression", "shard", "form", "seed")
"""Options that say what a run is; a resumed one takes them from the run."""


def run_command(
    *,
    out: Path | None,
    resume: bool,
    failed: Path | None,
    jobs: int | None,
    timeout: float,
    memory: str,
    fail_on: str,
    **asked: Any,
) -> int:
    """Runs, shows progress and the table, and says with the status how it went."""
    known_file = asked.pop("expectations")
    if resume:
        if out is None:
            raise UsageError("--resume needs --out", expected="the folder of the run to go on with")
        asked = {**asked, **_asked_before(out)}
        known_file = known_file or asked.pop("expectations", None)
    asked.pop("expectations", None)
    entries, specs = _cases(failed, asked)
    chosen, missing = engines.choose_engines(specs)
    known = expectations.gather(known_file)
    options = harness.Options(
        forms=FORMS if asked["form"] == "both" else (asked["form"],),
        jobs=jobs or _cores(),
        limits=Limits(timeout, _bytes(memory)),
        seed=asked["seed"],
        resume=resume,
    )
    folder = out or store.default_folder()
    signal.signal(signal.SIGTERM, _interrupt)
    said = {name: asked[name] for name in ASKED}
    said |= {"expectations": known_file, "jobs": jobs, "timeout": timeout, "memory": memory}
    with terminal.progress(
        sum(entry.check is None for entry in entries), [engine.name for engine in chosen]
    ) as progress:
        try:
            summary = harness.run(
                entries, chosen, folder, options, expectations=known, missing=missing, asked=said, progress=progress
            )
        except KeyboardInterrupt:
            progress.stop()
            click.echo(f"interrupted; go on with: convsuite run --resume --out {folder}", err=True)
            return STATUS_INTERRUPTED
    if (wrong := harness.unusable(summary)) is not None:
        raise wrong
    whole = not (asked["cases"] or asked["tags"] or asked["filter_expression"] or asked["shard"] or failed)
    terminal.print_summary(summary, store.read_records(folder), whole=whole and asked["form"] == "both")
    click.echo(str(folder))
    bad = {"new": summary.new + summary.vanished, "any": summary.bad + summary.vanished, "never": 0}[fail_on]
    return STATUS_NEW if bad else 0


def _cores() -> int:
    """The cores that this process may use; macOS tells only how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _interrupt(*_: object) -> None:
    """A SIGTERM is an interruption like the one from the keyboard."""
    raise KeyboardInterrupt


def _asked_before(out: Path) -> dict[str, Any]:
    said = store.read_run(out)["asked"]
    return {name: said[name] for name in (*ASKED, "expectations") if name in said}


def _cases(failed: Path | None, asked: dict[str, Any]) -> tuple[list[corpus.Entry], list[str]]:
    """The entries to run and the engines asked for; with ``failed``, those that failed in that run."""
    specs = list(asked["engines"])
    wanted: set[str] | None = None
    if failed is not None:
        records = [record for record in store.read_records(failed) if record["status"] in ("new", "vanished")]
        if not records:
            raise UsageError("nothing failed in that run", got=failed)
        wanted = {record["case"] for record in records}
        specs = specs or sorted({record["engine"] for record in records})
        asked["cases"] = asked["cases"] or tuple(store.read_run(failed)["asked"].get("cases", ()))
    entries = corpus.select(
        corpus.load(asked["cases"]), tags=asked["tags"], filter_expression=asked["filter_expression"]
    )
    if wanted is not None:
        entries = [entry for entry in entries if entry.id in wanted]
    if asked["shard"]:
        entries = _shard(entries, asked["shard"])
    if not entries:
        raise UsageError("no case is left to run")
    return entries, specs


def _shard(entries: list[corpus.Entry], text: str) -> list[corpus.Entry]:
    match = re.fullmatch(r"(\d+)/(\d+)", text)
    index, count = (int(part) for part in match.groups()) if match else (0, 0)
    if not 1 <= index <= count:
        raise UsageError("--shard is I/N", got=text, expected="1/4 to 4/4, for example")
    return entries[index - 1 :: count]


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+)([KMG]?)I?B?", text.upper())
    size = int(match[1]) * SIZES[match[2]] if match else 0
    if size < SMALLEST_MEMORY:
        raise UsageError("--memory is a number of bytes", got=text, expected="for example 500M or 4G, at least 1M")
    return size
