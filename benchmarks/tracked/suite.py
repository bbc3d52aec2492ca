"""The suite's own speed: how long it works on cases."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from convsuite.benchmarks import series
from convsuite.conformance import corpus

FAMILIES = ("conv1d", "conv2d", "conv3d", "depthwise", "gradients", "separable", "transposed")
CASES = f"{len(FAMILIES)} families@{corpus.digest(corpus.load(FAMILIES), 0)[:8]}"
ENGINE = "reference"
RUNS = 3
PHASES = ("running", "engine", "harness")
"""All of a run but the start of its engine; of that, what the engine takes, and what judging takes."""


def setup_cache() -> dict[tuple[str, ...], float]:
    """Everything that this module tracks, measured once: medians of a few runs."""
    runs = [_run() for _ in range(RUNS)]
    return {(CASES, phase): statistics.median(run[phase] for run in runs) for phase in PHASES}


def _run() -> dict[str, float]:
    with TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        command = [sys.executable, "-P", "-m", "convsuite.cli", "run", *FAMILIES, "--engine", ENGINE, "--jobs", "1"]
        subprocess.run([*command, "--out", out], check=True, capture_output=True)
        said = json.loads((out / "run.json").read_text(encoding="utf-8"))
    seconds: dict[str, float] = said["seconds"]
    seconds["running"] = seconds["wall"] - seconds["startup"]
    hundreds = said["counts"]["records"] / 100
    return {phase: seconds[phase] / hundreds for phase in PHASES}


class Throughput:
    """The corpus on the reference engine, one process."""

    version = "1"
    params = ([CASES], list(PHASES))
    param_names = ("cases", "phase")

    @series.named("time of 100 cases", "seconds")
    def track_hundred(self, found: dict[tuple[str, ...], float], *place: str) -> float:
        return found[place]
