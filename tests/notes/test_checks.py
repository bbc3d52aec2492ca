"""The checks hold of the reference, and fail of a wrong one: each has at least one mutant that it finds."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from convsuite import reference
from convsuite.conformance import note
from convsuite.conformance.checks import CHECKS, run_check

CONV = reference.conv
CONV_TRANSPOSE = reference.conv_transpose
DEPTHWISE = reference.depthwise_conv
SEPARABLE = reference.separable_conv
IM2COL = reference.im2col
COL2IM = reference.col2im
INPUT_GRADIENT = reference.input_gradient
OUTPUT_SHAPE = reference.output_shape

Mutant = dict[str, Callable[..., Any]]


def spatial(array: np.ndarray) -> tuple[int, ...]:
    return tuple(range(array.ndim - 2))


def mirrored(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, w, *more, **said: function(x, np.flip(w, spatial(w)), *more, **said)


def with_padding(function: Callable[..., Any], **other: Any) -> Callable[..., Any]:
    def padded(*arrays, padding="valid", **said):
        return function(*arrays, padding=other.get(str(padding), padding), **said)

    return padded


def without(function: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """The function blind to some of its keywords."""
    return lambda *arrays, **said: function(*arrays, **{k: v for k, v in said.items() if k not in names})


def floored_same(x, w, **said):
    y = CONV(x, w, **said)
    strides = said.get("strides", 1)
    if said.get("padding") != "same" or not isinstance(strides, int):
        return y
    return y[:, *(slice(n // strides) for n in x.shape[1:-1])]


def ceiled_valid(x, w, **said):
    """Rounds the size up, as pooling layers with ceil_mode do."""
    strides = said.get("strides", 1)
    if said.get("padding", "valid") == "valid" and isinstance(strides, int):
        said["padding"] = [(0, strides - 1)] * (x.ndim - 2)
    return CONV(x, w, **said)


def one_tap(x, w, **said):
    """A larger kernel that sees its first tap alone, in place."""
    said["padding"] = "valid"
    return CONV(x, w[(slice(1),) * (w.ndim - 2)], **said)


def interleaved(x, w, groups=1, **said):
    """Channel c in group c mod groups."""
    order = np.arange(x.shape[-1]).reshape(-1, groups).T.ravel()
    return CONV(x[..., order], w, groups=groups, **said)


def placed(x, w, **said):
    """Adds its row's number to every pixel."""
    return CONV(x + np.arange(x.shape[1]).reshape(-1, *(1,) * (x.ndim - 2)), w, **said)


