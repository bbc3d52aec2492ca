"""Named checks of the reference alone: what the seed note states and no single computation shows."""

from __future__ import annotations

import time
from collections.abc import Callable

from .errors import UsageError
from .process import Outcome
from .verdict import Judgement

CHECKS: dict[str, Callable[[], None]] = {}
"""By name; each raises AssertionError with a sentence where the reference does not bear the finding out."""


def check(function: Callable[[], None]) -> Callable[[], None]:
    """Registers a named check."""
    CHECKS[function.__name__] = function
    return function


def run_check(name: str) -> tuple[Outcome, Judgement]:
    """The check as an outcome of the engine `reference`.  Raises `UsageError` for an unknown name."""
    if name not in CHECKS:
        raise UsageError("unknown check", got=name, expected=f"one of {', '.join(sorted(CHECKS))}")
    begin = time.perf_counter()
    message = ""
    try:
        CHECKS[name]()
    except AssertionError as error:
        message = str(error) or "the check does not hold"
    seconds = time.perf_counter() - begin
    judgement = Judgement("differs" if message else "exact", message)
    return Outcome("equivalent", "value", None, seconds=seconds), judgement
