"""Winograd's convolution: tiles of m outputs per axis by the transforms of `cook_toom`, nested over the axes.

In two dimensions a tile of the input d, (m+r-1, m+r-1), and a kernel g, (r, r), give the tile of outputs

    y = AT [(G g G^T) * (BT d B)] A        (m+r-1)^2 multiplications instead of m^2 r^2

and in any number of dimensions each matrix is applied along its own axis. Summed over channels, the products of all
tiles are one matrix product per transformed position. Strides and dilation need no transforms of their own: with

    h = gcd(s, d),  o = (d/h) o' + q,  t = (s/h) t' + p      =>      o*s + t*d = lcm(s, d) (o' + t') + q*s + p*d

every pair (q, p) is a convolution of stride and dilation 1, of every lcm(s, d)-th sample from q*s + p*d on. The
residues q are other outputs: dilation d interleaves d convolutions, which are further tiles here. The phases p are
other taps: stride s adds up the s polyphase parts, each a `Phase` here, with a smaller kernel of its own.

What a tile reads it mixes: rounding errors are in proportion to the largest values of the neighbourhood, and a NaN or
an infinity in the input makes NaN of outputs of the same tile that do not read it. The larger the tile, the fewer
multiplications and the larger the error; `winograd_bound` says how large.
"""

from math import gcd, lcm, prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import products
from .bounds import PRECISIONS
from .contraction import accumulator
from .cook_toom import cook_toom
from .gemm import to_grid
from .geometry import Array, Geometry, Ints, Padding, Size, as_tuple
from .prepared import Maker, forward
from .products import Slices
from .shapes import relate
from .tiles import Part, Transformed, channel_parts, convolve
from .workers import Task

DEFAULT_TILE = 4
ROUNDINGS = 4


class Phase(NamedTuple):
    """One phase of the taps, t = (s/h) t' + phase on every axis, transformed."""

    phase: Size
    transformed: Transformed


