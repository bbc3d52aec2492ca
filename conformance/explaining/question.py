"""What is asked about: a case that stands in a file, or one that is made of command-line options, as a `Case`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from ...adapters.case import Case
from .. import corpus
from ..answers import Answers, answer_to, proves
from ..casefile import got_expected
from ..entry import Entry
from ..errors import UsageError
from ..expected import Expected
from ..normalise import Wrong, build, validate
from ..schema import Fields

KEYS = (
    "op", "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "dtype", "data", "layout", "wrt", "kernel_shape", "expect",
)  # fmt: skip
"""Keys of a case file that are options as well; see `option`."""
LISTS = ("input", "kernel_shape")
"""Keys that are a list even where they hold one number."""
MADE = "asked"
"""The id of a case that stands in no file."""
MOST_NAMED = 4
_INTEGER = re.compile(r"[+-]?\d{1,20}")


@dataclass(frozen=True)
class Question:
    """A case with its arrays (channels last, not to be written to), and the right answer, None where an error is due.

    ``about``: what its author says of it.
    """

    case: Case
    arrays: dict[str, np.ndarray]
    expected: Expected | None
    about: str = ""


def option(key: str) -> str:
    """How a key is spelled on the command line."""
    return f"--{key.replace('_', '-')}"


def about_case(name: str) -> Question:
    """The one case that an id, or ``FILE.yaml`` or ``FILE.yaml::ID``, names.  Raises `UsageError`."""
    entries = _named(name)
    if len(entries) > 1:
        some = ", ".join(entry.id for entry in entries[:MOST_NAMED])
        more = ", …" if len(entries) > MOST_NAMED else ""
        raise UsageError("one case is explained at a time", got=f"{len(entries)} cases: {some}{more}", expected="one")
    (entry,) = entries
    if entry.check is not None:
        raise UsageError("a named check of the reference alone is no computation", got=entry.id, expected="a case")
    if entry.law is not None:
        raise UsageError(
            "a law compares several computations", got=entry.id,
            expected=f"one of its parts: {', '.join(part.id for part in entry.parts)}",
        )  # fmt: skip
    return Question(entry.case, *Answers().of(entry), entry.about)


def about_options(texts: Mapping[str, str | bool | None]) -> Question:
    """The case that options say, by key, as the texts that stand on the command line.

    Numbers of several axes are parted by commas (``15,14``), blanks after which are allowed, pairs are
    ``lo:hi,lo:hi``.  Raises `UsageError` in the words of case files, with the option at fault.
    """
    keys = {key: _value(key, text) for key, text in texts.items() if text is not None}
    for key, value in keys.items():
        try:
            Fields.model_validate({key: value})
        except ValidationError as error:
            said = got_expected(texts[key], [one["msg"] for one in error.errors()])
            raise UsageError(f"wrong value for {option(key)}", got=said["got"], expected=said["expected"]) from error
    try:
        case = build(MADE, keys)
        validate(case)
    except Wrong as wrong:
        raise UsageError(f"{option(wrong.key)}: {wrong}") from wrong
    arrays, expected = answer_to(case)
    if expected is not None and not proves(arrays, expected):
        raise UsageError("the data prove nothing: the right result is zero everywhere", expected="other --data")
    return Question(case, arrays, expected)


def _named(name: str) -> list[Entry]:
    """The cases and the parts of laws of that name."""
    file, _, tail = name.partition("::")
    if not tail or not corpus.is_path(file):
        return corpus.load([name], layers=True)
    entries = [one for entry in corpus.load_path(Path(file)) for one in (entry, *entry.parts)]
    by_id = {entry.id.partition("::")[2]: entry for entry in entries}
    found = [entry for key, entry in by_id.items() if key == tail or key.startswith(f"{tail}[")]
    if not found:
        raise UsageError("no such case in the file", got=name, expected=f"one of {', '.join(list(by_id)[:MOST_NAMED])}")
    return found


def _value(key: str, text: str | bool) -> Any:
    """What YAML would hold; a text that is nothing of the kind stays one, for the schema to refuse."""
    if isinstance(text, bool):
        return text
    parts = [part.strip() for part in text.split(",")]
    if all(_INTEGER.fullmatch(part) for part in parts):
        numbers = [int(part) for part in parts]
        return numbers if len(numbers) > 1 or key in LISTS else numbers[0]
    if key == "padding" and all(":" in part for part in parts):
        pairs = [part.split(":") for part in parts]
        if all(_INTEGER.fullmatch(side) for pair in pairs for side in pair):
            return [[int(side) for side in pair] for pair in pairs]
    return text
