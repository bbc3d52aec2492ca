"""Transposed convolution by phases: as many convolutions at stride 1 as the strides let outputs be of different kinds.

An output at i + begin = s*j + r, with 0 <= r < s, meets the taps t with t*d = r (mod s). With h = gcd(s, d) these are
none, or every (s/h)-th from a first one t0 on, t = t0 + (s/h) a, and what they meet is

    y[s*j + r - begin] = sum over a of x[j + (r - t0*d)/s - a*(d/h)] w[t0 + (s/h) a]

a convolution of stride 1 and dilation d/h with those taps in mirrored order. Nothing is stuffed with zeros, no product
is made that is not wanted, and no two outputs are added up: each phase writes every s-th output, through a view.

Where the last axis has s taps and nothing is cropped, its phases are side by side in memory, and together one product

    y[.., s*j + r, c] = sum over f of x[.., j, f] w[.., r, c, f]        (r, c) being one axis of s*C channels
"""

from functools import partial
from math import ceil, gcd
from typing import NamedTuple

import numpy as np

from . import workers
from .gemm import mirrored
from .geometry import Array, Geometry, Size
from .prepared import Maker, Writer
from .workers import Task


class Phase(NamedTuple):
    """What writes the outputs of one kind: r, the first tap t0 and the number of taps per axis."""

    residue: Size
    first: Size
    taps: Size
    writer: Writer | None  # None: no tap, the outputs are zeros


class Phases(NamedTuple):
    """All kinds; and, if so they may be, those that are side by side as one (``joined``)."""

    phases: tuple[Phase, ...]
    joined: "Phases | None"

    def __call__(self, geometry: Geometry, grid: Array, out: Array) -> list[Task]:
        """(N, *grid, F) -> out (N, *image, C)."""
        size, stride = geometry.grid[-1], geometry.strides[-1]
        if self.joined is not None and geometry.begin[-1] == 0 and geometry.image[-1] == size * stride:
            together = out.reshape(*out.shape[:-2], size, stride * out.shape[-1])
            return self.joined(_one_tap(geometry), grid, together)
        tasks: list[Task] = []
        # enough of them for the threads, none need be cut for their sake
        with workers.using(1 if len(self.phases) >= workers.threads() else workers.threads()):
            for phase in self.phases:
                # j from `start` on: i = s*j + r - begin
                axes = list(zip(phase.residue, geometry.strides, geometry.begin, strict=True))
                starts = tuple(-((r - b) // s) for r, s, b in axes)
                target = out[:, *(slice(s * j + r - b, None, s) for j, (r, s, b) in zip(starts, axes, strict=True))]
                if phase.writer is None:
                    target[...] = 0
                elif target.size:
                    tasks += phase.writer(_stride_1(geometry, phase, starts, target.shape[1:-1]), grid, target)
        return tasks


def phases(make: Maker) -> Maker:
    """A maker for transposed convolutions, of one for the convolutions that their phases are."""
    return partial(_phases, make)


def _phases(make: Maker, kernel: Array, groups: int, strides: Size, dilation: Size) -> Phases:
    """Of a kernel (*kernel, C/G, F): the maker's writers of each phase, which read F and write C."""
    sizes, w = kernel.shape[:-2], mirrored(kernel, groups)
    steps = tuple(s // gcd(s, d) for s, d in zip(strides, dilation, strict=True))
    spread = tuple(d // gcd(s, d) for s, d in zip(strides, dilation, strict=True))
    found: list[Phase] = []
    for residue in np.ndindex(strides):
        axes = zip(residue, sizes, strides, dilation, strict=True)
        first = tuple(next((t for t in range(k) if (t * d - r) % s == 0), k) for r, k, s, d in axes)
        taps = tuple(ceil((k - t) / step) for t, k, step in zip(first, sizes, steps, strict=True))
        writer = None
        if 0 not in taps:
            # tap t is the (k-1-t)-th of the mirrored kernel
            last = (k - 1 - t for k, t in zip(sizes, first, strict=True))
            chosen = (slice(end % step, end + 1, step) for end, step in zip(last, steps, strict=True))
            writer = make(w[tuple(chosen)], groups, (1,) * len(sizes), spread)
        found.append(Phase(residue, first, taps, writer))
    joined = None
    if 1 < sizes[-1] == strides[-1] and dilation[-1] == groups == 1:
        together = kernel.reshape(*sizes[:-1], 1, -1, kernel.shape[-1])
        joined = _phases(make, together, 1, (*strides[:-1], 1), dilation)
    return Phases(tuple(found), joined)


def _one_tap(geometry: Geometry) -> Geometry:
    """The same with one tap along the last axis, at stride 1."""
    return geometry._replace(
        image=(*geometry.image[:-1], geometry.grid[-1]),
        kernel_size=(*geometry.kernel_size[:-1], 1),
        strides=(*geometry.strides[:-1], 1),
    )


def _stride_1(geometry: Geometry, phase: Phase, starts: Size, sizes: Size) -> Geometry:
    """The relation of a phase: o = (j - start) + a'*(d/h) - begin, with a' counted from the mirrored kernel's begin."""
    spread = tuple(d // gcd(s, d) for s, d in zip(geometry.strides, geometry.dilation, strict=True))
    axes = zip(phase.residue, phase.first, phase.taps, starts, geometry.strides, geometry.dilation, spread, strict=True)
    # o = j + (r - t0*d)/s - (taps - 1 - a') * (d/h)
    begin = tuple((taps - 1) * e - (r - t0 * d) // s - j for r, t0, taps, j, s, d, e in axes)
    ones = (1,) * len(sizes)
    return Geometry(geometry.grid, sizes, phase.taps, ones, spread, begin)
