"""Cases from files: found, read, expanded, validated; and picked by id or condition."""

from __future__ import annotations

import fnmatch
import hashlib
import itertools
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ..adapters.case import Case
from .checks import CHECKS
from .data import draw_arrays
from .errors import UsageError
from .expected import expect
from .expressions import condition
from .normalise import Wrong, build, validate
from .schema import FILE, MATRIX_KEYS, Fields, Finding
from .yaml_lines import Document, Place, read_yaml

LARGEST_MATRIX = 100_000
SUFFIXES = (".yaml", ".yml")
DERIVED = ("rank", "batch", "spatial", "channels", "pads", "window", "raw_sizes", "output_shape", "output_channels")
NAMES = frozenset({*Case.__dataclass_fields__, *DERIVED, "family"})
"""What conditions can speak of."""


@dataclass(frozen=True)
class Entry:
    """A case where it stands in a file: what it computes, or the `check` that it names, and what its author knows."""

    case: Case
    file: str
    line: int
    about: str = ""
    source: str = ""
    expect_shape: tuple[int, ...] | None = None
    expect_values: Any = None
    check: str | None = None
    finding: Finding | None = None

    @property
    def id(self) -> str:
        return self.case.id

    @property
    def family(self) -> str:
        """The first folder of the id."""
        return self.id.split("::")[0].split("/")[0]

    @cached_property
    def values(self) -> Mapping[str, Any]:
        """What conditions see of it."""
        return _Values(self)


class _Values(Mapping[str, Any]):
    """A case's fields and derived values by name; None where a bad value leaves nothing to derive."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry

    def __getitem__(self, name: str) -> Any:
        if name == "family":
            return self._entry.family
        try:
            return getattr(self._entry.case, name)
        except (ValueError, ZeroDivisionError):
            return None

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


def shipped() -> Path:
    """The folder of the corpus that comes with the package."""
    return Path(str(resources.files("convsuite.cases")))


def load(arguments: Sequence[str] = ()) -> list[Entry]:
    """The cases of files and folders, or those of the shipped corpus that ids or patterns name; all of it by default.

    Raises `UsageError` for a mistake in a file, for a name that matches nothing and for two cases of one id.
    """
    paths = [argument for argument in arguments if _is_path(argument)]
    wanted = [argument for argument in arguments if not _is_path(argument)]
    entries: list[Entry] = []
    for path in paths:
        entries += load_path(Path(path))
    if wanted or not paths:
        corpus = load_path(shipped())
        entries += corpus if not wanted else _named(wanted, corpus)
    _refuse_duplicates(entries)
    return entries


def _is_path(argument: str) -> bool:
    looks = argument.endswith(SUFFIXES) or argument.startswith((".", "/"))
    return "::" not in argument and (looks or Path(argument).exists())


def _named(wanted: list[str], corpus: list[Entry]) -> list[Entry]:
    """Whole ids, file parts (``conv2d/padding``), entries (``conv2d/padding::sweep``) or patterns with ``*``."""
    found: dict[str, Entry] = {}
    for name in wanted:
        matches = [entry for entry in corpus if _matches(entry.id, name)]
        if not matches:
            raise UsageError("no such path and no such case", got=name, expected="see: convsuite list cases")
        found |= {entry.id: entry for entry in matches}
    return list(found.values())


def _matches(case_id: str, name: str) -> bool:
    file_part = case_id.split("::", maxsplit=1)[0]
    if name in (case_id, file_part, case_id.split("[", maxsplit=1)[0]) or case_id.startswith(name.rstrip("/") + "/"):
        return True
    pattern = name.replace("[", "[[]")  # ids hold brackets, patterns know only * and ?
    return fnmatch.fnmatchcase(case_id, pattern)


def load_path(path: Path) -> list[Entry]:
    """The cases of one file or of all YAML files below a folder."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        if not files:
            raise UsageError("a folder without case files", got=path, expected="*.yaml below it")
        root = path
    elif path.exists():
        files, root = [path], path.parent
    else:
        raise UsageError("no such file or folder", got=path)
    # an id stays the same whether its file or the whole corpus is asked for
    above = [folder for folder in (root.resolve(), *root.resolve().parents) if folder.name == "cases"]
    root = above[0] if above else root.resolve()
    entries = [entry for file in files for entry in load_file(file, root)]
    _refuse_duplicates(entries)
    return entries


