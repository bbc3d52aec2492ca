"""Right engines of which one takes longer by as much as its environment says, for the gate of benchmarks."""

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
