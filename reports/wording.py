"""A record in words, and the command that runs it again: what `show`, JUnit files, pytest and summaries say of it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..conformance.corpus import is_path
from ..conformance.verdict import UNEXPLAINED, UNJUDGED

Record = Mapping[str, Any]
MARKS = {"new": "NEW", "known": "known", "vanished": "VANISHED"}
OPTIONS = {"engines_file": "--engines", "expectations": "--expectations"}
"""Options of a run without which its records would not come out the same."""
DEFAULT = {"timeout": 30.0, "memory": "4G"}


def headline(record: Record) -> str:
    """The verdict and its reason in one line: the proven cause where there is one, else what the suite saw."""
    if record["status"] == "vanished":
        return f"vanished: {record['verdict']}, though it is expected to be {record['expected_verdict']}"
    return f"{record['verdict']}: {reason(record)}".rstrip(": ")


def reason(record: Record) -> str:
    """The proven cause in a sentence where there is one, else what the suite saw; one line, which may be empty."""
    said = record["message"] if cause_of(record) is None else record["diagnosis"]["sentence"]
    return " ".join(said.split())


def cause_of(record: Record) -> str | None:
    """The code of the cause that was proven, if one was."""
    why = record.get("diagnosis")
    return None if why is None or why["code"] == UNEXPLAINED else why["code"]


def describe(record: Record) -> Iterator[str]:
    """Lines: verdict, message, what is known of it, got and expected, cause and remedy, and the program."""
    mark = MARKS.get(record["status"], "as it should be")
    mark = "its parts tell why" if record["verdict"] == UNJUDGED else mark
    yield f"{record['engine']}, {record['form']}: {record['verdict']} ({mark})"
    if record["message"]:
        yield f"  {record['message']}"
    if record["known"]:
        yield f"  known: {record['known']}"
    if record["shape"] is not None:
        ratio = "" if record["bound_ratio"] is None else f", {record['bound_ratio']:.3g} of the bound"
        error = "" if record["max_error"] is None else f", largest error {record['max_error']:.3g}{ratio}"
        due = f"{record['expected_dtype']}{record['expected_shape']}"
        yield f"  {record['dtype']}{record['shape']}, expected {due}{error}"
    if (why := record["diagnosis"]) is not None:
        yield f"  cause: {why['code']}: {why['sentence']}"
        if why["remedy"]:
            yield f"  remedy: {why['remedy']}"
    if record["program"]:
        yield from (f"  | {line}" for line in record["program"].splitlines())


def rerun(run: Mapping[str, Any], record: Record) -> str:
    """The command line that runs this case on this engine again, its files named from the folder of whoever reads.

    ``run``: what run.json says.  Cases of the shipped corpus go by their id, others by their file and the id in it.
    """
    asked: Mapping[str, Any] = run["asked"]
    case = record.get("part_of") or record["case"]
    files = [_near(name) for name in asked.get("cases", ()) if is_path(name)]
    files = [name for name in files if Path(name).stem == Path(case.split("::")[0]).name] or files
    words = ["convsuite", "run", *(files or [case]), "--engine", _near(record["engine"])]
    if files:
        words += ["--filter", f'id == "{case}"']
    if record["form"] == "literal":
        words += ["--form", "both" if record.get("law") else "literal"]
    if run.get("seed"):
        words += ["--seed", str(run["seed"])]
    for name, option in OPTIONS.items():
        if asked.get(name):
            words += [option, _near(asked[name])]
    for name, default in DEFAULT.items():
        if record["verdict"] in ("crash", "timeout") and asked.get(name, default) != default:
            words += [f"--{name}", str(asked[name])]
    return shlex.join(words)


def _near(name: str) -> str:
    """A path below the current folder without that folder."""
    path = Path(name)
    return str(path.relative_to(Path.cwd())) if path.is_absolute() and path.is_relative_to(Path.cwd()) else name
