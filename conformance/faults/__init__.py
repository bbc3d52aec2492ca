"""The catalogue: engines that are wrong in one way each, in ways that real frameworks, converters and ports have been.

    catalogue()         every fault by its code
    choose(codes)       those of some codes; UsageError, with what comes near, for a code that is none
    FAMILIES            faults with parameters, of which `members(case)` gives those that a case allows
    RIGHT               engines that are right, and must not be accused

`convsuite selftest` proves with them that the corpus sees every fault and no right engine's rounding.
"""

from .catalogue import SUBJECTS, catalogue, choose
from .families import FAMILIES, Family
from .fault import Fault, Refuses
from .right import RIGHT, Right

__all__ = ["FAMILIES", "RIGHT", "SUBJECTS", "Family", "Fault", "Refuses", "Right", "catalogue", "choose"]
