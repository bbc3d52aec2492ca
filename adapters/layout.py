"""How a kernel lies in memory: the order of its axes, said once, from which the NumPy that reorders it is written.

A layout is a line of names: ``*k`` for the spatial axes, ``1`` for an axis of size one, ``C*M`` for two that are one
axis, the first of them the outer one.  The reference's own layouts are `REFERENCE`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from .case import Case, Shape

REFERENCE = {
    "conv": "*k Cin/groups Cout",
    "conv_transpose": "*k Cout/groups Cin",
    "depthwise_kernel": "*k C M",
    "pointwise_kernel": "*k C*M Cout",
}
"""By `kind`; see `Case.kernel_shapes`."""

JOINED = {"1": (), "C*M": ("C", "M")}
"""Axes that are products of others, or of none.  Where groups of channels are parted, all channels are one as well."""
TRANSPOSED = {"Cin": ("groups", "Cin/groups"), "Cout": ("groups", "Cout/groups")}

Axis = tuple[str, ...]
"""The names of its factors, the outermost first."""


@dataclass(frozen=True)
class Layout:
    """A kernel's axes, in line with the names that `REFERENCE` uses of the same kind of kernel.

    ``names``: the line; ``sizes``: of every factor by name; ``spatial``: the spatial sizes; ``mirrored``: whether it
    runs backwards on its spatial axes, seen from the reference's.
    """

    kind: str
    names: str
    spatial: Shape
    sizes: Mapping[str, int]
    mirrored: bool = False

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Its axes by their factors, spatial ones by number."""
        joined = JOINED | (TRANSPOSED if self.kind == "conv_transpose" else {})
        axes: list[Axis] = []
        for name in self.names.split():
            axes += [(str(i),) for i in range(len(self.spatial))] if name == "*k" else [joined.get(name, (name,))]
        return tuple(axes)

    @property
    def shape(self) -> Shape:
        """The kernel's shape."""
        return tuple(math.prod(self._size(factor) for factor in axis) for axis in self.axes)

    @property
    def reference(self) -> Layout:
        """The reference's layout of the same kernel."""
        return Layout(self.kind, REFERENCE[self.kind], self.spatial, self.sizes)

    @property
    def there(self) -> str:
        """What follows an array in the reference's layout, in NumPy, to bring it into this one; nothing if it is it."""
        return self.reference.to(self)

    @property
    def back(self) -> str:
        """The inverse of `there`."""
        return self.to(self.reference)

    def to(self, other: Layout) -> str:
        """NumPy source that follows an array in this layout and brings it into another one of the same kernel."""
        return self._turned(other) + self._moved(other)

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Layout:
        """The inverse of `to_json` after a trip through JSON."""
        return cls(said["kind"], said["names"], tuple(said["spatial"]), said["sizes"], said["mirrored"])

    def _turned(self, other: Layout) -> str:
        """A slice that runs backwards over the spatial axes, where one of the two does so."""
        if self.mirrored == other.mirrored:
            return ""
        cuts = ["::-1" if any(map(str.isdigit, axis)) else ":" for axis in self.axes]
        while cuts[-1] == ":":
            cuts.pop()
        return f"[{', '.join(cuts)}]"

    def _moved(self, other: Layout) -> str:
        """Apart into factors, the factors into the other order, and together again; no step that changes nothing."""
        source, target = _coarse(self._without_ones(other), other._without_ones(self))
        there, due = [part for axis in source for part in axis], [part for axis in target for part in axis]
        order = tuple(there.index(part) for part in due)
        parts = [math.prod(map(self._size, part)) for part in there]
        apart = any(len(axis) != 1 for axis in source)
        together = any(len(axis) != 1 for axis in target)
        moves = order != tuple(range(len(order)))
        text = f".reshape({tuple(parts)})" if apart and (moves or not together) else ""
        text += f".transpose({order})" if moves else ""
        return text + (f".reshape({other.shape})" if together else "")

    def _without_ones(self, other: Layout) -> list[Axis]:
        """The axes without the factors of size one that neither layout has as an axis of its own; of an axis that has
        no others, the last one stays.
        """
        alone = {axis[0] for axis in (*self.axes, *other.axes) if len(axis) == 1}
        return [tuple(one for one in axis if one in alone or self._size(one) != 1) or axis[-1:] for axis in self.axes]

    def _size(self, factor: str) -> int:
        return self.spatial[int(factor)] if factor.isdigit() else self.sizes[factor]


def _coarse(source: Sequence[Axis], target: Sequence[Axis]) -> tuple[list[list[Axis]], list[list[Axis]]]:
    """Both with the factors taken as one that stand side by side, in one axis, in either."""
    partner = _followers(source)
    fused = {first: second for first, second in _followers(target).items() if partner.get(first) == second}
    return [_fuse(axis, fused) for axis in source], [_fuse(axis, fused) for axis in target]


def _followers(axes: Sequence[Axis]) -> dict[str, str]:
    return {first: second for axis in axes for first, second in pairwise(axis)}


def _fuse(axis: Axis, fused: Mapping[str, str]) -> list[Axis]:
    parts: list[Axis] = []
    for factor in axis:
        if parts and fused.get(parts[-1][-1]) == factor:
            parts[-1] = (*parts[-1], factor)
        else:
            parts.append((factor,))
    return parts


def layout(case: Case, argument: str, names: str | None = None, *, mirrored: bool = False) -> Layout:
    """The layout of a kernel of the case, ``names`` being its axes; without them the reference's own."""
    shape = case.kernel_shapes[argument]
    kind = case.op if argument == "kernel" else argument
    *spatial, inner, outer = shape
    sizes = {"C": inner, "M": outer}
    if kind == "pointwise_kernel":
        sizes = {"C": case.channels, "M": case.depth_multiplier, "Cout": outer}
    elif kind == "conv":
        sizes = {"Cin/groups": inner, "Cout": outer}
    elif kind == "conv_transpose":
        # in a case that must be refused the groups need not divide the channels, and nothing is parted
        groups = case.groups if case.groups > 0 and outer % case.groups == 0 else 1
        sizes = {"groups": groups, "Cout/groups": inner, "Cin/groups": outer // groups}
    return Layout(kind, names or REFERENCE[kind], tuple(spatial), sizes, mirrored)


def layouts(case: Case) -> dict[str, Layout]:
    """The reference's layouts of the case's kernels."""
    return {argument: layout(case, argument) for argument in case.kernel_shapes}
