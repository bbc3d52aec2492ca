"""Derived cases: what an engine is asked when its answer to one case can be explained in several ways.

Every question is the case with one or a few parameters changed, on data in which each product shows.  They come in an
order, the nearest first: a real engine makes its mistake under conditions of its own, and the nearer a question is to
the case, the likelier it meets them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np

from ...adapters.case import Case, Pads, Shape
from ...reference.bounds import PRECISIONS
from ..data import INTEGER_DATA
from ..normalise import SPEAKS_OF, Wrong, validate

LARGEST = 1 << 20
"""Products in a question, and in a case that is diagnosed as it stands."""
LONGEST_STEP = 1 << 16
"""Strides, dilations and pads that no input reaches."""
SEED = 7919
"""Added to the seed: data other than the case's own."""
UNEVEN_PADS = ((1, 2), (3, 0), (0, 1))
UNEVEN = (2, 3, 1)
SIZES = (11, 9, 7)
KERNELS = (3, 4, 2)
FLOAT_DATA = (
    "normal",
    "large_range",
    "large_exponents",
    "special",
    "nan",
    "inf",
    "zero_weights",
    "infinite_weight",
    "overflow",
)
LAYOUTS = ("strided", "transposed", "negative", "contiguous")

Changes = dict[str, Any]


def questions(case: Case, *, native: bool) -> Iterator[Case]:
    """Valid cases near the case and then further off, each once.

    ``native``: whether the data or their dtype may matter; the case's own kind of data is then asked about as well.
    """
    exact = derived(case, seed=case.seed + SEED)
    own = [replace(exact, data=kind) for kind in kinds(case)]
    asked: set[Case] = set()
    for base, changes in _planned(own, exact, native=native):
        made = _made(base, changes)
        if made is not None and made not in asked:
            asked.add(made)
            yield made


def derived(case: Case, **changes: Any) -> Case:
    """The case with other parameters, on integers unless they say otherwise, under an id that tells it apart."""
    return replace(case, **{"id": f"{case.id}~asked", "data": "integers", "literal": None, **changes})


def beyond_measure(case: Case) -> bool:
    """Whether all meanings read the same few samples of it, or ask for more memory than there is."""
    return max(*case.strides, *case.dilation, *(abs(side) for pair in case.pads for side in pair)) > LONGEST_STEP


