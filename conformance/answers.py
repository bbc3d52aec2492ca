"""What an engine is handed and what it should answer: made once per case, for all engines."""

from __future__ import annotations

import itertools
import math
import threading
from collections.abc import Iterable

import numpy as np

from ..adapters.case import Case
from .data import draw_arrays
from .entry import Entry
from .errors import UsageError
from .expected import Expected, expect

LARGE = 1 << 20
"""Elements of a case whose answer is made only when an engine asks for it."""
DRAWN_AGAIN, ATTEMPTS = 1_000_003, 8
"""How far the seeds are apart that are tried where data prove nothing, and how many."""
CACHE_BYTES = 1 << 30
"""Arrays and answers of small cases are kept for the other engines, those of large ones drawn again."""


class Answers:
    """Arrays and expected answers of the entries, made once for all engines."""

    def __init__(self, seed: int = 0) -> None:
        self.seed, self._lock, self._bytes = seed, threading.Lock(), 0
        self._kept: dict[str, tuple[dict[str, np.ndarray], Expected | None]] = {}

    def of(self, entry: Entry) -> tuple[dict[str, np.ndarray], Expected | None]:
        """The arrays (not to be written to) and the expected answer, None where an error is due."""
        with self._lock:
            if entry.id not in self._kept:
                made = self._make(entry)
                self._bytes += sum(array.nbytes for array in made[0].values())
                self._bytes += made[1].values.nbytes * 3 if made[1] else 0
                if self._bytes > CACHE_BYTES:
                    return made
                self._kept[entry.id] = made
            return self._kept[entry.id]

    def prepare(self, entries: Iterable[Entry]) -> None:
        """Makes those of all but large cases ahead.  Raises `UsageError` for a case whose data prove nothing."""
        for one in itertools.chain.from_iterable(entry.computations for entry in entries):
            if sum(map(math.prod, one.case.array_shapes.values())) < LARGE:
                self.of(one)

    def _make(self, entry: Entry) -> tuple[dict[str, np.ndarray], Expected | None]:
        if entry.draw is None:
            arrays, expected = answer_to(entry.case, self.seed)
        else:  # the parts of a law share one draw, whatever it proves by itself
            arrays = entry.draw(self.seed)
            expected = expect(entry.case, arrays)
        if expected is not None and not proves(arrays, expected) and (entry.draw is None or not self.seed):
            what = f"{entry.id}: the data prove nothing, since the right result is zero everywhere or judged nowhere"
            raise UsageError(what, file=entry.file, line=entry.line)
        return arrays, expected


def answer_to(case: Case, seed: int = 0) -> tuple[dict[str, np.ndarray], Expected | None]:
    """The case's arrays under a run's seed, and the expected answer, None where an error is due.

    A case is chosen so that its data prove something under seed 0.  Under another one the few numbers of a small case
    may cancel; then others are drawn, in the end those of seed 0.
    """
    if case.must_refuse:
        return draw_arrays(case, seed=seed), None
    again = [seed + DRAWN_AGAIN * attempt for attempt in range(ATTEMPTS)] if seed else []
    for tried in again:
        arrays = draw_arrays(case, seed=tried)
        expected = expect(case, arrays)
        if proves(arrays, expected):
            return arrays, expected
    arrays = draw_arrays(case)
    return arrays, expect(case, arrays)


def proves(arrays: dict[str, np.ndarray], expected: Expected) -> bool:
    """Where an array is empty, zero is what is to be shown."""
    return expected.proves or not all(array.size for array in arrays.values())
