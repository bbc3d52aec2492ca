"""The suite inside somebody else's tests: cases, their arrays, and the verdict on a result."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from pydantic import ValidationError

from ..adapters.case import Case, formatted
from .answers import answer_to
from .corpus import load, load_path
from .entry import shipped
from .errors import UsageError
from .normalise import Wrong, build, validate
from .profiles import find_profile
from .schema import Fields
from .verdict import Judgement, judge_array


def load_cases(*names: str) -> list[Case]:
    """The computations of files, folders, ids or patterns; without a name the shipped corpus but for its networks.

    Checks of the reference alone and laws, which are no computations, are left out.  Raises `UsageError`.
    """
    return [entry.case for entry in load(names) if entry.check is None and entry.law is None]


def make_case(**keys: Any) -> Case:
    """A case from the YAML keys as keyword arguments: ``make_case(op="conv", input=[1, 5, 1], kernel_size=2, ...)``.

    Raises `UsageError` where a key or a value is wrong.
    """
    case_id = keys.pop("id", "made")
    keys = {key: _plain(value) for key, value in keys.items()}
    if foreign := [key for key in ("check", "finding", "law") if key in keys]:
        raise UsageError(f"{foreign[0]} is for case files", expected="the parameters of one computation")
    if keys.get("expect") not in (None, "error"):
        raise UsageError("expect is a claim in case files; here it is absent, or the word error", got=keys["expect"])
    try:
        Fields.model_validate(keys)
        case = build(case_id, keys)
        validate(case)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise UsageError(f"{key}: {first['msg']}", got=repr(first["input"])) from error
    except Wrong as wrong:
        raise UsageError(str(wrong)) from wrong
    return case


def _plain(value: Any) -> Any:
    """Tuples and arrays as the lists that a file would hold."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return value


def case_arrays(case: Case | str | Mapping[str, Any], *, seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays that an engine is handed, by argument name: kernels in the reference's layout, ``input`` and
    ``output_gradient`` in the case's ``data_format``.
    """
    case = _case(case)
    arrays, _ = answer_to(case, seed)
    return formatted(arrays, case.data_format)


def check(case: Case | str | Mapping[str, Any], array: Any, *, seed: int = 0, profile: str | None = None) -> Judgement:
    """The verdict on ``array`` as the result of a case: true where it is right, with a message where it is not.

    ``case``: a `Case`, an id of the shipped corpus, or a mapping of YAML keys; ``array``: in the case's ``data_format``
    and dtype; ``profile``: the name of one for results of a fast algorithm, such as "winograd-4", see `profiles`.
    Raises `UsageError` for a profile that is unknown, and for a case that is unknown, wrong, or must be refused and so
    has no result.
    """
    case, allowed = _case(case), None if profile is None else find_profile(profile)
    _, expected = answer_to(case, seed)
    if expected is None:
        raise UsageError("a case that must be refused has no result to check", got=case.id)
    try:
        got = np.asarray(array)
    except Exception as error:  # noqa: BLE001  tensors on a device and ragged lists raise what they like
        return Judgement("dtype", f"no array: {type(error).__name__}: {error}")
    return judge_array(case, expected, got, profile=allowed)


def _case(case: Case | str | Mapping[str, Any]) -> Case:
    if isinstance(case, Case):
        return case
    if isinstance(case, Mapping):
        return make_case(**case)
    found = _shipped(case.partition("::")[0]).get(case)
    if found is None:
        raise UsageError("no such case in the shipped corpus", got=case, expected="see: convsuite list cases")
    return found


@cache
def _shipped(file: str) -> dict[str, Case]:
    """The computations of a file of the shipped corpus by id, read once."""
    return {entry.id: entry.case for entry in load_path(shipped(), [file]) if entry.check is None and entry.law is None}
