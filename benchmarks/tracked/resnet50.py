"""ResNet-50: its layers, and all of its convolutions together."""

from __future__ import annotations

from convsuite.benchmarks import series

NETWORK = "resnet50"
IMPLEMENTATIONS = ("auto", "winograd-4", "torch", "tensorflow", "jax")


def setup_cache() -> series.Values:
    """Everything that this module tracks, measured once."""
    return series.measured(NETWORK, IMPLEMENTATIONS)


Layers, Errors, Means, Controls, MeanControls, Machine, Models = series.classes(NETWORK, IMPLEMENTATIONS)
