"""The gate in real tries: an engine that takes a fifth longer, and one that does not, against a framework."""

from __future__ import annotations

import pytest

from convsuite.benchmarks import Layer, gate, load_layers, measure

from .conftest import engine

TRIES = 20
SLOWED, VENDOR = engine("timed.Slowed"), "torch"
LAYERS = """
defaults: {op: conv, data: normal, padding: same}
cases:
  - {id: spread, input: [1, 28, 28, 64], kernel_size: 3, filters: 64}
  - {id: deep, input: [1, 14, 14, 128], kernel_size: 3, filters: 128}
"""


@pytest.fixture
def two_layers(tmp_path):
    file = tmp_path / "layers.yaml"
    file.write_text(LAYERS)
    return load_layers([str(file)])


def tried(layers: list[Layer], monkeypatch: pytest.MonkeyPatch, factor: str) -> gate.Comparison:
    """One try: a baseline, then the same with an engine that takes so many times as long, all in fresh processes."""

    def results(asked=layers):
        return measure(asked, [SLOWED, VENDOR], threads=[1])

    monkeypatch.setenv("SLOWED", "1")
    baseline = results()
    monkeypatch.setenv("SLOWED", factor)
    return gate.compare(
        baseline, results(), lambda keys: results([one for one in layers if one.name in {k[0] for k in keys}])
    )


@pytest.mark.slow
@pytest.mark.frameworks
def test_a_fifth_is_caught_in_nineteen_of_twenty_tries(two_layers, monkeypatch, needs):
    needs(VENDOR)
    caught = sum(bool(tried(two_layers, monkeypatch, "1.2").slower) for _ in range(TRIES))
    assert caught >= 19


@pytest.mark.slow
@pytest.mark.frameworks
def test_no_change_raises_one_false_alarm_in_twenty_tries_at_most(two_layers, monkeypatch, needs):
    needs(VENDOR)
    alarms = sum(bool(tried(two_layers, monkeypatch, "1").slower) for _ in range(TRIES))
    assert alarms <= 1
