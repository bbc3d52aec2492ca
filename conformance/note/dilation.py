"""The note's 1.6: what dilation does to the receptive field, and DeepLab's and ENet's ways to use it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ... import reference
from ...reference.geometry import Array, Size
from .proof import integers, require, require_equal

ASPP_RATES = (6, 12, 18)
ASPP_SIZE = 33  # output stride 16 of a 513x513 crop
ENET_STAGE_2 = ((3, 1), (3, 2), (5, 1), (3, 4), (3, 1), (3, 8), (5, 1), (3, 16))
"""(kernel size, dilation) along one axis, 2.1 to 2.8: regular, dilated, asymmetric, ..."""


def dilation_widens_the_receptive_field() -> None:
    """1.6: one layer sees (k-1)d + 1 samples wide, a stack 1 + sum of (k-1)d, with the taps of d = 1."""
    for k, d in itertools.product((1, 2, 3, 5), (1, 2, 3, 7)):
        seen = _seen([(k, d)])
        require_equal(np.ptp(seen) + 1, (k - 1) * d + 1, f"receptive field of k={k}, d={d}")
        require_equal(len(seen), k, f"samples that k={k}, d={d} uses")
    for rates, field in (((1, 1, 1), 7), ((1, 2, 4), 15), ((1, 2, 5), 17), ((2, 2, 2), 13)):
        require_equal(np.ptp(_seen([(3, d) for d in rates])) + 1, field, f"receptive field of 3x3 at rates {rates}")


def equal_rates_leave_gaps() -> None:
    """1.6: the receptive field of rates 1, 2, 4 is dense, that of 2, 2, 2 holds every second sample only."""
    require_equal(np.diff(_seen([(3, d) for d in (1, 2, 4)])), [1] * 14, "gaps between the samples of rates 1, 2, 4")
    for d in (2, 3, 5):
        require_equal(np.diff(_seen([(3, d)] * 3)), [d] * 6, f"gaps between the samples of rates {d}, {d}, {d}")


def aspp_branches_fit_together() -> None:
    """1.6, DeepLab: rates 6, 12, 18 give one size, so that channels can be concatenated; they see 13, 25, 37 wide."""
    x = integers(1, ASPP_SIZE, ASPP_SIZE, 2)
    branches = [reference.conv(x, integers(1, 1, 2, 3, seed=1), padding="same")]
    for rate in ASPP_RATES:
        w = integers(3, 3, 2, 3, seed=rate)
        branches.append(reference.conv(x, w, padding="same", dilation=rate))
        require_equal(branches[-1], reference.conv(x, w, padding=rate, dilation=rate), f"same and padding={rate}")
        require_equal(np.ptp(_seen([(3, rate)])) + 1, 2 * rate + 1, f"receptive field of rate {rate}")
    require_equal(np.concatenate(branches, axis=-1).shape, (1, ASPP_SIZE, ASPP_SIZE, 12), "the branches side by side")


def aspp_taps_leave_the_map() -> None:
    """1.6, DeepLab: of 33x33 windows 441, 81 and 0 hold all nine taps at 6, 12, 18; at 33 a 3x3 kernel is a 1x1."""
    ones, taps = np.ones((1, ASPP_SIZE, ASPP_SIZE, 1), int), np.ones((3, 3, 1, 1), int)
    for rate, whole in ((6, 441), (12, 81), (18, 0)):
        inside = reference.conv(ones, taps, padding="same", dilation=rate)
        require_equal(int((inside == 9).sum()), whole, f"windows of rate {rate} with nine taps in the map")
        require_equal(int((inside == 9).sum()), max(ASPP_SIZE - 2 * rate, 0) ** 2, f"(33 - 2*{rate})^2")
    x, w = integers(1, ASPP_SIZE, ASPP_SIZE, 2), integers(3, 3, 2, 3, seed=1)
    got = reference.conv(x, w, padding="same", dilation=ASPP_SIZE)
    require_equal(got, reference.conv(x, w[1:2, 1:2]), "rate 33 against the middle tap alone")


def enet_stage_keeps_size_and_sees_73() -> None:
    """1.6, ENet: eight bottlenecks, four dilated by 2, 4, 8, 16, keep the size and see 73 wide, undilated 21."""
    require_equal(_fields(ENET_STAGE_2), (73, 73), "receptive field of stage 2")
    require_equal(_fields([(k, 1) for k, _ in ENET_STAGE_2]), (21, 21), "receptive field of stage 2 without dilation")
    x = integers(1, 9, 11, 2)
    for k, d in ENET_STAGE_2:
        for kernel_size in _kernels(k):
            got = reference.conv(x, integers(*kernel_size, 2, 2), padding="same", dilation=d)
            require_equal(got.shape, x.shape, f"shape after {kernel_size} at rate {d}")


def _seen(layers: Sequence[tuple[int, int]], length: int = 101) -> Array:
    """The samples that the middle output of a stack (kernel size, dilation) uses, by the gradients."""
    gradient = np.zeros((1, length, 1), int)
    gradient[0, length // 2] = 1
    for k, d in reversed(layers):
        gradient = _back(gradient, (k,), d)
    return np.flatnonzero(gradient)


def _fields(layers: Sequence[tuple[int, int]], length: int = 91) -> tuple[int, int]:
    """The receptive field along both axes; a kernel size of 5 stands for 5x1, then 1x5."""
    gradient = np.zeros((1, length, length, 1), int)
    gradient[0, length // 2, length // 2] = 1
    for k, d in reversed(layers):
        for kernel_size in reversed(_kernels(k)):
            gradient = _back(gradient, kernel_size, d)
    _, rows, columns, _ = np.nonzero(gradient)
    return int(np.ptp(rows)) + 1, int(np.ptp(columns)) + 1


def _kernels(k: int) -> list[Size]:
    return [(5, 1), (1, 5)] if k == 5 else [(k, k)]


def _back(gradient: Array, kernel_size: Size, dilation: int) -> Array:
    """Where the gradient through ones is not zero, as ones."""
    kernel = np.ones((*kernel_size, 1, 1), int)
    back = reference.input_gradient(gradient, kernel, gradient.shape, padding="same", dilation=dilation)
    require(back.any(), f"no gradient reaches the input of {kernel_size} at rate {dilation}")
    return (back != 0).astype(int)


CHECKS = (
    dilation_widens_the_receptive_field,
    equal_rates_leave_gaps,
    aspp_branches_fit_together,
    aspp_taps_leave_the_map,
    enet_stage_keeps_size_and_sees_73,
)
