"""Draws as cases, batch by batch: what all engines of a session are given."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ..answers import Answers
from ..entry import Entry
from ..errors import UsageError
from ..expected import Expected
from . import strategies
from .draw import Draw, Keys, realise

BATCHES_KEPT = 32
"""Batches of which cases and answers are kept for engines that come later; older ones are drawn again."""

Condition = Callable[[Mapping[str, Any]], bool]


@dataclass(frozen=True)
class Drawn:
    """A draw as a case with its arrays and its answer."""

    draw: Draw
    keys: Keys
    entry: Entry
    arrays: dict[str, np.ndarray]
    expected: Expected | None


class Source:
    """Cases by batch: the same numbers give the same ones."""

    def __init__(self, seed: int, file: Path, condition: Condition | None) -> None:
        self.seed, self._file, self._condition = seed, str(file), condition
        self._lock = threading.Lock()
        self._made = lru_cache(BATCHES_KEPT)(self._make)

    def batch(self, number: int) -> list[Drawn]:
        """The cases of a batch."""
        with self._lock:
            return self._made(number)

    def _make(self, number: int) -> list[Drawn]:
        made: dict[str, Drawn] = {}
        for index, draw in enumerate(strategies.batch(self.seed, number)):
            drawn = self.drawn(draw, f"fuzz::{self.seed}-{number}-{index}")
            if drawn is not None:
                made.setdefault(json.dumps(drawn.keys), drawn)
        return list(made.values())

    def drawn(self, draw: Draw, case_id: str, about: str = "") -> Drawn | None:
        """The draw as a case; None where it means nothing, proves nothing or does not meet the condition."""
        realised = realise(draw, case_id)
        if realised is None:
            return None
        keys, case = realised
        entry = Entry(case, self._file, 0, about)
        if self._condition is not None and not self._condition(entry.values):
            return None
        try:
            arrays, expected = Answers().of(entry)
        except UsageError:  # its data prove nothing
            return None
        return Drawn(draw, keys, entry, arrays, expected)
