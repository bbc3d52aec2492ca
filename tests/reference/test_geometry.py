"""Sizes, pads and windows: hand examples, and what the rules promise on every small axis."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from convsuite.reference import output_shape
from convsuite.reference.geometry import (
    as_tuple,
    axis_triples,
    conv_geometry,
    conv_pads,
    conv_sizes,
    effective_size,
    full_sizes,
    transpose_window,
)

AXES = list(product(range(8), (1, 2, 3, 4), (1, 2, 3), (1, 2, 3)))  # n, k, s, d


def test_effective_size_is_the_dilated_extent() -> None:
    assert effective_size((3, 1, 2), (2, 5, 1)) == (5, 1, 2)
    assert effective_size((3, 4), 2) == (5, 7)


@pytest.mark.parametrize(
    ("n", "k", "s", "d", "padding", "pads", "out"),
    [
        (5, 2, 1, 1, "same", (0, 1), 5),  # the odd zero goes to the end
        (5, 2, 1, 1, "same_lower", (1, 0), 5),
        (4, 3, 2, 1, "same", (0, 1), 2),  # PyTorch's padding=1 is (1, 1), of the same size
        (4, 3, 2, 1, 1, (1, 1), 2),
        (7, 3, 2, 1, "same", (1, 1), 4),  # ceil(7/2), not floor
        (5, 1, 3, 1, "same", (0, 0), 2),  # k < s: the formula's -1 is clamped
        (20, 1, 2, 1, "same", (0, 0), 10),
        (5, 2, 1, 2, "causal", (2, 0), 5),
        (5, 2, 2, 1, "causal", (1, 0), 3),
        (5, 2, 1, 1, ((-1, -1),), (-1, -1), 2),
        (2, 4, 1, 1, "valid", (0, 0), -1),  # nothing fits: the raw formula
        (0, 3, 2, 1, "same", (0, 1), 0),
        (0, 3, 1, 1, 2, (2, 2), 2),
    ],
)
def test_conv_axis(n: int, k: int, s: int, d: int, padding: Any, pads: tuple[int, int], out: int) -> None:
    assert conv_pads((n,), (k,), s, padding, d) == (pads,)
    assert conv_sizes((n,), (k,), s, padding, d) == (out,)


def test_same_is_the_least_padding_for_ceil_windows_split_evenly() -> None:
    for n, k, s, d in AXES:
        ((lo, hi),) = conv_pads((n,), (k,), s, "same", d)
        ((lower_lo, lower_hi),) = conv_pads((n,), (k,), s, "same_lower", d)
        (ke,), out = effective_size((k,), d), -(-n // s)
        assert conv_sizes((n,), (k,), s, "same", d) == conv_sizes((n,), (k,), s, "same_lower", d) == (out,)
        assert (lower_lo, lower_hi) == (hi, lo)
        assert 0 <= hi - lo <= 1
        assert lo + hi == min(total for total in range(100) if total >= (out - 1) * s + ke - n)


@pytest.mark.parametrize(
    ("n", "k", "s", "d", "padding", "op", "window"),
    [
        (3, 1, 3, 1, "valid", None, (0, 9)),  # two positions past full = 7
        (3, 3, 2, 1, "valid", None, (0, 7)),
        (3, 3, 2, 1, "valid", 1, (0, 8)),
        (3, 3, 2, 1, "same", None, (0, 6)),
        (3, 3, 2, 1, "same", 0, (1, 5)),
        (3, 3, 2, 1, "same", 1, (0, 6)),
        (3, 3, 2, 1, "same_lower", None, (1, 6)),
        (3, 4, 2, 1, "same", None, (1, 6)),
        (3, 4, 2, 1, "same_lower", None, (1, 6)),
        (3, 2, 2, 2, "same", None, (0, 6)),  # the dilated extent, 3, is what is odd: Keras 3.15 on JAX
        (3, 2, 2, 2, "same", 0, (1, 5)),
        (4, 3, 1, 1, 1, None, (1, 4)),
        (4, 3, 2, 1, 1, 1, (1, 8)),
        (4, 3, 2, 1, 0, 1, (0, 10)),  # one position past full = 9
        (3, 3, 1, 2, 0, 1, (0, 8)),  # op < d suffices under pairs
        (3, 3, 2, 1, ((1, 3),), None, (1, 3)),
        (3, 3, 2, 1, ((-2, -1),), None, (-2, 10)),  # a negative crop adds zeros
        (1, 2, 1, 1, 2, None, (2, -2)),  # more cropped than there is
    ],
)
def test_transpose_axis(n: int, k: int, s: int, d: int, padding: Any, op: int | None, window: tuple[int, int]) -> None:
    assert transpose_window((n,), (k,), s, padding, d, op) == (window,)


def test_transpose_words_have_keras_sizes() -> None:
    for n, k, s, d in AXES:
        (ke,), (full,) = effective_size((k,), d), full_sizes((n,), (k,), s, d)
        ((begin, size),) = transpose_window((n,), (k,), s, "valid", d)
        assert (begin, size) == (0, (n - 1) * s + max(ke, s))
        ((begin, size),) = transpose_window((n,), (k,), s, "same", d)
        assert (begin, size) == (max(full - n * s, 0) // 2, n * s)
        for op in range(s):
            assert transpose_window((n,), (k,), s, "valid", d, op) == ((0, full + op),)
            assert transpose_window((n,), (k,), s, "same", d, op)[0][1] == (n - 1) * s + ke % 2 + op


def test_axis_triples_are_the_definition() -> None:
    for (n, k, s, d), begin in product(AXES, (-2, 0, 3)):
        expected = {(o, i, t) for o in range(4) for t in range(k) for i in range(n) if i == o * s + t * d - begin}
        triples = list(zip(*(array.tolist() for array in axis_triples(n, k, s, d, begin, 4)), strict=True))
        assert len(triples) == len(expected)
        assert set(triples) == expected


def test_full_of_the_geometry_is_what_the_grid_covers() -> None:
    geometry = conv_geometry((7, 6), (3, 2), (2, 1), "same", (1, 3))
    assert geometry.full == full_sizes(geometry.grid, (3, 2), (2, 1), (1, 3))
    assert conv_geometry((2,), (3,), 1, "valid", 1).full == (0,)


def test_as_tuple_repeats_an_int_and_keeps_a_sequence() -> None:
    assert as_tuple(2, 3, "strides") == (2, 2, 2)
    assert as_tuple([1, 2], 2, "strides") == (1, 2)
    two: Any = np.int64(2)
    values = as_tuple(two, 2, "strides")
    assert values == (2, 2)
    assert all(type(value) is int for value in values)


@pytest.mark.parametrize(
    ("op", "kernel_shape", "keywords", "shape"),
    [
        ("conv", (4, 2, 3, 5), {"strides": 2, "padding": "same"}, (2, 8, 7, 5)),
        ("conv", (3, 3, 1, 6), {"groups": 3, "dilation": (1, 2)}, (2, 13, 10, 6)),
        ("conv", (16, 1, 3, 5), {}, (2, 0, 14, 5)),
        ("conv_transpose", (3, 3, 5, 3), {"strides": 2, "padding": 1, "output_padding": 1}, (2, 30, 28, 5)),
        ("conv_transpose", (1, 1, 2, 3), {"groups": 3, "padding": 8}, (2, 0, 0, 6)),
        ("depthwise_conv", (3, 3, 3, 2), {"strides": (2, 1), "padding": "same"}, (2, 8, 14, 6)),
        ("separable_conv", (3, 3, 3, 2), {"filters": 7}, (2, 13, 12, 7)),
    ],
)
def test_output_shape(op: str, kernel_shape: tuple[int, ...], keywords: dict[str, Any], shape: object) -> None:
    assert output_shape(op, (2, 15, 14, 3), kernel_shape, **keywords) == shape
