"""How cases are drawn, by hypothesis: every choice with its plainest value first, which is where shrinking leads."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis import strategies as st

from ..covering import refusals
from ..covering.model import FORWARD
from ..data import DATA
from .draw import FIRST, IMPOSSIBLE, NO_SAMPLES, PAIRS, PLAINEST, SECOND, SYMMETRIC, Draw

BATCH = 9
"""Draws from one seed.  From the tenth on, hypothesis would vary those before it instead of drawing new ones."""
SETTINGS = settings(
    max_examples=BATCH,
    database=None,
    deadline=None,
    derandomize=False,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.large_base_example, HealthCheck.nested_given],
    verbosity=Verbosity.quiet,
)


def _one_of(*options: tuple[Any, int]) -> st.SearchStrategy[Any]:
    """One of the options, each so many times as likely as once."""
    return st.sampled_from([value for value, times in options for _ in range(times)])


def _axes(*options: tuple[Any, int]) -> st.SearchStrategy[Any]:
    one = _one_of(*options)
    return st.tuples(one, one, one)


_EMPTY = [((kind, axis), 1) for kind in (IMPOSSIBLE, NO_SAMPLES) for axis in range(3)]
_PAD = _one_of((0, 6), (1, 6), (2, 4), (3, 3), (-1, 4), (-2, 2), (-3, 1), (7, 1), (-9, 1), (24, 1))
_MANY = ((16, 1), (33, 1), (65, 1))
_DATA = [("integers", 10), ("normal", 8), ("full_range", 4), *((name, 1) for name in DATA)]

CHOICES: dict[str, st.SearchStrategy[Any]] = {
    "op": _one_of(("conv", 4), ("conv_transpose", 3), ("depthwise_conv", 3), ("separable_conv", 3)),
    "axes": _one_of(*((axes, 1) for rank in (1, 2) for axes in combinations(range(3), rank)), ((0, 1, 2), 3)),
    "refuse": _one_of((None, 9 * len(refusals.KINDS)), *((kind, 1) for kind in refusals.KINDS)),
    "empty": _one_of((None, 48), *_EMPTY),
    "wrt": _one_of((FORWARD, 3), ("input", 2), (FIRST, 1), (SECOND, 1), ("bias", 1)),
    "padding": _one_of(
        ("valid", 3), ("same", 3), ("same_lower", 2), ("causal", 1), (SYMMETRIC, 2), (PAIRS, 3)
    ),
    "pads": st.tuples(*[st.tuples(_PAD, _PAD)] * 3),
    "kernel_size": _axes((1, 3), (2, 6), (3, 6), (4, 2), (5, 2), (6, 1), (7, 1)),
    "strides": _axes((1, 9), (2, 6), (3, 3), (4, 2)),
    "dilation": _axes((1, 11), (2, 5), (3, 3), (4, 1)),
    "output_padding": st.none() | _axes((0, 2), (1, 3), (2, 2), (3, 1)),
    "groups": _one_of((1, 5), (2, 3), (3, 2), (4, 1), (7, 1)),
    "depth_multiplier": _one_of((1, 3), (2, 3), (3, 2), (5, 1)),
    "dtype": _one_of(("float32", 2), ("float64", 1), ("float16", 1), ("bfloat16", 1), ("int8", 1), ("int32", 1)),
    "data": _one_of(*_DATA),
    "data_format": _one_of(("channels_last", 1), ("channels_first", 1)),
    "layout": _one_of(("contiguous", 3), ("strided", 1), ("transposed", 1), ("negative", 1)),
    "use_bias": st.booleans(),
    "batch": _one_of((1, 8), (2, 7), (3, 4), (0, 1)),
    "channels": _one_of((1, 6), (2, 7), (3, 6), (4, 4), (5, 2), *_MANY),
    "filters": _one_of((1, 6), (2, 7), (3, 6), (4, 4), (5, 2), *_MANY),
    "outputs": _axes((1, 3), (2, 5), (3, 5), (4, 3), (5, 3), (6, 2), (9, 1), (13, 1), (20, 1)),
    "spare": _axes((0, 6), (1, 3), (2, 2), (3, 1)),
    "seed": st.sampled_from(range(16)),
}  # fmt: skip
"""By field of `Draw`.  In this order they are drawn, and those that stand first become plain first."""

DRAWS: st.SearchStrategy[Draw] = st.builds(Draw, **CHOICES)


def batch(seed: int, number: int) -> list[Draw]:
    """The draws of one batch, without the plainest one, which begins each.

    The same numbers give the same draws, with the same Python, hypothesis and modules of this package loaded.
    """
    found: list[Draw] = []

    @hypothesis.seed(stream(seed, number))
    @settings(SETTINGS, phases=[Phase.generate])
    @given(DRAWS)
    def collect(draw: Draw) -> None:
        found.append(draw)

    collect()
    return [draw for draw in found if draw != PLAINEST]


def stream(seed: int, number: int) -> str:
    """What hypothesis is seeded with for a batch."""
    return f"{seed}/{number}"
