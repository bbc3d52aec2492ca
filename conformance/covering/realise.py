"""A row of levels made a case: sizes that suit them, all different from each other where they can be.

Everything follows from the row, so that the same row is the same case in every version of a covering array.
"""

from __future__ import annotations

import hashlib
from itertools import count
from typing import Any

from ...adapters.case import Case
from ..answers import answer_to, proves
from ..data import INTEGER_DATA
from ..errors import UsageError
from ..normalise import Wrong, build, validate
from .model import ADVERSARIAL, FORWARD, INTEGER_DTYPES, SPECIAL, Family, Row, most_output_padding

UNEQUAL_KERNELS = {2: ([3, 2], [2, 4], [4, 1], [1, 3]), 3: ([2, 3, 1], [3, 1, 2], [1, 2, 4], [2, 2, 3])}
UNEQUAL_STRIDES = {2: ([1, 3], [3, 2], [2, 3], [3, 1]), 3: ([1, 3, 2], [3, 1, 1], [2, 1, 3], [3, 2, 2])}
UNEQUAL_DILATION = {2: ([1, 2], [2, 1]), 3: ([1, 2, 1], [2, 1, 1], [1, 1, 2], [2, 1, 2])}
SYMMETRIC = ([[1, 1], [2, 2], [1, 1]], [[2, 2], [0, 0], [1, 1]], [[1, 1], [1, 1], [2, 2]])
ASYMMETRIC = ([[0, 1], [2, 1], [1, 0]], [[2, 0], [1, 3], [0, 1]], [[1, 0], [0, 2], [2, 1]], [[3, 1], [1, 1], [0, 2]])
NEGATIVE = (
    [[-1, 2], [1, -1], [0, -1]], [[1, -2], [-1, 0], [2, -1]], [[-1, -1], [0, 1], [-1, 0]], [[0, -1], [-2, 1], [1, 0]],
)  # fmt: skip
SMALLEST_OUTPUT = 2
ATTEMPTS = 40


def row_id(family: Family, row: Row) -> str:
    """Eight digits that stand for the row, whatever its place among the others."""
    said = family.name + "".join(f"{name}={row[name]};" for name in sorted(row))
    return hashlib.sha256(said.encode()).hexdigest()[:8]


class _Choice:
    """Draws from lists by the row's digest: another row, another draw, the same row always the same one."""

    def __init__(self, digest: str) -> None:
        self._left = int(hashlib.sha256(digest.encode()).hexdigest(), 16)

    def of(self, options: Any) -> Any:
        self._left, index = divmod(self._left, len(options))
        return options[index]


def realise(family: Family, row: Row) -> dict[str, Any]:
    """The row as the keys of a case file.

    Raises `UsageError` where no sizes are found for it: then the model lacks a constraint.
    """
    choice = _Choice(row_id(family, row))
    keys: dict[str, Any] = {"op": family.op, "input": []}
    for name, unequal in (
        ("kernel_size", UNEQUAL_KERNELS), ("strides", UNEQUAL_STRIDES), ("dilation", UNEQUAL_DILATION),
    ):  # fmt: skip
        level = row[name]
        keys[name] = list(choice.of(unequal[family.rank])) if level == "unequal" else int(level)
    keys["padding"] = _padding(row["padding"], family.rank, choice)
    if "groups" in row:
        keys["groups"] = int(row["groups"])
    else:
        keys["depth_multiplier"] = int(row["depth_multiplier"])
    if row.get("output_padding", "absent") != "absent":
        keys["output_padding"] = _output_padding(row, keys, family.rank)
    keys |= {"use_bias": row["use_bias"] == "true", "data_format": row["data_format"], "dtype": row["dtype"]}
    keys |= {"layout": row["layout"], "data": _data(row, family, choice)}
    if row["wrt"] != FORWARD:
        keys["wrt"] = row["wrt"]
    channels, filters = _channels(family, row, choice)
    if filters is not None:
        keys["filters"] = filters
    return _with_sizes(family, row, keys, channels)


def _padding(level: str, rank: int, choice: _Choice) -> Any:
    """The word, or pairs; those of rank 1 are such that the level stays what it is."""
    kinds = {"symmetric": SYMMETRIC, "asymmetric": ASYMMETRIC, "negative": NEGATIVE}
    return [list(pair) for pair in choice.of(kinds[level])[:rank]] if level in kinds else level


