"""`convsuite run`."""

from __future__ import annotations

import math
import re
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import click

from ..adapters.base import FORMS
from ..conformance import corpus, engines, expectations, store
from ..conformance import run as harness
from ..conformance.errors import UsageError
from ..conformance.process import Limits
from . import STATUS_INTERRUPTED
from .publishing import junit, status_of, write

SIZES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
SMALLEST_MEMORY, LARGEST_MEMORY = 1 << 20, 1 << 50
WHAT = (
    "cases", "engines", "engines_file", "tags", "filter_expression", "failed", "shard", "form", "seed", "expectations",
)  # fmt: skip
"""Options that say what a run is; a resumed one takes them from the run."""
OPTIONS = {"filter_expression": "--filter", "engines_file": "--engines", "engines": "--engine", "tags": "--tag"}
"""How options are spelled that are not named as they are spelled."""
RUN, SESSION = "run", "session"
OTHER_KIND = {
    RUN: ("this folder is of a fuzz session", "convsuite fuzz --resume"),
    SESSION: ("not a fuzz session", "a folder that convsuite fuzz has made"),
}
"""What is said of a folder that holds the other kind, and what was expected."""
LIMITS = ("timeout", "start_timeout", "memory")
"""Options that a resumed run takes from the run unless they are given anew."""


@dataclass(frozen=True)
class Selection:
    """What is to be run, and by whom."""

    entries: list[corpus.Entry]
    """Empty in a shard alone, of which there are more than cases."""
    engines: list[str]
    only: frozenset[tuple[str, str]] | None


def run_command(given: set[str], options: dict[str, Any]) -> int:
    """Runs, shows progress and the table, and says with the status how it went.

    ``given``: the options that stand on the command line.
    """
    from ..reports import terminal  # pandas behind it takes longer than all else here

    out, resume = options["out"], options["resume"]
    asked = {name: options[name] for name in (*WHAT, *LIMITS)}
    asked |= {"cases": [_absolute(case) for case in asked["cases"]], "failed": _absolute(asked["failed"])}
    asked["engines_file"] = absolute_file(asked["engines_file"])
    if resume:
        anew = {name: asked[name] for name in LIMITS if name in given}
        asked = {**asked, **asked_before(out, given, asked, WHAT, RUN), **anew}
    selection = _select(asked, given)
    chosen, missing = engines.choose_engines(selection.engines, engines.gather(asked["engines_file"]))
    known = expectations.gather(asked["expectations"])
    harness_options = harness.Options(
        forms=forms_of(asked["form"]),
        jobs=options["jobs"] or engines.cores(),
        limits=limits_of(asked),
        seed=asked["seed"],
        resume=resume,
        only=selection.only,
        spare=not chosen_singly(asked),
        diagnose=not options["no_diagnosis"],
    )
    if out is not None and not out.name:
        raise UsageError("--out is empty", got=repr(str(out)), expected="a folder for the run")
    folder = out or store.default_folder()
    if options["junit"] is not None:
        if options["junit"] == "-":  # where the folder is told
            raise UsageError("--junit is a file", got="-", expected="or: convsuite report RUN --junit -")
        check_writable("the JUnit file", options["junit"])
    signal.signal(signal.SIGTERM, interrupt)
    totals = {
        engine.name: sum(harness.takes(engine, entry, harness_options) for entry in selection.entries)
        for engine in chosen
    }
    with terminal.progress(totals) as progress:
        try:
            summary = harness.run(
                selection.entries,
                chosen,
                folder,
                harness_options,
                expectations=known,
                missing=missing,
                asked=asked,
                progress=progress,
            )
        except KeyboardInterrupt:
            progress.stop()
            if options["junit"] is not None and (folder / "run.json").exists():
                _write_junit(folder, options["junit"])
            return interrupted("run", folder)
    whole = not resume and not given & {"cases", "tags", "filter_expression", "failed", "shard", "form"}
    if selection.entries:
        terminal.print_summary(summary, store.read_records(folder), whole=whole)
    else:
        click.echo(f"shard {asked['shard']} is empty: there are fewer cases than shards", err=True)
    click.echo(str(folder))
    if options["junit"] is not None:
        _write_junit(folder, options["junit"])
    return status_of(options["fail_on"], partial(getattr, summary), broken=bool(summary.broken))


def _write_junit(folder: Path, target: str) -> None:
    write("the JUnit file", target, junit(store.read_run(folder), store.each_record(folder)), tell=False)


def interrupted(command: str, folder: Path) -> int:
    """Says how to go on with what was interrupted, and gives its status."""
    hint = f"; go on with: convsuite {command} --resume --out {folder}" if (folder / "run.json").exists() else ""
    click.echo(f"interrupted{hint}", err=True)
    return STATUS_INTERRUPTED


def forms_of(form: str) -> tuple[str, ...]:
    """The forms that ``--form`` asks for."""
    return FORMS if form == "both" else (form,)


def limits_of(options: Mapping[str, Any]) -> Limits:
    """The limits that the command line asks for.  Raises `UsageError` where a number is none."""
    return Limits(
        _seconds("--timeout", options["timeout"]),
        _bytes(options["memory"]),
        _seconds("--start-timeout", options["start_timeout"]),
    )


def absolute_file(name: str | None) -> str | None:
    """The path of a file that still means the same in another folder."""
    return name and str(Path(name).absolute())


