"""What the checks share: how they demand, and integers to demand it of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...reference.geometry import Array


def require(holds: object, sentence: str) -> None:
    """Raises AssertionError with the sentence where it does not hold."""
    if not holds:
        raise AssertionError(sentence)


def require_equal(got: Any, due: Any, what: str) -> None:
    """Raises AssertionError where two arrays, tuples or numbers differ, in shape or in any entry."""
    same = np.shape(got) == np.shape(due) and np.array_equal(got, due)
    require(same, f"{what}: got {_shown(got)}, expected {_shown(due)}")


def require_refusal(error: type[Exception], what: str, function: Callable[..., object], *arguments: Any) -> None:
    """Raises AssertionError where the call answers instead of raising that error."""
    try:
        function(*arguments)
    except error:
        return
    require(False, f"{what} is answered, {error.__name__} is due")


def differ(first: Array, second: Array) -> bool:
    """Whether two results are not the same array."""
    return not np.array_equal(first, second)


def integers(*shape: int, seed: int = 0) -> Array:
    """Integers from -9 to 9 without 0: every product shows, and sums are exact."""
    values = np.random.RandomState(seed).randint(-9, 9, shape)
    return values + (values >= 0)


def _shown(value: Any) -> str:
    array = np.asarray(value)
    return str(array.tolist()) if array.size <= 40 else f"an array of shape {array.shape}"
