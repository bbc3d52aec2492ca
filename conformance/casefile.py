"""One case file: read, validated, its matrices expanded into entries, its claims compared with the reference."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from pydantic import ValidationError

from ..adapters.case import Case
from .checks import CHECKS
from .data import draw_arrays
from .entry import NAMES, Entry
from .errors import UsageError
from .expected import expect
from .expressions import Expression, condition
from .laws import with_parts
from .normalise import Wrong, build, validate
from .schema import FILE, MATRIX_KEYS, CaseEntry, CaseFile, Expect, Fields, Finding, Literals, Strict
from .yaml_lines import Document, Place, read_yaml

LARGEST_MATRIX = 100_000
CHECK_KEYS = ("id", "check", "finding", "tags", "about", "source")


def load_file(file: Path, root: Path) -> list[Entry]:
    """The cases of one file; their ids begin with its path below ``root``, without the suffix."""
    document = read_yaml(file)
    values = cast("dict[str, Any]", document.value)
    if not isinstance(values, dict):  # pyright: ignore[reportUnnecessaryIsInstance]  so says the file, or not
        raise document.error((), "a case file is a mapping", got=type(values).__name__, expected="key cases")
    try:
        FILE.validate_python(values)
    except ValidationError as error:
        raise _first_error(document, error) from error
    prefix = file.absolute().relative_to(root).with_suffix("").as_posix()
    entries: list[Entry] = []
    for index, said in enumerate(values["cases"]):
        entries += _expand(document, ("cases", index), f"{prefix}::{said['id']}", values, said)
    return entries


def _first_error(document: Document, error: ValidationError) -> UsageError:
    """The complaint about the deepest part of the file, in the words of the format."""

    def depth(one: Any) -> tuple[bool, int]:
        return one["type"] != "missing", len(_place(document, one["loc"]))

    worst = max(error.errors(), key=depth)
    path = _place(document, worst["loc"])
    if worst["type"] == "extra_forbidden":
        return document.error(path, f"unknown key {worst['loc'][-1]}", expected=f"one of {_keys_beside(path)}")
    if worst["type"] == "missing":
        return document.error(path, f"{worst['loc'][-1]} is missing in {_dotted(path)}")
    same_place = [one["msg"] for one in error.errors() if _place(document, one["loc"]) == path]
    return document.error(path, f"wrong value for {_dotted(path)}", **got_expected(worst["input"], same_place))


def _dotted(path: Place) -> str:
    return ".".join(str(part) for part in path) or "the file"


def got_expected(value: Any, complaints: Iterable[str]) -> dict[str, str]:
    """What a value is, and what was expected instead."""
    expected = " or ".join(dict.fromkeys(text.removeprefix("Input should be ") for text in complaints))
    return {"got": repr(value)[:80], "expected": expected}


def _keys_beside(path: Place) -> str:
    """The keys that the object around an unknown key knows."""
    models: dict[Any, type[Strict]] = {"data": Literals, "expect": Expect, "finding": Finding, "defaults": Fields}
    parent = path[-2] if len(path) > 1 else None
    model = CaseEntry if isinstance(parent, int) else models.get(parent, CaseFile)
    return ", ".join(sorted(model.model_fields))


def _place(document: Document, loc: Sequence[str | int]) -> Place:
    """A pydantic location without the names of union members, which stand in no file."""
    place: Place = ()
    for part in loc:
        if (*place, part) in document.lines:
            place = (*place, part)
    return place


def _expand(document: Document, place: Place, case_id: str, file: dict[str, Any], said: dict[str, Any]) -> list[Entry]:
    common: dict[str, Any] = {"about": file.get("about"), "source": file.get("source"), **(file.get("defaults") or {})}
    common |= {key: value for key, value in said.items() if key not in ("id", "matrix", "exclude")}
    if said.get("check") is not None and (others := [key for key in said if key not in CHECK_KEYS]):
        what = f"{others[0]} beside check: a named check computes what it says and takes no parameters"
        raise document.error((*place, others[0]), what)
    matrix = said.get("matrix")
    if matrix is None:
        if "exclude" in said:
            raise document.error((*place, "exclude"), "exclude without a matrix")
        entry = _entry(document, place, case_id, common)
        return [] if entry is None else [entry]
    _check_matrix(document, place, matrix)
    exclude = None
    if "exclude" in said:
        where = document.line((*place, "exclude"))
        exclude = condition(said["exclude"], NAMES, document.file, where)
    entries: dict[str, Entry] = {}
    for numbered in itertools.product(*(enumerate(values) for values in matrix.values())):
        texts = (f"{key}={_text(value, number)}" for key, (number, value) in zip(matrix, numbered, strict=True))
        full_id = f"{case_id}[{','.join(texts)}]"
        chosen = {key: value for key, (_, value) in zip(matrix, numbered, strict=True)}
        entry = _entry(document, place, full_id, {**common, **chosen}, exclude)
        if entry is None:
            continue
        if full_id in entries:
            raise document.error((*place, "matrix"), "the same combination twice", got=full_id)
        entries[full_id] = entry
    if not entries:
        raise document.error(place, "exclude leaves no case of the matrix")
    return list(entries.values())


def _check_matrix(document: Document, place: Place, matrix: dict[str, list[Any]]) -> None:
    size = math.prod(len(values) for values in matrix.values())
    if size > LARGEST_MATRIX:
        raise document.error(
            (*place, "matrix"),
            "too large a matrix",
            got=f"{size:,} combinations",
            expected=f"at most {LARGEST_MATRIX:,}",
        )
    for key, values in matrix.items():
        if key not in MATRIX_KEYS:
            raise document.error(
                (*place, "matrix", key), f"unknown key {key} in a matrix", expected=f"one of {', '.join(MATRIX_KEYS)}"
            )
        for index, value in enumerate(values):
            try:
                Fields.model_validate({key: value})
            except ValidationError as error:
                said = got_expected(value, [one["msg"] for one in error.errors()])
                raise document.error((*place, "matrix", key, index), f"wrong value for {key}", **said) from error


def _text(value: Any, number: int) -> str:
    """A matrix's value as it stands in an id: 2x3 for [2, 3], 1:0x0:1 for [[1, 0], [0, 1]]; literals by number."""
    if isinstance(value, list):
        return "x".join(":".join(map(str, item)) if isinstance(item, list) else str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, dict):
        return f"{value['form']}:{value.get('seed', 0)}" if "form" in value else f"literal{number}"  # pyright: ignore[reportUnknownMemberType]
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _entry(
    document: Document, place: Place, case_id: str, keys: dict[str, Any], exclude: Expression | None = None
) -> Entry | None:
    """One `Entry`, or None where ``exclude`` names it."""
    claims = cast("dict[str, Any]", keys["expect"]) if isinstance(keys.get("expect"), dict) else {}

    def made(case: Case) -> Entry:
        shape = claims.get("shape")
        return Entry(
            case=case,
            file=document.file,
            line=document.line(place),
            about=keys.get("about") or "",
            source=keys.get("source") or "",
            check=keys.get("check"),
            law=keys.get("law"),
            occurs=keys.get("occurs") or 1,
            finding=None if keys.get("finding") is None else Finding(**keys["finding"]),
            expect_shape=None if shape is None else tuple(shape),
            expect_values=claims.get("values"),
        )

    try:
        if keys.get("check") is not None:
            return made(_check_case(case_id, keys))
        try:
            entry = made(build(case_id, keys))
        except Wrong:
            if exclude is not None and exclude(_raw(keys)):
                return None
            raise
        if exclude is not None and exclude(entry.values):
            return None
        validate(entry.case)
        _check_claims(entry, claims)
        return entry if entry.law is None else _lawful(entry, keys)
    except Wrong as wrong:
        places = ((*place, wrong.key), (*place, "matrix", wrong.key), ("defaults", wrong.key))
        where = next((one for one in places if one in document.lines), place)
        raise document.error(where, f"{case_id}: {wrong}") from wrong


