"""Kernels made ready once for one algorithm, and the algorithms that write their result where they are told.

A `Maker` turns a kernel into a `Writer`; a writer computes any number of results, of any size of image. What a maker
does (transforming, cutting, transposing weights) costs up to a third of a small layer's time; frameworks that run a
trained network do it once as well.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from math import prod
from typing import Any, cast

import numpy as np

from . import workers
from .contraction import Derivative
from .geometry import Array, Geometry, Ints, Padding, Size, as_tuple
from .shapes import Relation, relate
from .workers import Task

Writer = Callable[[Geometry, Array, Array], list[Task]]
"""(geometry, source, out) -> what writes all of `out`, any view whose channels are contiguous; nothing is empty."""
Maker = Callable[[Array, int, Size, Size], Writer]
"""(kernel (*kernel, C/G, F), groups, strides, dilation) -> what convolves with it."""


WORTH_A_THREAD = 4 * 10**7
"""Multiplications of one more thread: less than a millisecond, in which threads mostly wait for each other."""
MOST_RELATIONS = 256
DEPTHWISE = 8
"""How much longer one takes without a matrix product."""


@dataclass(frozen=True, eq=False)
class PreparedKernel:
    """A kernel for an operation to take in its place; made by `prepare`."""

    op: str
    kernel: Array  # the weights as they were
    algorithm: str
    tile: Size | None
    strides: Size
    dilation: Size
    groups: int
    accumulation_dtype: np.dtype[Any]
    writer: Writer
    relations: dict[tuple[Size, str], Relation] = field(default_factory=dict[tuple[Size, str], Relation], repr=False)

    def relate(self, input_shape: Size, padding: Padding, output_padding: Ints | None) -> Relation:
        """`shapes.relate` of this kernel, remembered: for small layers it takes as long as the sums do."""
        key = input_shape, repr((padding, output_padding))
        relation = self.relations.get(key)
        if relation is None:
            steps = self.strides, padding, self.dilation, self.groups
            relation = relate(self.op, input_shape, self.kernel.shape, *steps, output_padding)
            if len(self.relations) < MOST_RELATIONS:
                self.relations[key] = relation
        return relation

    @cached_property
    def finite(self) -> bool:
        """Whether all weights are."""
        return bool(np.isfinite(self.kernel).all())

    def require_same(self, **said: object) -> None:
        """Raises ValueError where a parameter of the operation is said, not None, and is not the prepared kernel's."""
        for name, value in said.items():
            own: object = getattr(self, name)
            if isinstance(own, tuple) and value is not None:
                value = as_tuple(cast("Ints", value), len(self.strides), name)  # noqa: PLW2901  an int stands for a tuple
            if value is not None and value != own:
                raise ValueError(f"{name}: got {value!r}, expected the {own!r} that the kernel is prepared for")


def forward(make: Maker) -> Derivative:
    """`naive.to_grid` by this algorithm, of the kernel as it comes."""

    def to_grid(geometry: Geometry, image: Array, kernel: Array, groups: int) -> Array:
        writer = make(kernel, groups, geometry.strides, geometry.dilation)
        return written(writer, geometry, image, kernel, (len(image), *geometry.grid, kernel.shape[-1]))

    return to_grid


def transposed(make: Maker) -> Derivative:
    """`naive.to_image` by this algorithm, of the kernel as it comes."""

    def to_image(geometry: Geometry, grid: Array, kernel: Array, groups: int) -> Array:
        writer = make(kernel, groups, geometry.strides, geometry.dilation)
        return written(writer, geometry, grid, kernel, (len(grid), *geometry.image, kernel.shape[-2] * groups))

    return to_image


def written(writer: Writer, geometry: Geometry, source: Array, kernel: Array, shape: Size) -> Array:
    """A new array of this shape, with what the writer writes, or zeros where nothing is to be read.

    In fewer threads than there may be where a thread would have less to do than it costs.
    """
    if 0 in (*source.shape, *shape):
        return np.zeros(shape, source.dtype)
    out = np.empty(shape, source.dtype)
    macs = len(source) * prod(geometry.grid) * kernel.size * (DEPTHWISE if kernel.shape[-2] == 1 else 1)
    with workers.using(min(workers.threads(), max(macs // WORTH_A_THREAD, 1))):
        workers.run(writer(geometry, source, out))
    return out
