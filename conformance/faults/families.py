"""Faults with parameters: one mistake in every size that a case allows, to explain an engine by the one that fits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

from ...adapters.case import Case
from ..porting import begins
from .fault import Fault, changes_case, framed, on_axis, repadded

FARTHEST = 2
"""How many samples a window is moved by at most."""


@dataclass(frozen=True)
class Family:
    """A mistake with parameters; a member's code is the family's with them in brackets, as in `shifted[0,1]`."""

    code: str
    sentence: str
    source: str
    members: Callable[[Case], Iterator[Fault]]
    """Those that make a difference to the case."""


def _applying(case: Case, faults: Iterator[Fault]) -> Iterator[Fault]:
    return (fault for fault in faults if fault.applies(case))


def shifted(offsets: tuple[int, ...]) -> Fault:
    """Every window, read or returned, begins so many samples late (early where negative), axis by axis."""

    def change(case: Case) -> Case | None:
        if len(offsets) != case.rank:
            return None
        sign = 1 if case.transposed else -1  # a crop grows with the begin, a pad shrinks
        moved = tuple(begin + sign * offset for begin, offset in zip(begins(case), offsets, strict=True))
        return framed(case, moved, case.raw_sizes)

    said = ", ".join(map(str, offsets))
    return changes_case(
        f"shifted[{','.join(map(str, offsets))}]",
        f"windows begin ({said}) samples late",
        change,
        source="keras-team/keras#22876",
    )


def longer(axis: int, by: int) -> Fault:
    """The output is ``by`` longer (shorter where negative) at the end of one axis."""

    def change(case: Case) -> Case | None:
        if axis >= case.rank:
            return None
        sizes = tuple(size + by for size in case.raw_sizes)
        return framed(case, begins(case), on_axis(axis, sizes, case.raw_sizes))

    more = "longer" if by > 0 else "shorter"
    return changes_case(
        f"{more}[{axis},{abs(by)}]",
        f"the output is {abs(by)} {more} at the end of spatial axis {axis}",
        change,
    )


def ends_swapped(axis: int) -> Fault:
    """What is padded (or cropped) at the begin of one axis is padded at its end, and the other way round."""

    def change(case: Case) -> Case | None:
        if axis >= case.rank:
            return None
        return repadded(case, on_axis(axis, tuple((hi, lo) for lo, hi in case.pads), case.pads))

    return changes_case(f"ends-swapped[{axis}]", f"pads go to the other end of spatial axis {axis}", change)


def _shifts(case: Case) -> Iterator[Fault]:
    """The nearest first."""
    offsets = product(range(-FARTHEST, FARTHEST + 1), repeat=case.rank)
    nearest = sorted((one for one in offsets if any(one)), key=lambda one: sum(map(abs, one)))
    return _applying(case, (shifted(one) for one in nearest))


def _lengths(case: Case, steps: tuple[int, ...]) -> Iterator[Fault]:
    return _applying(case, (longer(axis, by) for by in steps for axis in range(case.rank)))


def _swaps(case: Case) -> Iterator[Fault]:
    return _applying(case, (ends_swapped(axis) for axis in range(case.rank)))


FAMILIES = (
    Family("shifted", "windows begin some samples late or early", "keras-team/keras#22876", _shifts),
    Family("longer", "the output is longer at the end of an axis", "", partial(_lengths, steps=(1, 2))),
    Family("shorter", "the output is shorter at the end of an axis", "", partial(_lengths, steps=(-1, -2))),
    Family("ends-swapped", "the pads of an axis are exchanged", "", _swaps),
)
