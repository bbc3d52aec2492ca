"""What the machine itself can do, as programs of an adapter, so that it is measured in turn like everything else.

`sgemm`: a product of two square float32 matrices, the rows shared out among the threads: 2 * side^3 operations.
`copy`: one array copied into another, in parts: as many bytes read as written.
"""

from __future__ import annotations

from ..adapters.base import Program
from ..adapters.case import Case

FLOAT = 4  # bytes

IMPORTS = """
import os
from concurrent.futures import ThreadPoolExecutor
import numpy as np
"""
POOL = """
threads = {threads}
cpus = iter(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else iter(())

def pin():
    cpu = next(cpus, None)
    if cpu is not None:
        os.sched_setaffinity(0, {{cpu}})

each = map if threads == 1 else ThreadPoolExecutor(threads, initializer=pin).map
parts = [slice(n * i // threads, n * (i + 1) // threads) for i in range(threads)]
"""
PROGRAMS = {
    "sgemm": (
        "n = {side}\na, b, out = (np.ones((n, n), np.float32) for _ in range(3))\n",
        "list(each(lambda part: np.matmul(a[part], b, out=out[part]), parts))",
    ),
    "copy": (
        "n = {floats}\nsource, out = np.ones(n, np.float32), np.zeros(n, np.float32)\n",
        "list(each(lambda part: np.copyto(out[part], source[part]), parts))",
    ),
}


class ProbeAdapter:
    """The programs above, whatever the case.

    ``side``: rows and columns of the matrices; ``copied``: bytes that are read (and as many that are written).
    """

    def __init__(self, what: str = "sgemm", threads: int = 1, side: int = 256, copied: int = 1 << 20) -> None:
        self._what, self._threads, self._side, self._copied = what, threads, side, copied

    def versions(self) -> dict[str, str]:
        """None: NumPy's own is told by the reference."""
        return {}

    def translate(self, case: Case, form: str) -> Program | None:
        """The program of ``what``."""
        arrays, run = PROGRAMS[self._what]
        prepare = arrays.format(side=self._side, floats=self._copied // FLOAT) + POOL.format(threads=self._threads)
        return Program(IMPORTS, prepare, run, "result = out[:1]")
