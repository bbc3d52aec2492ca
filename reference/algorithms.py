"""The algorithms by name, and kernels prepared for them."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from . import gemm, naive
from .contraction import Derivative, accumulator
from .depthwise import fused
from .fft import fft
from .geometry import Array, Geometry, Ints, as_tuple
from .lowering import auto, blocked, direct, kn2row, mec
from .phases import phases
from .prepared import Maker, PreparedKernel, forward, transposed, written
from .shapes import Relation, relate
from .winograd import DEFAULT_TILE, winograd

MAKERS: dict[str, Maker] = {
    "auto": auto,
    "blocked": blocked,
    "direct": direct,
    "fft": fft,
    "fused": fused,
    "kn2row": kn2row,
    "mec": mec,
    "winograd": winograd(),
}
"""Convolutions that write block by block."""
OF_PHASES = ("auto", "winograd")
"""Those by which a transposed convolution does its phases."""
FORWARD: dict[str, Derivative] = {
    "im2col": gemm.to_grid,
    "naive": naive.to_grid,
    **{name: forward(make) for name, make in MAKERS.items()},
}


TRANSPOSED: dict[str, Derivative] = {
    "gemm_col2im": gemm.to_image,
    "dilate_pad": gemm.to_image_dilated,
    "naive": naive.to_image,
    **{name: transposed(phases(MAKERS[name])) for name in OF_PHASES},
}


def algorithms(op: str, algorithm: str, tile: Ints | None) -> Mapping[str, Derivative]:
    """The algorithms of an operation, winograd by tiles of the size that is asked for.

    Raises ValueError where a tile is asked for with another algorithm.
    """
    table = TRANSPOSED if op == "conv_transpose" else FORWARD
    if tile is None:
        return table
    if algorithm != "winograd":
        raise ValueError(f"tile: got {tile!r} for {algorithm}, expected it for winograd only")
    make = winograd(tile)
    return {**table, "winograd": transposed(phases(make)) if op == "conv_transpose" else forward(make)}


def prepare(
    w: Array,
    *,
    op: str = "conv",
    algorithm: str = "auto",
    tile: Ints | None = None,
    strides: Ints = 1,
    dilation: Ints = 1,
    groups: int = 1,
    accumulation_dtype: npt.DTypeLike | None = None,
) -> PreparedKernel:
    """The kernel w of an operation, made ready once for one algorithm; the operation takes it in place of w.

    `op` is conv, conv_transpose or depthwise_conv, and w as that takes it. It is used with these strides, dilation and
    groups, any number of times, from any number of threads. Algorithms: auto, winograd with `tile` outputs per axis,
    and for conv and depthwise_conv direct, mec, kn2row, blocked, fused and fft.

    Raises ValueError as the operation does of these parameters, for an algorithm that has nothing to prepare or does
    not apply, for a tile below 1, and where winograd or fft would sum in anything but float32 or float64.
    """
    makers = {name: MAKERS[name] for name in OF_PHASES} if op == "conv_transpose" else MAKERS
    if algorithm not in makers:
        raise ValueError(f"algorithm: got {algorithm!r}, expected one of {tuple(makers)} to prepare a kernel for")
    if tile is not None and algorithm != "winograd":
        raise ValueError(f"tile: got {tile!r} for {algorithm}, expected it for winograd only")
    rank = w.ndim - 2
    channels = {"conv": w.shape[-2] * max(groups, 1), "depthwise_conv": w.shape[-2]}.get(op, w.shape[-1])
    relation = relate(op, (1, *(1,) * rank, channels), w.shape, strides, "valid", dilation, groups)
    tiles = as_tuple(DEFAULT_TILE if tile is None else tile, rank, "tile") if algorithm == "winograd" else None
    make = makers[algorithm] if tiles is None else winograd(tiles)
    if op == "conv_transpose":
        make = phases(make)
    geometry, kernel_shape, blocks, _ = relation
    dtype = accumulator(w.dtype, accumulation_dtype)
    with np.errstate(all="ignore"):  # where weights are not finite, the operation goes by the definition
        writer = make(w.astype(dtype).reshape(kernel_shape), blocks, geometry.strides, geometry.dilation)
    return PreparedKernel(op, w.copy(), algorithm, tiles, geometry.strides, geometry.dilation, groups, dtype, writer)


def prepare_winograd(
    w: Array,
    *,
    tile: Ints = DEFAULT_TILE,
    groups: int = 1,
    strides: Ints = 1,
    dilation: Ints = 1,
    accumulation_dtype: npt.DTypeLike | None = None,
) -> PreparedKernel:
    """`prepare` of a convolution's kernel w (*kernel, C/groups, F) for tiles of `tile` outputs per axis."""
    return prepare(
        w,
        algorithm="winograd",
        tile=tile,
        groups=groups,
        strides=strides,
        dilation=dilation,
        accumulation_dtype=accumulation_dtype,
    )


def of_prepared(w: PreparedKernel, relation: Relation) -> Mapping[str, Derivative]:
    """What a prepared kernel computes, under the name of its algorithm; and the definition."""

    def compute(geometry: Geometry, source: Array, _kernel: Array, _groups: int) -> Array:
        sizes = geometry.image if w.op == "conv_transpose" else geometry.grid
        return written(w.writer, geometry, source, _kernel, (len(source), *sizes, relation.output_shape[-1]))

    table = TRANSPOSED if w.op == "conv_transpose" else FORWARD
    return {"naive": table["naive"], w.algorithm: compute}
