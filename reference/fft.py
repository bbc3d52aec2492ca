"""Convolution by Fourier transforms of overlapping tiles, for kernels so large that few other outputs share a sample.

    y = F^-1 [ F d * conj(F g) ]      per tile d of n samples per axis, whose last (k-1)*d outputs are no good

summed over channels before the inverse transform, as one matrix product per frequency (overlap-save; Mathieu, Henaff
and LeCun, arXiv 1312.5851). Strides throw away what lies between. The error of an output is in proportion to the
largest values of its tile, as it is of Winograd's algorithm, but hardly grows with the size of the tile.
"""

from math import ceil, prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from .gemm import crop
from .geometry import Array, Geometry, Size, effective_size
from .prepared import Writer
from .workers import Task

SMALLEST_TILE = {1: 256, 2: 32}
SMALLEST_TILE_ELSE = 8


def fft(kernel: Array, groups: int, strides: Size, dilation: Size) -> Writer:
    """Tiles of a power of two of samples per axis, at least twice the dilated kernel and one stride.

    Raises ValueError for what is neither float32 nor float64.
    """
    if kernel.dtype.name not in ("float32", "float64"):
        raise ValueError(f"fft: got sums in {kernel.dtype}, expected float32 or float64: the transforms are irrational")
    *sizes, channels, filters = kernel.shape
    rank = len(sizes)
    extents = effective_size(tuple(sizes), dilation)
    least = SMALLEST_TILE.get(rank, SMALLEST_TILE_ELSE)
    tile = tuple(
        1 << (max(2 * extent, extent + s, least) - 1).bit_length() for extent, s in zip(extents, strides, strict=True)
    )
    step = tuple((n - extent + 1) // s * s for n, extent, s in zip(tile, extents, strides, strict=True))
    spectrum = _spectrum(kernel, tile, dilation)
    points = prod(spectrum.shape[:rank])
    # (*frequencies, C/G, G*F/G) -> (frequencies, G, C/G, F/G)
    weights = np.ascontiguousarray(spectrum.reshape(points, channels, groups, filters // groups).swapaxes(1, 2))

    def write(geometry: Geometry, image: Array, out: Array) -> list[Task]:
        reaches = (o * s for o, s in zip(geometry.grid, strides, strict=True))
        tiles = tuple(ceil(reach / m) for reach, m in zip(reaches, step, strict=True))
        covered = tuple((t - 1) * m + n for t, m, n in zip(tiles, step, tile, strict=True))
        padded = crop(image, tuple(-b for b in geometry.begin), covered)
        batch, *samples, channel = padded.strides
        windows = as_strided(
            padded,
            (len(image), *tiles, *tile, image.shape[-1]),
            (batch, *(m * one for m, one in zip(step, samples, strict=True)), *samples, channel),
            writeable=False,
        )

        def task(number: int, row: int) -> Task:
            def convolve_row() -> None:
                some = windows[number, row]  # (*tiles[1:], *n, C)
                axes = tuple(range(rank - 1, 2 * rank - 1))
                data = np.fft.rfftn(some, axes=axes)
                count = prod(tiles[1:])
                # (tiles, frequencies, G, C/G) -> (frequencies, G, tiles, C/G)
                data = data.reshape(count, points, groups, channels).transpose(1, 2, 0, 3)
                sums = (data @ weights).transpose(2, 0, 1, 3).reshape(*tiles[1:], *spectrum.shape[:rank], filters)
                y = np.fft.irfftn(sums, tile, axes)
                _place_row(y, row, step, strides, out[number])

            return convolve_row

        return [task(number, row) for number in range(len(image)) for row in range(tiles[0])]

    return write


def _spectrum(kernel: Array, tile: Size, dilation: Size) -> Array:
    """conj(F g): (*kernel, C, F) -> (*frequencies, C, F), half of the last axis' frequencies, since g is real.

    Axis by axis a product with exp(2 pi i f t d / n), of the taps t alone: a transform of all n samples would spend its
    time on zeros, eight seconds for 512 x 512 kernels of 3 x 3 where this takes one.
    """
    spectrum: Array = kernel
    for axis, (n, d, taps) in enumerate(zip(tile, dilation, kernel.shape, strict=False)):
        before, rest = spectrum.shape[:axis], spectrum.shape[axis + 1 :]
        frequencies = np.arange(n if axis < len(tile) - 1 else n // 2 + 1)
        angles = np.multiply.outer(frequencies, d * np.arange(int(taps))) % n * (2 * np.pi / n)
        waves = np.exp(1j * angles).astype(np.result_type(kernel, np.complex64))
        spectrum = (waves @ spectrum.reshape(*before, taps, prod(rest))).reshape(*before, len(frequencies), *rest)
    return spectrum


def _place_row(y: Array, row: int, step: Size, strides: Size, out: Array) -> None:
    """The outputs of y (*tiles[1:], *n, F), a row of tiles, go to their places in out (*grid, F)."""
    rank = len(step)
    y = y[(..., *(slice(0, m, s) for m, s in zip(step, strides, strict=True)), slice(None))]  # (*tiles[1:], *m/s, F)
    kept = tuple(m // s for m, s in zip(step, strides, strict=True))
    # (t1, t2, m0, m1, m2, F) -> (m0, t1, m1, t2, m2, F)
    order = (rank - 1, *(place for axis in range(1, rank) for place in (axis - 1, rank - 1 + axis)), 2 * rank - 1)
    tiles = y.shape[: rank - 1]
    sizes = (kept[0], *(t * m for t, m in zip(tiles, kept[1:], strict=True)))
    rows = out[row * kept[0] : (row + 1) * kept[0]]
    rows[...] = y.transpose(order).reshape(*sizes, y.shape[-1])[tuple(map(slice, rows.shape[:-1]))]
