"""The networks that the note links, as their papers' tables have them, counted: parameters and multiply-adds.

Sizes are the reference's, under same padding. Every entry of a kernel is multiplied once per output position, so that
taps on padding count too, as the papers count them; biases, normalisation and pooling add no multiply-adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from math import prod
from typing import NamedTuple

from ... import reference
from ...reference.geometry import Size
from .proof import require, require_equal


class Layer(NamedTuple):
    """A convolution; `filters` None: depthwise, one kernel per channel."""

    kernel_size: int
    filters: int | None = None
    strides: int = 1
    groups: int = 1


class Pool(NamedTuple):
    """A pooling layer."""

    strides: int


class Counts(NamedTuple):
    """What convolutions hold and cost, and the shape (1, H, W, C) that they end with."""

    parameters: int
    multiply_adds: int
    shape: Size


IMAGE = (1, 224, 224, 3)
CLASSES = 1000

# https://arxiv.org/abs/1704.04861, table 1: filters and strides after the first convolution (3x3, 32 filters, strides
# 2). The table prints strides 2 for the last depthwise layer, but its 7x7 output needs 1.
MOBILENET = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1),) * 5,
    *((1024, 2), (1024, 1)),
)

# https://arxiv.org/abs/1409.1556, table 1, configuration D: (filters, number of 3x3 convolutions), then a pooling
VGG16 = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
VGG16_DENSE = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * CLASSES

# https://arxiv.org/abs/1707.01083, table 1: stage 2's output channels by groups, and the published complexity in
# millions of multiply-adds. Stages 2, 3, 4 have 4, 8, 4 units and double the channels.
SHUFFLENET = {1: (144, 143), 2: (200, 140), 3: (240, 137), 4: (272, 133), 8: (384, 137)}


def mobilenet_counts() -> None:
    """1.5.2: MobileNet V1 has 4.2 million parameters and 569 million multiply-adds, as published."""
    convolutions = _count(IMAGE, _mobilenet(separable=True))
    require_equal(convolutions.shape, (1, 7, 7, 1024), "shape before the average pooling")
    require_equal(convolutions.parameters, 3_185_088, "parameters of the convolutions")
    parameters = convolutions.parameters + 2 * _channels(_mobilenet(separable=True), 3) + 1024 * CLASSES + CLASSES
    require_equal(parameters, 4_231_976, "parameters with normalisation and dense layer")
    multiply_adds = convolutions.multiply_adds + 1024 * CLASSES
    require_equal(multiply_adds, 568_740_352, "multiply-adds with the dense layer")
    require_equal((round(parameters / 1e6, 1), round(multiply_adds / 1e6)), (4.2, 569), "the published figures")


def mobilenet_with_full_convolutions() -> None:
    """1.5.2: the same network with 3x3 Conv2D has 29.3 million parameters, 4866 million multiply-adds, as published."""
    full, separable = (_count(IMAGE, _mobilenet(separable=separable)) for separable in (False, True))
    require_equal(full.shape, separable.shape, "shape before the average pooling")
    parameters = full.parameters + 2 * _channels(_mobilenet(separable=False), 3) + 1024 * CLASSES + CLASSES
    require_equal((parameters, full.multiply_adds), (29_294_088, 4_866_269_184), "parameters and multiply-adds")
    require_equal((round(parameters / 1e6, 1), round(full.multiply_adds / 1e6)), (29.3, 4866), "the published figures")
    ratios = Fraction(full.parameters, separable.parameters), Fraction(full.multiply_adds, separable.multiply_adds)
    require_equal([round(float(ratio), 1) for ratio in ratios], [8.9, 8.6], "what separable convolutions save")


def vgg16_counts() -> None:
    """1.5.2: VGG-16 has 138 million parameters and 15.5 G multiply-adds, 15.3 G of them in its convolutions."""
    convolutions = _count(IMAGE, _vgg16(separable=False))
    require_equal(convolutions.shape, (1, 7, 7, 512), "shape before the dense layers")
    biases = _channels(_vgg16(separable=False), 3) + 4096 + 4096 + CLASSES
    require_equal(convolutions.parameters + VGG16_DENSE + biases, 138_357_544, "parameters")
    require_equal(convolutions.multiply_adds, 15_346_630_656, "multiply-adds of the convolutions")
    require_equal(convolutions.multiply_adds + VGG16_DENSE, 15_470_264_320, "multiply-adds")


def mobilenet_against_vgg16() -> None:
    """1.5.2: MobileNet is 32 times smaller than VGG-16 and costs 27 times less, as its paper says."""
    mobilenet, vgg16 = _count(IMAGE, _mobilenet(separable=True)), _count(IMAGE, _vgg16(separable=False))
    sizes = Fraction(vgg16.parameters + VGG16_DENSE, mobilenet.parameters + 1024 * CLASSES)
    costs = Fraction(vgg16.multiply_adds + VGG16_DENSE, mobilenet.multiply_adds + 1024 * CLASSES)
    require_equal((int(sizes), int(costs)), (32, 27), "how much smaller and cheaper")


def vgg16_with_separable_convolutions() -> None:
    """1.5.2: only exchanging VGG-16's 3x3 layers leaves 125 of 138 million parameters: its dense layers hold 124."""
    full, separable = (_count(IMAGE, _vgg16(separable=separable)) for separable in (False, True))
    require_equal((full.parameters, separable.parameters), (14_710_464, 1_667_931), "parameters of the convolutions")
    kept = Fraction(separable.parameters + VGG16_DENSE, full.parameters + VGG16_DENSE)
    require_equal(round(100 * float(kept)), 91, "percentage of the parameters that is left")
    require_equal(VGG16_DENSE, 123_633_664, "parameters of the dense layers")
    costs = Fraction(full.multiply_adds + VGG16_DENSE, separable.multiply_adds + VGG16_DENSE)
    require_equal(round(float(costs), 1), 8.1, "how much cheaper")


