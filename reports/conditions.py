"""A short condition that tells some cases from others: "padding == 'same' and strides > 1" instead of forty ids."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..adapters.case import Case
from ..conformance.entry import NAMES, Entry
from ..conformance.expressions import condition

Record = dict[str, Any]
SCALARS = (
    "op",
    "rank",
    "wrt",
    "dtype",
    "data_format",
    "padding",
    "layout",
    "data",
    "groups",
    "depth_multiplier",
    "use_bias",
    "law",
)
TUPLES = ("strides", "dilation", "kernel_size")
MOST_ATOMS = 6


def describe(bad: Sequence[Record], good: Sequence[Record]) -> tuple[str, bool]:
    """(condition, exact): true of all ``bad`` records; exact where of none of the ``good``.

    Greedy: of the simple conditions that hold for all bad ones, the one that leaves fewest good ones, and again.
    """
    bad_values, left = [_values(record) for record in bad], [_values(record) for record in good]
    atoms = [atom for atom in _atoms(bad_values) if all(_holds(atom, values) for values in bad_values)]
    chosen: list[str] = [atom for atom in atoms if atom.startswith(("op ", "rank ", "law is "))]
    left = [values for values in left if all(_holds(atom, values) for atom in chosen)]
    while left and len(chosen) < MOST_ATOMS:
        best = min(atoms, key=lambda atom: (sum(_holds(atom, values) for values in left), len(atom)))
        remaining = [values for values in left if _holds(best, values)]
        if len(remaining) == len(left):
            break
        chosen.append(best)
        left = remaining
    return " and ".join(chosen) or "True", not left


def _holds(atom: str, values: Mapping[str, Any]) -> bool:
    return condition(atom, NAMES)(values)


def _atoms(bad: list[Mapping[str, Any]]) -> Iterator[str]:
    """Conditions to try: what all bad cases share."""
    for name in SCALARS:
        seen = sorted({repr(values[name]) for values in bad})
        if len(seen) == 1:
            yield f"{name} == {seen[0]}"
        elif len(seen) <= 3:
            yield f"{name} in ({', '.join(seen)})"
    for name in TUPLES:
        yield f"{name} > 1"
        yield f"max({name}) == 1"
        yield f"min({name}) != max({name})"
        yield f"{name} == {bad[0][name]!r}"
    yield "padding != 'valid'"
    yield "groups > 1"
    yield "depth_multiplier > 1"
    yield "output_padding is not None"
    yield "output_padding is None"
    yield "pads < 0"
    yield "raw_sizes < 1"
    yield "must_refuse"
    yield "not must_refuse"
    yield "kernel_shape is not None"
    yield "batch == 0"
    yield "law is not None"  # an expectation about laws has to speak of them


def _values(record: Record) -> Mapping[str, Any]:
    """A record's parameters as conditions see them."""
    return Entry(case_of(record), file="", line=0, law=record.get("law")).values


def case_of(record: Mapping[str, Any]) -> Case:
    """The case that a record's parameters say, without its arrays where they were written out."""
    told = {"id": record["case"], "dtype": record["expected_dtype"], "must_refuse": record["expect"] == "error"}
    return Case.from_json({name: told.get(name, record.get(name)) for name in Case.__dataclass_fields__})
