"""A fault as an engine: `Engine(name=code, adapter="convsuite.conformance.faults.engine:FaultyEngine",
options={"fault": code})` runs it in a process of its own, like any other.
"""

from __future__ import annotations

from importlib.metadata import version

import numpy as np

from ...adapters.case import FORMATTED, Case, from_format, to_format
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


def engine_of(fault: Fault) -> Engine:
    """The engine that has this fault."""
    return Engine(name=fault.code, adapter=f"{__name__}:{FaultyEngine.__name__}", options={"fault": fault.code})
