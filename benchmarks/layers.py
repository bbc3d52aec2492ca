"""The layers that are timed: cases that mean a forward or backward computation of floats, with what they cost."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..adapters.case import Case
from ..conformance import corpus
from ..conformance.entry import NETWORKS, Entry, shipped
from ..conformance.errors import UsageError
from ..reference.bounds import PRECISIONS
from ..reference.geometry import axis_triples

DEFAULT_NETWORK = "yardstick"
PARAMETERS = (
    "op", "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "dtype", "data", "wrt", "tags",
)  # fmt: skip
"""Fields of the case that a row bears."""


@dataclass(frozen=True)
class Layer:
    """One layer of a network."""

    case: Case
    occurs: int = 1
    """How often it occurs in its network."""

    @property
    def name(self) -> str:
        """The case's id, without the folder of networks: ``vgg16::conv1_2``."""
        return self.case.id.removeprefix(f"{NETWORKS}/")

    @property
    def network(self) -> str:
        """What the layer's file is called."""
        return self.name.partition("::")[0]

    @cached_property
    def macs(self) -> int:
        """Multiplications; those on padding, and those whose sum is cropped, are no work."""
        case = self.case
        meetings = math.prod(_meetings(case, axis) for axis in range(case.rank))
        if case.op == "conv":
            return case.batch * meetings * (case.channels // case.groups) * case.output_channels
        if case.transposed:
            return case.batch * meetings * case.channels * (case.output_channels // case.groups)
        multiplied = case.channels * case.depth_multiplier
        pointwise = math.prod(case.output_shape) * multiplied if case.op == "separable_conv" else 0
        return case.batch * meetings * multiplied + pointwise

    @cached_property
    def digest(self) -> str:
        """8 hexadecimal digits of what is computed, whatever it is called."""
        said = {name: value for name, value in self.case.to_json().items() if name not in ("id", "tags")}
        content = json.dumps([said, self.case.literal], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()[:8]

    @property
    def parameters(self) -> dict[str, Any]:
        """What a row says of the computation."""
        return {name: getattr(self.case, name) for name in PARAMETERS}


def _meetings(case: Case, axis: int) -> int:
    """How many pairs of a tap and a sample, neither of them padding, there are along an axis."""
    n, k, s, d = (of[axis] for of in (case.spatial, case.kernel_size, case.strides, case.dilation))
    begin, size = case.window[axis]
    if case.transposed:  # the pairs are those of the convolution whose gradient this is
        return len(axis_triples(size, k, s, d, begin, n)[0])
    return len(axis_triples(n, k, s, d, -begin, case.raw_sizes[axis])[0])


def load_layers(cases: Sequence[str] = (), networks: Sequence[str] = ()) -> list[Layer]:
    """The layers of networks, by name, and those of files, folders, ids or patterns; the yardstick's without either.

    Raises `UsageError` for a name that is unknown, and for a case that cannot be timed.
    """
    wanted = [_network(name) for name in networks or ([] if cases else [DEFAULT_NETWORK])]
    return [_layer(entry) for entry in corpus.load([*cases, *wanted], layers=True)]


def _network(name: str) -> str:
    file = shipped() / NETWORKS / f"{name}.yaml"
    if not file.is_file():
        known = sorted(path.stem for path in (shipped() / NETWORKS).glob("*.yaml"))
        raise UsageError("no such network", got=name, expected=f"one of {', '.join(known)}")
    return f"{NETWORKS}/{name}"


def layers_of(names: Sequence[str]) -> list[Layer]:
    """The layers of the shipped corpus whose names stand in an earlier benchmark.  Raises `UsageError` for others."""
    ids: list[str] = []
    for name in names:
        file = f"{name.partition('::')[0]}.yaml"
        if (shipped() / NETWORKS / file).is_file():
            ids.append(f"{NETWORKS}/{name}")
        elif (shipped() / file).is_file():
            ids.append(name)
        else:
            raise UsageError("no layer of the shipped corpus", got=name, expected="its case file as an argument")
    return load_layers(ids)


def _layer(entry: Entry) -> Layer:
    case, what = entry.case, None
    if entry.check is not None or entry.law is not None or case.must_refuse:
        what = "no computation of its own"
    elif case.dtype not in PRECISIONS:
        what = f"a computation in {case.dtype}"
    elif not math.prod(case.result_shape):
        what = "an empty result"
    if what is not None:
        expected = "cases that compute floats"
        raise UsageError(f"{entry.id} cannot be timed", got=what, expected=expected, file=entry.file, line=entry.line)
    return Layer(case, entry.occurs)
