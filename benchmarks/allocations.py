"""How much memory an algorithm takes besides the arrays that a layer cannot do without."""

from __future__ import annotations

import sys
import tracemalloc

from ..conformance.data import draw_arrays
from ..conformance.execution import Execution
from ..conformance.loading import describe, load
from .implementations import Implementation, choose_implementations
from .layers import Layer


def implementations() -> list[Implementation]:
    """Those whose memory Python sees: NumPy's, which allocates through it; a framework has allocators of its own."""
    return [one for one in choose_implementations() if not one.vendor]


def peak(layer: Layer, one: Implementation) -> int | None:
    """The most bytes at one time during the first call, on one thread, less those of the result; in this process.

    None where the layer is too large for the implementation, or it has no way to compute it.
    """
    if one.most_macs is not None and layer.macs > one.most_macs:
        return None
    for variant in one.variants:
        try:
            program = load(one.engine.adapter, one.options(variant, 1)).translate(layer.case, "equivalent")
            if program is None:
                continue
            execution = Execution(program, layer.case, draw_arrays(layer.case), None)
            return _traced(execution) - execution.result().nbytes
        except Exception as error:  # noqa: BLE001  a refusal, which an algorithm says in its own words
            print(f"{layer.name} on {variant}: {describe(error)}", file=sys.stderr)
    return None


def _traced(execution: Execution) -> int:
    """The most bytes that were allocated at one time while it ran."""
    tracemalloc.start()
    try:
        execution.run()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
