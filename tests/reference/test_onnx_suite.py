"""Every Conv, ConvTranspose and ConvInteger node test of ONNX is reproduced, in its own words turned into ours."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from convsuite.reference import conv, conv_transpose
from convsuite.reference.geometry import full_sizes

onnx = pytest.importorskip("onnx")

NAMES = [
    "test_basic_conv_with_padding",
    "test_basic_conv_without_padding",
    "test_conv_with_autopad_same",
    "test_conv_with_strides_and_asymmetric_padding",
    "test_conv_with_strides_no_padding",
    "test_conv_with_strides_padding",
    "test_convinteger_with_padding",
    "test_convinteger_without_padding",
    "test_convtranspose",
    "test_convtranspose_1d",
    "test_convtranspose_3d",
    "test_convtranspose_autopad_same",
    "test_convtranspose_dilations",
    "test_convtranspose_group_2",
    "test_convtranspose_group_2_image_3",
    "test_convtranspose_kernel_shape",
    "test_convtranspose_output_shape",
    "test_convtranspose_pad",
    "test_convtranspose_pads",
]


@pytest.fixture(scope="module")
def suite() -> dict[str, Any]:
    """The node tests by name; collected once, for a second call would return the first one's list."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from onnx.backend.test.case.node import collect_testcases

        cases = collect_testcases(None)
    ops = {"Conv", "ConvTranspose", "ConvInteger"}
    return {case.name: case for case in cases if case.model and {n.op_type for n in case.model.graph.node} <= ops}


def test_no_node_test_is_left_out(suite: dict[str, Any]) -> None:
    assert set(NAMES) <= set(suite)
    if onnx.__version__.startswith("1.23."):
        assert set(NAMES) == set(suite)


@pytest.mark.parametrize("name", NAMES)
def test_node(suite: dict[str, Any], name: str) -> None:
    if name not in suite:
        pytest.skip(f"onnx {onnx.__version__} has no {name}")
    case = suite[name]
    (node,) = case.model.graph.node
    ((inputs, (expected,)),) = case.data_sets
    y = np.moveaxis(run(node, *inputs), -1, 1)
    assert y.shape == expected.shape
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=case.rtol, atol=case.atol)


def run(node: Any, x: np.ndarray, w: np.ndarray, *more: np.ndarray) -> np.ndarray:
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    x = np.moveaxis(x, 1, -1)  # (N, C, *spatial) -> (N, *spatial, C)
    w = w.transpose(*range(2, w.ndim), 1, 0)  # (F, C/G, *kernel) -> (*kernel, C/G, F);  (C, F/G, *kernel) likewise
    if node.op_type == "ConvInteger":
        zero_points = [*more, np.array(0)][:2]  # one for x, one per filter for w
        x, w = (array.astype("int32") - zero.astype("int32") for array, zero in zip((x, w), zero_points, strict=True))
    keywords: dict[str, Any] = {
        "strides": attributes.get("strides", 1),
        "dilation": attributes.get("dilations", 1),
        "groups": attributes.get("group", 1),
        "padding": padding(node.op_type, attributes, x.shape[1:-1], w.shape[:-2]),
    }
    if node.op_type == "ConvTranspose":
        return conv_transpose(x, w, output_padding=attributes.get("output_padding"), **keywords)
    return conv(x, w, **keywords)


def padding(op_type: str, attributes: dict[str, Any], spatial: Sequence[int], kernel_size: Sequence[int]) -> Any:
    word = attributes.get("auto_pad", b"NOTSET").decode()
    if "output_shape" in attributes and op_type == "ConvTranspose":
        # total = full + output_padding - output_shape;  the begin gets the larger half unless SAME_UPPER
        rank = len(spatial)
        full = full_sizes(
            tuple(spatial), tuple(kernel_size), attributes.get("strides", 1), attributes.get("dilations", 1)
        )
        extra = attributes.get("output_padding", [0] * rank)
        totals = [a + b - c for a, b, c in zip(full, extra, attributes["output_shape"], strict=True)]
        lows = [total // 2 if word == "SAME_UPPER" else total - total // 2 for total in totals]
        return tuple((lo, total - lo) for lo, total in zip(lows, totals, strict=True))
    if word == "NOTSET":
        pads = attributes.get("pads", [0] * (2 * len(spatial)))  # all begins, then all ends
        return tuple(zip(pads[: len(spatial)], pads[len(spatial) :], strict=True))
    return {"SAME_UPPER": "same", "SAME_LOWER": "same_lower", "VALID": "valid"}[word]
