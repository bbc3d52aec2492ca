"""Right engines for benchmarks: one takes longer by as much as its environment says, one says when it is measured."""

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from right import Right


class Slowed(Right):
    """Spins after each computation until SLOWED times what that took is over."""

    factor = float(os.environ.get("SLOWED", "1"))

    def run(self, case, arrays):
        begin = time.perf_counter()
        result = super().run(case, arrays)
        end = begin + self.factor * (time.perf_counter() - begin)
        while time.perf_counter() < end:
            pass
        return result


class SaysWhen(Right):
    """Leaves a file where its environment says, once it has computed often enough to be in the midst of being timed."""

    calls = 0

    def run(self, case, arrays):
        self.calls += 1
        if self.calls == 50:
            Path(os.environ["BEGUN"]).touch()
        return super().run(case, arrays)
