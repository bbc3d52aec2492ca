"""All faults, by subject and by code."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cache

from ..errors import UsageError
from . import (
    behaviour,
    bias,
    channels,
    gradients,
    images,
    kernel,
    padding,
    precision,
    sizes,
    special,
    steps,
    transposed,
)
from .fault import Fault

SUBJECTS: dict[str, tuple[Fault, ...]] = {
    "padding": padding.FAULTS,
    "strides and dilation": steps.FAULTS,
    "transposed": transposed.FAULTS,
    "kernel layout": kernel.FAULTS,
    "channels": channels.FAULTS,
    "bias": bias.FAULTS,
    "images and memory": images.FAULTS,
    "gradients": gradients.FAULTS,
    "precision": precision.FAULTS,
    "special values": special.FAULTS,
    "sizes and refusals": sizes.FAULTS,
    "behaviour": behaviour.FAULTS,
}


@cache
def catalogue() -> dict[str, Fault]:
    """Every fault by its code."""
    return {fault.code: fault for faults in SUBJECTS.values() for fault in faults}


def choose(codes: Sequence[str] = ()) -> list[Fault]:
    """The faults of these codes, each once; all of them without any.  Raises `UsageError` for a code that is none."""
    known = catalogue()
    for code in codes:
        if code not in known:
            near = difflib.get_close_matches(code, known, n=3, cutoff=0.5)
            raise UsageError("no such fault", got=code, expected=", ".join(near) or "a code: convsuite selftest --list")
    return [known[code] for code in dict.fromkeys(codes or known)]
