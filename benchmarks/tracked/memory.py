"""The memory that NumPy's algorithms take for the layers of the yardstick."""

from __future__ import annotations

import math

from convsuite.benchmarks import allocations, series
from convsuite.benchmarks.layers import load_layers

LAYERS = load_layers(networks=["yardstick"])
IMPLEMENTATIONS = allocations.implementations()


def setup_cache() -> dict[tuple[str, ...], int]:
    """Everything that this module tracks, measured once."""
    return {
        (series.layer_id(layer.name, layer.digest), one.name): found
        for layer in LAYERS
        for one in IMPLEMENTATIONS
        if (found := allocations.peak(layer, one)) is not None
    }


class Memory:
    """Bytes beyond a layer's arrays."""

    version = "1"
    params = ([series.layer_id(layer.name, layer.digest) for layer in LAYERS], [one.name for one in IMPLEMENTATIONS])
    param_names = ("layer", "implementation")

    @series.named("memory beyond input, kernel and output", "bytes")
    def track_extra(self, found: dict[tuple[str, ...], int], *place: str) -> float:
        return found.get(place, math.nan)
