"""What a fault is: one mistake that a real framework, converter or port has made, as a way to answer a case.

A fault is a mutated reference. It changes what the case says (`changes_case`), what the arrays hold (`changes_arrays`)
or what comes out (`changes_result`), and computes the rest as the reference does, in the case's dtype. So its answer
can be compared, bit for bit, with an engine's: where they are equal, the fault explains the engine.

Arrays and answers are channels last. Where the case has a layout or is channels first, the arrays are views of what an
engine would be handed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from ...adapters.case import Case, Pads, Shape
from ...reference import geometry
from ..expected import Arrays, evaluate
from ..porting import begins

Condition = Callable[[Case], bool]
Change = Callable[[Case], Case | None]
"""The case as the fault understands it; None where it has nothing to misunderstand."""


class Refuses(Exception):
    """The faulty engine raises an error here, and means to."""


@dataclass(frozen=True)
class Fault:
    """One mistake. ``code`` is its name in kebab case, ``sentence`` says it in plain words, ``source`` where it was
    seen: ``owner/project#number``, an address, or nothing for an obvious sibling of one that was.
    """

    code: str
    sentence: str
    source: str
    applies: Condition
    """Whether the fault makes a difference to the case, judged by the case alone; the data may hide it all the same."""
    answer: Callable[[Case, Arrays], np.ndarray]
    """The wrong result, channels last; `Refuses` where there is none. The arrays may not be written to."""
    process: bool = False
    """Whether it shows only in a process of its own: it dies, hangs, varies, or keeps memory that is not its own."""
    change: Change | None = None
    """The case as it is misunderstood, where that is the whole fault: its numbers say what is read instead."""


@lru_cache(maxsize=64)
def valid(case: Case) -> bool:
    """Whether the case has one right result, with something in it to be wrong."""
    return not case.must_refuse and 0 not in case.input and 0 not in case.result_shape and 0 not in case.output_shape


def always(_: Case) -> bool:
    """The condition of a fault that concerns every case."""
    return True


def changes_case(code: str, sentence: str, change: Change, *, when: Condition = always, source: str = "") -> Fault:
    """A fault that understands the case as another one.

    It applies where the two mean something else by their numbers, and, for a gradient, where the output has the shape
    that the output gradient has; of a result without elements the shape may tell. A change that makes the case
    impossible raises ValueError, and does not apply.
    """

    def applies(case: Case) -> bool:
        if case.must_refuse or case.wrt == "bias" or not when(case):
            return False
        try:
            changed = change(case)
            if changed is None or meaning(changed) == meaning(case):
                return False
            same_shape = changed.output_shape == case.output_shape
        except ValueError:
            return False
        return valid(case) if same_shape else case.wrt is None

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        changed = change(case)
        return evaluate(case if changed is None else changed, arrays)

    return Fault(code, sentence, source, applies, answer, change=change)


def _where(when: Condition) -> Condition:
    """The condition on cases that have one right result; it is not asked of those that must be refused."""
    return lambda case: not case.must_refuse and when(case) and valid(case)


def changes_arrays(
    code: str, sentence: str, change: Callable[[Case, Arrays], Arrays], *, when: Condition, source: str = ""
) -> Fault:
    """A fault that takes other arrays than it is given: ``change`` returns those that are replaced, by name."""
    return Fault(
        code,
        sentence,
        source,
        _where(when),
        lambda case, arrays: evaluate(case, {**arrays, **change(case, arrays)}),
    )


def changes_result(
    code: str, sentence: str, change: Callable[[Case, np.ndarray], np.ndarray], *, when: Condition, source: str = ""
) -> Fault:
    """A fault that spoils the right result. ``change`` gets a copy that it may write to."""
    return Fault(
        code,
        sentence,
        source,
        _where(when),
        lambda case, arrays: change(case, np.array(evaluate(case, arrays))),
    )


@lru_cache(maxsize=64)
def meaning(case: Case) -> tuple[Any, ...]:
    """The numbers of i = o*strides + t*dilation - begin on every axis, and the groups: what the words come to.

    A stride between fewer than two windows and a dilation between fewer than two taps say nothing. Raises ValueError
    for a case that means nothing.
    """
    windows = case.spatial if case.transposed else case.raw_sizes
    axes = zip(case.kernel_size, windows, case.strides, case.dilation, case.pads, case.raw_sizes, strict=True)
    numbers = [(size, lo, s if o > 1 else 1, d if k > 1 else 1) for k, o, s, d, (lo, _), size in axes]
    return tuple(numbers), case.groups, case.kernel_size


def framed(case: Case, begins: Shape, sizes: Shape) -> Case:
    """The case with its padding written out, so that there are `sizes` outputs, the first of which begins `begins`
    samples before the input (in `full` for a transposed convolution).
    """
    if case.transposed:
        pads = tuple((b, full - b - size) for b, full, size in zip(begins, case.full, sizes, strict=True))
    else:
        reach = geometry.full_sizes(sizes, case.kernel_size, case.strides, case.dilation)
        pads = tuple((b, whole - n - b) for b, whole, n in zip(begins, reach, case.spatial, strict=True))
    return replace(case, padding=pads, output_padding=None)


def shape_kept(case: Case, changed: Case) -> Case:
    """``changed``, with as many outputs as the case has: what a wrong loop does in an output of the right size."""
    return framed(changed, begins(changed), case.raw_sizes)


def repadded(case: Case, pads: Pads) -> Case:
    """The case with its padding written out as (lo, hi) per axis."""
    return replace(case, padding=pads, output_padding=None)


def on_axis(axis: int, changed: Shape | Pads, right: Shape | Pads) -> Any:
    """``right`` with the entry of ``changed`` on one axis alone; the last axis is -1."""
    mixed = list(right)
    mixed[axis] = changed[axis]
    return tuple(mixed)


def kernel_name(case: Case) -> str:
    """The argument that holds the spatial kernel."""
    return "kernel" if "kernel" in case.kernel_shapes else "depthwise_kernel"


def forward(case: Case) -> bool:
    """Whether the result is the operation's, not a gradient."""
    return case.wrt is None