def _refuse_duplicates(entries: Iterable[Entry]) -> None:
    seen: dict[str, Entry] = {}
    for entry in entries:
        if (first := seen.setdefault(entry.id, entry)) is not entry:
            if (first.file, first.line) == (entry.file, entry.line) and first.case == entry.case:
                continue
            raise UsageError(
                "duplicate id", got=entry.id, expected=f"it stands at {first.file}:{first.line} already",
                file=entry.file, line=entry.line,
            )  # fmt: skip


def load_file(file: Path, root: Path) -> list[Entry]:
    """The cases of one file; their ids begin with its path below ``root``, without the suffix."""
    document = read_yaml(file)
    if not isinstance(document.value, dict):
        raise document.error((), "a case file is a mapping", got=type(document.value).__name__, expected="key cases")
    try:
        FILE.validate_python(document.value)
    except ValidationError as error:
        raise _first_error(document, error, ()) from error
    values: dict[str, Any] = document.value
    prefix = file.resolve().relative_to(root).with_suffix("").as_posix()
    entries: list[Entry] = []
    for index, said in enumerate(values["cases"]):
        entries += _expand(document, ("cases", index), f"{prefix}::{said['id']}", values, said)
    return entries


def _first_error(document: Document, error: ValidationError, place: Place) -> UsageError:
    """The most telling complaint, at its line."""

    def depth(one: Any) -> tuple[int, bool]:
        return (len(document_place(document, (*place, *one["loc"]))), one["type"] != "missing")

    worst = max(error.errors(), key=depth)
    path = document_place(document, (*place, *worst["loc"]))
    key = ".".join(str(part) for part in path) or "the file"
    same_place = [one for one in error.errors() if document_place(document, (*place, *one["loc"])) == path]
    if worst["type"] == "extra_forbidden":
        expected = ", ".join(sorted(Fields.model_fields | {"id": None, "matrix": None, "exclude": None}))
        return document.error(path, f"unknown key {worst['loc'][-1]}", expected=f"one of {expected}")
    if worst["type"] == "missing":
        return document.error(path, f"{worst['loc'][-1]} is missing in {key}")
    expected = " or ".join(dict.fromkeys(one["msg"].removeprefix("Input should be ") for one in same_place))
    return document.error(path, f"wrong value for {key}", got=repr(worst["input"])[:80], expected=expected)


def document_place(document: Document, loc: Sequence[str | int]) -> Place:
    """A pydantic location without the names of union members, which stand in no file."""
    value, place = document.value, list[str | int]()
    for part in loc:
        if (
            (isinstance(value, dict)
            and part in value)
            or (isinstance(value, list)
            and isinstance(part, int)
            and part < len(value))
        ):
            value = value[part]
            place.append(part)
    return tuple(place)


def _expand(document: Document, place: Place, case_id: str, file: dict[str, Any], said: dict[str, Any]) -> list[Entry]:
    common = {"about": file.get("about"), "source": file.get("source"), **file.get("defaults", {})}
    common |= {key: value for key, value in said.items() if key not in ("id", "matrix", "exclude")}
    matrix = said.get("matrix")
    if matrix is None:
        if "exclude" in said:
            raise document.error((*place, "exclude"), "exclude without a matrix")
        return [_entry(document, place, case_id, common)]
    _check_matrix(document, place, matrix)
    exclude = None
    if "exclude" in said:
        where = document.line((*place, "exclude"))
        exclude = condition(said["exclude"], NAMES, document.file, where)
    entries: list[Entry] = []
    for values in itertools.product(*matrix.values()):
        chosen = dict(zip(matrix, values, strict=True))
        full_id = f"{case_id}[{','.join(f'{key}={_text(value)}' for key, value in chosen.items())}]"
        entry = _entry(document, place, full_id, {**common, **chosen}, exclude)
        if entry is not None:
            entries.append(entry)
    if not entries:
        raise document.error(place, "exclude leaves no case of the matrix")
    return entries


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
                expected = " or ".join(
                    dict.fromkeys(one["msg"].removeprefix("Input should be ") for one in error.errors())
                )
                raise document.error(
                    (*place, "matrix", key, index), f"wrong value for {key}", got=repr(value)[:80], expected=expected
                ) from error


