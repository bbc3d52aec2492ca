"""The engine process: loads one adapter, then turns requests (a case, its arrays, forms) into outcomes.

Started as a script with ``python -P``, in whatever interpreter the engine names; needs NumPy and the framework only.
Standard output and error belong to the framework; the conversation goes over two inherited pipes.  Every form is
answered by two messages: `started` with the program, so that the harness knows what ran when the process dies, and
`ended`, without which nothing counts as having run.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import importlib.machinery
import math
import os
import re
import resource
import signal
import sys
import time
import types
from pathlib import Path
from typing import Any

import numpy as np

if "convsuite" not in sys.modules:
    # The root package is a mere namespace: in a wheel it is the folder above this one, in a checkout the repository.
    _root = types.ModuleType("convsuite")
    _root.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["convsuite"] = _root

from convsuite.adapters.base import Adapter, CallProgram, Program, RunAdapter, Unsupported
from convsuite.adapters.case import Case, formatted
from convsuite.conformance.wire import Channel, Closed

FILLS = (0x55, 0xAA)
"""What fresh memory is filled with in the first and in the second execution of `run` (complemented by glibc)."""
M_PERTURB = -6
PR_SET_PDEATHSIG = 1
NUMPY_CACHED_BYTES, NUMPY_CACHED_BLOCKS = 1024, 8
PAGE = resource.getpagesize()
OUT_OF_MEMORY = re.compile(r"(?i:out of memory|bad_alloc|unable to allocate|can't allocate)|\bOOM\b|RESOURCE_EXHAUSTED")
LONGEST_MESSAGE = 2000
SMALL = 1 << 20
OWN_MISTAKES = (NameError, SyntaxError)
"""Exceptions that no framework means as a refusal, when the program's own text raises them."""


class _NoArrayError(Exception):
    """An engine's `run` has answered, with something that is no array."""


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
    except Exception as error:
        raise Fault(f"{spec} cannot be made: {type(error).__name__}: {error}") from error
    if isinstance(made, Adapter):
        return made
    if isinstance(made, RunAdapter):
        return CallProgram(made)
    raise Fault(f"{spec} has neither run(case, arrays) nor translate(case, form) and versions()")


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
        execute(program, case, {name: np.ones(shape, np.float32) for name, shape in case.array_shapes.items()}, None)


class Memory:
    """What the operating system lets a case take, and what fresh memory holds; on Linux alone."""

    def __init__(self) -> None:
        self._libc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None

    def die_with_parent(self) -> None:
        """The kernel kills this process when the harness is gone, even in the middle of a hang."""
        if self._libc:
            self._libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)

    def limit(self, extra: int) -> None:
        """The address space may grow by so many bytes from now on."""
        if self._libc:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            _, hard = resource.getrlimit(resource.RLIMIT_AS)
            resource.setrlimit(resource.RLIMIT_AS, (pages * PAGE + extra, hard))

    def resident(self) -> int:
        """Bytes of memory in use."""
        return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE if self._libc else 0

    def fill(self, byte: int, size: int) -> None:
        """Lets fresh memory hold this byte, also in the small blocks that NumPy keeps for itself.

        Raises nothing where the C library has no such switch (musl, macOS): results are then not tested for it.
        """
        if self._libc and hasattr(self._libc, "mallopt"):
            self._libc.mallopt(M_PERTURB, byte)
        if 0 < size < NUMPY_CACHED_BYTES:
            blocks = [np.full(size, byte ^ 0xFF, np.uint8) for _ in range(NUMPY_CACHED_BLOCKS)]
            del blocks


MEMORY = Memory()


def due_elements(case: Case) -> int:
    """How many elements the right result has; none where an error is due."""
    return 0 if case.must_refuse else math.prod(case.result_shape)


