"""Small layers, and benchmarks of them in short rounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from convsuite.benchmarks import Layer, Results, load_layers, machine, measure
from convsuite.conformance.process import Limits

ENGINES = Path(__file__).parent.parent / "engines"

SMALL = """
defaults: {op: conv, data: normal, input: [1, 12, 10, 8], kernel_size: 3, filters: 8}
cases:
  - {id: plain, tags: [dense3x3]}
  - {id: trouble, strides: 2, occurs: 3, tags: [trouble]}
  - {id: pointwise, kernel_size: 1, data_format: channels_first}
"""


def engine(name: str) -> str:
    """An engine of tests/engines, ``file.Class``."""
    file, _, cls = name.partition(".")
    return f"{ENGINES / file}.py:{cls}"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Three layers in a file."""
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return file


@pytest.fixture
def layers(small: Path) -> list[Layer]:
    """The same, loaded."""
    return load_layers([str(small)])


@pytest.fixture
def bench(layers: list[Layer], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Results]:
    """Measures them on implementations, beside a machine that is looked at but shortly."""
    monkeypatch.setattr(machine, "SIDE", 512)
    monkeypatch.setattr(machine, "MOST_COPIED", 1 << 25)

    def run(*implementations: str, rounds: int = 2, **limits: Any) -> Results:
        return measure(
            layers, implementations, threads=[1], rounds=rounds, limits=Limits(**{"seconds": 20.0, **limits})
        )

    return run
