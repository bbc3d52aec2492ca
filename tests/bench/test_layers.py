"""Layers: what they cost, what they are called, which cases can be one."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from convsuite import reference
from convsuite.benchmarks import Layer, load_layers
from convsuite.benchmarks.layers import layers_of
from convsuite.conformance import UsageError, make_case

KINDS = {
    "conv": {"op": "conv", "filters": 6, "padding": "same", "strides": 2},
    "cropped": {"op": "conv", "filters": 6, "padding": -1},
    "grouped": {"op": "conv", "filters": 6, "groups": 2, "padding": 2, "dilation": 2},
    "transposed": {"op": "conv_transpose", "filters": 6, "strides": 2, "padding": [[1, 1], [1, 0]], "groups": 2},
    "depthwise": {"op": "depthwise_conv", "depth_multiplier": 2, "padding": "same"},
    "separable": {"op": "separable_conv", "filters": 3, "padding": "same"},
}


@pytest.mark.parametrize("kind", KINDS)
def test_multiplications_on_padding_are_no_work(kind):
    """The sum over all-ones arrays counts the products that meet in each result."""
    case = make_case(input=[2, 7, 6, 4], kernel_size=[3, 2], data="normal", **KINDS[kind])
    x, w = (np.ones(shape) for shape in list(case.array_shapes.values())[:2])
    said = {"strides": case.strides, "padding": case.padding, "dilation": case.dilation}
    if kind in ("depthwise", "separable"):
        counted = reference.depthwise_conv(x, w, **said).sum()
    else:
        counted = getattr(reference, case.op)(x, w, groups=case.groups, **said).sum()
    if kind == "separable":  # 4 channels times 3 filters at every place
        counted += case.output_shape[1] * case.output_shape[2] * 2 * 4 * 3
    assert Layer(case).macs == counted


def test_a_layer_is_known_by_what_it_computes():
    case = make_case(id="networks/some::one", op="conv", input=[1, 5, 1], kernel_size=2, filters=1, tags=["network"])
    layer = Layer(case)
    assert (layer.name, layer.network) == ("some::one", "some")
    assert re.fullmatch("[0-9a-f]{8}", layer.digest)
    assert Layer(replace(case, id="other::two", tags=())).digest == layer.digest
    assert Layer(replace(case, padding="same")).digest != layer.digest


def test_networks_by_name_and_the_yardstick_without_one():
    assert {layer.network for layer in load_layers(networks=["vgg16"])} == {"vgg16"}
    assert {layer.network for layer in load_layers()} == {"yardstick"}
    assert sum(layer.occurs for layer in load_layers(networks=["vgg16"])) == 13


def test_layers_of_an_earlier_benchmark_are_found_again():
    names = ["vgg16::conv1_1", "conv1d/digits::same-stride-2"]
    assert [layer.name for layer in layers_of(names)] == names
    with pytest.raises(UsageError, match="mine::one"):
        layers_of(["mine::one"])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("expect: error, strides: 0", "no computation of its own"),
        ("law: stride, strides: 2", "no computation of its own"),
        ("dtype: int32", "int32"),
        ("padding: -3", "empty"),
    ],
)
def test_what_cannot_be_timed_is_said_with_its_line(keys, said, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(f"cases:\n  - {{id: a, op: conv, input: [1, 5, 5, 1], kernel_size: 2, filters: 1, {keys}}}\n")
    with pytest.raises(UsageError, match=f"mine.yaml:2: .*{said}"):
        load_layers([str(file)])


def test_an_unknown_network_is_told_with_those_that_there_are():
    with pytest.raises(UsageError, match=r"vgg17.*vgg16"):
        load_layers(networks=["vgg17"])
