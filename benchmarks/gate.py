"""Is it slower than it was? Rows of an earlier benchmark against the same measured anew, noise told from change.

Times say little between two days; what is compared is own time over that of the fastest framework in the same rounds,
or over the machine's product where there is no framework:

    c = log(mean of the fastest two thirds of own samples) - log(the same of the other's)

The fastest, since other processes only ever make a sample longer; and many of them, since on a machine that is never
calm the very fastest are luck: between processes started one after the other this c differed by 5 %, that of the
fastest eighth by up to 10 %, and of changes by a fifth 95 and 25 in a hundred were told.  Its variance is

    e^2 + tau^2 / starts

with e from drawing the rounds anew, pairs together (bootstrap), and from how far the medians lie above the fastest,
which says how busy the machine was; tau is what processes that are started afresh differ by, TAU corrected by what is
seen of it.  A row that looks changed is measured again, by fresh processes, and their samples alone decide, all
together: what raised the suspicion is biased by having done so.  With d = c_now - c_before the row has changed where

    |d| >= log(LEAST)    and    |d| > z sqrt(var_now + var_before)

z being the normal quantile for LEVEL, shared out among all rows.  The mean of d over the rows of an implementation is
one more such number, with less noise, and MEAN_LEAST for LEAST.
"""

from __future__ import annotations

import functools
import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist
from typing import NamedTuple

import numpy as np

from ..conformance import store
from ..conformance.errors import UsageError
from .results import Results, Row

LEAST, MEAN_LEAST = 1.10, 1.06
"""Times as slow: a smaller change is none, of a row and of an implementation's mean."""
SUSPICIOUS = 0.5
"""A change of this part of the least one is looked at again."""
LEVEL = 0.02
"""The chance that anything at all is called slower where nothing is; the same for faster."""
KEPT, FEWEST = 2 / 3, 3
"""The part of the samples that counts, the fastest, and so many at least."""
TAU, ASSUMED, COMMON = 0.03, 8, 0.015
"""What fresh processes usually differ by, and how many degrees of freedom that is worth beside what is seen; and the
part of it that all rows of an implementation share, so that their mean keeps it."""
GAP = 0.15
"""How much of the gap between medians and fastest is taken for an error of the fastest."""
CONFIRMATIONS, MOST_CONFIRMATIONS = 2, 6
"""Fresh starts that a suspicion takes, and how many where they do not decide."""
DRAWN = 400
SGEMM = "sgemm"
"""What a row is compared with where there is no framework."""


class Key(NamedTuple):
    """What two benchmarks have in common."""

    layer: str
    implementation: str
    threads: int


@dataclass(frozen=True)
class Pairs:
    """Samples of a row and of what it is compared with, of the same rounds."""

    own: np.ndarray
    other: np.ndarray

    def __add__(self, more: Pairs) -> Pairs:
        return Pairs(np.concatenate([self.own, more.own]), np.concatenate([self.other, more.other]))

    @cached_property
    def centre(self) -> float:
        """The c of this module."""
        return float(_fastest(self.own) - _fastest(self.other))

    @cached_property
    def error(self) -> float:
        """Its e."""
        # every benchmark draws the same rounds: nothing here depends on chance
        drawn = np.random.default_rng(0).integers(len(self.own), size=(DRAWN, len(self.own)))
        by_rounds = float(np.std(_fastest(self.own[drawn]) - _fastest(self.other[drawn])))
        gaps = (float(np.log(np.median(samples)) - _fastest(samples)) for samples in (self.own, self.other))
        return math.hypot(by_rounds, *(GAP * gap for gap in gaps))


