"""What an engine process does for the harness: turns requests (a case, its arrays, forms) into outcomes.

Every form is answered by two messages: `started` with the program, so that the harness knows what ran when the process
dies, and `ended`, without which nothing counts as having run.
"""

from __future__ import annotations

import gc
import math
import re
import time
from typing import Any

import numpy as np

from ..adapters.base import Adapter, Program, Unsupported
from ..adapters.case import Case, formatted
from .execution import Execution, engine_of
from .loading import describe
from .memory import MEMORY
from .wire import Channel

FILLS = (0x55, 0xAA)
"""What fresh memory is filled with in the first and in the second execution of `run` (complemented by glibc)."""
OUT_OF_MEMORY = re.compile(r"(?i:out of memory|bad_alloc|unable to allocate|can't allocate)|\bOOM\b|RESOURCE_EXHAUSTED")
SMALL = 1 << 20
OWN_MISTAKES = (NameError, SyntaxError)
"""Exceptions that no framework means as a refusal, when the program's own text raises them."""


class _NoArrayError(Exception):
    """An engine's `run` has answered, with something that is no array."""


def due_elements(case: Case) -> int:
    """How many elements the right result has; none where an error is due."""
    return 0 if case.must_refuse else math.prod(case.result_shape)


def execute(program: Program, case: Case, arrays: dict[str, np.ndarray], engine: Any) -> dict[str, Any]:
    """Runs the four parts, `run` and `result` twice: ``{"result", "again", "seconds"}``."""
    size = due_elements(case) * arrays["input"].dtype.itemsize
    MEMORY.fill(FILLS[0], size)
    execution = Execution(program, case, arrays, engine)
    found: list[np.ndarray] = []
    seconds = 0.0
    for fill in FILLS:
        MEMORY.fill(fill, size)
        begin = time.perf_counter()
        execution.run()
        seconds = seconds or time.perf_counter() - begin
        try:
            found.append(execution.result())
        except Exception as error:
            if engine is None:
                raise
            raise _NoArrayError(describe(error)) from error
    return {"result": found[0], "again": found[1], "seconds": seconds}


def numbers(result: np.ndarray) -> bool:
    """Whether the array holds numbers, and no words or objects."""
    return result.dtype.kind in "biufc" or result.dtype.name == "bfloat16"


def told(result: np.ndarray, case: Case) -> bool:
    """Whether the contents are told: of no numbers, or of far too many, dtype and shape are enough."""
    return numbers(result) and result.size <= 2 * due_elements(case) + SMALL


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Bit for bit the same answer, any NaN being like any other."""
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    with np.errstate(all="ignore"):
        return bool(np.all((first == second) | (_is_nan(first) & _is_nan(second))))


def _is_nan(array: np.ndarray) -> np.ndarray:
    """NaN alone is not equal to itself; holds for dtypes without isnan as well."""
    return array != array  # noqa: PLR0124


def outcome(program: Program, case: Case, arrays: dict[str, np.ndarray], engine: Any) -> tuple[dict[str, Any], Any]:
    """One execution as an `ended` message and its array."""
    try:
        found = execute(program, case, arrays, engine)
    except _NoArrayError as error:
        return {
            "outcome": "value",
            "seconds": None,
            "stable": True,
            "dtype": f"no array ({error})",
            "shape": None,
        }, None
    except NotImplementedError as error:
        kind = "unsupported" if engine is not None else "error"
        return {"outcome": kind, "message": describe(error)}, None
    except MemoryError as error:
        return {"outcome": "memory", "message": describe(error)}, None
    except Exception as error:  # noqa: BLE001  whatever the framework raises is its answer
        own = isinstance(error, OWN_MISTAKES) and _innermost(error).startswith("<")
        kind = "fault" if own and engine is None else "memory" if OUT_OF_MEMORY.search(describe(error)) else "error"
        return {"outcome": kind, "message": describe(error)}, None
    result = found["result"]
    stable = not numbers(result) or same(result, found["again"])
    message = {"outcome": "value", "seconds": found["seconds"], "stable": stable}
    if not told(result, case):
        return {**message, "dtype": result.dtype.name, "shape": list(result.shape)}, None
    return message, result.astype(result.dtype.newbyteorder("="), copy=False)


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename if trace is not None else "<"


def serve(channel: Channel, adapter: Adapter, said: dict[str, Any]) -> None:
    """Answers requests until the harness hangs up; ``said``: its first message, with the ``memory`` of a case."""
    engine, memory_limit = engine_of(adapter), int(said["memory"])
    while True:
        message, arrays = channel.receive()
        begin = time.perf_counter()
        case = Case.from_json(message["case"])
        arrays = formatted(arrays, case.data_format)
        MEMORY.limit(memory_limit)
        for form in message["forms"]:
            answer(channel, adapter, engine, case, form, arrays)
        gc.collect(0)
        channel.send({"busy": time.perf_counter() - begin, "resident": MEMORY.resident()})


def answer(
    channel: Channel, adapter: Adapter, engine: Any, case: Case, form: str, arrays: dict[str, np.ndarray]
) -> None:
    """Translates and runs one form, with the two messages that the harness waits for."""
    try:
        program = adapter.translate(case, form)
        twin = adapter.translate(case, "equivalent") if form == "literal" and program is not None else None
    except Unsupported as error:
        program, twin = None, None
        channel.send({"form": form, "program": None})
        channel.send({"outcome": "unsupported", "message": describe(error).removeprefix("Unsupported: ")})
        return
    except Exception as error:  # noqa: BLE001  told to the harness
        channel.send({"form": form, "program": None})
        channel.send({"outcome": "fault", "message": f"translate({case.id}, {form}): {describe(error)}"})
        return
    if program is None or program == twin:
        channel.send({"form": form, "program": None})
        channel.send({"outcome": "absent"})
        return
    words = None if program.words is None else program.words.to_json()
    channel.send({"form": form, "program": program.source, "words": words})
    # writable copies: what an engine does to its arguments must not reach the next form
    copies = {name: array.copy() for name, array in arrays.items()}
    message, result = outcome(program, case, copies, engine)
    channel.send(message, {} if result is None else {"result": result})
