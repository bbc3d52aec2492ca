"""`convsuite explain`."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

from ..conformance import engines
from ..conformance.errors import UsageError
from ..conformance.explaining import (
    KEYS,
    Asking,
    Explanation,
    Kept,
    Question,
    Row,
    about_case,
    about_options,
    convert,
    option,
)
from ..conformance.explaining.kept import folder
from ..reports import explanation as report
from . import STATUS_NEW
from .publishing import STDOUT, write
from .running import check_writable, interrupt, limits_of


def explain_command(options: Mapping[str, Any]) -> int:
    """Asks, shows what comes as it comes, and says with the status whether what was answered is right."""
    files = {name: target for name in ("json_file", "markdown") if (target := options[name]) is not None}
    for target in files.values():
        if target != STDOUT:
            check_writable("the explanation", target)
    if list(files.values()).count(STDOUT) > 1:
        raise UsageError("one thing goes to standard output", got="--json - --markdown -", expected="a file")
    question = _question(options)
    known = engines.gather(options["engines_file"])
    ends = [name for name in (options["source"], options["target"]) if name is not None]
    if len(ends) == 1:
        raise UsageError("--from and --to go together", got=f"only {ends[0]}", expected="two engines")
    chosen, missing = engines.choose_engines(options["engines"] or list(dict.fromkeys(ends)), known)
    pairs = _pairs(ends, [engine.name for engine in chosen], every="json_file" in files)
    kept = Kept(None if options["fresh"] else folder())
    explanation = Explanation(question.case, question.about, missing=missing)
    signal.signal(signal.SIGTERM, interrupt)
    quiet, programs = STDOUT in files.values(), options["programs"]
    with Asking(chosen, limits_of(options), options["jobs"] or engines.cores(), kept) as asking:
        answers: Iterable[Row] = asking.rows(question)
        if any(engine.of_user for engine in chosen):  # what is wrong with a user's file is told alone
            answers = list(answers)
        if not quiet:
            report.print_blocks(report.head(explanation))
        rows = list(_shown(answers, quiet=quiet, programs=programs))
        order = [engine.name for engine in chosen]
        rows.sort(key=lambda row: order.index(row.engine))
    by_name = {row.engine: row for row in rows}
    there = [pair for pair in pairs if set(pair) <= by_name.keys() and not question.case.must_refuse]
    converted = [convert(by_name[source], by_name[target]) for source, target in there]
    made = tuple(one for one in converted if one is not None)
    explanation = replace(explanation, rows=tuple(rows), conversions=made, missing=missing | asking.missing)
    shown = [one for one in made if [one.source, one.target] == ends]
    if not rows:
        lacking = ", ".join(f"{name}: {what}" for name, what in explanation.missing.items())
        raise UsageError("no engine could be asked", got=lacking)
    _check_ends(ends, shown, explanation)
    brief = replace(explanation, conversions=tuple(shown))
    if not quiet:
        report.print_blocks(report.tail(brief))
    _write(files, explanation, brief, programs=programs)
    return 0 if explanation.ok else STATUS_NEW


def _question(options: Mapping[str, Any]) -> Question:
    """From the id of a case, or from its parameters."""
    texts = {key: options[key] for key in KEYS}
    given = [option(key) for key, text in texts.items() if text is not None]
    if options["case"] is None:
        if not given:
            raise UsageError("nothing to explain", expected="a case, or its parameters: --op conv --input 1,5,5,3 …")
        return about_options(texts)
    if given:
        raise UsageError("a case or parameters", got=f"{options['case']} and {given[0]}", expected="one of them")
    return about_case(options["case"])


def _pairs(ends: Sequence[str], names: Sequence[str], *, every: bool) -> list[tuple[str, str]]:
    """Whose kernels are converted for whom: those asked for, and for programs all."""
    for end in ends:
        if end not in names:
            raise UsageError("--from and --to name engines that are asked", got=end, expected=", ".join(names))
    if len(set(ends)) == 1 and ends:
        raise UsageError("--from and --to are the same engine", got=ends[0], expected="two engines")
    asked = [(ends[0], ends[1])] if ends else []
    return list(dict.fromkeys([*asked, *(permutations(names, 2) if every else ())]))


def _check_ends(ends: Sequence[str], shown: Sequence[object], explanation: Explanation) -> None:
    """Raises `UsageError` where there is no conversion that was asked for."""
    if not ends or shown:
        return
    if explanation.case.must_refuse:
        raise UsageError("a case that must be refused has no kernels to convert", got=explanation.case.id)
    silent = [row.engine for row in explanation.rows if row.engine in ends and not row.layouts]
    lacking = [end for end in ends if end in explanation.missing]
    raise UsageError(
        "no conversion between the two", got=", ".join(lacking or silent or ends),
        expected="engines that have a program for the case and say how it wants the kernels",
    )  # fmt: skip


def _shown(rows: Iterable[Row], *, quiet: bool, programs: bool) -> Iterator[Row]:
    for row in rows:
        if not quiet:
            report.print_blocks(report.of_row(row, programs=programs))
        yield row


def _write(files: Mapping[str, str], whole: Explanation, brief: Explanation, *, programs: bool) -> None:
    """The files that are asked for.  Raises `UsageError` where one cannot be written."""
    for name, target in files.items():
        if name == "json_file":
            text = json.dumps(whole.to_json(), indent=1, ensure_ascii=False) + "\n"
        else:
            text = report.markdown(report.blocks(brief, programs=programs))
        write("the explanation", target, text.encode(), tell=False)
