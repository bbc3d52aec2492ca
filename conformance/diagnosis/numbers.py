"""Two cases side by side: what an engine read, in numbers, against what the case says."""

from __future__ import annotations

from collections.abc import Iterator

from ...adapters.case import Case, Shape
from ..porting import begins

AXES = {1: ("sample",), 2: ("row", "column"), 3: ("plane", "row", "column")}
"""What one step along an axis is called, by the number of spatial axes."""
BACK, FORTH = (
    {"sample": "early", "row": "up", "column": "to the left", "plane": "to the front"},
    {
        "sample": "late",
        "row": "down",
        "column": "to the right",
        "plane": "to the back",
    },
)


def tell(case: Case, changed: Case) -> str:
    """What differs between the case and the one that was computed, in one sentence without its full stop."""
    return "; ".join(_differences(case, changed))


def offsets(case: Case, changed: Case) -> Shape:
    """Per axis, how many samples later a window of the changed case begins: in the input, or for a transposed
    convolution in the full result.
    """
    sign = 1 if case.transposed else -1  # a crop grows with the begin, a pad shrinks
    return tuple(sign * (b - a) for a, b in zip(begins(case), begins(changed), strict=True))


def effect(case: Case, changed: Case) -> str:
    """A code for the difference."""
    if changed.strides != case.strides and _several(case):
        return "other-strides"
    if changed.dilation != case.dilation and max(case.kernel_size) > 1:
        return "other-dilation"
    if any(offsets(case, changed)):
        return "shifted"
    if changed.raw_sizes == case.raw_sizes:
        return "other-pads"
    return "longer" if changed.raw_sizes > case.raw_sizes else "shorter"


def moved(by: Shape, rank: int) -> str:
    """Offsets in words: "1 row down, 2 columns to the left"."""
    said: list[str] = []
    for step, name in zip(by, AXES[rank], strict=True):
        if step:
            number = abs(step)
            said.append(f"{number} {name}{'s' if number > 1 else ''} {(FORTH if step > 0 else BACK)[name]}")
    return ", ".join(said)


def pairs(values: tuple[tuple[int, int], ...]) -> str:
    """Pads, one pair for one axis."""
    return str(values[0]) if len(values) == 1 else str(values)


def per_axis(values: Shape) -> str:
    """Numbers of the axes, one number for one axis."""
    return str(values[0]) if len(values) == 1 else str(values)


def cut(case: Case) -> str:
    """The window of a transposed convolution's full result as a slice."""
    return ", ".join(f"{begin}:{begin + size}" for begin, size in case.window)


def _several(case: Case) -> bool:
    """Whether there is more than one window, so that their distance matters."""
    return max(case.spatial if case.transposed else case.raw_sizes) > 1


def _differences(case: Case, changed: Case) -> Iterator[str]:
    steps = [name for name in ("kernel_size", "strides", "dilation") if getattr(changed, name) != getattr(case, name)]
    for name in steps:
        got, due = getattr(changed, name), getattr(case, name)
        yield f"{name} {per_axis(got)}, the case says {per_axis(due)}"
    by = offsets(case, changed)
    # of a gradient the pads alone: what they move is the argument's gradient, the other way
    if changed.op == case.op and any(by) and case.wrt is None:
        verb = "the window begins" if case.transposed else "reads"
        yield f"{verb} {moved(by, case.rank)}"
    if case.transposed and changed.window != case.window:
        yield f"takes [{cut(changed)}] of the full result, the case says [{cut(case)}]"
    elif not case.transposed and (any(by) or (changed.raw_sizes != case.raw_sizes and not steps)):
        yield f"pads {pairs(changed.pads)}, the case says {pairs(case.pads)}"
    if changed.raw_sizes != case.raw_sizes:
        yield f"{per_axis(changed.raw_sizes)} outputs, due are {per_axis(case.raw_sizes)}"
