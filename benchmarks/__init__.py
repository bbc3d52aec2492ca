"""Benchmarks: the layers that are judged, timed on every implementation, with the error beside the time.

    from convsuite.benchmarks import measure

    results = measure(["networks/vgg16::conv3_2"], ["winograd-4", "torch"], threads=[1], rounds=10)
    results.rows  # one per layer, implementation and number of threads

implementations.yaml says what there is to time; `rounds` in which order; `gate` what is a regression.  Everything here
is loaded when it is first asked for: an engine process needs `turns` alone.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bench import measure as measure
    from .implementations import Implementation as Implementation
    from .implementations import choose_implementations as choose_implementations
    from .layers import Layer as Layer
    from .layers import load_layers as load_layers
    from .results import Results as Results

_HOMES = {
    "Implementation": "implementations",
    "Layer": "layers",
    "Results": "results",
    "choose_implementations": "implementations",
    "load_layers": "layers",
    "measure": "bench",
}

__all__ = ["Implementation", "Layer", "Results", "choose_implementations", "load_layers", "measure"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_HOMES[name]}", __name__), name)