def products(case: Case) -> int:
    """How many products the case's result takes, roughly."""
    taps, groups = math.prod(case.kernel_size), max(case.groups, 1)
    if case.transposed:
        return math.prod(case.input) * taps * max(case.output_channels // groups, 1)
    per_output = case.channels // groups if case.op == "conv" else 1
    return math.prod(case.output_shape) * taps * max(per_output, 1)


def smaller(case: Case) -> Case | None:
    """The case with small extents and other data, for one that is too large to be diagnosed as it stands; None where
    the case is small, or cannot be made smaller.
    """
    if products(case) <= LARGEST:
        return None
    spatial: list[int] = []
    for n, k, s, d in zip(case.spatial, case.kernel_size, case.strides, case.dilation, strict=True):
        least = 5 if case.transposed else (k - 1) * d + 1 + 4 * s
        spatial.append(min(n, least + (n - least) % max(s, 2)))  # with what is left over of a stride
    base = derived(case, data=kinds(case)[0], seed=case.seed + SEED)
    made = _made(base, {"input": (min(case.batch, 2), *spatial, case.channels)})
    return None if made is None or made.input == case.input else made


def _planned(own: list[Case], exact: Case, *, native: bool) -> Iterator[tuple[Case, Changes]]:
    yield from ((base, {}) for base in own)
    if native:
        yield from ((base, {"seed": base.seed + SEED * more}) for base in own for more in (1, 2, 3))
        yield from ((exact, {"data": data}) for data in (*FLOAT_DATA, "full_range"))
    # what is asked for a gradient is told by the forward result too, which keeps its shape to itself
    forward = [replace(exact, wrt=None)] if exact.wrt else []
    bases = [*forward, *([base for base in own if base != exact] if native else []), exact]
    for changes in ({}, *_changes(exact)):
        for base in bases:
            yield base, changes


def kinds(case: Case) -> tuple[str, ...]:
    """The data set of the case, or those that are like the arrays that are written out in it."""
    if case.literal is None:
        return (case.data,)
    if case.dtype not in PRECISIONS:
        return ("integers", "full_range")
    finite = all(np.isfinite(np.asarray(array, float)).all() for array in case.literal.values())
    return ("integers",) if finite else ("special", "nan", "zero_weights", "infinite_weight")


def _changes(case: Case) -> Iterator[Changes]:
    """Parameters to change, the nearest first."""
    rank = case.rank
    yield from ({"input": shape} for shape in _inputs(case))
    yield {"use_bias": not case.use_bias}
    yield {"data_format": "channels_last" if case.channels_first else "channels_first"}
    yield from ({"layout": layout} for layout in LAYOUTS)
    yield from ({"kernel_size": size} for size in _grown(case.kernel_size))
    if case.transposed:
        yield from ({"output_padding": padding} for padding in _output_paddings(case))
    yield from ({"padding": padding} for padding in _paddings(case))
    yield from ({"strides": strides} for strides in _steps(case.strides))
    yield from ({"dilation": dilation} for dilation in _steps(case.dilation))
    yield from _channels(case)
    for size, strides in product((*_grown(case.kernel_size), case.kernel_size), _steps(case.strides)):
        yield {"kernel_size": size, "strides": strides}
    for size, dilation in product((*_grown(case.kernel_size), case.kernel_size), ((2,) * rank, UNEVEN[:rank])):
        yield {"kernel_size": size, "dilation": dilation}
    for strides, padding in product(_steps(case.strides), ("same", UNEVEN_PADS[:rank])):
        yield {"strides": strides, "padding": padding, "output_padding": None}
    arguments = [None, "input", *case.kernel_shapes, *(["bias"] if case.use_bias else [])]
    yield from ({"wrt": wrt} for wrt in arguments)
    yield from ({"dtype": dtype} for dtype in ("float32", "float64", "float16", "bfloat16", "int32", "int8"))
    yield from _rich(case)


def _inputs(case: Case) -> Iterator[Shape]:
    """Other sizes: all parities of every axis, other batches."""
    for more in (1, 2, 3):
        yield (case.batch, *(n + more for n in case.spatial), case.channels)
    for axis in range(1, case.rank + 1):
        for more in (1, 2, 3):
            yield tuple(n + more if place == axis else n for place, n in enumerate(case.input))
    for batch in (1, 2, 3):
        yield (batch, *case.input[1:])


def _grown(kernel_size: Shape) -> Iterator[Shape]:
    """Larger kernels on all axes or one; smaller ones; unequal ones."""
    rank = len(kernel_size)
    for more in (1, 2, -1):
        yield tuple(max(k + more, 1) for k in kernel_size)
    for axis in range(rank):
        for more in (1, -1):
            yield tuple(max(k + more, 1) if place == axis else k for place, k in enumerate(kernel_size))
    yield KERNELS[:rank]
    yield (3,) * rank
    yield (1,) * rank


def _steps(steps: Shape) -> Iterator[Shape]:
    """Other strides or dilations."""
    rank = len(steps)
    yield from ((step,) * rank for step in (2, 3, 1))
    yield UNEVEN[:rank]
    yield UNEVEN[1 : rank + 1] if rank < len(UNEVEN) else UNEVEN[::-1]
    yield steps[::-1]
    for axis in range(rank):
        yield tuple(2 if place == axis else 1 for place in range(rank))


def _paddings(case: Case) -> Iterator[str | Pads]:
    rank = case.rank
    yield from ("same", "valid", UNEVEN_PADS[:rank], ((2, 2),) * rank, "same_lower", "causal")
    yield ((1, 0), (0, 2), (2, 1))[:rank]
    yield ((-1, 2), (1, -1), (0, -1))[:rank]


def _output_paddings(case: Case) -> Iterator[Shape | None]:
    yield None
    yield (0,) * case.rank
    yield tuple(s - 1 for s in case.strides)
    yield (1,) * case.rank
    for axis in range(case.rank):
        yield tuple(int(place == axis) for place in range(case.rank))


def _channels(case: Case) -> Iterator[Changes]:
    """Other numbers of channels, filters, groups and multipliers: equal and unequal, a multiple of four and not."""
    batch = max(case.batch, 2)
    for channels, filters, groups, multiplier in (
        (4, 6, 2, 1), (6, 4, 2, 1), (6, 9, 3, 1), (3, 4, 1, 2), (5, 7, 1, 3), (6, 5, 1, 1), (4, 4, 1, 1), (1, 1, 1, 1),
        (3, 1, 1, 2),
    ):  # fmt: skip
        yield {
            "input": (batch, *case.spatial, channels),
            "filters": filters,
            "groups": groups,
            "depth_multiplier": multiplier,
        }
    yield {"groups": 1}
    yield {"depth_multiplier": 2}
    yield {"depth_multiplier": 1}


def _rich(case: Case) -> Iterator[Changes]:
    """Cases of every operation with everything in them, all sizes different."""
    rank = case.rank
    for op, wrt, padding, (strides, dilation) in product(
        (case.op, "conv", "depthwise_conv", "separable_conv", "conv_transpose"),
        (None, "input", "kernel", "depthwise_kernel"),
        ("same", UNEVEN_PADS[:rank], "valid"),
        (
            ((2, 3, 2), (1, 1, 1)),
            ((1, 1, 1), (2, 3, 2)),
            ((3, 2, 2), (2, 1, 1)),
            ((3, 3, 3), (1, 1, 1)),
            ((2, 2, 2), (3, 3, 3)),
        ),
    ):
        yield {
            "op": op,
            "input": (2, *SIZES[:rank], 6),
            "kernel_size": KERNELS[:rank],
            "filters": 4,
            "groups": 2 if op in ("conv", "conv_transpose") else 1,
            "depth_multiplier": 1 if op in ("conv", "conv_transpose") else 3,
            "strides": strides[:rank],
            "dilation": dilation[:rank],
            "padding": padding,
            "output_padding": None,
            "use_bias": wrt is None,
            "wrt": wrt,
        }


def _made(base: Case, changes: Changes) -> Case | None:
    """The case with these parameters; None where it means nothing, is too large, or has no result."""
    made = replace(base, **changes)
    op = made.op
    made = replace(
        made,
        filters=(made.filters or 4) if op in SPEAKS_OF["filters"] else None,
        groups=made.groups if op in SPEAKS_OF["groups"] else 1,
        depth_multiplier=made.depth_multiplier if op in SPEAKS_OF["depth_multiplier"] else 1,
        output_padding=made.output_padding if made.transposed else None,
        data="integers" if made.dtype not in PRECISIONS and made.data not in INTEGER_DATA else made.data,
    )
    try:
        validate(made)
        if (_empty(made) and not _empty(base)) or products(made) > 4 * LARGEST:
            return None
    except (Wrong, ValueError):
        return None
    return made


def _empty(case: Case) -> bool:
    """Whether there is nothing to compute, or nothing to compute it from."""
    return 0 in case.input or min(case.raw_sizes) < 1
