"""Messages between the harness and an engine process: a JSON header, then the arrays' bytes, over two pipes.

Not pickle: the engine may live in another interpreter with another NumPy.  Not standard output: frameworks write there.
"""

from __future__ import annotations

import json
import math
import os
import select
from collections.abc import Callable
from typing import Any

import numpy as np

from ..adapters.case import numpy_dtype

LENGTH_BYTES = 8
LONGEST_HEADER = 1 << 26
POLL_MILLISECONDS = 50
CHUNK = 1 << 20


class Closed(Exception):
    """The other side is gone, or what it sent is no message."""


class Channel:
    """One end of the conversation.

    ``waiting`` is called before every piece that is read, and about every 50 ms while nothing can be read or written;
    it may raise to give up.
    """

    def __init__(self, reads: int, writes: int, waiting: Callable[[], None] | None = None) -> None:
        self.reads, self.writes = reads, writes
        self._waiting = waiting or (lambda: None)
        for fd in (reads, writes):
            os.set_blocking(fd, False)

    def send(self, message: dict[str, Any], arrays: dict[str, np.ndarray] | None = None) -> None:
        """Writes one message; raises `Closed` where nobody reads."""
        arrays = arrays or {}
        described = {name: [array.dtype.name, list(array.shape)] for name, array in arrays.items()}
        header = json.dumps([message, described]).encode()
        self._write(len(header).to_bytes(LENGTH_BYTES, "little") + header)
        for array in arrays.values():
            self._write(np.ascontiguousarray(array).view(np.uint8).data if array.size else b"")

    def receive(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Reads one message and its arrays; raises `Closed` at the end of the stream or on garbage."""
        length = int.from_bytes(self._read(LENGTH_BYTES), "little")
        if length > LONGEST_HEADER:
            raise Closed(f"a header of {length} bytes")
        try:
            message, described = json.loads(bytes(self._read(length)))
            arrays: dict[str, np.ndarray] = {}
            for name, (dtype_name, shape) in described.items():
                dtype = numpy_dtype(dtype_name)
                count = math.prod(shape)
                arrays[name] = np.frombuffer(self._read(count * dtype.itemsize), dtype=dtype).reshape(shape)
            return dict(message), arrays
        except (ValueError, TypeError, AttributeError, OverflowError) as error:
            raise Closed(f"not a message: {error}") from error

    def pending(self) -> bool:
        """Whether something can be read now."""
        poll = select.poll()
        poll.register(self.reads, select.POLLIN)
        return bool(poll.poll(0))

    def close(self) -> None:
        """Closes both pipes."""
        for fd in (self.reads, self.writes):
            os.close(fd)

    def _write(self, data: bytes | memoryview) -> None:
        view = memoryview(data).cast("B") if len(data) else memoryview(b"")
        while view:
            try:
                view = view[os.write(self.writes, view[:CHUNK]) :]
            except BlockingIOError:
                self._wait(self.writes, select.POLLOUT)
            except BrokenPipeError as error:
                raise Closed("nobody reads") from error

    def _read(self, count: int) -> bytearray:
        data = bytearray()
        while len(data) < count:
            self._waiting()
            try:
                piece = os.read(self.reads, min(count - len(data), CHUNK))
            except BlockingIOError:
                self._wait(self.reads, select.POLLIN)
                continue
            if not piece:
                raise Closed("end of stream")
            data += piece
        return data

    def _wait(self, fd: int, event: int) -> None:
        poll = select.poll()
        poll.register(fd, event | select.POLLHUP | select.POLLERR)
        if not poll.poll(POLL_MILLISECONDS):
            self._waiting()
