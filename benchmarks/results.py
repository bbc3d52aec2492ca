"""What a benchmark found: a row per layer, implementation and number of threads, and the file that holds them."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from ..conformance import store
from ..conformance.errors import UsageError
from .layers import Layer
from .machine import Machine
from .rounds import Contender, Rounds
from .truth import Errors

SCHEMA_VERSION = 1
LISTS = ("rows", "skipped", "comparison")
Row = dict[str, Any]
"""One layer on one implementation with one number of threads, as the README lists the fields."""
ROW_KEYS = ("layer", "digest", "implementation", "vendor", "threads", "seconds", "samples", "probes")
SETTINGS_KEYS = ("layers", "implementations", "threads", "rounds")
"""Without these a file is none of this format."""


@dataclass
class Measured:
    """One layer with one number of threads: its rounds, and what is known of every variant."""

    layer: Layer
    threads: int
    rounds: Rounds
    contenders: list[Contender]
    """All that could run, those included that calibration left out of the rounds."""
    errors: dict[tuple[str, str], Errors]
    """By implementation and variant."""

    def fastest(self) -> dict[str, Contender]:
        """By implementation, the variant with the smallest median of those that took part in the rounds."""
        best: dict[str, Contender] = {}
        for one in self.rounds.contenders:
            if one.samples and (one.name not in best or one.median < best[one.name].median):
                best[one.name] = one
        return best

    def rows(self, machine: Machine) -> list[Row]:
        """The rows, in the order of the contenders."""
        best = self.fastest()
        vendors = [one.median for one in best.values() if one.process.implementation.vendor]
        return [self._row(one, machine, min(vendors, default=None)) for one in best.values()]

    def _row(self, one: Contender, machine: Machine, vendor: float | None) -> Row:
        layer, errors = self.layer, self.errors[one.name, one.variant]
        low, _, high = statistics.quantiles(one.samples, n=4) if len(one.samples) > 1 else one.samples * 3
        gflops = 2 * layer.macs / one.median / 1e9
        return {
            "layer": layer.name,
            "network": layer.network,
            "digest": layer.digest,
            "occurs": layer.occurs,
            "macs": layer.macs,
            "implementation": one.name,
            "vendor": one.process.implementation.vendor,
            "variant": one.variant,
            "variants": {other.variant: other.median for other in self.contenders if other.name == one.name},
            "threads": self.threads,
            "seconds": one.median,
            "spread": (high - low) / one.median,
            "gflops": gflops,
            "sgemm_gflops": machine.sgemm,
            "copy_gbps": machine.copy,
            "peak_fraction": gflops / machine.sgemm,
            "ratio_to_vendor": None if vendor is None else vendor / one.median,
            "rms_error_ratio": errors.rms_ratio,
            "bound_ratio": errors.bound_ratio,
            "samples": one.samples,
            "probes": self.rounds.probes,
            "rounds": len(one.samples),
            "thrown_away": self.rounds.thrown_away,
            "rank": layer.case.rank,
            **layer.parameters,
        }


@dataclass
class Results:
    """Everything that was found; `to_json` is what bench.json holds.

    ``machine``: per number of threads ``sgemm_gflops`` and ``copy_gbps``; ``skipped``: what has no row, and why;
    ``comparison``: with a baseline, the changes that `gate` found.
    """

    settings: dict[str, Any]
    environment: dict[str, Any] = field(default_factory=dict[str, Any])
    started: str = field(default_factory=store.now)
    seconds: float = 0.0
    machine: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    rows: list[Row] = field(default_factory=list[Row])
    skipped: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    comparison: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    interrupted: bool = False
    """Whether there would have been more."""

    @property
    def wrong(self) -> list[dict[str, Any]]:
        """What was skipped because its result is wrong."""
        return [one for one in self.skipped if one["wrong"]]

    def to_json(self) -> dict[str, Any]:
        """The values of bench.json."""
        names = (
            "started",
            "seconds",
            "settings",
            "environment",
            "machine",
            "rows",
            "skipped",
            "comparison",
            "interrupted",
        )
        return {"schema_version": SCHEMA_VERSION, **{name: getattr(self, name) for name in names}}

    def text(self) -> str:
        """bench.json, a row a line."""
        said = self.to_json()
        lines = {name: [json.dumps(one, allow_nan=False) for one in said.pop(name)] for name in LISTS}
        head = json.dumps(said, indent=1, allow_nan=False).removesuffix("\n}")
        tail = (f' "{name}": [' + ",".join(f"\n  {line}" for line in some) + "\n ]" for name, some in lines.items())
        return ",\n".join([head, *tail]) + "\n}\n"


def read(file: Path) -> Results:
    """The results that a file holds.  Raises `UsageError` where it is none of this format."""
    try:
        value: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError("no results of a benchmark", got=file, expected=f"the file of --json: {error}") from error
    said = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    version = said.pop("schema_version", None)
    if version != SCHEMA_VERSION:
        raise UsageError("results of another format", got=file, expected=f"schema_version {SCHEMA_VERSION}")
    try:
        results = Results(**said)
        for row in results.rows:
            _ = [row[key] for key in ROW_KEYS]
        _ = [results.settings[key] for key in SETTINGS_KEYS]
    except (TypeError, KeyError) as error:
        raise UsageError("damaged results", got=f"{file}: {error}") from error
    return results
