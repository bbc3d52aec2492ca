"""The gate on recorded samples: sixteen starts of fresh processes on a machine that others use too.

Every try takes other starts for the baseline, for the benchmark, and for each time that the gate asks once more; rounds
are drawn anew, the same for all implementations of a layer.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from convsuite.benchmarks import Results, gate
from convsuite.benchmarks.gate import Key
from convsuite.conformance import UsageError

STARTS = json.loads((Path(__file__).parent / "recorded.json").read_text())["starts"]
TRIES = 40
VENDOR = "torch"


class Tries:
    """One try: starts in a random order, each with a drift of its own."""

    def __init__(self, seed, *, rounds=12, drift=0.0, layers="abcd", vendor=True, slow=(), factor=1.0):
        self.random = np.random.default_rng(seed)
        self.starts = [STARTS[i] for i in self.random.permutation(len(STARTS))]
        self.rounds, self.drift, self.layers, self.vendor = rounds, drift, layers, vendor
        self.slow, self.factor = slow, factor
        self.asked = 0

    def results(self, factor=1.0, keys=None):
        start, rows = self.starts.pop(), []
        for layer in self.layers:
            drawn = self.random.integers(len(start[layer]["probes"]), size=self.rounds)
            for name in ("im2col", "winograd-4", VENDOR):
                if name not in start[layer] or (name == VENDOR and not self.vendor):
                    continue
                if keys is not None and Key(layer, name, 1) not in keys:
                    continue
                own = factor if name in self.slow else 1.0
                own *= float(np.exp(self.random.normal(0.0, self.drift)))
                samples = np.array(start[layer][name])[drawn] * own
                rows.append({
                    "layer": layer, "implementation": name, "threads": 1, "vendor": name == VENDOR, "digest": "",
                    "seconds": float(np.median(samples)), "samples": samples.tolist(),
                    "probes": np.array(start[layer]["probes"])[drawn].tolist(),
                })  # fmt: skip
        names = sorted({row["implementation"] for row in rows})
        return Results({"layers": list(self.layers), "implementations": names, "threads": [1]}, rows=rows)

    def again(self, keys):
        self.asked += 1
        return self.results(self.factor, keys)

    def compare(self):
        return gate.compare(self.results(), self.results(self.factor), self.again)


SETTINGS = {
    "four layers": {},
    "one layer": {"layers": "a"},
    "without a framework": {"vendor": False},
    "few rounds": {"rounds": 5},
    "a machine with more drift": {"drift": 0.02},
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_change_is_no_regression(setting):
    alarms = sum(bool(Tries(seed, **SETTINGS[setting]).compare().slower) for seed in range(TRIES))
    assert alarms <= TRIES // 20


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", ["im2col", "winograd-4"])
def test_a_slow_down_of_a_fifth_is_caught_and_nobody_else_accused(setting, name):
    caught = accused = 0
    for seed in range(TRIES):
        slower = {
            one.implementation for one in Tries(seed, slow={name}, factor=1.2, **SETTINGS[setting]).compare().slower
        }
        caught += name in slower
        accused += bool(slower - {name})
    assert caught >= TRIES * 19 // 20
    assert accused <= TRIES // 20


def test_a_change_is_told_with_its_size_and_interval():
    comparison = Tries(0, slow={"im2col"}, factor=1.3).compare()
    means = [one for one in comparison.slower if len(one.layers) == 4]
    (mean,) = means
    assert mean.implementation == "im2col"
    assert mean.against == VENDOR
    assert 1.2 < mean.low < 1.3 < mean.high < 1.4
    assert mean.starts > 1 + gate.CONFIRMATIONS - 1


def test_what_became_faster_is_told_and_no_regression():
    comparison = Tries(1, slow={"winograd-4"}, factor=0.75).compare()
    assert not comparison.slower
    assert {one.implementation for one in comparison.changed if one.verdict == "faster"} == {"winograd-4"}


def test_a_slow_framework_is_not_our_regression():
    comparison = Tries(2, slow={VENDOR}, factor=1.25).compare()
    assert not comparison.slower
    assert VENDOR not in {one.implementation for one in comparison.changes}


def test_where_nothing_looks_changed_nothing_is_measured_again():
    asked = [tried.asked for tried in (Tries(seed, layers="ab") for seed in range(TRIES)) if tried.compare()]
    assert asked.count(0) > TRIES // 2


def row(**said):
    base = {
        "layer": "one", "implementation": "fft", "threads": 1, "vendor": False, "digest": "d", "seconds": 1.0,
        "samples": [1.0, 1.01, 1.02], "probes": [100.0] * 3,
    }  # fmt: skip
    return base | said


def results(*rows, skipped=()):
    asked = {"layers": ["one"], "implementations": ["fft", "torch"], "threads": [1]}
    return Results(asked, rows=list(rows), skipped=list(skipped))


LEFT_OUT = {
    "the layer is not the same": (results(row()), results(row(digest="other"))),
    "killed by SIGSEGV": (
        results(row()),
        results(skipped=[{"layer": "one", "implementation": "fft", "threads": 1, "reason": "killed by SIGSEGV"}]),
    ),
    "fewer than 3 rounds": (results(row(samples=[1.0])), results(row())),
    "no row that both have": (results(row(vendor=True)), results(row(vendor=True))),
}


@pytest.mark.parametrize("why", LEFT_OUT)
def test_what_cannot_be_compared_is_said(why):
    baseline, now = LEFT_OUT[why]
    with pytest.raises(UsageError, match=rf"nothing can be compared.*{why}"):
        gate.compare(baseline, now, lambda _: now)


def test_another_processor_is_no_baseline():
    elsewhere = Results({}, environment={"cpu": "some other"})
    with pytest.raises(UsageError, match=r"another machine.*some other"):
        gate.require_same_machine(elsewhere)
