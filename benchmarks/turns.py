"""What an engine process does for a benchmark: holds a layer's programs ready, and runs one at its turn.

Needs NumPy and the framework only.  Requests are answered one by one:

    prepare  a case, its arrays and the adapter's options -> ready, or why not; `run` has then run once
    turn     -> the seconds of each of so many calls of `run`, after one that is not timed
    result   -> what `run` left
    forget   all that was prepared
"""

from __future__ import annotations

import gc
import json
import time
from typing import Any

import numpy as np

from ..adapters.base import Adapter, Unsupported
from ..adapters.case import Case, formatted
from ..conformance.answering import told
from ..conformance.execution import Execution, engine_of
from ..conformance.loading import Fault, describe, load
from ..conformance.memory import MEMORY
from ..conformance.wire import Channel


def serve(channel: Channel, adapter: Adapter, said: dict[str, Any]) -> None:
    """Answers requests until the other side hangs up; ``said``: its first message, with the ``memory`` of a layer."""
    adapters = {_key(said["options"]): adapter}
    ready: dict[str, Execution] = {}
    gc.freeze()  # to look through all that a framework is made of takes longer than many a layer
    while True:
        asked, arrays = channel.receive()
        match asked["do"]:
            case "prepare":
                MEMORY.limit(said["memory"])
                answer, execution = _prepare(asked, arrays, adapters, said["adapter"])
                if execution is not None:
                    ready[asked["variant"]] = execution
                channel.send(answer)
            case "turn":
                channel.send({"seconds": _turn(ready[asked["variant"]], asked["calls"], warm=asked["warm"])})
            case "result":
                _send_result(channel, ready[asked["variant"]])
            case _:
                ready.clear()
                gc.collect()
                channel.send({})


def _key(options: dict[str, Any]) -> str:
    return json.dumps(options, sort_keys=True)


def _prepare(
    asked: dict[str, Any], arrays: dict[str, np.ndarray], adapters: dict[str, Adapter], spec: str
) -> tuple[dict[str, Any], Execution | None]:
    """The program at work, or what hinders it: a ``fault`` of the adapter's, or a ``reason`` of the layer's."""
    case = Case.from_json(asked["case"])
    try:
        adapter = adapters.get(_key(asked["options"])) or load(spec, asked["options"])
        adapters[_key(asked["options"])] = adapter
        program = adapter.translate(case, "equivalent")
    except Unsupported as error:
        return {"reason": describe(error).removeprefix("Unsupported: ")}, None
    except Fault as error:
        return {"fault": str(error)}, None
    except Exception as error:  # noqa: BLE001  told to the harness
        return {"fault": f"translate({case.id}): {describe(error)}"}, None
    if program is None:
        return {"reason": "the adapter has no word for it"}, None
    try:
        copies = {name: array.copy() for name, array in formatted(arrays, case.data_format).items()}
        execution = Execution(program, case, copies, engine_of(adapter))
        begin = time.perf_counter()
        execution.run()
    except Exception as error:  # noqa: BLE001  whatever the framework raises is its answer
        return {"reason": describe(error)}, None
    return {"seconds": time.perf_counter() - begin}, execution


def _turn(execution: Execution, calls: int, *, warm: bool) -> list[float]:
    """The seconds of each call.  The collector of garbage waits until the turn is over."""
    gc.disable()
    try:
        if warm:
            execution.run()
        seconds: list[float] = []
        for _ in range(calls):
            begin = time.perf_counter()
            execution.run()
            seconds.append(time.perf_counter() - begin)
        return seconds
    finally:
        gc.enable()


def _send_result(channel: Channel, execution: Execution) -> None:
    try:
        result = execution.result()
    except Exception as error:  # noqa: BLE001  told to the harness
        channel.send({"wrong": f"no array: {describe(error)}"})
        return
    if told(result, execution.case):
        channel.send({}, {"result": result.astype(result.dtype.newbyteorder("="), copy=False)})
    else:
        channel.send({"wrong": f"{result.dtype.name} of shape {list(result.shape)}"})
