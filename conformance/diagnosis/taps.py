"""Which input each output reads, and by which tap: asked of the engine with one sample at a time.

A batch of images with a single one in each, one image per sample, and a kernel that numbers its taps: what comes out is
the whole map in one answer.  On every axis the map of a convolution is

    i = o*strides + t*dilation - begin          (transposed: the output in the place of i, the input in that of o)

and the numbers that fit all of it are the case that the engine computes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ...adapters.case import Case, Shape, numpy_dtype
from ..expected import Arrays, evaluate
from ..faults import Fault
from ..faults.fault import framed, kernel_name
from ..faults.fault import meaning as numbers_of
from . import numbers
from .meanings import Meaning
from .questions import derived
from .seen import Ask, Seen
from .words import Diagnosis, say, say_change

MOST_SAMPLES = 512
MOST_TAPS = 120
"""Which every dtype that is asked about holds exactly: int8 the largest, bfloat16 all of them."""
MOST_STEP = 64

Triples = np.ndarray
"""(n, 3): output, input, tap of one axis."""


def diagnose(seen: Seen, ask: Ask) -> Diagnosis | None:
    """What the map says, where it accounts for the output that was seen; None elsewhere, and for gradients."""
    case = seen.case
    if case.wrt is not None or math.prod(case.kernel_size) > MOST_TAPS:
        return None
    question = _question(case)
    if question is None:
        return None
    asked, arrays = question
    output = ask(asked, arrays)
    if output is None or output.ndim != case.rank + 2:
        return None
    if (len(output), output.shape[-1]) != (asked.batch, asked.output_channels):
        return None
    read = _read(asked, output)
    if read is None or seen.output.ndim != output.ndim:
        return None
    found = _as_read(case, read, seen.output.shape[1:-1])
    return None if found is None else _said(seen, *found)


def _question(case: Case) -> tuple[Case, Arrays] | None:
    """The case with an image for every sample, without a bias."""
    samples = math.prod(case.spatial)
    if not 0 < samples <= MOST_SAMPLES:
        return None
    asked = derived(case, input=(samples, *case.input[1:]), use_bias=False)
    dtype, name = numpy_dtype(case.dtype), kernel_name(case)
    arrays: Arrays = {}
    for argument, shape in asked.array_shapes.items():
        arrays[argument] = np.zeros(shape, dtype)
    images = np.eye(samples, dtype=np.int64).reshape(samples, *asked.spatial)
    arrays["input"][..., 0] = images
    taps = np.arange(1, math.prod(case.kernel_size) + 1).reshape(case.kernel_size)
    arrays[name][..., 0, 0] = taps
    if "pointwise_kernel" in arrays:
        arrays["pointwise_kernel"][..., 0, 0] = 1
    return asked, arrays


def _read(asked: Case, output: np.ndarray) -> list[Triples] | None:
    """Per axis the triples, from outputs that each hold the number of one tap, or nothing."""
    first = output[..., 0].astype(np.float64)
    others = output[..., 1:].astype(np.float64)
    most = math.prod(asked.kernel_size)
    with np.errstate(invalid="ignore"):
        if np.any(others != 0) or np.any(first != np.rint(first)) or np.any((first < 0) | (first > most)):
            return None
    places = np.argwhere(first > 0)
    if not len(places):
        return None
    inputs = np.stack(np.unravel_index(places[:, 0], asked.spatial), axis=1)
    taps = np.stack(np.unravel_index(first[tuple(places.T)].astype(int) - 1, asked.kernel_size), axis=1)
    return [
        np.unique(np.stack([places[:, axis + 1], inputs[:, axis], taps[:, axis]], axis=1), axis=0)
        for axis in range(asked.rank)
    ]


def _as_read(case: Case, read: list[Triples], sizes: Shape) -> tuple[Case, tuple[int, ...]] | None:
    """The case that the map belongs to, with outputs of these sizes, and the axes that the kernel is mirrored on."""
    fits: list[tuple[int, int, int]] = []
    for triples, s, d in zip(read, case.strides, case.dilation, strict=True):
        fit = _fit(triples, s, d, transposed=case.transposed)
        if fit is None:
            return None
        fits.append(fit)
    mirrored = tuple(axis for axis, (_, step, _) in enumerate(fits) if step < 0)
    # tap t of a mirrored kernel stands where tap k-1-t does: (k-1)*step further on
    begins = tuple(b - min(step, 0) * (k - 1) for k, (_, step, b) in zip(case.kernel_size, fits, strict=True))
    strides, dilation = tuple(s for s, _, _ in fits), tuple(abs(step) for _, step, _ in fits)
    return framed(replace(case, strides=strides, dilation=dilation), begins, sizes), mirrored


def _fit(triples: Triples, s: int, d: int, *, transposed: bool) -> tuple[int, int, int] | None:
    """(stride, step, begin) of i = o*stride + t*step - begin that hold for all triples; the case's own s and d where
    there is nothing to tell them by.  A negative step is the dilation of a mirrored kernel.
    """
    o, i, t = triples.T
    if transposed:
        o, i = i, o
    for stride in _steps(o, i, t, s):
        for step in _steps(t, i, o, d):
            begins = o * stride + t * step - i
            if stride > 0 and np.all(begins == begins[0]):
                return stride, step, int(begins[0])
    return None


def _steps(of: np.ndarray, i: np.ndarray, fixed: np.ndarray, own: int) -> Iterator[int]:
    """What the step of one index may be: the case's own, and that between triples that share the other index."""
    yield own
    for value in np.unique(fixed):
        first, *others = np.flatnonzero(fixed == value)
        if others and of[others[0]] != of[first]:
            step, left = divmod(int(i[others[0]] - i[first]), int(of[others[0]] - of[first]))
            if not left and 0 < abs(step) <= MOST_STEP:
                yield step
            return


def _said(seen: Seen, changed: Case, mirrored: tuple[int, ...]) -> Diagnosis | None:
    """The diagnosis, where the case as read, with the kernel as read, accounts for the output that was seen."""
    case = seen.case
    moved = numbers_of(changed) != numbers_of(case)
    if not (moved or mirrored) or not seen.explained_by(_computing(changed, mirrored)):
        return None
    if not mirrored:
        return say_change(numbers.effect(case, changed), case, changed)
    more = f"the kernel is mirrored on spatial axis {' and '.join(map(str, mirrored))}"
    if moved:
        return say_change("mirrored-and-moved", case, changed, more)
    return say("kernel-mirrored" if len(mirrored) == case.rank else "kernel-mirrored-on-some-axes", more, case)


def _computing(changed: Case, mirrored: tuple[int, ...]) -> Meaning:
    """The meaning that computes another case, with the kernel mirrored on some axes."""

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        kernel = arrays[kernel_name(case)]
        return evaluate(changed, {**arrays, kernel_name(case): np.flip(kernel, mirrored) if mirrored else kernel})

    return Meaning("as-read", Fault("as-read", "what the map of taps says", "", lambda _: True, answer))
