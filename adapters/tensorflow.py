"""TensorFlow: tf.nn, channels where data_format says, kernels (*k, Cin/groups, Cout), transposed (*k, Cout, Cin).

https://www.tensorflow.org/api_docs/python/tf/nn
"""

from __future__ import annotations

from typing import Any

from ..reference.geometry import conv_sizes
from .backends import Axes, Sentence, make_backend
from .case import Case, Pads, Shape
from .source import SourceAdapter, crops, ones, strided_and_dilated

CONV_STRIDES_ON_ALL_AXES = 3
"""tf.nn.conv3d wants strides and dilations for batch and channels as well; conv1d and conv2d take the spatial ones."""


class TensorFlowAdapter(SourceAdapter):
    """tf.nn.conv{rank}d, depthwise_conv2d, separable_conv2d and conv{rank}d_transpose; ``mode`` is the backend's."""

    distributions = ("tensorflow",)

    def __init__(self, **options: Any) -> None:
        super().__init__(make_backend("tensorflow", **options))

    def equivalent(self, case: Case, sentence: Sentence) -> str:
        if case.transposed:
            return self._transposed(case, sentence)
        if case.op == "conv":
            padding = self._own_padding(case)
            x = "x" if padding else self.padded(case, sentence)
            padding = padding or '"VALID"'
            if case.rank == CONV_STRIDES_ON_ALL_AXES and case.groups > 1:  # documented for conv1d and conv2d alone
                return _bias(
                    case, self.grouped(case, sentence, lambda part, w: self._conv(case, part, w, padding), x=x)
                )
            return _bias(case, self._conv(case, x, "w", padding))
        if case.rank == CONV_STRIDES_ON_ALL_AXES:
            return self._depthwise_3d(case, sentence)
        # documented: strides equal on both axes, and all one where a dilation is above one
        plain = len(set(case.strides)) == 1 and not strided_and_dilated(case)
        if plain and case.rank == 2 and (padding := self._own_padding(case)):
            return _bias(case, self._depthwise_or_separable(case, "x", padding))
        x = self.padded(case, sentence)
        depthwise = _depthwise(case, x, '"VALID"', case.strides if plain else ones(case))
        if not plain:
            depthwise = self.subsampled(case, sentence, depthwise)
        return _bias(case, self._pointwise(case, depthwise) if case.op == "separable_conv" else depthwise)

    def literal(self, case: Case, sentence: Sentence) -> str | None:
        padding = self._word(case)
        if padding is None or case.groups < 1:
            return None  # groups are told by the kernel's shape alone
        if case.transposed:
            # tf.nn asks for the output's shape: a bad number must be one that no size follows from
            good = not case.must_refuse or case.kernel_shape is not None or 0 in (case.channels, case.filters)
            return _bias(case, _conv_transpose(case, padding)) if good else None
        if case.op == "conv":
            return _bias(case, self._conv(case, "x", "w", padding))
        if case.rank != 2:
            return None
        return _bias(case, self._depthwise_or_separable(case, "x", padding))

    def _word(self, case: Case) -> str | None:
        """The case's padding in TensorFlow's words, unchecked: SAME, VALID or, in rank 2, a list."""
        if case.padding in ("same", "valid"):
            return f'"{str(case.padding).upper()}"'
        if isinstance(case.padding, tuple) and case.rank == 2:
            return self._pairs(case, case.padding)
        return None

    def _own_padding(self, case: Case) -> str | None:
        """The same where it is documented to mean what the case means: pairs must not be negative."""
        return None if isinstance(case.padding, tuple) and crops(case) else self._word(case)

    def _pairs(self, case: Case, pads: Pads) -> str:
        return str([list(pair) for pair in self.axes(case).spread(pads, (0, 0))])

    def _conv(self, case: Case, x: str, w: str, padding: str) -> str:
        return f"tf.nn.conv{case.rank}d({x}, {w}, {_strides(case)}, {padding}, {_format(case)}, {_dilations(case)})"

    def _depthwise_or_separable(self, case: Case, x: str, padding: str) -> str:
        if case.op == "depthwise_conv":
            return _depthwise(case, x, padding, case.strides)
        strides = tuple(self.axes(case).spread(case.strides, 1))
        said = f"{strides}, {padding}, {_format(case)}, dilations={case.dilation}"
        return f"tf.nn.separable_conv2d({x}, w, p, {said})"

    def _pointwise(self, case: Case, x: str) -> str:
        one = ones(case)
        strides = tuple(self.axes(case).spread(one, 1)) if case.rank == CONV_STRIDES_ON_ALL_AXES else one
        return f'tf.nn.conv{case.rank}d({x}, p, {strides if case.rank > 1 else 1}, "VALID", {_format(case)})'

    def _depthwise_3d(self, case: Case, sentence: Sentence) -> str:
        """tf.nn has no depthwise_conv3d and its conv3d no groups: one convolution per channel."""
        x, parts = self.padded(case, sentence), list[str]()
        for c in range(case.channels):
            channel = sentence.axes.channels(x, c, c + 1)
            parts.append(self._conv(case, channel, f"w[..., {c}:{c + 1}, :]", '"VALID"'))
        depthwise = self.backend.concat(parts, sentence.axes.channel_axis)
        return _bias(case, self._pointwise(case, depthwise) if case.op == "separable_conv" else depthwise)

    def _transposed(self, case: Case, sentence: Sentence) -> str:
        # documented: output_shape is one that the forward convolution maps back to the input's
        if case.padding in ("same", "valid") and case.groups == 1 and _maps_back(case):
            return _bias(case, _conv_transpose(case, f'"{str(case.padding).upper()}"'))

        # padding VALID with the smallest output_shape is the whole result; the window is cut from it.  Of no samples
        # the formula leaves less than nothing, and TensorFlow dies of a negative output_shape.
        sizes = tuple(max(size, 0) for size in case.full)

        def full(x: str, w: str) -> str:
            channels = case.output_channels // case.groups
            return _conv_transpose(case, '"VALID"', x=x, w=w, sizes=sizes, channels=channels)

        whole = full("x", "w") if case.groups == 1 else self.grouped(case, sentence, full)
        return _bias(case, self.windowed(case, sentence, whole, sizes))