def _text(value: Any) -> str:
    """A value as it stands in an id: 2x3 for [2, 3], 1:0x0:1 for [[1, 0], [0, 1]]."""
    if isinstance(value, list):
        return "x".join(":".join(map(str, item)) if isinstance(item, list) else str(item) for item in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, dict):
        return f"{value['form']}:{value.get('seed', 0)}" if "form" in value else "literal"  # pyright: ignore[reportUnknownMemberType]
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _entry(document: Document, place: Place, case_id: str, keys: dict[str, Any], exclude: Any = None) -> Any:
    """One `Entry`, or None where ``exclude`` names it."""
    told = {
        "file": document.file,
        "line": document.line(place),
        "about": keys.get("about") or "",
        "source": keys.get("source") or "",
        "check": keys.get("check"),
        "finding": None if keys.get("finding") is None else Finding(**keys["finding"]),
    }
    try:
        if told["check"] is not None:
            if told["check"] not in CHECKS:
                raise Wrong("check", f"unknown check {told['check']}, known are {', '.join(sorted(CHECKS))}")
            return Entry(case=check_case(case_id, keys), **told)
        case = build(case_id, keys)
        entry = Entry(case=case, **told)
        if exclude is not None and exclude(entry.values):
            return None
        validate(case)
        expected = keys.get("expect")
        if isinstance(expected, dict):
            shape = expected.get("shape")
            entry = replace(
                entry, expect_shape=None if shape is None else tuple(shape), expect_values=expected.get("values")
            )
        _check_claims(entry)
        return entry
    except Wrong as wrong:
        raise document.error((*place, wrong.key), f"{case_id}: {wrong}") from wrong


def check_case(case_id: str, keys: dict[str, Any]) -> Case:
    """A stand-in for what a named check computes: its record has a case's fields."""
    keys = {"op": "conv", "input": [1, 1, 1], "kernel_size": 1, "filters": 1, "tags": keys.get("tags")}
    return build(case_id, keys)


def _check_claims(entry: Entry) -> None:
    """What the author wrote against what the reference says: a case that contradicts it is wrong.  Raises `Wrong`."""
    case = entry.case
    if case.must_refuse:
        return
    if entry.case.literal is not None:
        _check_literal(entry.case, entry.case.literal)
    if entry.expect_shape is not None and entry.expect_shape != case.result_shape:
        raise Wrong(
            "expect", f"expect.shape is {list(entry.expect_shape)}, the reference says {list(case.result_shape)}"
        )
    if entry.expect_values is not None:
        try:
            claimed = np.asarray(entry.expect_values, dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise Wrong("expect", f"expect.values is not an array of numbers: {error}") from error
        values = expect(case, draw_arrays(case)).values.astype(np.float64)
        if claimed.shape != values.shape or not np.array_equal(claimed, values, equal_nan=True):
            raise Wrong("expect", f"expect.values differ from the reference, which says {values.tolist()}"[:400])


def _check_literal(case: Case, literal: Mapping[str, Any]) -> None:
    shapes = case.array_shapes
    if extra := [name for name in literal if name not in shapes]:
        raise Wrong("data", f"data.{extra[0]} is no array of this case, which has {', '.join(shapes)}")
    for name, shape in shapes.items():
        if name not in literal:
            raise Wrong("data", f"data.{name} is missing")
        try:
            array = np.asarray(literal[name], dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise Wrong("data", f"data.{name} is not an array of numbers: {error}") from error
        if array.shape != shape:
            raise Wrong("data", f"data.{name} has shape {list(array.shape)}, expected {list(shape)}")
        if array.size and not array.any() and name != "bias":
            raise Wrong("data", f"data.{name} is all zeros: the data prove nothing")


def select(entries: list[Entry], *, tags: Sequence[str] = (), filter_expression: str | None = None) -> list[Entry]:
    """The entries that carry all tags and meet the condition.  Raises `UsageError` where none does."""
    chosen = [entry for entry in entries if set(tags) <= set(entry.case.tags)]
    if filter_expression is not None:
        chosen_if = condition(filter_expression, NAMES, "--filter")
        chosen = [entry for entry in chosen if chosen_if(entry.values)]
    if not chosen:
        raise UsageError("no case is left to run", got=f"{len(entries)} cases, none with these tags and conditions")
    return chosen


def digest(entries: Iterable[Entry], seed: int) -> str:
    """Of everything that says what these cases compute; a run is resumed only with the same."""
    state = hashlib.sha256(str(seed).encode())
    for entry in sorted(entries, key=lambda entry: entry.id):
        state.update(json.dumps([entry.case.to_json(), entry.case.literal, entry.check]).encode())
    return state.hexdigest()[:16]
