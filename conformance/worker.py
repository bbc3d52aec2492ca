"""The engine process: loads one adapter, then serves whoever started it.

Started as a script with ``python -P``, in whatever interpreter the engine names; needs NumPy and the framework only.
Standard output and error belong to the framework; the conversation goes over two inherited pipes.  The first message
names the adapter, its options, and the module whose ``serve`` has the rest of the conversation: `answering` for the
harness.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import types
from pathlib import Path

if "convsuite" not in sys.modules:
    # The root package is a mere namespace: in a wheel it is the folder above this one, in a checkout the repository.
    _root = types.ModuleType("convsuite")
    _root.__path__ = [str(Path(__file__).resolve().parent.parent)]
    sys.modules["convsuite"] = _root

from convsuite.adapters.base import Adapter
from convsuite.conformance.execution import engine_of, warm_up
from convsuite.conformance.loading import Fault, describe, load
from convsuite.conformance.memory import MEMORY
from convsuite.conformance.wire import Channel, Closed


def profile_of(adapter: Adapter) -> str | None:
    """The name of the profile under which the adapter, or the engine behind it, asks to be judged."""
    engine = engine_of(adapter)
    said: object = getattr(adapter if engine is None else engine, "profile", None)
    return None if said is None else str(said)


def main() -> None:
    """``worker.py READ_FD WRITE_FD``; see the top of this module for the first message."""
    MEMORY.die_with_parent()
    channel = Channel(int(sys.argv[1]), int(sys.argv[2]))
    message, _ = channel.receive()
    try:
        server = importlib.import_module(message["server"])
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
        server.serve(channel, adapter, message)
    # Without the frameworks' own ends, which can hang or abort: all there is to say has been said.
    os._exit(0)


if __name__ == "__main__":
    main()