@dataclass
class Compared:
    """A row that both benchmarks have."""

    key: Key
    against: str
    before: Pairs
    first: Pairs
    again: list[Pairs] = field(default_factory=list[Pairs])

    @property
    def needed(self) -> set[Key]:
        """What has to be measured to compare it."""
        return {self.key, self.key._replace(implementation=self.against)} if self.against != SGEMM else {self.key}

    @property
    def now(self) -> Pairs:
        """What decides: the starts after the suspicion, or the only one."""
        return functools.reduce(operator.add, self.again) if self.again else self.first

    @property
    def change(self) -> float:
        """The logarithm of time now over time before."""
        return self.now.centre - self.before.centre

    def variance(self, tau: float) -> float:
        """Of `change`."""
        return self.before.error**2 + self.now.error**2 + tau**2 * (1 + 1 / max(len(self.again), 1))


@dataclass(frozen=True)
class Change:
    """What became of one row, or of the mean over the rows of an implementation (their ``layers``).

    ``factor``: time now over time before, ``low`` and ``high`` its interval of 95 %; ``starts``: how many times its
    processes were started to tell; ``verdict``: same, slower, faster, or unsure, where it looks like a change and may
    be noise.
    """

    layers: tuple[str, ...]
    implementation: str
    threads: int
    against: str
    factor: float
    low: float
    high: float
    starts: int
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """Everything that was compared; ``left_out``: what both should have and cannot be compared, and why."""

    changes: list[Change]
    left_out: dict[str, str]

    @property
    def changed(self) -> list[Change]:
        """All that is not the same."""
        return [one for one in self.changes if one.verdict != "same"]

    @property
    def slower(self) -> list[Change]:
        """The regressions."""
        return [one for one in self.changes if one.verdict == "slower"]


def require_same_machine(baseline: Results) -> None:
    """Raises `UsageError` where the results are those of another processor: their ratios mean nothing here."""
    before, here = baseline.environment.get("cpu"), store.machine()["cpu"]
    if before != here:
        raise UsageError("the baseline was measured on another machine", got=before, expected=here)


def compare(baseline: Results, now: Results, again: Callable[[set[Key]], Results]) -> Comparison:
    """Compares; ``again`` measures rows once more, in processes that it starts for that.

    Raises `UsageError` where there is nothing to compare.
    """
    rows, left_out = pair(baseline, now)
    if not rows:
        lacking = "; ".join(f"{what}: {why}" for what, why in left_out.items())
        raise UsageError("nothing can be compared with the baseline", got=lacking or "no row that both have")
    for _ in range(MOST_CONFIRMATIONS):
        suspected = {layer for one in judge(rows) if one.verdict == "unsure" for layer in _keys(one)}
        wanted = [row for row in rows if row.key in suspected]
        if not wanted:
            break
        found = _by_key(again(set().union(*(row.needed for row in wanted))))
        for row in wanted:
            if row.needed <= found.keys():
                row.again.append(_pairs(row.key, row.against, found))
    return Comparison(judge(rows), left_out)


def pair(baseline: Results, now: Results) -> tuple[list[Compared], dict[str, str]]:
    """The rows that both have, frameworks aside, and what is left out of those that this benchmark was asked for."""
    before, after = _by_key(baseline), _by_key(now)
    asked = now.settings
    why = {Key(one["layer"], one["implementation"], one["threads"]): one["reason"] for one in now.skipped}
    rows: list[Compared] = []
    left_out: dict[str, str] = {}
    for key, row in before.items():
        asked_for = key.layer in asked["layers"] and key.implementation in asked["implementations"]
        if row["vendor"] or not asked_for or key.threads not in asked["threads"]:
            continue
        name = f"{key.implementation} on {key.layer}, threads: {key.threads}"
        if key not in after:
            left_out[name] = why.get(key, "not measured")
        elif row["digest"] != after[key]["digest"]:
            left_out[name] = "the layer is not the same as in the baseline"
        elif min(len(row["samples"]), len(after[key]["samples"])) < FEWEST:
            left_out[name] = f"fewer than {FEWEST} rounds"
        else:
            against = _against(key, before, after)
            rows.append(Compared(key, against, _pairs(key, against, before), _pairs(key, against, after)))
    return rows, left_out


