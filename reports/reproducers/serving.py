"""What an engine's process does for `executing`: runs scripts, one after the other, each in a namespace of its own.

The framework has been imported once, so that a script takes as long as what it computes.
"""

from __future__ import annotations

import contextlib
import gc
import io
import sys
import traceback
from pathlib import Path
from typing import Any

from ...adapters.base import Adapter
from ...conformance.memory import MEMORY
from ...conformance.wire import Channel


def serve(channel: Channel, _adapter: Adapter, _said: dict[str, Any]) -> None:
    """Answers ``{"script": path}`` by ``{"status": "lives" | "gone" | "broken", "output": text}``."""
    while True:
        message, _ = channel.receive()
        status, output = run(Path(message["script"]))
        MEMORY.fill(0, 0)  # scripts may have told glibc what fresh memory holds
        gc.collect()
        channel.send({"status": status, "output": output, "resident": MEMORY.resident()})


def run(file: Path) -> tuple[str, str]:
    """The script's end, and what it printed: status 1 means that the discrepancy lives, 0 that it is gone."""
    said, status = io.StringIO(), "broken"
    argv, sys.argv = sys.argv, [str(file)]
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                code = compile(file.read_text(encoding="utf-8"), str(file), "exec")
                exec(code, {"__name__": "__main__", "__file__": str(file)})  # noqa: S102  scripts are what is run here
                status = "gone"
            except SystemExit as left:
                status = {None: "gone", 0: "gone", 1: "lives"}.get(left.code, "broken")  # pyright: ignore[reportArgumentType]
                if isinstance(left.code, str):  # printed, with status 1
                    status = "lives"
                    said.write(f"{left.code}\n")
            except BaseException:  # noqa: BLE001  told to whoever asked
                traceback.print_exc()
    finally:
        sys.argv = argv
    return status, said.getvalue()