def shufflenet_counts() -> None:
    """1.5.3: ShuffleNet has 143, 140, 137, 133, 137 million multiply-adds with 1, 2, 3, 4, 8 groups, as published."""
    for groups, (channels, published) in SHUFFLENET.items():
        got = _shufflenet(groups, channels)
        require_equal(got.shape, (1, 7, 7, 4 * channels), f"shape before the average pooling, {groups} groups")
        require_equal(round(got.multiply_adds / 1e6), published, f"million multiply-adds in {groups} groups")


def shufflenet_groups_divide_the_1x1_cost() -> None:
    """1.5.3: at equal channels, g groups divide a 1x1 layer's parameters and multiply-adds by g, and keep its shape."""
    for groups, (channels, _) in SHUFFLENET.items():
        for stage, size in enumerate((28, 14, 7)):
            width = channels << stage
            shape = (1, size, size, width)
            dense, grouped = (_count(shape, [Layer(1, width // 4, groups=g)]) for g in (1, groups))
            require_equal(dense.shape, grouped.shape, f"shape of {width} to {width // 4} channels")
            require_equal(grouped.parameters * groups, dense.parameters, f"parameters in {groups} groups")
            require_equal(grouped.multiply_adds * groups, dense.multiply_adds, f"multiply-adds in {groups} groups")
    # of an ungrouped unit the 1x1 layers are nearly everything, so that groups are what saves
    unit = (Layer(1, 60), Layer(3), Layer(1, 240))
    whole = _count((1, 28, 28, 240), unit)
    depthwise = _count((1, 28, 28, 60), [Layer(3)])
    require(depthwise.multiply_adds * 50 < whole.multiply_adds, "the 3x3 layer costs a fiftieth or more")


def aspp_costs_the_same_at_every_rate() -> None:
    """1.6, DeepLab: 3x3 from 2048 to 256 channels has 4,718,592 parameters at any rate, 717,750,272 as 37x37."""
    for rate in (1, 6, 12, 18):
        kernel = (3, 3, 2048, 256)
        shape = reference.output_shape("conv", (1, 33, 33, 2048), kernel, padding="same", dilation=rate)
        require_equal(shape, (1, 33, 33, 256), f"shape at rate {rate}")
        require_equal(prod(kernel), 4_718_592, f"parameters at rate {rate}")
    large = (37, 37, 2048, 256)
    shape = reference.output_shape("conv", (1, 33, 33, 2048), large, padding="same")
    require_equal(shape, (1, 33, 33, 256), "shape of the undilated kernel as wide as rate 18")
    require_equal(prod(large), 717_750_272, "its parameters")


def enet_asymmetric_costs() -> None:
    """1.6, ENet: 5x1 then 1x5 has 10 kernel entries per pair of channels, 5x5 has 25, 3x3 has 9."""
    shape = (1, 64, 64, 32)
    costs: dict[Size, int] = {}
    for kernel_size in ((5, 1), (1, 5), (5, 5), (3, 3)):
        kernel = (*kernel_size, 32, 32)
        require_equal(reference.output_shape("conv", shape, kernel, padding="same"), shape, f"shape of {kernel_size}")
        costs[kernel_size] = prod(kernel)
    require_equal(Fraction(costs[5, 1] + costs[1, 5], costs[5, 5]), Fraction(10, 25), "against 5x5")
    require_equal(Fraction(costs[5, 1] + costs[1, 5], costs[3, 3]), Fraction(10, 9), "against 3x3")


def _count(shape: Size, layers: Iterable[Layer | Pool]) -> Counts:
    parameters = multiply_adds = 0
    for layer in layers:
        channels = shape[-1]
        if isinstance(layer, Pool):
            shape = reference.output_shape(
                "depthwise_conv", shape, (1, 1, channels, 1), strides=layer.strides, padding="same"
            )
            continue
        window = (layer.kernel_size, layer.kernel_size)
        if layer.filters is None:
            kernel = (*window, channels, 1)
            shape = reference.output_shape("depthwise_conv", shape, kernel, strides=layer.strides, padding="same")
        else:
            kernel = (*window, channels // layer.groups, layer.filters)
            shape = reference.output_shape(
                "conv", shape, kernel, strides=layer.strides, padding="same", groups=layer.groups
            )
        parameters += prod(kernel)
        multiply_adds += prod(kernel) * prod(shape[1:-1])
    return Counts(parameters, multiply_adds, shape)


def _channels(layers: Iterable[Layer | Pool], channels: int) -> int:
    """The output channels of all convolutions together: each has a bias, or a normalisation's scale and shift."""
    total = 0
    for layer in layers:
        if isinstance(layer, Layer):
            channels = layer.filters or channels
            total += channels
    return total


def _mobilenet(*, separable: bool) -> Iterator[Layer]:
    yield Layer(3, 32, strides=2)
    for filters, strides in MOBILENET:
        yield from _three_by_three(filters, strides, separable=separable)


def _vgg16(*, separable: bool) -> Iterator[Layer | Pool]:
    for filters, repeated in VGG16:
        for _ in range(repeated):
            yield from _three_by_three(filters, separable=separable)
        yield Pool(2)


def _three_by_three(filters: int, strides: int = 1, *, separable: bool) -> Iterator[Layer]:
    if separable:
        yield Layer(3, strides=strides)
        yield Layer(1, filters)
    else:
        yield Layer(3, filters, strides=strides)


def _shufflenet(groups: int, channels: int) -> Counts:
    """The convolutions. A unit: grouped 1x1 to a quarter of the outputs, depthwise 3x3, grouped 1x1.

    The first unit of a stage has strides 2 and concatenates its input, pooled; the very first 1x1 is not grouped.
    """
    parts = [_count(IMAGE, [Layer(3, 24, strides=2), Pool(2)])]
    for stage, units in enumerate((4, 8, 4)):
        outputs = channels << stage
        for unit in range(units):
            shape = parts[-1].shape
            first = unit == 0
            made = outputs - shape[-1] if first else outputs
            ungrouped = first and stage == 0
            layers = [
                Layer(1, outputs // 4, groups=1 if ungrouped else groups),
                Layer(3, strides=2 if first else 1),
                Layer(1, made, groups=groups),
            ]
            part = _count(shape, layers)
            parts.append(part._replace(shape=(*part.shape[:-1], outputs)))
    return Counts(sum(part.parameters for part in parts), sum(part.multiply_adds for part in parts), parts[-1].shape)


CHECKS = (
    mobilenet_counts,
    mobilenet_with_full_convolutions,
    vgg16_counts,
    mobilenet_against_vgg16,
    vgg16_with_separable_convolutions,
    shufflenet_counts,
    shufflenet_groups_divide_the_1x1_cost,
    aspp_costs_the_same_at_every_rate,
    enet_asymmetric_costs,
)
