"""The order of measuring, with processes that only say how long a call takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from convsuite.benchmarks import rounds
from convsuite.benchmarks.rounds import Contender, Rounds, calibrate, order
from convsuite.benchmarks.warm import Died


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch):
    monkeypatch.setattr(rounds, "PAUSE", 0.0)


@dataclass
class Process:
    """Takes the time that it is told, in the order in which it is asked."""

    name: str
    times: list[float]
    log: list[str] = field(default_factory=list)
    dies_at: int | None = None

    @property
    def implementation(self):
        return SimpleNamespace(name=self.name)

    def turn(self, variant, calls, *, warm=True):
        self.log.append(f"{self.name}{variant}")
        if self.dies_at is not None and len(self.log) > self.dies_at:
            raise Died("killed by SIGSEGV")
        time = self.times.pop(0) if len(self.times) > 1 else self.times[0]
        return [time] * calls


@dataclass
class FakeMachine:
    """Probes with the rates that it is told."""

    rates: list[float]

    def probe(self, like):
        return self.rates.pop(0) if len(self.rates) > 1 else self.rates[0]

    def whole(self, rate):
        return rate >= 90.0


def process(name: str, times: list[float], dies_at: int | None = None) -> Any:
    """One of these in a `Warm`'s place."""
    return Process(name, times, dies_at=dies_at)


def machine_with(rates: list[float]) -> Any:
    """One of these in a `Machine`'s place."""
    return FakeMachine(rates)


def test_everyone_is_everywhere_in_the_order_and_follows_everyone():
    for count in (2, 3, 4, 5):
        made = [order(count, number) for number in range(2 * count)]
        for place in range(count):
            assert sorted(one[place] for one in made) == sorted([*range(count)] * 2)
        followed = {(one[i], one[i + 1]) for one in made for i in range(count - 1)}
        assert all((i, (i + 1) % count) in followed and ((i + 1) % count, i) in followed for i in range(count))


def test_one_sample_per_round_of_everyone():
    contenders = [Contender(process("a", [1.0]), "", 1.0), Contender(process("b", [2.0]), "", 2.0)]
    made = Rounds(contenders, machine_with([100.0]), wanted=4)
    made.run(lambda *_: None)
    assert [one.samples for one in contenders] == [[1.0] * 4, [2.0] * 4]
    assert made.probes == [100.0] * 4


def test_a_round_beside_a_slow_probe_is_thrown_away():
    #                  before  after 1  after 2   after 3    after 4: rounds 2 and 3 have a slow probe at one end
    machine = machine_with([100.0, 100.0, 50.0, 100.0, 100.0])
    contender = Contender(process("a", [1.0, 7.0, 8.0, 4.0]), "", 1.0)
    made = Rounds([contender], machine, wanted=2)
    made.run(lambda *_: None)
    assert contender.samples == [1.0, 4.0]
    assert made.thrown_away == 2


def test_a_machine_that_is_never_all_there_is_measured_in_the_end():
    contender = Contender(process("a", [1.0]), "", 1.0)
    made = Rounds([contender], machine_with([50.0]), wanted=3)
    made.run(lambda *_: None)
    assert (len(contender.samples), made.thrown_away) == (3, 3)


def test_time_ends_the_rounds_but_not_before_there_are_some():
    contender = Contender(process("a", [1.0]), "", 1.0)
    Rounds([contender], machine_with([100.0]), wanted=100, most_seconds=0.0).run(lambda *_: None)
    assert len(contender.samples) == rounds.FEWEST


def test_what_is_far_behind_gives_fewer_samples_where_time_is_limited():
    def measured(most_seconds: float) -> list[int]:
        contenders = [Contender(process(name, [time]), "", time) for name, time in (("a", 1.0), ("b", 3.0), ("c", 5.0))]
        Rounds(contenders, machine_with([100.0]), wanted=8, most_seconds=most_seconds).run(lambda *_: None)
        return [len(one.samples) for one in contenders]

    assert measured(60.0) == [8, 8, rounds.FAR_SAMPLES]
    assert measured(float("inf")) == [8, 8, 8]


def test_nothing_is_thrown_away_once_there_is_time_for_the_fewest_only():
    contender = Contender(process("a", [1.0]), "", 1.0)
    made = Rounds([contender], machine_with([50.0]), wanted=100, most_seconds=0.0)
    made.run(lambda *_: None)
    assert (len(contender.samples), made.thrown_away) == (rounds.FEWEST, 0)


def test_who_dies_drops_out_and_the_others_go_on():
    one, other = Contender(process("a", [1.0], dies_at=2), "", 1.0), Contender(process("b", [2.0]), "", 2.0)
    dead = []
    made = Rounds([one, other], machine_with([100.0]), wanted=5)
    made.run(lambda contender, cause: dead.append((contender.name, cause)))
    assert dead == [("a", "killed by SIGSEGV")]
    assert len(other.samples) == 5
    assert made.contenders == [other]


def test_calibration_leaves_those_that_are_too_close_to_call():
    times = {"slow": 2.0, "near": 1.1, "best": 1.0, "far": 1.3}
    chosen = calibrate([Contender(process(name, [time]), name) for name, time in times.items()])
    assert [one.variant for one in chosen] == ["best", "near"]


def test_a_short_variant_gets_another_chance_after_a_slow_start():
    late, other = (
        Contender(process("late", [9.0, 0.003, 0.001]), "late"),
        Contender(process("other", [0.0015]), "other"),
    )
    assert [one.variant for one in calibrate([late, other])] == ["late"]