def lenient(x, w, *, strides=1, groups=1, **said):
    """Takes any strides and any depth of kernel."""
    strides = strides if isinstance(strides, int) else strides[0]
    depth = min(x.shape[-1] // groups, w.shape[-2])
    return CONV(x[..., : depth * groups], w[..., :depth, :], strides=strides, groups=groups, **said)


def multiplier_first(x, w, **said):
    y = DEPTHWISE(x, w, **said)
    return y.reshape(*y.shape[:-1], *w.shape[-2:]).swapaxes(-1, -2).reshape(y.shape)


def one_multiplier(x, w, **said):
    return DEPTHWISE(x, w[..., :1], **said)


def rectified(x, w, p, **said):
    return CONV(np.maximum(DEPTHWISE(x, w, **said), 0), p)


def shifted(x, w, **said):
    return np.roll(CONV_TRANSPOSE(x, w, **said), 1, axis=1)


def one_algorithm(x, w, **said):
    y = CONV_TRANSPOSE(x, w, **said)
    return -y if said.get("algorithm") == "dilate_pad" else y


def exact_columns(x, kernel_size, *, strides=1, padding=0, **said):
    """Refuses a rest, as the note's assertion does."""
    if any((n + 2 * padding - k) % strides for n, k in zip(x.shape[1:-1], kernel_size, strict=True)):
        raise ValueError("a rest")
    return IM2COL(x, kernel_size, strides=strides, padding=padding, **said)


def unstrided_shape(op, input_shape, kernel_shape, **said):
    said["strides"] = 1
    return OUTPUT_SHAPE(op, input_shape, kernel_shape, **said)


def larger_shape(*arguments, **said):
    batch, *sizes, channels = OUTPUT_SHAPE(*arguments, **said)
    return (batch, *(size + 1 for size in sizes), channels)


def channels_of_one_group(*arguments, groups=1, **said):
    *sizes, channels = OUTPUT_SHAPE(*arguments, groups=groups, **said)
    return (*sizes, channels // groups)


MUTANTS: dict[str, Mutant] = {
    "kernel mirrored": {"conv": mirrored(CONV), "depthwise_conv": mirrored(DEPTHWISE)},
    "same pads the begin first": {"conv": with_padding(CONV, same="same_lower")},
    "same is floor": {"conv": floored_same},
    "same is valid": {"conv": with_padding(CONV, same="valid")},
    "valid is ceil": {"conv": ceiled_valid},
    "valid is same": {"conv": with_padding(CONV, valid="same")},
    "one tap": {"conv": one_tap},
    "dilation dropped": {"conv": without(CONV, "dilation"), "input_gradient": without(INPUT_GRADIENT, "dilation")},
    "strides dropped": {"conv": without(CONV, "strides"), "conv_transpose": without(CONV_TRANSPOSE, "strides")},
    "flip dropped": {"conv": without(CONV, "flip")},
    "groups interleaved": {"conv": interleaved},
    "anything goes": {"conv": lenient},
    "doubled": {"conv": lambda *arrays, **said: 2 * CONV(*arrays, **said)},
    "positions added": {"conv": placed},
    "transposed kernel mirrored": {"conv_transpose": mirrored(CONV_TRANSPOSE)},
    "transposed window shifted": {"conv_transpose": shifted},
    "one algorithm wrong": {"conv_transpose": one_algorithm},
    "multiplier first": {"depthwise_conv": multiplier_first},
    "one multiplier": {"depthwise_conv": one_multiplier},
    "ReLU between": {"separable_conv": rectified},
    "columns mirrored": {"im2col": lambda *arguments, **said: IM2COL(*arguments, **said)[..., ::-1, :]},
    "columns refuse a rest": {"im2col": exact_columns},
    "columns averaged": {"col2im": lambda *arguments, **said: np.minimum(COL2IM(*arguments, **said), 9)},
    "shape without strides": {"output_shape": unstrided_shape},
    "shape too large": {"output_shape": larger_shape},
    "channels of one group": {"output_shape": channels_of_one_group},
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKS)
def test_holds(name):
    outcome, judgement = run_check(name)
    assert judgement.ok, judgement.message
    assert outcome.seconds is not None
    assert outcome.seconds < 5


def breaks(name: str, mutant: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    with monkeypatch.context() as patch:
        for attribute, function in MUTANTS[mutant].items():
            patch.setattr(reference, attribute, function)
        _, judgement = run_check(name)
    assert judgement.ok == (not judgement.message)
    return not judgement.ok


@pytest.mark.parametrize("name", note.CHECKS)
def test_fails_of_a_wrong_reference(name, monkeypatch):
    assert any(breaks(name, mutant, monkeypatch) for mutant in MUTANTS)


@pytest.mark.parametrize(
    ("mutant", "names"),
    [
        ("kernel mirrored", ["filters_find_local_patterns", "naive_flips_the_kernel"]),
        ("same pads the begin first", ["same_puts_the_odd_zero_last", "naive_fails_for_even_kernels"]),
        ("same is floor", ["same_size_is_the_ceiling", "same_sizes_compose", "the_printed_shapes_hide_the_floor"]),
        ("valid is ceil", ["valid_size", "size_formula_needs_the_floor", "valid_drops_what_does_not_fit"]),
        ("one tap", ["shuffled_pixels_break_larger_kernels", "outputs_see_their_window_only"]),
        ("dilation dropped", ["a_dilated_kernel_is_a_larger_one_with_zeros", "dilation_widens_the_receptive_field"]),
        ("groups interleaved", ["grouped_is_its_parts_side_by_side", "ten_groups_make_kernels_of_6x4"]),
        ("anything goes", ["conv1d_takes_one_stride", "each_filter_has_all_input_channels"]),
        ("transposed kernel mirrored", ["deconv_is_a_conv_of_the_dilated_input", "deconv_is_gemm_then_col2im"]),
        ("one algorithm wrong", ["deconv_has_two_equal_computations"]),
        ("multiplier first", ["depthwise_has_m_times_c_outputs", "depthwise_is_grouped_by_channel"]),
        ("one multiplier", ["depthwise_outputs_equal_inputs_for_m_1_only", "depthwise_costs_m_of_o"]),
        ("ReLU between", ["separable_is_depthwise_then_1x1"]),
        ("columns mirrored", ["im2col_print_out", "im2col_makes_convolution_a_matrix_product"]),
        ("shape without strides", ["mobilenet_counts", "vgg16_counts", "shufflenet_counts", "mobilenet_against_vgg16"]),
    ],
)
def test_finds_the_mistake_it_is_about(mutant, names, monkeypatch):
    assert [name for name in names if not breaks(name, mutant, monkeypatch)] == []


def test_another_error_than_its_own_is_a_failure_too(monkeypatch):
    monkeypatch.setattr(reference, "conv", with_padding(CONV, same="causality"))
    _, judgement = run_check("same_size_is_the_ceiling")
    assert judgement.verdict == "differs"
    assert judgement.message.startswith("ValueError: padding: got 'causality'")


def test_counts_follow_the_tables(monkeypatch):
    """A row left out of a network's table shows in its counts."""
    monkeypatch.setattr(note.networks, "MOBILENET", note.networks.MOBILENET[:-1])
    monkeypatch.setattr(note.networks, "VGG16", note.networks.VGG16[1:])
    monkeypatch.setattr(note.networks, "SHUFFLENET", {3: (252, 137)})
    for name in ("mobilenet_counts", "mobilenet_with_full_convolutions", "vgg16_counts", "shufflenet_counts"):
        _, judgement = run_check(name)
        assert not judgement.ok, name
