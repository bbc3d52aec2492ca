"""Reproducers: a bad record as a script of at most 40 lines that needs only NumPy and the framework.

That of a user's engine needs the engine's code and convsuite instead of the framework.
"""

from .building import Reproducer, reproducer
from .executing import Execution, execute
from .origin import NoReproducer

__all__ = ["Execution", "NoReproducer", "Reproducer", "execute", "reproducer"]
