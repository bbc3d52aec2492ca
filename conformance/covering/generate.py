"""Covering arrays as case files.

A gradient, an empty batch and an impossible extent would each hide what else a case has: no value, or another one, is
computed.  So they are set apart.  Three values that include one of them are two of the others under it, for which an
array of strength 2 is enough, and the array of strength 3 is made of forward cases that have an answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from ..normalise import DEFAULTS
from . import refusals
from .library import Condition, covering_array
from .model import FORWARD, Family, Level, Row
from .realise import realise, row_id

KEYS = (
    "id", "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "dtype", "layout", "data", "wrt",
    "kernel_shape", "tags",
)  # fmt: skip
SOURCE = "https://csrc.nist.gov/projects/automated-combinatorial-testing-for-software"
STRENGTH = 3
APART = {"batch": "0", "extent": "impossible"}
"""Levels that leave nothing to compute; so does, in its way, every gradient."""


def rows(family: Family) -> list[Row]:
    """The family's covering arrays, one after the other: forward ones with an answer first."""
    found: dict[str, Row] = {}
    for fixed in _set_apart(family):
        strength = STRENGTH - len(fixed) + (fixed["wrt"] == FORWARD)
        found |= {row_id(family, row): row for row in array(family, fixed, strength)}
    return list(found.values())


def _set_apart(family: Family) -> Iterator[dict[str, Level]]:
    """What the family's arrays are under: a gradient or none, and at most two of the levels that leave nothing."""
    for wrt in family.factors["wrt"]:
        yield {"wrt": wrt}
        for name, level in APART.items():
            yield {"wrt": wrt, name: level}
        yield {"wrt": wrt, **APART}


def array(family: Family, fixed: dict[str, Level], strength: int) -> list[Row]:
    """A covering array of the parameters that are not fixed, without the levels that are set apart."""
    factors = {
        name: [level for level in levels if level != APART.get(name) and family.completes({**fixed, name: level})]
        for name, levels in family.factors.items()
        if name not in fixed
    }
    conditions: list[Condition] = [
        ([name for name in one.fields if name not in fixed], lambda row, one=one: one.allows({**fixed, **row}))
        for one in family.constraints
        if not set(one.fields) <= set(fixed)
    ]
    made = covering_array(factors, max(strength, 1), conditions)
    if strength == 0:  # all that is asked for is fixed: one row has it
        del made[1:]
    return [{**fixed, **{name: row[name] for name in factors}} for row in made]


def pairwise(candidates: list[Row]) -> list[Row]:
    """Some of the rows, chosen greedily, in which every pair of levels occurs that occurs in all of them."""
    pairs = [frozenset(combinations(sorted(row.items()), 2)) for row in candidates]
    open_pairs, chosen = set[Any]().union(*pairs), list[int]()
    while open_pairs:
        best = max(range(len(pairs)), key=lambda index: len(pairs[index] & open_pairs))
        chosen.append(best)
        open_pairs -= pairs[best]
    return [candidates[index] for index in sorted(chosen)]


def answers(row: Row) -> bool:
    """Whether it is a forward case with something to compute."""
    return row["wrt"] == FORWARD and all(row[name] != level for name, level in APART.items())


def text(family: Family) -> str:
    """The family's file."""
    found = rows(family)
    few = {row_id(family, row) for row in pairwise([row for row in found if answers(row)])}
    lines = [
        "# yaml-language-server: $schema=../schema.json",
        "# Made by: python -m convsuite.conformance.covering.  Any three values of these parameters that go together",
        "# occur in one of the cases; for any two of a forward case that has an answer the `pairwise` ones are enough.",
        *(f"#   {name}: {', '.join(levels)}" for name, levels in family.factors.items()),
        "# What does not go together:",
        *(f"#   {one.says}" for one in family.constraints),
        f"about: Covering arrays of {family.op.replace('_', ' ')} in rank {family.rank}",
        f"source: {SOURCE}",
        f"defaults: {{op: {family.op}, tags: [covering]}}",
        "cases:",
    ]
    for row in found:
        keys = {"id": f"{row['wrt']}-{row_id(family, row)}", **realise(family, row)}
        if row_id(family, row) in few:
            keys["tags"] = ["covering", "pairwise"]
        lines.append(_line(keys))
    return "\n".join(lines) + "\n"


def refusal_text(family: Family) -> str:
    """The family's file of cases that must be refused."""
    lines = [
        "# yaml-language-server: $schema=../schema.json",
        "# Made by: python -m convsuite.conformance.covering.  Every kind of bad value with all that may be around it.",
        f"about: What {family.op.replace('_', ' ')} in rank {family.rank} must refuse",
        f"source: {SOURCE}",
        f"defaults: {{op: {family.op}, expect: error, tags: [covering]}}",
        "cases:",
        *(_line(keys) for keys in refusals.cases(family)),
    ]
    return "\n".join(lines) + "\n"


def _line(keys: dict[str, Any]) -> str:
    """A case on one line, what is default left out."""
    said = [f"{key}: {_flow(keys[key])}" for key in KEYS if key in keys and keys[key] != DEFAULTS.get(key)]
    return f"  - {{{', '.join(said)}}}"


def _flow(value: Any) -> str:
    """A value in YAML's flow style; the values here are numbers, words, lists and mappings of them."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}: {_flow(item)}' for key, item in value.items())}}}"  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return str(value)


def write(folder: Path, families: Iterable[Family]) -> None:
    """The files of these families."""
    folder.mkdir(parents=True, exist_ok=True)
    for family in families:
        (folder / f"{family.name}.yaml").write_text(text(family))
        (folder / f"refuse-{family.name}.yaml").write_text(refusal_text(family))
