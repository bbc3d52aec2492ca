"""The harness: cases in, records out.

In one's own tests, for one's own kernel:

    from convsuite.conformance import case_arrays, check, load_cases

    for case in load_cases("conv2d"):
        assert check(case, my_convolution(case, case_arrays(case)))

Everything here is loaded when it is first asked for: an engine process needs none of it but the wire.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..adapters.case import Case as Case
    from .api import case_arrays as case_arrays
    from .api import check as check
    from .api import load_cases as load_cases
    from .api import make_case as make_case
    from .errors import UsageError as UsageError
    from .verdict import Judgement as Judgement

_HOMES = {
    "Case": "convsuite.adapters.case",
    "Judgement": "convsuite.conformance.verdict",
    "UsageError": "convsuite.conformance.errors",
    "case_arrays": "convsuite.conformance.api",
    "check": "convsuite.conformance.api",
    "load_cases": "convsuite.conformance.api",
    "make_case": "convsuite.conformance.api",
}

__all__ = ["Case", "Judgement", "UsageError", "case_arrays", "check", "load_cases", "make_case"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
