"""The order of measuring: all contenders in turn, round after round, so that what slows the machine slows them alike.

Before every turn comes a pause, since the threads of the library before spin for some milliseconds after its call (4 ms
after one torch reads half its speed), and a call that is not timed, which wakes its own threads and fills the caches.
The start of a round moves on and its direction changes, so that no contender always follows the same other.

A turn gives one sample, the median of its calls: their minimum would be the smaller the more calls fit into a turn, and
so favour short ones.  A round between two probes of which one was slow says more of the machine than of the contenders,
and is thrown away.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from .machine import Machine
from .warm import Died, Warm, calls_in_turn

PAUSE = 0.015
LONG = 0.05
"""Seconds of a call from which on none is made beforehand: waking is a small part of it."""
CALIBRATION, MOST_CALIBRATION = 0.02, 4
"""Seconds of calls after which a variant is known well enough, and turns at most."""
NEAR, MOST_NEAR = 1.2, 3
"""Variants that calibration finds this near the fastest are measured in the rounds, so many at most."""
FEWEST = 4
"""Rounds that are made whatever they take: an even number, as many forwards as backwards."""
FAR, FAR_SAMPLES = 4.0, 2
"""Where time is limited, what takes so many times the fastest's seconds gives so many samples and no more."""


@dataclass
class Contender:
    """One variant of an implementation, ready in its warm process."""

    process: Warm
    variant: str
    seconds: float = math.inf
    """What its first call took, then what calibration says of one."""
    samples: list[float] = field(default_factory=list[float])
    """Seconds of a call, one sample per round."""

    @property
    def name(self) -> str:
        """The implementation's."""
        return self.process.implementation.name

    @property
    def median(self) -> float:
        """Seconds of a call: over the rounds, or where there were none as calibrated."""
        return statistics.median(self.samples) if self.samples else self.seconds

    def turn(self) -> float:
        """One sample.  Raises `Died`."""
        time.sleep(PAUSE)
        calls = calls_in_turn(self.seconds)
        return statistics.median(self.process.turn(self.variant, calls, warm=self.seconds < LONG))


def calibrate(variants: Sequence[Contender]) -> list[Contender]:
    """Finds out how long the variants of one implementation take; those between which the rounds have to decide.

    In turn as well, and each by the fastest of some turns, the more the shorter they are; where there is nothing to
    decide, a long first call says enough.  Raises `Died`.
    """
    if len(variants) == 1 and CALIBRATION < variants[0].seconds < math.inf:
        return list(variants)
    for one in variants:
        if math.isinf(one.seconds):
            time.sleep(PAUSE)
            one.seconds = one.process.turn(one.variant, 1, warm=False)[0]
    for number in range(MOST_CALIBRATION):
        for one in variants:
            if one.seconds * number < CALIBRATION and (len(variants) > 1 or one.seconds < CALIBRATION):
                one.seconds = min(one.seconds, one.turn())
    ranked = sorted(variants, key=lambda one: one.seconds)
    return [one for one in ranked[:MOST_NEAR] if one.seconds <= NEAR * ranked[0].seconds]


@dataclass
class Rounds:
    """The rounds of one layer with one number of threads.

    ``wanted``: how many; no more are made once they have taken ``most_seconds`` and there are `FEWEST`.  ``probes``:
    the machine's GFLOP/s around each round that was kept.
    """

    contenders: list[Contender]
    machine: Machine
    wanted: int
    most_seconds: float = math.inf
    probes: list[float] = field(default_factory=list[float])
    thrown_away: int = 0
    _like: float = 0.0

    def run(self, dead: Callable[[Contender, str], None]) -> None:
        """Makes them; a contender whose process dies is told of with the cause and takes no further part."""
        begin, number = time.monotonic(), 0
        self._like = statistics.median(one.seconds for one in self.contenders) if self.contenders else 0.0
        before = self._probe()
        while self.contenders and len(self.probes) < self.wanted:
            spent = time.monotonic() - begin
            if len(self.probes) >= FEWEST and spent > self.most_seconds:
                break
            samples = self._round(number, dead)
            number, after = number + 1, self._probe()
            if self.machine.whole(min(before, after)) or self._pressed(begin, number):
                for contender, sample in samples:
                    contender.samples.append(sample)
                self.probes.append((before + after) / 2)
            else:
                self.thrown_away += 1
            before = after

    def _pressed(self, begin: float, number: int) -> bool:
        """Whether no better rounds can be waited for: the machine never comes to itself, or there is time for the
        fewest rounds only.
        """
        each = (time.monotonic() - begin) / number
        left = max(FEWEST - len(self.probes), 1) * each
        return self.thrown_away >= self.wanted or each * number + left > self.most_seconds

    def _taking_part(self) -> list[Contender]:
        fastest = min((one.seconds for one in self.contenders), default=0.0)
        limited = math.isfinite(self.most_seconds)
        return [
            one
            for one in self.contenders
            if not (limited and len(one.samples) >= FAR_SAMPLES and one.seconds > FAR * fastest)
        ]

    def _round(self, number: int, dead: Callable[[Contender, str], None]) -> list[tuple[Contender, float]]:
        """A sample of every contender that takes part and lives."""
        taking = self._taking_part()
        samples: list[tuple[Contender, float]] = []
        for place in order(len(taking), number):
            contender = taking[place]
            try:
                samples.append((contender, contender.turn()))
            except Died as error:
                self.contenders = [one for one in self.contenders if one is not contender]
                dead(contender, str(error))
        return samples

    def _probe(self) -> float:
        time.sleep(PAUSE)
        return self.machine.probe(self._like)


def order(count: int, number: int) -> list[int]:
    """Who comes when in a round: 0 1 2, back again 2 1 0, then from the next one on 1 2 0, 0 2 1, 2 0 1, 1 0 2."""
    start = number // 2
    places = [(start + i) % count for i in range(count)]
    return places[::-1] if number % 2 else places