def execute(program: Program, case: Case, arrays: dict[str, np.ndarray], engine: Any) -> dict[str, Any]:
    """Runs the four parts, `run` and `result` twice: ``{"result", "again", "seconds"}``."""
    namespace: dict[str, Any] = {**arrays, "case": case, "engine": engine, "__name__": "program"}
    size = due_elements(case) * arrays["input"].dtype.itemsize
    MEMORY.fill(FILLS[0], size)
    exec(compile(program.imports, "<imports>", "exec"), namespace)  # noqa: S102
    exec(compile(program.prepare, "<prepare>", "exec"), namespace)  # noqa: S102
    run = compile(program.run, "<run>", "exec")
    result = compile(program.result, "<result>", "exec")
    found: list[np.ndarray] = []
    seconds = 0.0
    for fill in FILLS:
        MEMORY.fill(fill, size)
        begin = time.perf_counter()
        exec(run, namespace)  # noqa: S102  what is printed is what runs
        seconds = seconds or time.perf_counter() - begin
        try:
            exec(result, namespace)  # noqa: S102
        except Exception as error:
            if engine is None:
                raise
            raise _NoArrayError(describe(error)) from error
        # a copy: the framework may hand out memory that its next run writes to
        found.append(np.array(namespace["result"]))
    return {"result": found[0], "again": found[1], "seconds": seconds}


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
    numbers = result.dtype.kind in "biufc" or result.dtype.name == "bfloat16"
    stable = not numbers or same(result, found["again"])
    message = {"outcome": "value", "seconds": found["seconds"], "stable": stable}
    told = numbers and result.size <= 2 * due_elements(case) + SMALL
    if not told:  # no numbers, or far too many: dtype and shape are told, the contents are not
        return {**message, "dtype": result.dtype.name, "shape": list(result.shape)}, None
    return message, result.astype(result.dtype.newbyteorder("="), copy=False)


def describe(error: BaseException) -> str:
    """An exception in one paragraph that can be written down, even if it cannot say what it is."""
    try:
        text = str(error)
    except Exception as second:  # noqa: BLE001  an exception of the user's may raise anything here
        text = f"(its text raises {type(second).__name__})"
    return f"{type(error).__name__}: {text}"[:LONGEST_MESSAGE].encode("utf-8", "backslashreplace").decode()


def _innermost(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_frame.f_code.co_filename if trace is not None else "<"


def serve(channel: Channel, adapter: Adapter, memory_limit: int) -> None:
    """Answers requests until the harness hangs up."""
    engine = adapter.engine if isinstance(adapter, CallProgram) else None
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
    channel.send({"form": form, "program": program.source})
    # writable copies: what an engine does to its arguments must not reach the next form
    copies = {name: array.copy() for name, array in arrays.items()}
    message, result = outcome(program, case, copies, engine)
    channel.send(message, {} if result is None else {"result": result})


def profile_of(adapter: Adapter) -> str | None:
    """The name of the profile under which the adapter, or the engine behind it, asks to be judged."""
    said: object = getattr(adapter.engine if isinstance(adapter, CallProgram) else adapter, "profile", None)
    return None if said is None else str(said)


def main() -> None:
    """``worker.py READ_FD WRITE_FD``; the first message says which adapter."""
    MEMORY.die_with_parent()
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    message, _ = channel.receive()
    try:
        adapter = load(message["adapter"], message["options"])
        versions = {str(name): str(number) for name, number in dict(adapter.versions()).items()}
        warm_up(adapter)
    except ModuleNotFoundError as error:
        channel.send({"missing": str(error)})
        return
    except Fault as error:
        channel.send({"fault": str(error)})
        return
    except Exception as error:  # noqa: BLE001  told to the harness
        channel.send({"fault": f"{message['adapter']} does not start: {describe(error)}"})
        return
    ready = {"ready": True, "versions": versions, "profile": profile_of(adapter), "resident": MEMORY.resident()}
    channel.send(ready)
    with contextlib.suppress(Closed):
        serve(channel, adapter, message["memory"])
    # Without the frameworks' own ends, which can hang or abort: all there is to say has been said.
    os._exit(0)


if __name__ == "__main__":
    main()
