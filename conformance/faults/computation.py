"""The reference's operations with another inner loop: how products are summed is a parameter.

An operation is the derivative of `naive`'s form F in the grid, the image or the kernel. `compute` says a case in these
three and lets the caller bring them; `summed` makes them out of a rule for adding up one product after another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from math import prod
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ... import reference
from ...adapters.case import Case, Shape
from ...reference import gemm, naive
from ...reference.contraction import Derivative, contract
from ...reference.geometry import Geometry
from ...reference.shapes import relate
from ..expected import Arrays

Array = npt.NDArray[Any]
Fold = Callable[[Iterator[Array]], Array]
"""Adds up the products of a result: each item holds one product of every element, or zero."""


class Derivatives(NamedTuple):
    """The three derivatives of F, by the argument that is asked for."""

    grid: Derivative
    image: Derivative
    kernel: Derivative
    sparing: bool = False
    """Whether they multiply no padded position, and so are right where a factor is infinite."""


IM2COL = Derivatives(gemm.to_grid, gemm.to_image, gemm.to_kernel)
DILATE_PAD = Derivatives(gemm.to_grid, gemm.to_image_dilated, gemm.to_kernel)
NAIVE = Derivatives(naive.to_grid, naive.to_image, naive.to_kernel, sparing=True)


def same(array: Array) -> Array:
    """The array between two stages, as it is."""
    return array


def compute(
    case: Case,
    arrays: Arrays,
    derivatives: Derivatives,
    *,
    accumulation_dtype: npt.DTypeLike | None = None,
    between: Callable[[Array], Array] = same,
) -> Array:
    """The case's result, channels last, in its dtype.

    ``between`` is applied to what the first half of a separable convolution hands to the second, or its gradient to
    that of the first. Raises ValueError where the case means nothing.
    """
    if case.wrt == "bias":
        return reference.bias_gradient(arrays["output_gradient"], accumulation_dtype=accumulation_dtype)
    half = _Half(case, derivatives, accumulation_dtype)
    x, g, bias = arrays["input"], arrays.get("output_gradient"), arrays.get("bias") if case.wrt is None else None
    if case.op != "separable_conv":
        (w,) = (arrays[name] for name in case.kernel_shapes)
        return half(case.op, case.wrt or "output", x, w, g, bias)
    depthwise, pointwise = arrays["depthwise_kernel"], arrays["pointwise_kernel"]
    if case.wrt in (None, "pointwise_kernel"):
        middle = between(half("depthwise_conv", "output", x, depthwise))
        return half("conv", case.wrt or "output", middle, pointwise, g, bias, window=False)
    middle = np.empty((*case.output_shape[:-1], case.channels * case.depth_multiplier), x.dtype)
    middle = between(half("conv", "input", middle, pointwise, g, window=False))
    return half("depthwise_conv", case.wrt, x, depthwise, middle)


class _Half:
    """One linear operation of a case."""

    def __init__(self, case: Case, derivatives: Derivatives, accumulation_dtype: npt.DTypeLike | None) -> None:
        self._case, self._derivatives, self._accumulation_dtype = case, derivatives, accumulation_dtype

    def __call__(
        self,
        op: str,
        asked: str,
        x: Array,
        w: Array,
        y: Array | None = None,
        bias: Array | None = None,
        *,
        window: bool = True,
    ) -> Array:
        """``asked``: output, input or some kernel; ``window`` False: strides, padding and dilation are nothing."""
        case, grouped = self._case, op in ("conv", "conv_transpose") and window
        relation = relate(
            op,
            x.shape,
            w.shape,
            case.strides if window else 1,
            case.padding if window else "valid",
            case.dilation if window else 1,
            case.groups if grouped else 1,
            case.output_padding if case.transposed else None,
        )
        geometry, kernel_shape, groups, _ = relation
        # a convolution reads the image and writes the grid, a transposed one the other way round
        read, written = ("grid", "image") if op == "conv_transpose" else ("image", "grid")
        role = {"output": written, "input": read}.get(asked, "kernel")
        factors = {read: x, written: x if y is None else y, "kernel": w.reshape(kernel_shape)}
        left, right = (factors[name] for name in ("image", "grid", "kernel") if name != role)
        where_infinite = self._derivatives if self._derivatives.sparing else NAIVE
        algorithms = {"chosen": getattr(self._derivatives, role), "naive": getattr(where_infinite, role)}
        result = contract(algorithms, "chosen", geometry, left, right, groups, self._accumulation_dtype, bias)
        return result.reshape(w.shape) if role == "kernel" else result


def summed(fold: Fold, *, products: npt.DTypeLike | None = None, backwards: bool = False) -> Derivatives:
    """The three derivatives with `fold` as the inner loop, over products computed in the dtype ``products`` (by default
    the accumulation dtype); ``backwards`` from the last tap and channel to the first.

    A padded position is no product: where a window reaches outside, the item holds zero.
    """

    def to_grid(geometry: Geometry, image: Array, kernel: Array, groups: int) -> Array:
        """One item per tap and channel of the input: (N, positions, G, F/G)."""
        x, w = _flat(image, groups, products), _grouped(kernel, groups, products)
        shape = (len(x), prod(geometry.grid), *w.shape[-2:])

        def items() -> Iterator[Array]:
            for (t, o, i), c in _ordered(geometry, w.shape[-3], backwards=backwards):
                item = np.zeros(shape, x.dtype)
                item[:, o] = x[:, i][..., c, None] * w[t][c]
                yield item

        return _folded(items(), fold, shape, image.dtype).reshape(len(x), *geometry.grid, kernel.shape[-1])

    def to_image(geometry: Geometry, grid: Array, kernel: Array, groups: int) -> Array:
        """One item per tap and channel of the grid: (N, positions, G, C/G)."""
        y, w = _flat(grid, groups, products), _grouped(kernel, groups, products)
        shape = (len(y), prod(geometry.image), groups, kernel.shape[-2])

        def items() -> Iterator[Array]:
            for (t, o, i), f in _ordered(geometry, w.shape[-1], backwards=backwards):
                item = np.zeros(shape, y.dtype)
                item[:, i] = y[:, o][..., f, None] * w[t][..., f].T
                yield item

        return _folded(items(), fold, shape, grid.dtype).reshape(len(y), *geometry.image, groups * kernel.shape[-2])

    def to_kernel(geometry: Geometry, image: Array, grid: Array, groups: int) -> Array:
        """One item per image and position of the grid: (taps, C/G, G, F/G)."""
        y = _flat(grid, groups, products)
        real = gemm.unfold(geometry, np.ones((1, *geometry.image, 1), bool))[0]
        columns = gemm.unfold(geometry, image)
        channels, taps = image.shape[-1] // groups, prod(geometry.kernel_size)
        shape = (taps, channels, *y.shape[-2:])
        places = list(product(range(len(y)), np.ndindex(geometry.grid)))

        def items() -> Iterator[Array]:
            for n, o in reversed(places) if backwards else places:
                column = columns[n, *o].reshape(taps, groups, channels).astype(y.dtype).swapaxes(1, 2)
                item = column[..., None] * y[n, np.ravel_multi_index(o, geometry.grid)]
                yield np.where(real[o].reshape(taps, 1, 1, 1), item, item.dtype.type(0))

        return _folded(items(), fold, shape, image.dtype).reshape(*geometry.kernel_size, channels, groups * y.shape[-1])

    return Derivatives(to_grid, to_image, to_kernel, sparing=True)


def _folded(items: Iterator[Array], fold: Fold, shape: Shape, dtype: np.dtype[Any]) -> Array:
    first = next(items, None)
    if first is None:
        return np.zeros(shape, dtype)

    def again() -> Iterator[Array]:
        yield first
        yield from items

    return fold(again()).astype(dtype, copy=False)


def _ordered(geometry: Geometry, channels: int, *, backwards: bool) -> Iterator[tuple[tuple[Any, Any, Any], int]]:
    """Taps and channels, the channel running fastest."""
    taps, order = list(naive.taps(geometry)), list(range(channels))
    if backwards:
        taps, order = taps[::-1], order[::-1]
    return product(taps, order)  # pyright: ignore[reportReturnType]


def _flat(array: Array, groups: int, dtype: npt.DTypeLike | None) -> Array:
    """(N, *spatial, C) -> (N, positions, G, C/G), in the dtype of the products."""
    return _grouped(array.reshape(len(array), prod(array.shape[1:-1]), array.shape[-1]), groups, dtype)


def _grouped(array: Array, groups: int, dtype: npt.DTypeLike | None) -> Array:
    """(..., C) -> (..., G, C/G)."""
    array = array if dtype is None else array.astype(dtype)
    return array.reshape(*array.shape[:-1], groups, array.shape[-1] // groups)


def one_by_one(items: Iterator[Array]) -> Array:
    """Each product rounded, then added: the plain loop."""
    total = next(items).copy()
    for item in items:
        total += item
    return total


def in_pairs(items: Iterator[Array]) -> Array:
    """Neighbours first, then the sums of neighbours."""
    levels: list[Array | None] = []
    for item in items:
        level = 0
        while level < len(levels) and (waiting := levels[level]) is not None:
            item, levels[level], level = waiting + item, None, level + 1  # noqa: PLW2901  a carry goes up
        if level == len(levels):
            levels.append(None)
        levels[level] = item
    return one_by_one(iter([item for item in levels if item is not None]))


def in_lanes(items: Iterator[Array]) -> Array:
    """Eight partial sums side by side, as a vector unit holds them, added up at the end."""
    lanes: list[Array] = []
    for number, item in enumerate(items):
        if number < 8:
            lanes.append(item.copy())
        else:
            lanes[number % 8] += item
    return in_pairs(iter(lanes))


def compensated(items: Iterator[Array]) -> Array:
    """Kahan's sum: what an addition lost is added to the next item."""
    total = next(items).copy()
    lost = np.zeros_like(total)
    for item in items:
        item = item - lost  # noqa: PLW2901  the item as it is added
        larger = total + item
        lost = np.where(np.isfinite(larger), (larger - total) - item, lost.dtype.type(0))
        total = larger
    return total


def fused(accumulator: npt.DTypeLike) -> Fold:
    """Products that are exact (in a wider dtype), rounded to the accumulator's once they are added: an FMA's loop."""

    def fold(items: Iterator[Array]) -> Array:
        total = next(items).astype(accumulator)
        for item in items:
            total = (total + item).astype(accumulator)
        return total

    return fold
