"""The machine beside the layers: how fast it multiplies and copies, and whether it is all there at the moment."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

import numpy as np

from ..adapters.case import Case
from ..conformance.engines import Engine
from .implementations import Implementation, Variant
from .layers import Layer
from .warm import TURN, Warm, calls_in_turn

USUAL_L3, MOST_COPIED = 32 << 20, 1 << 29
SIDE, PULSE_SIDE = 1536, 384
"""Of the matrices by which the machine is known, and of those by which a moment is: 70 ms and 1 ms of a CPU."""
LONGEST = 0.1
"""Seconds of products that a probe takes for one sample at most."""
WINDOWS = 5
SLOW = 0.9
"""A product slower than this part of the best one says that the machine is not all there."""
SIZES = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}
NOTHING = Case(
    id="machine", op="conv", input=(1, 1, 1), kernel_size=(1,), filters=1, strides=(1,), padding="valid",
    dilation=(1,), groups=1, depth_multiplier=1, output_padding=None, use_bias=False, data_format="channels_last",
    dtype="float32", data="normal", seed=0, layout="contiguous", wrt=None, kernel_shape=None, must_refuse=False,
)  # fmt: skip
"""The probes compute the same whatever the case."""


def copied_bytes() -> int:
    """Four times the largest cache, so that a copy comes from memory."""
    texts = (file.read_text() for file in Path("/sys/devices/system/cpu/cpu0/cache").glob("index*/size"))
    sizes = [int(size[:-2]) * SIZES[size[-2]] for size in texts if re.fullmatch(r"\d+[KMG]\n", size)]
    return min(4 * max(sizes, default=USUAL_L3), MOST_COPIED)


class Machine:
    """Probes with one number of threads, in a process of their own.

    ``sgemm``: GFLOP/s of the fastest product of large matrices; ``copy``: GB/s of the fastest copy, bytes read and
    written; ``pulse``: GFLOP/s of the fastest small products, with which each moment is compared.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self.sgemm = self.copy = self.pulse = 0.0
        variants = {
            "sgemm": Variant({"what": "sgemm", "side": SIDE}),
            "copy": Variant({"what": "copy", "copied": copied_bytes()}),
            "pulse": Variant({"what": "sgemm", "side": PULSE_SIDE}),
        }
        engine = Engine("machine", f"{__package__}.probes:ProbeAdapter")
        self._warm = Warm(Implementation(engine, variants, own_threads=True), threads)

    def measure(self) -> None:
        """Takes both rates.  Raises `Unready` where the probes cannot run."""
        self._prepare("copy", "sgemm")
        self.copy = 2 * copied_bytes() / min(self._warm.turn("copy", WINDOWS)) / 1e9
        self.sgemm = 2 * SIDE**3 / min(self._warm.turn("sgemm", WINDOWS)) / 1e9
        self._warm.forget()  # their arrays are large
        self._prepare("pulse")
        for _ in range(WINDOWS):
            self.probe(TURN)

    def probe(self, like: float) -> float:
        """GFLOP/s of products now, measured as the calls of a layer are that take ``like`` seconds.

        As many products as last as long make one sample, of which a turn has the median: what stops this process for
        some milliseconds is then seen by short products no more than by short calls, and by long ones as well.
        """
        flops = 2 * PULSE_SIDE**3
        once = flops / self.pulse / 1e9 if self.pulse else like
        together = max(round(min(like, LONGEST) / once), 1)
        seconds = self._warm.turn("pulse", together * calls_in_turn(together * once))
        samples = [sum(seconds[i : i + together]) for i in range(0, len(seconds), together)]
        rate = together * flops / statistics.median(samples) / 1e9
        self.pulse = max(self.pulse, rate)
        return rate

    def whole(self, rate: float) -> bool:
        """Whether a product at this rate had the machine to itself."""
        return rate >= SLOW * self.pulse

    def close(self) -> None:
        """Ends the process."""
        self._warm.close()

    def _prepare(self, *what: str) -> None:
        for one in what:
            self._warm.prepare(Layer(NOTHING), {"input": np.zeros((1, 1, 1), np.float32)}, one)
