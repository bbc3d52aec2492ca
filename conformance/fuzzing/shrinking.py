"""Shrinking, by hypothesis: the smallest draw that still fails, within a time.

Hypothesis shrinks what it has drawn itself.  So the batch is drawn once more from its seed, nothing else being asked of
it, until the draw that failed comes along; hypothesis is told that it fails, and goes on from there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import hypothesis
from hypothesis import Phase, given, settings
from hypothesis.errors import Flaky

from .draw import Draw
from .strategies import DRAWS, SETTINGS, stream


class GivesUp(BaseException):
    """Ends the shrinking; hypothesis would take an Exception for a failure of the draw."""


class _FailsError(Exception):
    """What hypothesis understands."""


def shrink(
    start: Draw,
    *,
    seed: int,
    number: int,
    change: Callable[[Draw], Draw],
    fails: Callable[[Draw], bool],
    until: float,
) -> Draw:
    """The smallest draw found until then (in `time.monotonic`), ``change`` applied, for which ``fails`` is true.

    ``start`` is a draw of that batch and fails once changed.  ``fails`` may raise `GivesUp`: the smallest one so far is
    then the answer.
    """
    smallest, met = change(start), False

    @hypothesis.seed(stream(seed, number))
    @settings(SETTINGS, phases=[Phase.generate, Phase.shrink])
    @given(DRAWS)
    def ask(draw: Draw) -> None:
        nonlocal smallest, met
        if not met and draw != start:
            return
        if met:
            if time.monotonic() > until:
                raise GivesUp
            changed = change(draw)
            if not fails(changed):
                return
            smallest = changed
        met = True
        raise _FailsError  # at one place: hypothesis tells failures apart by their lines

    # Flaky: an engine that does not fail each time has no smallest case; the last one that did is kept
    with contextlib.suppress(_FailsError, GivesUp, Flaky):
        ask()
    return smallest
