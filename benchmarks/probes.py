"""What the machine itself can do, as programs of an adapter, so that it is measured in turn like everything else.

`sgemm`: a product of two square float32 matrices, the rows shared out among the threads: 2 * side^3 operations.
`copy`: one array copied into another, in parts: as many bytes read as written.
"""

from __future__ import annotations

from ..adapters.base import Program
from ..adapters.case import Case

FLOAT = 4  # bytes

IMPORTS = """
import numpy as np
from convsuite.reference import products, workers
"""
RUN = "with workers.using({threads}):\n    workers.run(tasks)"
PROGRAMS = {
    "sgemm": (
        "n = {side}\na, b, out = (np.ones((n, n), np.float32) for _ in range(3))",
        "np.matmul(a[part], b, out=out[part])",
    ),
    "copy": (
        "n = {floats}\nsource, out = np.ones(n, np.float32), np.zeros(n, np.float32)",
        "np.copyto(out[part], source[part])",
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
        arrays, part = PROGRAMS[self._what]
        tasks = f"tasks = [lambda part=part: {part} for part in products.cut_evenly(n, {self._threads})]"
        prepare = f"{arrays.format(side=self._side, floats=self._copied // FLOAT)}\n{tasks}"
        return Program(IMPORTS, prepare, RUN.format(threads=self._threads), "result = out[:1]")