class Winograd(NamedTuple):
    """A kernel transformed: what convolves with it, at these strides and this dilation."""

    phases: tuple[Phase, ...]
    strides: Size
    dilation: Size

    def __call__(self, geometry: Geometry, image: Array, out: Array) -> list[Task]:
        """(N, *image, C) -> out (N, *grid, F)."""
        # what ragged tiles read beyond the windows is zero, whatever lies there
        image = image[:, *(slice(max(size - b, 0)) for size, b in zip(geometry.full, geometry.begin, strict=True))]
        steps = tuple(d // gcd(s, d) for s, d in zip(self.strides, self.dilation, strict=True))
        tasks: list[Task] = []
        for residue in np.ndindex(*map(min, steps, geometry.grid)):
            # o = (d/h) o' + residue
            target = out[:, *(slice(q, None, step) for q, step in zip(residue, steps, strict=True))]
            tasks += convolve([self._part(phase, residue, geometry.begin, image) for phase in self.phases], target)
        return tasks

    def _part(self, phase: Phase, residue: Size, begin: Size, image: Array) -> Part:
        """What one phase of the taps gives to one residue of the outputs."""
        samples: list[slice] = []
        before: list[int] = []
        for q, p, s, d, b in zip(residue, phase.phase, self.strides, self.dilation, begin, strict=True):
            # i = lcm(s, d) j + first,  j = o' + t' - before
            step, start = lcm(s, d), q * s + p * d - b
            first = start % step
            samples.append(slice(first, None, step))
            before.append((first - start) // step)
        return Part(phase.transformed, image[:, *samples], tuple(before))


def winograd(tile: Ints = DEFAULT_TILE, *, absolute: bool = False) -> Maker:
    """The algorithm with so many outputs per tile and axis; `absolute`: with |AT|, |G|, |BT|.

    The transforms are computed in float64, then cast to the kernel's dtype. What it gives raises ValueError for a tile
    below 1, and for a kernel whose dtype is neither float32 nor float64.
    """
    size = np.abs if absolute else np.asarray

    def make(w: Array, groups: int, strides: Size, dilation: Size) -> Winograd:
        if w.dtype.name not in ("float32", "float64"):
            raise ValueError(
                f"winograd: got sums in {w.dtype}, expected float32 or float64 (float16 and bfloat16 are summed in"
                " float32): the transforms hold fractions"
            )
        m = as_tuple(tile, len(strides), "tile")
        if min(m) < 1:
            raise ValueError(f"tile: got {m}, expected 1 or more outputs on every axis")
        # t = (s/h) t' + phase: every (s/h)-th tap, and no phase without a tap
        steps = tuple(s // gcd(s, d) for s, d in zip(strides, dilation, strict=True))
        phases: list[Phase] = []
        for phase in np.ndindex(*map(min, steps, w.shape)):
            taps = w[tuple(slice(p, None, step) for p, step in zip(phase, steps, strict=True))]
            transforms = [cook_toom(*sizes) for sizes in zip(m, taps.shape, strict=False)]
            kernel = _weights(tuple(size(one.g) for one in transforms), taps, groups, w.dtype)
            at, bt = (
                tuple(size(matrix).astype(w.dtype) for matrix in matrices)
                for matrices in zip(*((one.at, one.bt) for one in transforms), strict=True)
            )
            phases.append(Phase(phase, Transformed(at, bt, kernel)))
        return Winograd(tuple(phases), strides, dilation)

    return make


def winograd_bound(
    x: Array,
    w: Array,
    *,
    tile: Ints = DEFAULT_TILE,
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    groups: int = 1,
    bias: Array | None = None,
) -> Array:
    """The error to be expected at most of `conv(x, w, algorithm="winograd", ...)`, per output, in float64.

    It is 4 u B with u = 2^-24 (2^-53 for float64 arrays) and B the algorithm on absolute values,

        B = |AT| [(|G| |g| |G|^T) * (|BT| |d| |B|)] |A|

    and for float16 and bfloat16 half a unit of the last place of what is rounded besides. The factor is measured, not
    proven: on zero-mean data the error of tiles of 2, 4 and 6 is below u B from 1 to 512 channels; it would have to
    grow with the number of channels to hold for every order of summation. Raises as `conv` does.
    """
    geometry, kernel_shape, groups, _ = relate("conv", x.shape, w.shape, strides, padding, dilation, groups)
    precision, narrow = PRECISIONS[accumulator(x.dtype).name], PRECISIONS[x.dtype.name]
    magnitudes = np.abs(x.astype(np.float64)), np.abs(w.astype(np.float64)).reshape(kernel_shape)
    added = 0.0 if bias is None else np.abs(bias.astype(np.float64))
    enlarged = forward(winograd(tile, absolute=True))(geometry, *magnitudes, groups)
    bound = ROUNDINGS * 2.0 ** -(precision.fraction_bits + 1) * (enlarged + added)
    if narrow == precision:
        return bound
    largest = to_grid(geometry, *magnitudes, groups) + added + bound
    return bound + np.maximum(largest * 2.0 ** -(narrow.fraction_bits + 1), narrow.normal_min)


def _weights(g: tuple[Array, ...], taps: Array, groups: int, dtype: npt.DTypeLike) -> Slices:
    """G g G^T of (*r, C/G, F), in float64, slice by slice: (n*...*n, G, parts, C/G/parts, F/G)."""
    *sizes, channels, filters = taps.shape
    parts, points = channel_parts(channels), prod(map(len, g))
    apart = taps.reshape(*sizes, channels, groups, filters // groups)

    def some(columns: slice) -> Array:
        u = _transform(g, apart[..., columns].astype(np.float64))  # (*n, C/G, G, width)
        return u.reshape(points, parts, channels // parts, groups, -1).transpose(0, 3, 1, 2, 4)

    return products.collect((points, groups, parts, channels // parts, filters // groups), dtype, some)


def _transform(matrices: tuple[Array, ...], array: Array) -> Array:
    """One matrix along each of the leading axes: (*columns, ...) -> (*rows, ...)."""
    for axis, matrix in enumerate(matrices):
        before, after = array.shape[:axis], array.shape[axis + 1 :]
        # three axes: what stands before is a batch of products, what stands after is the product's columns
        array = (matrix @ array.reshape(prod(before), matrix.shape[1], prod(after))).reshape(
            *before, len(matrix), *after
        )
    return array
