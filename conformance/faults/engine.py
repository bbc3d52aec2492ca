"""A fault as an engine: `Engine(name=code, adapter="convsuite.conformance.faults.engine:FaultyEngine",
options={"fault": code})` runs it in a process of its own, like any other.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ...adapters.base import viewed
from ...adapters.case import FORMATTED, Case, formatted, from_format, to_format
from ..engines import Engine
from ..expected import Arrays, evaluate
from . import catalogue
from .fault import Fault


class FaultyEngine:
    """The short contract (`RunAdapter`): wrong where the fault applies, right elsewhere.

    Raises KeyError for a code that is none.
    """

    def __init__(self, fault: str) -> None:
        self.fault = catalogue()[fault]

    def versions(self) -> dict[str, str]:
        """The suite's own and NumPy's."""
        return {"convsuite": version("convsuite"), "numpy": version("numpy")}

    def run(self, case: Case, arrays: Arrays) -> np.ndarray:
        """The fault's answer, in the case's data_format."""
        views = channels_last(case, arrays)
        result = self.fault.answer(case, views) if self.fault.applies(case) else evaluate(case, views)
        return in_format(case, result)


def channels_last(case: Case, arrays: Arrays) -> Arrays:
    """Views, channels last, of arrays in the case's data_format."""
    return {
        name: from_format(array, case.data_format) if name in FORMATTED else array for name, array in arrays.items()
    }


def in_format(case: Case, result: np.ndarray) -> np.ndarray:
    """A result in the case's data_format."""
    return to_format(result, case.data_format) if case.result_has_channels and result.ndim > 1 else result


def handed(case: Case, arrays: Arrays) -> Arrays:
    """The arrays as channels-last views of what an engine is handed: in the case's data_format and memory layout."""
    if case.layout != "contiguous":
        given = formatted(arrays, case.data_format)
        arrays = channels_last(case, {name: _laid_out(array, case) for name, array in given.items()})
    for array in arrays.values():
        array.flags.writeable = False  # the next fault gets the same
    return arrays


def _laid_out(array: np.ndarray, case: Case) -> np.ndarray:
    """The array in the case's memory layout, by the words that a program has for it."""
    return eval(viewed("array", case), {"np": np, "array": array})  # noqa: S307  our own text


def engine_of(fault: Fault) -> Engine:
    """The engine that has this fault."""
    return Engine(name=fault.code, adapter=f"{__name__}:{FaultyEngine.__name__}", options={"fault": fault.code})