def check_writable(what: str, target: str) -> None:
    """Raises `UsageError` before the work where its result, plural or not, could not be written after it."""
    try:
        Path(target).touch()
    except OSError as error:
        raise UsageError(f"{what} cannot be written", got=target, expected=error.strerror) from error


def interrupt(*_: object) -> None:
    """A SIGTERM is an interruption like the one from the keyboard."""
    raise KeyboardInterrupt


def _absolute(name: Any) -> Any:
    """A path that still means the same in another folder; ids and None as they are."""
    return str(Path(name).absolute()) if name is not None and corpus.is_path(str(name)) else name


def asked_before(
    out: Path | None, given: set[str], asked: dict[str, Any], what: Sequence[str], noun: str
) -> dict[str, Any]:
    """What the run (or session, the ``noun``) to resume was asked for: the options ``what``, which may not change.

    Raises `UsageError` where there is none, or where the command line says something else.
    """
    if out is None:
        raise UsageError("--resume needs --out", expected=f"the folder of the {noun} to go on with")
    before: dict[str, Any] = store.read_run(out)["asked"]
    # a fuzz session's folder is that of a run, without chosen cases; a run of an older version may lack newer options
    if ("cases" in before) != ("cases" in what) or (noun == SESSION and not before.keys() >= set(what)):
        complaint, expected = OTHER_KIND[noun]
        raise UsageError(complaint, got=out, expected=expected)
    for name in what:
        if name in given and _listed(asked[name]) != before.get(name):
            raise UsageError(
                f"a resumed {noun} is the same {noun}",
                got=f"{OPTIONS.get(name, f'--{name}')} {asked[name]}",
                expected=f"{before.get(name)}, or nothing",
            )
    return before


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def _select(asked: dict[str, Any], given: set[str]) -> Selection:
    """The entries to run and the engines asked for; with ``failed``, the pairs that failed in that run, on its data."""
    specs, only = list(asked["engines"]), None
    if asked["failed"] is not None:
        folder = Path(asked["failed"])
        records = [record for record in store.read_records(folder) if record["status"] in ("new", "vanished")]
        if not records:
            raise UsageError("nothing failed in that run", got=folder)
        before = store.read_run(folder)["asked"]
        asked |= {
            name: before[name]
            for name in ("seed", "form", "expectations", "engines_file")
            if name not in given and name in before
        }
        asked["cases"] = asked["cases"] or before.get("cases", [])
        only = None if specs else frozenset((record["case"], record["engine"]) for record in records)
        specs = specs or sorted({record["engine"] for record in records if record["check"] is None})
    entries = choose_entries(asked, layers=asked["failed"] is not None)
    if asked["failed"] is not None:
        failed = {record["case"] for record in records}
        entries = [entry for entry in entries if failed.intersection(entry.ids)]
    if not entries:
        raise UsageError("no case is left to run")
    if asked["shard"]:
        entries = _shard(entries, asked["shard"])
    return Selection(entries, specs, only)


def choose_entries(asked: Mapping[str, Any], *, layers: bool = False, tell: bool = True) -> list[corpus.Entry]:
    """The entries that ``cases``, ``tags`` and ``filter_expression`` ask for.

    ``layers``: whether those of networks are among them without being asked for.  ``tell``: whether to say how many of
    them are left out.  Raises `UsageError`.
    """
    names, tags = asked["cases"], asked["tags"]
    chosen = corpus.select(corpus.load(names, layers=True), tags=tags, filter_expression=asked["filter_expression"])
    if layers or corpus.NETWORK_TAG in tags:
        return chosen
    kept = corpus.without_layers(chosen, names)
    if tell and (left_out := len(chosen) - len(kept)):
        how = f"--tag {corpus.NETWORK_TAG} asks for them, or a name: networks, networks/vgg16"
        click.echo(f"layers of networks left out: {left_out} ({how})", err=True)
    return kept


def chosen_singly(asked: Mapping[str, Any]) -> bool:
    """Whether single cases were chosen, and not whole files or folders of them: every engine then runs them all."""
    narrowed = asked["tags"] or asked["filter_expression"] or asked["failed"]
    return bool(narrowed) or any("::" in case for case in asked["cases"])


def _shard(entries: list[corpus.Entry], text: str) -> list[corpus.Entry]:
    match = re.fullmatch(r"(\d{1,9})/(\d{1,9})", text)
    index, count = (int(part) for part in match.groups()) if match else (0, 0)
    if not 1 <= index <= count:
        raise UsageError("--shard is I/N", got=text, expected="1/4 to 4/4, for example")
    return entries[index - 1 :: count]


def _seconds(option: str, value: float) -> float:
    """A number of seconds from the command line.  Raises `UsageError` where it is none."""
    if not math.isfinite(value):
        raise UsageError(f"{option} is a number of seconds", got=value)
    return value


def _bytes(text: str) -> int:
    """A size like 500M or 4G in bytes.  Raises `UsageError` where it is none."""
    match = re.fullmatch(r"(\d{1,18})([KMG]?)(?:I?B)?", text.upper())
    size = int(match[1]) * SIZES[match[2]] if match else 0
    if not SMALLEST_MEMORY <= size <= LARGEST_MEMORY:
        raise UsageError("--memory is a number of bytes", got=text, expected="for example 500M or 4G, at least 1M")
    return size
