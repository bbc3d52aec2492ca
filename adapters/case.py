"""The Case: what to compute, as pure data.

No framework, no file, no third-party import besides NumPy stands behind it, so that an engine process can load it
in an interpreter that has only NumPy and the framework.  Everything in it is normalised: per-axis parameters are
tuples of the rank's length, paddings are a word or ``((lo, hi), ...)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, cast

import numpy as np

from ..reference import geometry

Pads = tuple[tuple[int, int], ...]
Shape = tuple[int, ...]


def numpy_dtype(name: str) -> np.dtype[Any]:
    """The NumPy dtype of a case's ``dtype`` word; bfloat16 comes from ml_dtypes (ImportError where that is absent)."""
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    return np.dtype(name)


@dataclass(frozen=True, kw_only=True)
class Case:
    r"""One computation.  The attributes bear the YAML keys' names.

    Shapes are always (batch, \*spatial, channels), whatever ``data_format`` says; ``data_format`` is the order in
    which an engine is handed the input and hands back the result.
    """

    id: str
    op: str
    input: Shape
    kernel_size: Shape
    filters: int | None
    strides: Shape
    padding: str | Pads
    dilation: Shape
    groups: int
    depth_multiplier: int
    output_padding: Shape | None
    use_bias: bool
    data_format: str
    dtype: str
    data: str
    """The name of the data set, or "literal", where the arrays stand in the case."""
    seed: int
    layout: str
    wrt: str | None
    """None for the forward result, else the argument whose gradient is the result."""
    kernel_shape: Shape | None
    """A kernel's shape that does not fit the rest; only in cases that must be refused."""
    must_refuse: bool
    tags: tuple[str, ...] = ()
    literal: Mapping[str, Any] | None = field(default=None, hash=False, repr=False)
    """Arrays that are written out, nested lists by argument name; an engine process gets them as arrays alone."""

    @property
    def rank(self) -> int:
        """Number of spatial axes."""
        return len(self.input) - 2

    @property
    def batch(self) -> int:
        return self.input[0]

    @property
    def spatial(self) -> Shape:
        return self.input[1:-1]

    @property
    def channels(self) -> int:
        return self.input[-1]

    @property
    def transposed(self) -> bool:
        return self.op == "conv_transpose"

    @property
    def channels_first(self) -> bool:
        return self.data_format == "channels_first"

    @property
    def window(self) -> Pads:
        """Per axis, (begin, size): for a transposed convolution the part of the full result that is returned, for
        the others the part of the unpadded input's axis that the padded input is (begin = -lo, size = lo + n + hi).
        """
        if self.transposed:
            return geometry.transpose_window(
                self.spatial, self.kernel_size, self.strides, self.padding, self.dilation, self.output_padding
            )
        return tuple((-lo, lo + n + hi) for n, (lo, hi) in zip(self.spatial, self.pads, strict=True))

    @property
    def full(self) -> Shape:
        """Per axis, (n-1)*s + (k-1)*d + 1: all that a transposed convolution scatters into."""
        return geometry.full_sizes(self.spatial, self.kernel_size, self.strides, self.dilation)

    @property
    def pads(self) -> Pads:
        """Per axis, (lo, hi): zeros put around the input; for a transposed convolution what is cropped from the full
        result (a negative hi extends it by zeros).
        """
        if self.transposed:
            return tuple((lo, full - lo - size) for full, (lo, size) in zip(self.full, self.window, strict=True))
        return geometry.conv_pads(self.spatial, self.kernel_size, self.strides, self.padding, self.dilation)

    @property
    def raw_sizes(self) -> Shape:
        """The output's spatial sizes as the formula gives them; below one the result is empty or refused."""
        if self.transposed:
            return tuple(size for _, size in self.window)
        return geometry.conv_sizes(self.spatial, self.kernel_size, self.strides, self.padding, self.dilation)

    @property
    def output_channels(self) -> int:
        return self.channels * self.depth_multiplier if self.op == "depthwise_conv" else int(self.filters or 0)

    @property
    def output_shape(self) -> Shape:
        r"""(batch, \*spatial, channels) of the forward result, clamped at zero."""
        return (self.batch, *(max(size, 0) for size in self.raw_sizes), self.output_channels)

    @property
    def kernel_shapes(self) -> dict[str, Shape]:
        """The kernels' shapes in the reference's layout, by argument name."""
        window, multiplied = self.kernel_size, self.channels * self.depth_multiplier
        if self.kernel_shape is not None:
            return {"depthwise_kernel" if self.op == "depthwise_conv" else "kernel": self.kernel_shape}
        # groups of zero or groups that do not divide stand only in cases that must be refused
        groups = self.groups if self.groups > 0 else 1
        if self.op == "depthwise_conv":
            return {"depthwise_kernel": (*window, self.channels, self.depth_multiplier)}
        if self.op == "separable_conv":
            return {
                "depthwise_kernel": (*window, self.channels, self.depth_multiplier),
                "pointwise_kernel": (*(1,) * self.rank, multiplied, self.output_channels),
            }
        if self.op == "conv_transpose":
            return {"kernel": (*window, self.output_channels // groups, self.channels)}
        return {"kernel": (*window, self.channels // groups, self.output_channels)}

    @property
    def array_shapes(self) -> dict[str, Shape]:
        """All arrays of the case, shapes in the reference's layout, channels last."""
        shapes = {"input": self.input, **self.kernel_shapes}
        if self.use_bias:
            shapes["bias"] = (self.output_channels,)
        if self.wrt is not None:
            shapes["output_gradient"] = self.output_shape
        return shapes

    @property
    def result_shape(self) -> Shape:
        """Shape of what is asked for, channels last: the forward output, or the argument that the gradient is for."""
        return self.output_shape if self.wrt is None else self.array_shapes[self.wrt]

    @property
    def result_has_channels(self) -> bool:
        """Whether the result follows ``data_format`` (an output or an input) or is a kernel or a bias."""
        return self.wrt in (None, "input")

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values (tuples become lists on the way), literal arrays left out."""
        return {one.name: getattr(self, one.name) for one in fields(self) if one.name != "literal"}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Case:
        """The inverse of `to_json` after a trip through JSON."""
        return cls(**{name: _tuples(value) for name, value in values.items()})


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in cast("list[Any]", value)) if isinstance(value, list | tuple) else value


def to_format(array: np.ndarray, data_format: str) -> np.ndarray:
    """A channels-last array in the given data format (a view)."""
    return np.moveaxis(array, -1, 1) if data_format == "channels_first" else array


FORMATTED = ("input", "output_gradient")
"""Arguments that follow the data format; kernels and biases do not."""


def formatted(arrays: Mapping[str, np.ndarray], data_format: str) -> dict[str, np.ndarray]:
    """A case's arrays, channels last, as an engine is handed them: contiguous in the given data format."""
    return {
        name: np.ascontiguousarray(to_format(array, data_format)) if name in FORMATTED else array
        for name, array in arrays.items()
    }


def from_format(array: np.ndarray, data_format: str) -> np.ndarray:
    """The inverse of `to_format` (a view); an array without a channel axis is returned as it is."""
    return np.moveaxis(array, 1, -1) if data_format == "channels_first" and array.ndim > 1 else array
