"""Reproducers that were executed: of every cause, engine, operation and form the smallest record's."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ...conformance.engines import Engine
from .. import tables
from ..reproducers import Execution, NoReproducer, Reproducer, execute, reproducer
from .cache import Cache
from .causes import key_of

Record = dict[str, Any]
LONGEST_OUTPUT = 2_000
"""Characters of what a script printed, from its end."""
STEP = 25
"""How many are executed between two words about it."""


@dataclass(frozen=True)
class Evidence:
    """A script, and what it did when it ran on the report's machine.

    ``status``: ``lives``, where it showed the discrepancy (exit status 1); ``gone`` (0); or ``broken``.
    """

    case: str
    engine: str
    form: str
    cause: str
    title: str
    script: str
    text: str
    """The text of an issue, in Markdown."""
    status: str
    output: str


def chosen(records: Iterable[Record]) -> list[Record]:
    """The smallest record of every cause, engine, operation and form; right ones have no cause."""
    groups: dict[tuple[str, ...], list[Record]] = {}
    for record in records:
        cause = key_of(record)
        if cause is not None:
            groups.setdefault((cause, record["engine"], record["op"], record["form"]), []).append(record)
    return [tables.smallest(group) for group in groups.values()]


def gather(
    run: Mapping[str, Any], records: Sequence[Record], cache: Cache, jobs: int, told: Callable[[str], None]
) -> list[Evidence]:
    """Writes the scripts, executes those that are not in the cache, and gives what they did.

    ``told`` hears how many have run.  A record that has no reproducer has no evidence.
    """
    scripts: list[Reproducer] = []
    causes: list[str] = []
    for record in chosen(records):
        try:
            scripts.append(reproducer(record, dict(run), records))
            causes.append(str(key_of(record)))
        except NoReproducer:
            continue
    versions = {name: said.get("versions") for name, said in (run.get("engines") or {}).items()}
    setups = {one.engine: one.setup for one in scripts}
    code = {engine: _code(setup) for engine, setup in setups.items()}  # read once per engine, which has many scripts

    def key_of_script(one: Reproducer) -> tuple[Any, ...]:
        return "reproducer", one.script, one.engine, versions.get(one.engine), *code[one.engine]

    left = [one for one in scripts if cache.get(*key_of_script(one)) is None]
    count = itertools.count(1)

    def done(one: Reproducer, execution: Execution) -> None:
        cache.put([execution.status, execution.output[-LONGEST_OUTPUT:]], *key_of_script(one))
        if (number := next(count)) % STEP == 0 or number == len(left):
            told(f"{number} of {len(left)}")

    execute(left, jobs=jobs, done=done)
    found = zip(scripts, causes, (cache.get(*key_of_script(one)) for one in scripts), strict=True)
    return [
        Evidence(one.case, one.engine, one.form, cause, one.title, one.script, one.text, *ended)
        for one, cause, ended in found
        if ended is not None
    ]


def _code(engine: Engine) -> tuple[str, ...]:
    """A digest of the engine's file, which no version tells: nothing where it has none, or none any more."""
    file = Path(engine.adapter.rpartition(":")[0])
    if file.suffix != ".py" or not file.is_file():
        return ()
    return (hashlib.sha256(file.read_bytes()).hexdigest(),)


def packed(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """As the page's script reads it."""
    return [asdict(one) for one in evidence]
