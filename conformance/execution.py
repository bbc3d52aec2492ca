"""A program at work in an engine process: its four parts, executed in one namespace."""

from __future__ import annotations

import types
from typing import Any

import numpy as np

from ..adapters.base import Adapter, CallProgram, Program
from ..adapters.case import Case


class Execution:
    """A program whose imports and prepare have run.  Raises whatever its text raises."""

    def __init__(self, program: Program, case: Case, arrays: dict[str, np.ndarray], engine: Any) -> None:
        """``engine``: what programs of `CallProgram` call, else None."""
        self.case = case
        self._namespace: dict[str, Any] = {**arrays, "case": case, "engine": engine, "__name__": "program"}
        self._execute(compile(program.imports, "<imports>", "exec"))
        self._execute(compile(program.prepare, "<prepare>", "exec"))
        self._run = compile(program.run, "<run>", "exec")
        self._result = compile(program.result, "<result>", "exec")

    def run(self) -> None:
        """Computes, and blocks until that is done."""
        exec(self._run, self._namespace)  # noqa: S102  what is printed is what runs

    def result(self) -> np.ndarray:
        """What was computed last: a copy, since the framework may hand out memory that its next run writes to."""
        self._execute(self._result)
        return np.array(self._namespace["result"])

    def _execute(self, code: types.CodeType) -> None:
        exec(code, self._namespace)  # noqa: S102


def engine_of(adapter: Adapter) -> Any:
    """What the programs of an adapter of the short contract call; None for one that writes its programs."""
    return adapter.engine if isinstance(adapter, CallProgram) else None


def warm_up(adapter: Adapter) -> None:
    """Runs one small case, so that the framework's import and first call count as start-up.

    Its padding is one that has to be composed: torch.compile then prepares its C++ compiler here and not in a case.
    """
    case = Case(
        id="warm-up", op="conv", input=(1, 3, 1), kernel_size=(2,), filters=1, strides=(1,), padding=((1, 0),),
        dilation=(1,), groups=1, depth_multiplier=1, output_padding=None, use_bias=False, data_format="channels_last",
        dtype="float32", data="integers", seed=0, layout="contiguous", wrt=None, kernel_shape=None, must_refuse=False,
    )  # fmt: skip
    if isinstance(adapter, CallProgram):
        return
    program = adapter.translate(case, "equivalent")
    if program is not None:
        arrays = {name: np.ones(shape, np.float32) for name, shape in case.array_shapes.items()}
        Execution(program, case, arrays, None).run()
