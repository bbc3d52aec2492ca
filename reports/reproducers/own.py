"""Engines that compute in code of their own: a run holds no source of theirs, so a script takes it from where it lies.

Such a script needs convsuite, for the case that the engine is handed.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from ...adapters.base import CALL, Program
from ...adapters.case import Case
from ...conformance.engines import Engine
from .origin import NoReproducer


def computes_itself(program: str) -> bool:
    """Whether the program calls an engine's own code."""
    return CALL in program


def needs(engine: Engine) -> str:
    """What a script needs besides NumPy."""
    place, _, name = engine.adapter.rpartition(":")
    return f"convsuite, and {name} from {place}"


def with_engine(program: Program, case: Case, engine: Engine) -> Program:
    """The program with the engine and the case that it takes as given.  Raises `NoReproducer` where its file is gone.

    Whatever else the program does stays in it; one that calls no engine of its own stays as it is.
    """
    if not computes_itself(program.source):
        return program
    imports = "\n".join([*program.imports.splitlines(), *_made(engine)])
    return replace(program, imports=imports, prepare=f"case = {case!r}\n{program.prepare}")


def _made(engine: Engine) -> list[str]:
    """Lines that import `Case` and leave the engine in ``engine``, made as `conformance.loading` makes it."""
    place, _, name = engine.adapter.rpartition(":")
    options = f"**{engine.options}" if engine.options else ""
    the_case = "from convsuite.adapters.case import Case"
    if not place.endswith(".py"):
        return [the_case, f"from {place} import {name}", f"engine = {name}({options})"]
    file = Path(place)
    if not file.exists():
        raise NoReproducer(f"the engine's code is not there any more: {file}")
    return [
        "import importlib.util",
        the_case,
        f"sys.path.append({_quoted(file.parent)})",
        f"spec = importlib.util.spec_from_file_location({_quoted(f'adapter_file_{file.stem}')}, {_quoted(file)})",
        "module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)",
        "spec.loader.exec_module(module)",
        f"engine = module.{name}({options})",
    ]


def _quoted(text: object) -> str:
    return json.dumps(str(text), ensure_ascii=False)