def _maps_back(case: Case) -> bool:
    """Whether the forward convolution of the output's sizes gives the input's sizes."""
    sizes = case.raw_sizes
    return min(sizes) > 0 and case.spatial == conv_sizes(
        sizes, case.kernel_size, case.strides, str(case.padding), case.dilation
    )


def _conv_transpose(
    case: Case,
    padding: str,
    *,
    x: str = "x",
    w: str = "w",
    sizes: Shape | None = None,
    channels: int | None = None,
) -> str:
    spatial = sizes or tuple(max(size, 0) for size in case.raw_sizes)
    channels = channels or case.output_channels
    shape = Axes(case.rank, case.channels_first).shape(case.batch, spatial, channels)
    said = f"{shape}, {_strides(case)}, {padding}, {_format(case)}, {_dilations(case)}"
    return f"tf.nn.conv{case.rank}d_transpose({x}, {w}, {said})"


def _depthwise(case: Case, x: str, padding: str, strides: Shape) -> str:
    """The depthwise part; rank 1 is rank 2 with a height of one, and the one stride that both axes must share."""
    if case.rank == 2:
        said = f"{tuple(_spread(case, strides))}, {padding}, {_format(case)}, dilations={case.dilation}"
        return f"tf.nn.depthwise_conv2d({x}, w, {said})"
    axis = 2 if case.channels_first else 1
    s, d = strides[0], case.dilation[0]
    form = 'data_format="NCHW"' if case.channels_first else 'data_format="NHWC"'
    shape = (1, 1, s, s) if case.channels_first else (1, s, s, 1)
    said = f"{shape}, {padding}, {form}, dilations=({d}, {d})"
    return f"tf.squeeze(tf.nn.depthwise_conv2d(tf.expand_dims({x}, {axis}), w[None], {said}), {axis})"


def _spread(case: Case, spatial: Shape) -> list[int]:
    return [1, 1, *spatial] if case.channels_first else [1, *spatial, 1]


def _strides(case: Case) -> str:
    return _per_axis(case, case.strides)


def _dilations(case: Case) -> str:
    return f"dilations={_per_axis(case, case.dilation)}"


def _per_axis(case: Case, values: Shape) -> str:
    if case.rank == 1:
        return str(values[0])
    return str(tuple(_spread(case, values)) if case.rank == CONV_STRIDES_ON_ALL_AXES else values)


def _format(case: Case) -> str:
    window = "W" if case.rank == 1 else "DHW"[3 - case.rank :]
    return f'data_format="{f"NC{window}" if case.channels_first else f"N{window}C"}"'


def _bias(case: Case, text: str) -> str:
    if not case.use_bias:
        return text
    # bias_add knows the two orders by these names in every rank
    return f'tf.nn.bias_add({text}, b, data_format="{"NC..." if case.channels_first else "N...C"}")'