def judge(rows: Sequence[Compared]) -> list[Change]:
    """What can be told of every mean and every row so far."""
    groups: dict[tuple[str, int], list[Compared]] = {}
    for row in rows:
        groups.setdefault((row.key.implementation, row.key.threads), []).append(row)
    several = [group for group in groups.values() if len(group) > 1]
    tau, z = _tau(rows), NormalDist().inv_cdf(1 - LEVEL / (len(rows) + len(several)))
    changes: list[Change] = []
    for group in [*several, *([row] for row in rows)]:
        change = float(np.mean([row.change for row in group]))
        deviation = math.sqrt(sum(row.variance(tau) for row in group)) / len(group)
        least = LEAST
        if len(group) > 1:
            deviation, least = math.hypot(deviation, COMMON), MEAN_LEAST
        starts = min(len(row.again) for row in group)
        verdict = _verdict(change, z * deviation, math.log(least), starts)
        changes.append(_change(group, change, 1.96 * deviation, starts, verdict))
    return changes


def _verdict(change: float, noise: float, least: float, confirmations: int) -> str:
    size = abs(change)
    if confirmations < CONFIRMATIONS:
        return "same" if size < SUSPICIOUS * least else "unsure"
    if size < least:
        return "same"
    return "unsure" if size <= noise else "slower" if change > 0 else "faster"


def _change(group: Sequence[Compared], change: float, half: float, again: int, verdict: str) -> Change:
    first = group[0]
    against = " or ".join(dict.fromkeys(row.against for row in group))
    factor, low, high = (math.exp(value) for value in (change, change - half, change + half))
    layers = tuple(row.key.layer for row in group)
    return Change(layers, first.key.implementation, first.key.threads, against, factor, low, high, 1 + again, verdict)


def _keys(change: Change) -> Iterable[Key]:
    return (Key(layer, change.implementation, change.threads) for layer in change.layers)


def _tau(rows: Iterable[Compared]) -> float:
    """What fresh processes differ by: the usual, corrected by how far the starts of rows lie apart."""
    squares, freedom = ASSUMED * TAU**2, ASSUMED
    for row in rows:
        if len(row.again) > 1:
            spread = np.var([one.centre for one in row.again], ddof=1) - np.mean([one.error**2 for one in row.again])
            squares += max(float(spread), 0.0) * (len(row.again) - 1)
            freedom += len(row.again) - 1
    return math.sqrt(squares / freedom)


def _by_key(results: Results) -> dict[Key, Row]:
    return {Key(row["layer"], row["implementation"], row["threads"]): row for row in results.rows}


def _against(key: Key, before: dict[Key, Row], after: dict[Key, Row]) -> str:
    """The framework that was the fastest before, of those that both have."""
    vendors = [
        other
        for other, row in before.items()
        if row["vendor"] and (other.layer, other.threads) == (key.layer, key.threads) and other in after
    ]
    return min(vendors, key=lambda other: before[other]["seconds"]).implementation if vendors else SGEMM


def _pairs(key: Key, against: str, rows: dict[Key, Row]) -> Pairs:
    """The samples of a row and of what it is compared with."""
    row = rows[key]
    other = 1 / np.array(row["probes"]) if against == SGEMM else np.array(_of(key, against, rows)["samples"])
    return Pairs(np.array(row["samples"]), other)


def _of(key: Key, implementation: str, rows: dict[Key, Row]) -> Row:
    """The row of another implementation, all else being the same."""
    return rows[key._replace(implementation=implementation)]


def _fastest(samples: np.ndarray) -> np.ndarray:
    """log(mean of the fastest), of the last axis: (..., rounds) -> (...)."""
    count = max(round(samples.shape[-1] * KEPT), FEWEST)
    return np.log(np.sort(samples, axis=-1)[..., :count].mean(axis=-1))
