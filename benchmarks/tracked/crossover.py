"""3×3 layers over channels and extents: where Winograd beats im2col."""

from __future__ import annotations

from convsuite.benchmarks import series

NETWORK = "crossover"
IMPLEMENTATIONS = ("im2col", "auto", "winograd-2", "winograd-4", "winograd-6", "torch")
THREADS = (1,)


def setup_cache() -> series.Values:
    """Everything that this module tracks, measured once."""
    return series.measured(NETWORK, IMPLEMENTATIONS, THREADS)


Layers, Errors, Means, Controls, MeanControls, Machine = series.classes(NETWORK, IMPLEMENTATIONS, THREADS)
