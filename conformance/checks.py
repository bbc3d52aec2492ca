"""Named checks of the reference alone: what the seed note states and no single computation shows."""

from __future__ import annotations

import time
from collections.abc import Callable

from . import note
from .errors import UsageError
from .process import Outcome
from .verdict import Judgement

CHECKS: dict[str, Callable[[], None]] = dict(note.CHECKS)
"""By name; each raises AssertionError with a sentence where the reference does not bear the finding out."""

FAILURES = (AssertionError, ArithmeticError, LookupError, TypeError, ValueError)
"""What a wrong reference makes a check raise: its own sentence, or the error of a result that cannot be worked with."""


def run_check(name: str) -> tuple[Outcome, Judgement]:
    """The check as an outcome of the engine `reference`.  Raises `UsageError` for an unknown name."""
    if name not in CHECKS:
        raise UsageError("unknown check", got=name, expected=f"one of {', '.join(sorted(CHECKS))}")
    begin = time.perf_counter()
    message = ""
    try:
        CHECKS[name]()
    except FAILURES as error:
        said = str(error) or "the check does not hold"
        message = said if isinstance(error, AssertionError) else f"{type(error).__name__}: {said}"
    seconds = time.perf_counter() - begin
    judgement = Judgement("differs" if message else "exact", message)
    return Outcome("equivalent", "value", None, seconds=seconds), judgement
