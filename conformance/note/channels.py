"""The note's 1.5: depthwise, separable and grouped convolutions, their channels and what they cost."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from ... import reference
from ...reference.geometry import Array
from .proof import differ, integers, require, require_equal, require_refusal

DEPTHWISE = tuple(itertools.product((1, 2, 5), (1, 2, 3), ((1, "valid"), (2, "same"))))
"""(c, m, (strides, padding))."""


def depthwise_is_one_conv2d_per_channel() -> None:
    """1.5.1: c kernels [m, 1, h, w], c inputs [N, 1, H, W], c convolutions, their outputs side by side."""
    for c, m, (s, padding) in DEPTHWISE:
        x, w = integers(2, 6, 7, c), integers(3, 2, c, m, seed=1)
        parts = [reference.conv(x[..., i : i + 1], w[..., i : i + 1, :], strides=s, padding=padding) for i in range(c)]
        got = reference.depthwise_conv(x, w, strides=s, padding=padding)
        require_equal(got, np.concatenate(parts, axis=-1), f"c={c}, m={m}, strides={s}, {padding}")


def depthwise_has_m_times_c_outputs() -> None:
    """1.5.1: output channel i*m + j is input channel i under its kernel j, and depends on no other input channel."""
    for c, m, (s, padding) in DEPTHWISE:
        x, w = integers(2, 6, 7, c), np.abs(integers(3, 2, c, m, seed=1))
        y = reference.depthwise_conv(x, w, strides=s, padding=padding)
        require_equal(y.shape[-1], m * c, f"output channels for c={c}, m={m}")
        for i in range(c):
            changed = x.copy()
            changed[..., i] += 1
            moved = (reference.depthwise_conv(changed, w, strides=s, padding=padding) != y).any(axis=(0, 1, 2))
            require_equal(moved, np.arange(m * c) // m == i, f"outputs that see input channel {i} of {c}, m={m}")
    codes = reference.depthwise_conv(np.array([[[1, 100]]]), np.array([[[1, 2, 3], [4, 5, 6]]]))
    require_equal(codes.ravel(), [1, 2, 3, 400, 500, 600], "two channels under three kernels each")


def depthwise_costs_m_of_o() -> None:
    """1.5.1: parameters m*c*h*w against o*c*h*w, a ratio of m/o, and multiply-adds in the same ratio."""
    for c, m, o, (h, w) in itertools.product((1, 3, 4), (1, 2), (1, 5, 8), ((3, 3), (1, 2))):
        x, depthwise, dense = np.ones((1, 6, 7, c), int), np.ones((h, w, c, m), int), np.ones((h, w, c, o), int)
        require_equal(Fraction(depthwise.size, dense.size), Fraction(m, o), f"parameters, c={c}, m={m}, o={o}")
        # all ones: every product adds one
        adds = Fraction(int(reference.depthwise_conv(x, depthwise).sum()), int(reference.conv(x, dense).sum()))
        require_equal(adds, Fraction(m, o), f"multiply-adds, c={c}, m={m}, o={o}")


def separable_turns_m_times_c_into_o() -> None:
    """1.5.2: a 1x1 convolution after the depthwise one gives any number of channels, mixing all m*c of them."""
    for c, m, o in itertools.product((1, 2, 3), (1, 2), (1, 4, 7)):
        x, w = integers(2, 5, 6, c), integers(3, 3, c, m, seed=1)
        pointwise = np.abs(integers(1, 1, c * m, o, seed=2))
        between = reference.depthwise_conv(x, w, padding="same")
        y = reference.separable_conv(x, w, pointwise, padding="same")
        require_equal(y.shape, (2, 5, 6, o), f"shape for c={c}, m={m}, o={o}")
        require_equal(y, between @ pointwise[0, 0], f"depthwise, then a matrix product, c={c}, m={m}, o={o}")


def separable_is_depthwise_then_1x1() -> None:
    """1.5.2: the composition, strides and padding in the first part; so it is one Conv2D whose kernel is a product."""
    cases = itertools.product((1, 2, 3), (1, 2), ((1, "valid", 1), (2, "same", 1), (1, "same", 2)))
    for c, m, (s, padding, d) in cases:
        x, w, p = integers(2, 9, 8, c), integers(3, 2, c, m, seed=1), integers(1, 1, c * m, 5, seed=2)
        window: dict[str, Any] = {"strides": s, "padding": padding, "dilation": d}
        got = reference.separable_conv(x, w, p, **window)
        composed = reference.conv(reference.depthwise_conv(x, w, **window), p)
        require_equal(got, composed, f"c={c}, m={m}, strides={s}, {padding}, dilation={d}")
        # kernel[t, c, o] = sum over j of depthwise[t, c, j] * pointwise[c*m + j, o]
        kernel = np.einsum("hwcj,cjo->hwco", w, p.reshape(c, m, 5))
        require_equal(got, reference.conv(x, kernel, **window), f"one kernel, c={c}, m={m}, strides={s}, {padding}")
        rectified = reference.conv(np.maximum(reference.depthwise_conv(x, w, **window), 0), p)
        require(differ(got, rectified), "a ReLU between the two, as MobileNet has it, changes nothing")


def separable_costs_less_than_conv2d() -> None:
    """1.5.2: m*c*k*k + m*c*o parameters against o*c*k*k, a ratio of m/o + m/k^2, above 1 for k=1."""
    for c, m, o, k in itertools.product((1, 3, 4), (1, 2), (1, 2, 5, 16), (1, 2, 3)):
        x, depthwise = np.ones((1, 6, 7, c), int), np.ones((k, k, c, m), int)
        pointwise, dense = np.ones((1, 1, c * m, o), int), np.ones((k, k, c, o), int)
        due = Fraction(m, o) + Fraction(m, k * k)
        require_equal(Fraction(depthwise.size + pointwise.size, dense.size), due, f"parameters, c={c}, m={m}, o={o}")
        between = reference.depthwise_conv(x, depthwise)
        adds = between.sum() + reference.conv(np.ones_like(between), pointwise).sum()
        require_equal(
            Fraction(int(adds), int(reference.conv(x, dense).sum())), due, f"multiply-adds, c={c}, m={m}, o={o}"
        )


def grouped_is_its_parts_side_by_side() -> None:
    """1.5.3: channels in m contiguous groups, in and out, one kernel [O/m, I/m, h, w] each, outputs side by side."""
    cases = itertools.product((1, 2, 3), ((1, 2), (2, 1), (3, 2)), ((1, "valid"), (2, "same")))
    for groups, (i, o), (s, padding) in cases:
        x, w = integers(2, 6, 7, groups * i), integers(3, 2, i, groups * o, seed=1)
        parts = [
            reference.conv(x[..., g * i : (g + 1) * i], w[..., g * o : (g + 1) * o], strides=s, padding=padding)
            for g in range(groups)
        ]
        got = reference.conv(x, w, strides=s, padding=padding, groups=groups)
        require_equal(got, np.concatenate(parts, axis=-1), f"groups={groups}, {i} to {o} channels each")
        if groups > 1 and i == 1:
            continue
        if groups > 1:  # interleaved groups, channel c in group c mod m, are another convolution
            mixed = x.reshape(2, 6, 7, i, groups).swapaxes(-1, -2).reshape(x.shape)
            require(differ(reference.conv(mixed, w, strides=s, padding=padding, groups=groups), got), "interleaved")


def ten_groups_make_kernels_of_6x4() -> None:
    """1.5.3: 40 to 60 channels in 10 groups: ten kernels [6, 4, h, w], a tenth of the parameters."""
    x = integers(1, 3, 4, 40)
    w = integers(3, 2, 40 // 10, 60, seed=1)
    kernels = np.split(w.transpose(3, 2, 0, 1), 10)
    require_equal([kernel.shape for kernel in kernels], [(6, 4, 3, 2)] * 10, "the ten kernels")
    y = reference.conv(x, w, groups=10)
    require_equal(y.shape, (1, 1, 3, 60), "shape of the result")
    for g, kernel in enumerate(kernels):
        part = reference.conv(x[..., 4 * g : 4 * g + 4], kernel.transpose(2, 3, 1, 0))
        require_equal(part, y[..., 6 * g : 6 * g + 6], f"group {g}")
    require_equal(w.size * 10, 3 * 2 * 40 * 60, "parameters of the convolution without groups")
    wrong = integers(3, 2, 40, 60)
    require_refusal(ValueError, "a kernel of 40 channels in 10 groups", lambda: reference.conv(x, wrong, groups=10))


def conv_1x1_is_a_dense_layer() -> None:
    """1.5.3: over the channels a 1x1 convolution is an IxO dense layer, the same at every pixel."""
    for i, o in ((1, 3), (4, 2), (10, 10)):
        x, w = integers(2, 5, 6, i), integers(1, 1, i, o, seed=1)
        require_equal(reference.conv(x, w), x @ w[0, 0], f"{i} to {o} channels")


def grouped_1x1_is_small_dense_layers() -> None:
    """1.5.3: g dense layers (I/g)x(O/g), results side by side; 10x10 becomes two 5x5, 50 parameters instead of 100."""
    for g, i, o in ((2, 10, 10), (3, 6, 9), (4, 4, 8)):
        x, w = integers(2, 5, 6, i), integers(1, 1, i // g, o, seed=1)
        layers = np.split(w[0, 0], g, axis=-1)
        require_equal([layer.shape for layer in layers], [(i // g, o // g)] * g, f"{g} layers of {i}x{o}")
        parts = [part @ layer for part, layer in zip(np.split(x, g, axis=-1), layers, strict=True)]
        require_equal(reference.conv(x, w, groups=g), np.concatenate(parts, axis=-1), f"{g} groups, {i} to {o}")
        require_equal(w.size * g, i * o, "parameters of the whole layer")
    require_equal(sum(layer.size for layer in np.split(integers(5, 10), 2, axis=-1)), 50, "two 5x5")


def depthwise_is_grouped_by_channel() -> None:
    """1.5.3: groups equal to the input channels make a grouped convolution a depthwise one, for every multiplier."""
    for c, m, (s, padding) in DEPTHWISE:
        x, w = integers(2, 6, 7, c), integers(3, 2, c, m, seed=1)
        got = reference.conv(x, w.reshape(3, 2, 1, c * m), strides=s, padding=padding, groups=c)
        require_equal(got, _depthwise(w, s, padding)(x), f"c={c}, m={m}, strides={s}, {padding}")


def depthwise_outputs_equal_inputs_for_m_1_only() -> None:
    """1.5.3: the special case does not ask for as many outputs as inputs; they are m*c, which is c for m = 1 alone."""
    for c, m, (s, padding) in DEPTHWISE:
        outputs = _depthwise(integers(3, 2, c, m), s, padding)(integers(2, 6, 7, c)).shape[-1]
        require_equal(outputs == c, m == 1, f"whether c={c}, m={m} gives as many output channels as input channels")


def grouped_layers_alone_never_mix_their_groups() -> None:
    """1.5.3, ShuffleNet: two grouped 1x1 convolutions keep their groups apart; a channel shuffle between mixes them."""
    for g, width in ((2, 2), (3, 3), (4, 4)):
        channels = g * width
        x, w, v = integers(1, 2, 3, channels), *(np.abs(integers(1, 1, width, channels, seed=i)) for i in (1, 2))
        for shuffled in (False, True):
            y = _two_layers(x, w, v, g, shuffled=shuffled)
            changed = x.copy()
            changed[..., 0] += 1
            moved = (_two_layers(changed, w, v, g, shuffled=shuffled) != y).any(axis=(0, 1, 2))
            due = np.full(channels, True) if shuffled else np.arange(channels) < width
            require_equal(moved, due, f"outputs that see channel 0 of {channels} in {g} groups")


def _depthwise(w: Array, strides: int, padding: str) -> Callable[[Array], Array]:
    return lambda x: reference.depthwise_conv(x, w, strides=strides, padding=padding)


def _two_layers(x: Array, w: Array, v: Array, groups: int, *, shuffled: bool) -> Array:
    between = reference.conv(x, w, groups=groups)
    if shuffled:  # (..., groups, width) -> (..., width, groups)
        shape = between.shape
        between = between.reshape(*shape[:-1], groups, -1).swapaxes(-1, -2).reshape(shape)
    return reference.conv(between, v, groups=groups)


CHECKS = (
    depthwise_is_one_conv2d_per_channel,
    depthwise_has_m_times_c_outputs,
    depthwise_costs_m_of_o,
    separable_turns_m_times_c_into_o,
    separable_is_depthwise_then_1x1,
    separable_costs_less_than_conv2d,
    grouped_is_its_parts_side_by_side,
    ten_groups_make_kernels_of_6x4,
    conv_1x1_is_a_dense_layer,
    grouped_1x1_is_small_dense_layers,
    depthwise_is_grouped_by_channel,
    depthwise_outputs_equal_inputs_for_m_1_only,
    grouped_layers_alone_never_mix_their_groups,
)
