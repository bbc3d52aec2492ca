"""A draw: independent choices, one per parameter, and how they become a case.

The choices know nothing of each other: any of them can be made plain again while the others stay, which is what makes
a draw easy to shrink.  What does not go together is settled here: the constraints of the covering arrays (see
`covering.model`) and the spatial sizes, which are chosen last and by what is to come out.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from ...adapters.case import Case
from ...reference import geometry
from ..covering import refusals
from ..covering.model import FORWARD, INTEGER_DTYPES, SPECIAL, WORDS, Family, most_output_padding
from ..data import INTEGER_DATA
from ..normalise import DEFAULTS, Wrong, build, validate

Keys = dict[str, Any]
Axes = tuple[int, int, int]
T = TypeVar("T")

MOST_PRODUCTS = 1 << 21
"""Multiplications of one case: a few milliseconds, so that hundreds of cases a minute are drawn."""
MOST_ELEMENTS = 1 << 18
LARGEST_EXTENT = 512
MOST_OUTPUTS = {1: 20, 2: 9, 3: 5}
"""Per axis, by rank."""
FEW = 3

IMPOSSIBLE, NO_SAMPLES = "impossible", "no samples"
SYMMETRIC, PAIRS = "symmetric", "pairs"
FIRST, SECOND = "first kernel", "second kernel"


@dataclass(frozen=True)
class Draw:
    """The choices for one case; the defaults are the plainest ones."""

    op: str = "conv"
    axes: tuple[int, ...] = (0,)
    """Which of the three axes, that every choice of three numbers is for, there are; so any of them can be left out."""
    refuse: str | None = None
    """A kind of bad value, see `covering.refusals`."""
    empty: tuple[str, int] | None = None
    """(whether there are too few samples or none, on which of the axes)."""
    wrt: str = FORWARD
    padding: str = "valid"
    pads: tuple[tuple[int, int], ...] = ((0, 0),) * 3
    kernel_size: Axes = (1, 1, 1)
    strides: Axes = (1, 1, 1)
    dilation: Axes = (1, 1, 1)
    output_padding: Axes | None = None
    groups: int = 1
    depth_multiplier: int = 1
    dtype: str = "float32"
    data: str = "integers"
    data_format: str = "channels_last"
    layout: str = "contiguous"
    use_bias: bool = False
    batch: int = 1
    channels: int = 1
    """In one group."""
    filters: int = 1
    """In one group."""
    outputs: Axes = (1, 1, 1)
    """Sizes of the result, for a transposed convolution of the input."""
    spare: Axes = (0, 0, 0)
    """Samples more than that takes."""
    seed: int = 0

    @property
    def rank(self) -> int:
        return len(self.axes)

    def of(self, choice: Sequence[T]) -> list[T]:
        """What a choice says of the axes that there are."""
        return [choice[axis] for axis in self.axes]


PLAINEST = Draw()


def realise(draw: Draw, case_id: str = "drawn") -> tuple[Keys, Case] | None:
    """The draw as the keys of a case file, what is default left out, and as a case.

    None where it means nothing: no tap meets a sample, or the bad value that it asks for is none here.
    """
    for one in _smaller_and_smaller(draw):
        try:
            keys = _keys(one)
            case = build(case_id, keys)
            if _too_large(case):
                continue
            validate(case)
        except (Wrong, ValueError):
            return None
        return {key: value for key, value in keys.items() if value != DEFAULTS.get(key)}, case
    return None


def _smaller_and_smaller(draw: Draw) -> Iterator[Draw]:
    """The draw, then with fewer channels and filters, then with fewer outputs, for one that is too large."""
    few = replace(draw, channels=min(draw.channels, FEW), filters=min(draw.filters, FEW))
    return iter(dict.fromkeys((draw, few, replace(few, outputs=(1, 1, 1), batch=min(draw.batch, 1)))))


def _too_large(case: Case) -> bool:
    if case.must_refuse:
        return False
    shapes = {**case.array_shapes, "output": case.output_shape}
    places = max(math.prod(shapes["input"][:-1]), math.prod(shapes["output"][:-1]))
    weights = sum(math.prod(shape) for shape in case.kernel_shapes.values())
    return places * weights > MOST_PRODUCTS or max(map(math.prod, shapes.values())) > MOST_ELEMENTS


def _keys(draw: Draw) -> Keys:
    grouped = draw.op in ("conv", "conv_transpose")
    padding = _padding(draw)
    keys: Keys = {"op": draw.op, "input": [], "kernel_size": _short(draw.of(draw.kernel_size))}
    keys["filters"] = draw.filters * (draw.groups if grouped else 1)
    keys |= {"strides": _short(draw.of(draw.strides)), "padding": padding, "dilation": _short(draw.of(draw.dilation))}
    keys["groups" if grouped else "depth_multiplier"] = draw.groups if grouped else draw.depth_multiplier
    if draw.op == "depthwise_conv":
        del keys["filters"]
    output_padding = None
    if draw.op == "conv_transpose" and draw.output_padding is not None:
        output_padding = _output_padding(draw, draw.output_padding, words=isinstance(padding, str))
        keys["output_padding"] = _short(output_padding)
    keys |= {"data_format": draw.data_format, "dtype": draw.dtype, "layout": draw.layout, "use_bias": draw.use_bias}
    if (wrt := _wrt(draw)) is not None:
        keys["wrt"] = wrt
        keys["use_bias"] |= wrt == "bias"
    data = _data(draw, wrt)
    keys["data"] = {"form": data, "seed": draw.seed} if draw.seed else data
    spatial = [_extent(draw, place, padding, output_padding) for place in range(draw.rank)]
    keys["input"] = [draw.batch, *spatial, draw.channels * (draw.groups if grouped else 1)]
    return keys if draw.refuse is None else _refused(draw, keys)


def _short(values: Sequence[int]) -> int | list[int]:
    """One number where it is the same on every axis, as a person would write it."""
    return values[0] if len(set(values)) == 1 else list(values)


def _padding(draw: Draw) -> Any:
    """The word or the pairs; causal where there is a time axis to be causal on."""
    if draw.padding == "causal" and (draw.rank > 1 or draw.op == "conv_transpose"):
        return "same"
    if draw.padding in WORDS:
        return draw.padding
    return [[lo, lo if draw.padding == SYMMETRIC else hi] for lo, hi in draw.of(draw.pads)]


def _output_padding(draw: Draw, wanted: Axes, *, words: bool) -> list[int]:
    """What is wanted, or the most that each axis allows: below the stride, with pairs below stride or dilation."""
    most = most_output_padding(draw.strides, draw.dilation, words=words)
    return [min(wanted[axis], most[axis]) for axis in draw.axes]


def _wrt(draw: Draw) -> str | None:
    """The argument that the gradient is for; none in integers, none where an error is due."""
    if draw.wrt == FORWARD or draw.dtype in INTEGER_DTYPES or draw.refuse is not None:
        return None
    first = "kernel" if draw.op in ("conv", "conv_transpose") else "depthwise_kernel"
    second = "pointwise_kernel" if draw.op == "separable_conv" else first
    return {FIRST: first, SECOND: second}.get(draw.wrt, draw.wrt)


def _data(draw: Draw, wrt: str | None) -> str:
    """The data set, or the next best where it does not go with the rest."""
    if draw.dtype in INTEGER_DTYPES:
        return draw.data if draw.data in INTEGER_DATA else "integers"
    if draw.data == "full_range":
        return "integers"
    if draw.data in SPECIAL and (wrt is not None or draw.refuse is not None):
        return "normal"
    if draw.data == "overflow" and (draw.op == "separable_conv" or draw.batch == 0 or draw.empty is not None):
        return "large_range"
    return draw.data


def _extent(draw: Draw, place: int, padding: Any, output_padding: list[int] | None) -> int:
    """The samples on the axis in that place: enough for the outputs that are wanted, or too few for any."""
    axis = draw.axes[place]
    k, s, d = draw.kernel_size[axis], draw.strides[axis], draw.dilation[axis]
    word = padding if isinstance(padding, str) else (tuple(padding[place]),)

    def size(n: int) -> int:
        """What the formula gives for n samples; it never falls as n grows."""
        if draw.op == "conv_transpose":
            extra = None if output_padding is None else (output_padding[place],)
            return geometry.transpose_window((n,), (k,), (s,), word, (d,), extra)[0][1]
        return geometry.conv_sizes((n,), (k,), (s,), word, (d,))[0]

    wanted = min(draw.outputs[axis], MOST_OUTPUTS[draw.rank])
    if draw.empty is not None and draw.empty[1] % draw.rank == place:
        enough = bisect_left(range(LARGEST_EXTENT), 1, key=size)
        return 0 if draw.empty[0] == NO_SAMPLES else max(enough - 1 - draw.spare[axis], 0)
    if draw.op == "conv_transpose":
        return bisect_left(range(LARGEST_EXTENT), 1, lo=1, key=size) + wanted - 1
    return bisect_left(range(LARGEST_EXTENT), wanted, lo=1, key=size) + draw.spare[axis]


def _refused(draw: Draw, keys: Keys) -> Keys:
    """The keys with one bad value in them, and nothing else that could be a reason to refuse."""
    change = refusals.KINDS[draw.refuse or ""]
    changed = change(Family(draw.op, draw.rank)) if callable(change) else change
    if changed is None:
        raise Wrong("refuse", f"{draw.op} knows no {draw.refuse}")
    keys = {**keys, "expect": "error"}
    keys["input"] = [max(draw.batch, 1), *keys["input"][1:-1], changed.get("channels", refusals.CHANNELS)]
    if "filters" in keys:
        keys["filters"] = refusals.FILTERS
    if "groups" in keys:
        keys["groups"] = 1
    if "kernel_shape" in changed:
        keys["kernel_size"] = 3
    if isinstance(keys["padding"], list) or keys["padding"] in ("same_lower", "causal"):
        keys["padding"] = "valid"
    return keys | {name: value for name, value in changed.items() if name != "channels"}
