"""Profiles: how the results of a fast algorithm are judged, by name.

The bound of `reference.bounds` holds for every order of summation, and for sums only.  Winograd's algorithm and the FFT
compute other numbers on the way, larger than any product and cancelled later, and each of them from a neighbourhood.
An engine that computes so is right within a wider bound, which it has to ask for by the name of its profile: `profile:`
in an engines file, a class attribute ``profile`` of an adapter, ``check(..., profile=...)``.  Then

    |out - ref| <= bound + c * u * reach

    bound    as for every engine
    reach    the largest bnd of the same image and output channel, had the result room for every sample to meet every
             tap: an output takes part in the errors of its neighbours, those included that are strided over or cropped
    u        2^-24 (2^-53 for float64): for 16-bit floats, too, sums in float32 are taken for granted
    c        the profile's constant, by the number of spatial axes with more than one tap

Integers in floats then are no longer exact but within that bound, and the variance test says nothing.  A NaN, an
infinity or an overflow may spread: in the image and output channel that it is in, any element may be NaN or infinite,
but one that has to be may not be finite.  Where reach itself overflows, nothing is asked of finite elements.

A profile speaks of forward results and input gradients of all operations, in floats.  Everything else is judged as
always, and so is a case in which no fast algorithm has anything to save: integers, gradients of kernels and biases,
and, under Winograd, kernels of one tap.

The constants are 4 to 9 times the largest |out - ref| / (u * reach) that was observed in float32: thousands of
convolutions with two or three taps per axis, 1 to 16 channels, strides and dilation 1 and 2, and all kinds of data,
by `reference.winograd` and by the FFT of whole images.

                    one axis    two    three
    winograd-2             7      6        8
    winograd-4             9     47       76        points 0, ±7/10, ±3/2; with 0, ±1, ±2 up to twice as much
    winograd-6            22    168      657        points 0, ±1, ±2, ±1/2
    fft                    7     10       13

Errors grow with the taps of a tile, as they do with its outputs: an engine has to cut larger kernels into parts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..adapters.case import Case
from ..reference.bounds import PRECISIONS, unit
from .errors import UsageError
from .expected import Expected

LARGEST_STRIDE = 1024
"""Beyond it no fast algorithm is of use, and the case at stride 1, from which the bound comes, is too large to make."""


@dataclass(frozen=True)
class Profile:
    """A wider bound for a fast algorithm; ``constants``: c by the number of axes with more than one tap, 0 first."""

    name: str
    constants: tuple[float, ...]

    def constant(self, case: Case) -> float:
        """The case's c; zero where the profile does not speak of it."""
        if case.dtype not in PRECISIONS or case.wrt not in (None, "input") or max(case.strides) > LARGEST_STRIDE:
            return 0.0
        axes = sum(size > 1 for size in case.kernel_size)
        return self.constants[min(axes, len(self.constants) - 1)]

    def loosen(self, case: Case, expected: Expected) -> Expected:
        """What is expected of an engine of this profile; ``expected`` itself where the profile does not speak."""
        constant = self.constant(case)
        if not constant or not expected.values.size or not min(case.output_shape):
            return expected
        spread, spatial = expected.spread(), tuple(range(1, expected.bnd.ndim - 1))
        summed = PRECISIONS["float64" if case.dtype == "float64" else "float32"]
        with np.errstate(all="ignore"):
            reach = np.max(spread, spatial, keepdims=True, where=np.isfinite(spread), initial=0.0)
            added = np.where(reach == 0, 0.0, constant * unit(reach, summed))
            bound = expected.bound + added
            certain = np.isinf(expected.values) | (expected.bnd - bound > expected.largest)
            poisoned = ~(spread + added <= expected.largest)  # too large, infinite or NaN
        return replace(
            expected,
            exact=False,
            variance=False,
            bnd=np.broadcast_to(reach, bound.shape),
            bound=bound,
            infinite=expected.infinite & certain,
            poisoned=np.broadcast_to(poisoned.any(spatial, keepdims=True), bound.shape),
        )


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("winograd-2", (0, 32, 32, 32)),
        Profile("winograd-4", (0, 64, 256, 512)),
        Profile("winograd-6", (0, 128, 1024, 4096)),
        Profile("fft", (64,)),
    )
}


def find_profile(name: str) -> Profile:
    """The profile of that name.  Raises `UsageError`."""
    if name not in PROFILES:
        raise UsageError("unknown profile", got=name, expected=f"one of {', '.join(PROFILES)}")
    return PROFILES[name]


def allowed(case: Case, expected: Expected, profile: Profile | None) -> Expected:
    """What is expected of an engine of this profile, or of one without."""
    return expected if profile is None else profile.loosen(case, expected)
