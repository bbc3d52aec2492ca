"""Adapters by name, in an engine process: from a module, or from a user's file."""

from __future__ import annotations

import importlib
import importlib.machinery
import re
import sys
import types
from pathlib import Path
from typing import Any

from ..adapters.base import Adapter, CallProgram, RunAdapter

LONGEST_MESSAGE = 2000
PLACES = re.compile(
    rf"{re.escape(str(Path(__file__).resolve().parent.parent))}/(?!\.)|/(?:[^\s\"'<>:]+/)site-packages/"
)
"""Where packages are installed on this machine: it says nothing to who reads a record elsewhere."""


class Fault(Exception):
    """The adapter is broken, whatever the case."""


def load(spec: str, options: dict[str, Any]) -> Adapter:
    """The adapter that ``module:Class`` or ``path/file.py:Class`` names; raises `Fault`."""
    place, _, name = spec.rpartition(":")
    try:
        if place.endswith(".py"):
            path = Path(place)
            sys.path.append(str(path.resolve().parent))
            # under a name of its own: a user's torch.py must not take the framework's place
            name_of_its_own = f"adapter_file_{path.stem}"
            loader = importlib.machinery.SourceFileLoader(name_of_its_own, str(path))
            module = types.ModuleType(name_of_its_own)
            module.__file__ = str(path)
            sys.modules[name_of_its_own] = module
            loader.exec_module(module)
        else:
            module = importlib.import_module(place)
    except BaseException as error:
        raise Fault(f"{place} fails to import: {type(error).__name__}: {error}") from error
    if not hasattr(module, name):
        raise Fault(f"{place} has no {name}")
    try:
        made: Any = getattr(module, name)(**options)
    except Fault:  # of an adapter that loads others
        raise
    except Exception as error:
        raise Fault(f"{spec} cannot be made: {type(error).__name__}: {error}") from error
    if isinstance(made, Adapter):
        return made
    if isinstance(made, RunAdapter):
        return CallProgram(made)
    raise Fault(f"{spec} has neither run(case, arrays) nor translate(case, form) and versions()")


def without_places(text: str) -> str:
    """What a process printed or raised, with files named from their package on."""
    return PLACES.sub("", text)


def describe(error: BaseException) -> str:
    """An exception in one paragraph that can be written down `without_places`, even if it cannot say what it is."""
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001  an exception of the user's may raise anything here
        text = f"(its text raises {type(second).__name__})"
    said = without_places(f"{type(error).__name__}: {text}"[:LONGEST_MESSAGE])
    return said.encode("utf-8", "backslashreplace").decode()
