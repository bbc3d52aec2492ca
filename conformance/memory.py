"""What the operating system lets an engine process take, and what fresh memory holds; on Linux alone."""

from __future__ import annotations

import ctypes
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np

M_PERTURB = -6
PR_SET_PDEATHSIG = 1
NUMPY_CACHED_BYTES, NUMPY_CACHED_BLOCKS = 1024, 8
PAGE = resource.getpagesize()


class Memory:
    """The memory of the process that this is."""

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