def _output_padding(row: Row, keys: dict[str, Any], rank: int) -> list[int]:
    """The level on every axis that allows it, else the most that one allows."""
    strides, dilation = (
        [keys[name]] * rank if isinstance(keys[name], int) else keys[name] for name in ("strides", "dilation")
    )
    most = most_output_padding(strides, dilation, words=isinstance(keys["padding"], str))
    return [min(int(row["output_padding"]), one) for one in most]


def _data(row: Row, family: Family, choice: _Choice) -> str:
    level = row["data"]
    if level == "adversarial":
        return str(choice.of(ADVERSARIAL))
    if level == "special":
        # between the halves of a separable convolution overflow has no one answer, and no data no place to overflow
        plain = family.op == "separable_conv" or row["extent"] == "impossible" or row["batch"] == "0"
        return str(choice.of(tuple(name for name in SPECIAL if name != "overflow") if plain else SPECIAL))
    if level == "integers":
        other = "full_range" if row["dtype"] in INTEGER_DTYPES else "positive"
        return str(choice.of(("integers", "integers", other)))
    return level


def _channels(family: Family, row: Row, choice: _Choice) -> tuple[int, int | None]:
    """Channels and filters that are unequal and that the groups divide."""
    if family.op == "depthwise_conv":
        return int(choice.of((3, 4, 5))), None
    if family.op == "separable_conv":
        return int(choice.of((3, 4))), int(choice.of((5, 7)))
    groups = int(row["groups"])
    per_group = choice.of(((2, 3), (3, 2), (3, 1), (1, 2)) if groups > 1 else ((3, 4), (4, 5), (5, 3), (1, 4)))
    return groups * per_group[0], groups * per_group[1]


def _with_sizes(family: Family, row: Row, keys: dict[str, Any], channels: int) -> dict[str, Any]:
    """The first sizes of the wanted kind with which the case means something and its data prove something."""
    complaint = ""
    for attempt in range(ATTEMPTS):
        spatial = _spatial(family, row, keys, channels, attempt)
        if spatial is None:
            continue
        candidate = {**keys, "input": [int(row["batch"]), *spatial, channels]}
        if attempt and candidate["data"] not in INTEGER_DATA:
            candidate["data"] = {"form": keys["data"], "seed": attempt}
        try:
            case = _built(candidate)
            _check_proof(case)
        except (Wrong, UsageError, ValueError) as error:
            complaint = str(error)
            continue
        return candidate
    raise UsageError(f"no sizes are found for a row of {family.name}", got=dict(row), expected=complaint)


def _built(keys: dict[str, Any]) -> Case:
    case = build("row", keys)
    validate(case)
    return case


def _check_proof(case: Case) -> None:
    arrays, expected = answer_to(case)
    if expected is not None and not proves(arrays, expected):
        raise UsageError("the data prove nothing")


def _spatial(family: Family, row: Row, keys: dict[str, Any], channels: int, attempt: int) -> list[int] | None:
    """Spatial sizes, small, of the wanted parity, each another one; None where this attempt has none."""
    if row["extent"] == "impossible":
        return _impossible(family, row, keys, attempt)
    odd = {"odd": [1] * 3, "even": [0] * 3, "mixed": [1, 0, 1] if attempt % 2 == 0 else [0, 1, 0]}[row["extent"]]
    taken, sizes = {channels, int(row["batch"])}, list[int]()
    for axis in range(family.rank):
        n = next(
            n for n in count(2 + attempt)
            if n % 2 == odd[axis] and n not in taken and _raw(keys, family.rank, axis, n) >= SMALLEST_OUTPUT
        )  # fmt: skip
        taken.add(n)
        sizes.append(n)
    return sizes


def _impossible(family: Family, row: Row, keys: dict[str, Any], attempt: int) -> list[int] | None:
    """One axis with the most samples that still give nothing, or none at all; the others as usual."""
    axis = attempt % family.rank
    usual = _spatial(family, {**row, "extent": "mixed" if family.rank > 1 else "odd"}, keys, 0, attempt)
    too_few = [n for n in range(12) if n == 0 or _raw(keys, family.rank, axis, n) < 1]
    if usual is None or not too_few:
        return None
    usual[axis] = too_few[-1] if attempt < family.rank else too_few[0]
    return usual


def _raw(keys: dict[str, Any], rank: int, axis: int, n: int) -> int:
    """The size that the formula gives for n samples on this axis."""
    alone = build("row", {**keys, "input": [1, *[n] * rank, keys.get("groups", 1)], "data": "integers"})
    return alone.raw_sizes[axis]