def _lawful(entry: Entry, keys: dict[str, Any]) -> Entry:
    """A law's entry with its parts, which have to mean something each.  Raises `Wrong`."""
    if keys.get("expect") is not None:
        raise Wrong("expect", "expect is a claim about one computation, a law compares several")
    whole = with_parts(entry)
    for part in whole.parts:
        try:
            validate(part.case)
        except Wrong as wrong:
            raise Wrong("law", f"the part {part.id} of the law {entry.law} cannot be: {wrong}") from wrong
    return whole


def _raw(keys: dict[str, Any]) -> dict[str, Any]:
    """What `exclude` sees of keys that do not fit together: the values as they stand, the others None."""
    return dict[str, Any].fromkeys(NAMES) | {
        name: tuple(cast("list[Any]", value)) if isinstance(value, list) else value for name, value in keys.items()
    }


def _check_case(case_id: str, keys: dict[str, Any]) -> Case:
    """A stand-in for what a named check computes: its record has a case's fields."""
    if keys["check"] not in CHECKS:
        raise Wrong("check", f"unknown check {keys['check']}, known are {', '.join(sorted(CHECKS))}")
    keys = {"op": "conv", "input": [1, 1, 1], "kernel_size": 1, "filters": 1, "tags": keys.get("tags")}
    return build(case_id, keys)


def _check_claims(entry: Entry, claims: dict[str, Any]) -> None:
    """What the author wrote against what the reference says: a case that contradicts it is wrong.  Raises `Wrong`."""
    case = entry.case
    if case.must_refuse:
        if claims.get("shape") is not None or claims.get("values") is not None:
            raise Wrong("expect", "a case that must be refused has neither shape nor values")
        return
    if entry.expect_shape is not None and entry.expect_shape != case.result_shape:
        raise Wrong(
            "expect", f"expect.shape is {list(entry.expect_shape)}, the reference says {list(case.result_shape)}"
        )
    if entry.expect_values is not None:
        try:
            claimed = np.asarray(entry.expect_values, dtype=np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise Wrong("expect", f"expect.values is not an array of numbers: {error}") from error
        values = expect(case, draw_arrays(case)).values.astype(np.float64)
        if claimed.shape != values.shape or not np.array_equal(claimed, values, equal_nan=True):
            raise Wrong("expect", f"expect.values differ from the reference, which says {values.tolist()}"[:400])
