"""From a record to a script, and to the text of an issue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...adapters.base import Program
from ...conformance.engines import NO_BLOCK_CACHE, ONE_THREAD, QUIET, XLA_ONE_THREAD, Engine, find_engine, gather
from ...conformance.errors import UsageError
from . import issue, own, relations, scripts, words
from .layout import MOST_LINES, Draft, Paragraph, lay_out, split
from .origin import NoReproducer, Record, case_of, question

STANDARD = {**ONE_THREAD, **QUIET, **NO_BLOCK_CACHE}
"""What every engine's process gets, and no discrepancy needs."""
ON_THE_CPU = {
    "tensorflow": {"CUDA_VISIBLE_DEVICES": ""},
    "keras": {"CUDA_VISIBLE_DEVICES": ""},
    "jax": {"JAX_PLATFORMS": "cpu"},
}


@dataclass(frozen=True)
class Reproducer:
    """A script that shows a discrepancy, ready to be filed upstream.

    That of an engine with code of its own, `own`, shows it to who has that code and convsuite.
    """

    case: str
    engine: str
    form: str
    title: str
    """One line, plain text."""
    script: str
    """At most 40 lines of at most 120 columns; status 1 while the discrepancy lives, 0 when it is gone."""
    text: str
    """Markdown: the title as heading, what is expected and got, the cause, the script in a fence, versions, CPU."""
    environment: Mapping[str, str]
    """The variables that the script sets, which have to stand before a framework is imported."""
    setup: Engine
    """The engine whose framework the script imports."""


def reproducer(record: Record, run: dict[str, Any], records: Sequence[Record] = ()) -> Reproducer:
    """The reproducer of a bad record.

    ``run``: what run.json says.  ``records``: the run's records, of which a law needs those of its parts.
    Raises `NoReproducer`.
    """
    _check(record)
    case, setup = case_of(record), _setup(record, run)
    if record["law"]:
        law, relation = relations.law_of(record, run)
        programs = relations.programs_of(record, law, records, setup)
        program = next(iter(programs.values()))
        variables = environment(record, run, program)
        due = relation.says, f"A law of every convolution ({law.law}), whatever its values."
        drafts: Iterable[Draft] = [relations.draft(record, law, relation, programs, variables, run.get("seed", 0))]
    else:
        asked = question(record, run)
        program = own.with_engine(split(record["program"]), asked.case, setup)
        variables = environment(record, run, program)
        due = words.expectation(case), words.rule(case)
        drafts = scripts.drafts(record, asked, program, variables)
    title = words.title(record, case, program.source)
    needs = own.needs(setup) if own.computes_itself(program.source) else None
    script = _script([scripts.heading(record, due, run, title, most, needs) for most in (3, 2, 1)], drafts)
    if script is None:
        raise NoReproducer(f"no script of {MOST_LINES} lines shows it: the program alone is too long")
    if record["verdict"] == "unstable":
        variables = {**variables, **scripts.GLIBC}
    text = issue.text(record, due, run, title, script, variables, needs)
    where = record["case"], record["engine"], record["form"]
    return Reproducer(*where, title, script, text, variables, setup)


def _script(headings: Sequence[Paragraph], drafts: Iterable[Draft]) -> str | None:
    """The first draft that fits, rather with a long heading than with the shortest one."""
    *longer, shortest = headings
    kept = list[Draft]()
    for draft in drafts:
        kept.append(draft)
        script = next(filter(None, (lay_out([heading, *draft]) for heading in longer)), None)
        if script is not None:
            return script
    return next(filter(None, (lay_out([shortest, *draft]) for draft in kept)), None)


def _check(record: Record) -> None:
    """Raises `NoReproducer` for what no script can show."""
    if record["ok"]:
        raise NoReproducer(f"nothing is wrong: the verdict is {record['verdict']}")
    if record["verdict"] == "unjudged":
        raise NoReproducer(f"the law was not judged: {record['message']}; reproduce its parts instead")
    if record.get("check"):
        raise NoReproducer("a check of the reference itself: no engine computed anything")
    program = record["program"]
    if record.get("law"):
        return
    if program is None:
        raise NoReproducer(f"nothing was called, the adapter has no words for the case: {record['message']}")
    if "from convsuite import" in program:
        raise NoReproducer("the engine is convsuite's own reference, which no script can do without")


def environment(record: Record, run: dict[str, Any], program: Program) -> dict[str, str]:
    """The variables that the engine had and that may matter, and those that keep the framework on the CPU."""
    said: dict[str, str] = run.get("engines", {}).get(record["engine"], {}).get("environment")
    said = said or _setup(record, run).environment
    own = {name: value for name, value in said.items() if STANDARD.get(name) != value}
    own |= {name: value for name, value in run["machine"].get("environment", {}).items() if name not in said}
    own["XLA_FLAGS"] = own.get("XLA_FLAGS", "").replace(XLA_ONE_THREAD, "").strip()
    pinned = {
        name: value
        for module, variables in ON_THE_CPU.items()
        if f"import {module}" in program.imports
        for name, value in variables.items()
    }
    return pinned | {name: value for name, value in own.items() if value or name != "XLA_FLAGS"}


def _setup(record: Record, run: dict[str, Any]) -> Engine:
    """The engine as its file declares it now, with the adapter and options that it had in the run."""
    name = record["engine"]
    try:
        declared = find_engine(name, gather(run["asked"].get("engines_file")))
    except UsageError:  # the file is not there any more
        declared = None
    row = run.get("engines", {}).get(name)  # written when a run ends
    if row is None:
        if declared is None:
            raise NoReproducer(f"nothing is known of the engine {name}: the run was interrupted, and its file is gone")
        return declared
    if declared is None:
        return Engine(name, row["adapter"], row["options"])
    return replace(declared, adapter=row["adapter"], options=row["options"])
