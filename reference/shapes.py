"""What the shapes of an operation's arrays mean: its geometry, its groups, its output.

The arrays are an input x, a kernel w and an output y, in every rank:

    conv              x (N, *spatial, C)   w (*kernel, C/groups, F)     y (N, *out, F)
    conv_transpose    x (N, *spatial, C)   w (*kernel, F/groups, C)     y (N, *out, F)
    depthwise_conv    x (N, *spatial, C)   w (*kernel, C, M)            y (N, *out, C*M)
    separable_conv    as depthwise_conv, then conv with (*ones, C*M, F)
"""

from typing import NamedTuple

from .geometry import Geometry, Ints, Padding, Size, conv_geometry, transpose_geometry


class Relation(NamedTuple):
    """An operation as `naive`'s form F(image, kernel, grid)."""

    geometry: Geometry
    kernel_shape: Size  # (*kernel, image channels / groups, grid channels)
    groups: int
    output_shape: Size


def relate(
    op: str,
    input_shape: Size,
    kernel_shape: Size,
    strides: Ints,
    padding: Padding,
    dilation: Ints,
    groups: int = 1,
    output_padding: Ints | None = None,
) -> Relation:
    """The form F of conv, conv_transpose or depthwise_conv. Raises as `output_shape` does."""
    _check_channels(op, input_shape, kernel_shape, groups)
    batch, spatial, kernel_size = input_shape[0], input_shape[1:-1], kernel_shape[:-2]
    if op == "conv_transpose":
        geometry = transpose_geometry(spatial, kernel_size, strides, padding, dilation, output_padding)
        return Relation(geometry, kernel_shape, groups, (batch, *geometry.image, kernel_shape[-2] * groups))
    if output_padding is not None:
        raise ValueError(f"output_padding: got {output_padding!r} for {op}, expected it for conv_transpose only")
    if op == "depthwise_conv":
        # Output channel c*M + m is the m-th of group c: (*kernel, C, M) is (*kernel, 1, C*M) in C groups.
        groups = kernel_shape[-2]
        kernel_shape = (*kernel_size, 1, groups * kernel_shape[-1])
    geometry = conv_geometry(spatial, kernel_size, strides, padding, dilation)
    return Relation(geometry, kernel_shape, groups, (batch, *geometry.grid, kernel_shape[-1]))


def output_shape(
    op: str,
    input_shape: Size,
    kernel_shape: Size,
    *,
    strides: Ints = 1,
    padding: Padding = "valid",
    dilation: Ints = 1,
    groups: int = 1,
    output_padding: Ints | None = None,
    filters: int | None = None,
) -> Size:
    """The shape (N, *out, channels) of op's result, sizes clamped at zero.

    `kernel_shape` is that of the function `op` names; for separable_conv its depthwise kernel's, and `filters` then
    gives the channels.

    Raises ValueError where the shapes or groups do not fit each other ("conv: got 3 input channels and a kernel of
    shape (3, 3, 2, 4) in 1 groups, expected 2 input channels"), for an unknown op, and as `geometry` does.
    """
    if (op == "separable_conv") != (filters is not None):
        raise ValueError(f"filters: got {filters!r} for {op}, expected an int for separable_conv, None for the others")
    if filters is not None:
        halves = relate("depthwise_conv", input_shape, kernel_shape, strides, padding, dilation, groups, output_padding)
        return (*halves.output_shape[:-1], filters)
    return relate(op, input_shape, kernel_shape, strides, padding, dilation, groups, output_padding).output_shape


def _check_channels(op: str, input_shape: Size, kernel_shape: Size, groups: int) -> None:
    if op not in ("conv", "conv_transpose", "depthwise_conv"):
        raise ValueError(f"op: got {op!r}, expected conv, conv_transpose or depthwise_conv")
    if len(input_shape) < 3 or len(kernel_shape) != len(input_shape):
        raise ValueError(
            f"{op}: got an input of shape {input_shape} and a kernel of shape {kernel_shape}, expected"
            " (N, *spatial, channels) and (*kernel, channels, channels) with one kernel size per spatial axis"
        )
    if min(input_shape[-1], *kernel_shape[-2:]) < 1:
        raise ValueError(
            f"{op}: got an input of shape {input_shape} and a kernel of shape {kernel_shape}, expected at least one"
            " channel on either side"
        )
    # the channels that the input must have, and those that the groups must divide
    expected, divided = {
        "conv": (kernel_shape[-2] * groups, kernel_shape[-1]),
        "conv_transpose": (kernel_shape[-1], kernel_shape[-1]),
        "depthwise_conv": (kernel_shape[-2], 1),
    }[op]
    if groups < 1 or divided % groups:
        raise ValueError(f"groups: got {groups} for {op}, expected a divisor of {divided}")
    if input_shape[-1] != expected:
        raise ValueError(
            f"{op}: got {input_shape[-1]} input channels and a kernel of shape {kernel_shape} in {groups} groups,"
            f" expected {expected} input channels"
        )
