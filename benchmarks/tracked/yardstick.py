"""The layers by which this project measures itself, with one thread and with all."""

from __future__ import annotations

from convsuite.benchmarks import series

NETWORK = "yardstick"
IMPLEMENTATIONS = (
    "im2col", "auto", "winograd-2", "winograd-4", "winograd-6", "fft", "torch", "tensorflow", "jax",
)  # fmt: skip


def setup_cache() -> series.Values:
    """Everything that this module tracks, measured once."""
    return series.measured(NETWORK, IMPLEMENTATIONS)


Layers, Errors, Means, Controls, MeanControls, Machine = series.classes(NETWORK, IMPLEMENTATIONS)
