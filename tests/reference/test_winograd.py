"""Winograd's algorithm: exact transforms, the same convolution, no error beyond its bound."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from math import prod
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from convsuite.reference import conv, depthwise_conv, prepare_winograd, products, separable_conv, winograd_bound
from convsuite.reference.cook_toom import Transform, cook_toom

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
TILES = (2, 4, 6)
LAYERS: list[tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]] = [
    ((40,), (3,), {}),
    ((14, 13), (3, 3), {"padding": "same"}),
    ((12, 9), (2, 4), {"strides": 2, "padding": 1}),
    ((11, 12), (3, 2), {"dilation": (2, 3), "groups": 2}),
    ((5, 6, 7), (3, 2, 3), {"padding": "same"}),
]
"""Spatial sizes, kernel sizes and parameters of `conv`."""


def problem(seed: int, dtype: str = "float64") -> tuple[np.ndarray, np.ndarray, dict[str, Any], Any]:
    """An input, a kernel, `conv`'s parameters and a tile: one to three axes, anything per axis."""
    draw, stream = random.Random(seed), np.random.RandomState(seed)

    def per_axis(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randint(low, high) for _ in range(rank))

    rank = draw.choice([1, 2, 2, 3])
    kernel_size, groups = per_axis(1, 5), draw.randint(1, 3)
    channels, filters = draw.randint(1, 3), groups * draw.randint(1, 3)
    words = ["valid", "same", "same_lower", 2] + ["causal"] * (rank == 1)
    padding = draw.choice([*words, tuple((draw.randint(-2, 3), draw.randint(-2, 3)) for _ in range(rank))])
    keywords = {"strides": per_axis(1, 3), "dilation": per_axis(1, 3), "groups": groups, "padding": padding}
    x = stream.standard_normal((draw.randint(0, 2), *per_axis(0, 14 if rank < 3 else 8), groups * channels))
    w = stream.standard_normal((*kernel_size, channels, filters))
    if draw.random() < 0.5:
        keywords["bias"] = stream.standard_normal(filters).astype(dtype)
    return x.astype(dtype), w.astype(dtype), keywords, draw.choice([*TILES, per_axis(1, 6)])


@pytest.mark.parametrize("m", range(1, 9))
@pytest.mark.parametrize("r", range(1, 6))
def test_a_transform_computes_the_convolution_in_fractions(m: int, r: int) -> None:
    one = cook_toom(m, r)
    assert (len(one.AT), len(one.G), len(one.BT)) == (m, m + r - 1, m + r - 1)
    d = [Fraction(i * i - 7, 3) for i in range(one.n)]
    g = [Fraction(5 - 2 * j, 7) for j in range(r)]

    def times(matrix: Any, vector: list[Fraction]) -> list[Fraction]:
        return [sum((a * b for a, b in zip(row, vector, strict=True)), Fraction()) for row in matrix]

    products = [a * b for a, b in zip(times(one.G, g), times(one.BT, d), strict=True)]
    assert times(one.AT, products) == [sum(d[o + j] * g[j] for j in range(r)) for o in range(m)]


def test_the_transform_of_two_outputs_is_the_published_one() -> None:
    """F(2, 3) of A. Lavin and S. Gray, section 4.1, but for the signs of its first and last row."""
    one = cook_toom(2, 3)
    assert np.array_equal(one.bt, [[-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, -1, 0, 1]])
    assert np.array_equal(one.g, [[-1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]])
    assert np.array_equal(one.at, [[1, 1, 1, 0], [0, 1, -1, 1]])


@pytest.mark.parametrize("points", [("0", "1"), ("0", "1", "1"), ("0", "1/2", "2/4"), ("0", "1", "2", "3")])
def test_points_that_give_no_transform_are_refused(points: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"points of F\(2, 3\): got .*, expected 3 distinct ones"):
        cook_toom(2, 3, points)


@pytest.mark.parametrize("name", ["AT", "G", "BT"])
def test_a_wrong_coefficient_is_refused_before_use(name: str) -> None:
    right = cook_toom(4, 3)
    rows = getattr(right, name)
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            changed = (*rows[:i], (*row[:j], value + Fraction(1, 10**9), *row[j + 1 :]), *rows[i + 1 :])
            with pytest.raises(ValueError, match="the matrices are no convolution"):
                replace(right, **{name: changed})
    with pytest.raises(ValueError, match="n being 6"):
        Transform(4, 3, right.AT, right.G, right.BT[:-1])


@pytest.mark.parametrize("seed", range(400))
def test_it_is_the_same_convolution(seed: int) -> None:
    x, w, keywords, tile = problem(seed)
    expected, y = conv(x, w, **keywords), conv(x, w, **keywords, algorithm="winograd", tile=tile)
    assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
    assert np.allclose(y, expected, rtol=0, atol=1e-10 * np.max(np.abs(expected), initial=0))


@pytest.mark.parametrize("seed", range(0, 100, 5))
@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_prepared_kernel_is_the_kernel(seed: int, dtype: str) -> None:
    x, w, keywords, tile = problem(seed, dtype)
    own = {name: keywords[name] for name in ("strides", "dilation", "groups")}
    prepared = prepare_winograd(w, tile=tile, **own)
    expected = conv(x, w, **keywords, algorithm="winograd", tile=tile)
    w[:] = 0  # what is prepared does not depend on it any more
    rest = {name: value for name, value in keywords.items() if name not in own}
    for said in (rest, rest, keywords):
        assert np.array_equal(conv(x, prepared, **said), expected)
    other = conv(x[:, ::-1], prepared, **rest)
    assert other.shape == expected.shape


@pytest.mark.parametrize("channels", [1, 3, 32, 512])
@pytest.mark.parametrize("tile", TILES)
def test_no_error_is_beyond_the_bound(channels: int, tile: int) -> None:
    stream = np.random.RandomState(channels)
    closest = 0.0
    for spatial, kernel_size, keywords in LAYERS:
        x = stream.standard_normal((1, *spatial, channels * keywords.get("groups", 1))).astype("float32")
        w = stream.standard_normal((*kernel_size, channels, 8)).astype("float32")
        bias = stream.standard_normal(8).astype("float32")
        y = conv(x, w, bias=bias, **keywords, algorithm="winograd", tile=tile)
        exact = conv(*(array.astype("float64") for array in (x, w)), bias=bias.astype("float64"), **keywords)
        bound = winograd_bound(x, w, tile=tile, bias=bias, **keywords)
        assert bound.shape == y.shape
        closest = max(closest, float(np.max(np.abs(y - exact) / bound)))
    assert 0.005 < closest <= 1


@pytest.mark.parametrize("dtype", [np.dtype("float16"), BFLOAT16, np.dtype("float64")])
def test_other_dtypes_have_bounds_of_their_own(dtype: np.dtype) -> None:
    stream = np.random.RandomState(1)
    x, w = (stream.standard_normal(shape).astype(dtype) for shape in ((2, 13, 12, 8), (3, 3, 8, 4)))
    y = conv(x, w, algorithm="winograd", tile=4).astype("longdouble")
    exact = conv(x.astype("longdouble"), w.astype("longdouble"))
    ratio = float(np.max(np.abs(y - exact) / winograd_bound(x, w, tile=4)))
    assert 0.001 < ratio <= 1


@pytest.mark.parametrize("tile", TILES)
def test_a_wrong_transform_is_beyond_the_bound(tile: int) -> None:
    stream = np.random.RandomState(2)
    x, w = (stream.standard_normal(shape).astype("float32") for shape in ((1, 20, 20, 16), (3, 3, 16, 8)))
    exact, bound = conv(x.astype(float), w.astype(float)), winograd_bound(x, w, tile=tile)
    right = prepare_winograd(w, tile=tile)
    (part,) = right.writer.phases
    first, *rest = part.transformed.bt
    for place in np.argwhere(first):
        wrong = first.copy()
        wrong[tuple(place)] *= 1.001
        transformed = part.transformed._replace(bt=(wrong, *rest))
        writer = right.writer._replace(phases=(part._replace(transformed=transformed),))
        y = conv(x, replace(right, writer=writer))
        assert np.any(np.abs(y - exact) > bound)


@pytest.mark.parametrize("tile", TILES)
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_so_many_multiplications_are_made_per_tile(tile: int, rank: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    right = products.multiply

    def multiply(rows: np.ndarray, weights: products.Slices, out: np.ndarray) -> None:
        right(rows, weights, out)
        counted.append(out.size * rows.shape[-1])

    monkeypatch.setattr(products, "multiply", multiply)
    channels, filters, tiles = 3, 5, 2**rank
    x, w = np.ones((1, *(2 * tile + 2,) * rank, channels)), np.ones((*(3,) * rank, channels, filters))
    conv(x, w, algorithm="winograd", tile=tile)
    assert counted == [tiles * channels * filters * (tile + 3 - 1) ** rank]
    counted.clear()
    # stride 2 parts three taps into two and one, on each axis
    conv(np.ones((1, *(4 * tile + 1,) * rank, channels)), w, strides=2, algorithm="winograd", tile=tile)
    assert sum(counted) == tiles * channels * filters * ((tile + 2 - 1) + (tile + 1 - 1)) ** rank


@pytest.mark.parametrize("dtype", [np.dtype("float16"), BFLOAT16])
def test_narrow_floats_are_computed_in_float32_and_rounded_once(dtype: np.dtype) -> None:
    stream = np.random.RandomState(3)
    x, w = (stream.standard_normal(shape).astype(dtype) for shape in ((2, 9, 10, 16), (3, 3, 16, 4)))
    y = conv(x, w, algorithm="winograd")
    wide = conv(x.astype("float32"), w.astype("float32"), algorithm="winograd")
    assert y.dtype == dtype
    assert np.array_equal(y, wide.astype(dtype))


def test_depthwise_and_separable_take_it_too() -> None:
    stream = np.random.RandomState(4)
    x, w, p = (stream.standard_normal(shape) for shape in ((2, 9, 11, 4), (3, 3, 4, 2), (1, 1, 8, 5)))
    for tile in TILES:
        y = depthwise_conv(x, w, padding="same", algorithm="winograd", tile=tile)
        assert np.allclose(y, depthwise_conv(x, w, padding="same"), rtol=0, atol=1e-12)
        y = separable_conv(x, w, p, strides=2, algorithm="winograd", tile=tile)
        assert np.allclose(y, separable_conv(x, w, p, strides=2), rtol=0, atol=1e-11)


def test_flip_mirrors_the_kernel() -> None:
    x, w = np.ones((1, 9, 8, 2)) * np.arange(8)[:, None], np.arange(12.0).reshape(3, 2, 2, 1)
    assert np.allclose(conv(x, w, flip=True, algorithm="winograd"), conv(x, w, flip=True), rtol=1e-12)


def test_a_nan_stays_in_its_tiles_and_what_reads_it_is_nan() -> None:
    x = np.ones((2, 12, 12, 2))
    x[0, 5, 5, 0] = np.nan
    y = conv(x, np.ones((3, 3, 2, 3)), algorithm="winograd", tile=4)
    assert np.isnan(y[0, 3:6, 3:6]).all()
    assert not np.isnan(y[1]).any()
    assert not np.isnan(y[0, 8:]).any()


def test_samples_that_are_cropped_away_are_not_read() -> None:
    x = np.ones((1, 9, 1))
    x[0, -1] = np.nan
    y = conv(x, np.ones((3, 1, 1)), padding=((0, -1),), algorithm="winograd")
    assert np.allclose(y.ravel(), [3] * 6, rtol=1e-14)


def test_an_infinite_weight_goes_by_the_definition() -> None:
    x, w = np.ones((1, 6, 1)), np.array([np.inf, 1, 0]).reshape(3, 1, 1)
    for kernel in (w, prepare_winograd(w)):
        y = conv(x, kernel, padding="same", algorithm="winograd")
        assert y.ravel().tolist() == [1, *[np.inf] * 5]


X, W = np.ones((1, 9, 8, 4), "float32"), np.ones((3, 3, 4, 6), "float32")
PREPARED = prepare_winograd(W, strides=2, tile=(2, 4))
REFUSED: list[tuple[Callable[[], Any], str]] = [
    (
        lambda: conv(X.astype(int), W.astype(int), algorithm="winograd"),
        "winograd: got sums in int64, expected float32 or float64 (float16 and bfloat16 are summed in float32): the tr",
    ),
    (lambda: prepare_winograd(W.astype("int8")), "winograd: got sums in int8, expected float32 or float64"),
    (lambda: prepare_winograd(W, accumulation_dtype="float16"), "winograd: got sums in float16, expected float32 or"),
    (lambda: conv(X, W, algorithm="winograd", tile=0), "tile: got (0, 0), expected 1 or more outputs on every axis"),
    (lambda: conv(X, W, algorithm="winograd", tile=(2, 2, 2)), "tile: got (2, 2, 2), expected an int or 2 ints"),
    (lambda: conv(X, W, tile=4), "tile: got 4 for im2col, expected it for winograd only"),
    (lambda: prepare_winograd(W, groups=4), "groups: got 4 for conv, expected a divisor of 6"),
    (lambda: prepare_winograd(W, groups=0), "groups: got 0 for conv, expected a divisor of 6"),
    (lambda: prepare_winograd(W, strides=0), "strides: got (0, 0), expected 1 or more on every axis"),
    (lambda: prepare_winograd(W, dilation=(1, 0)), "dilation: got (1, 0), expected 1 or more on every axis"),
    (lambda: conv(X, PREPARED, strides=1), "strides: got (1, 1), expected the (2, 2) that the kernel is prepared for"),
    (lambda: conv(X, PREPARED, tile=4), "tile: got (4, 4), expected the (2, 4) that the kernel is prepared for"),
    (lambda: conv(X, PREPARED, algorithm="naive"), "algorithm: got 'naive', expected the 'winograd' that the kernel"),
    (
        lambda: conv(X, PREPARED, flip=True),
        "flip: got True, expected False: a kernel is mirrored before it is prepared",
    ),
    (lambda: conv(X[..., :2], PREPARED), "conv: got 2 input channels and a kernel of shape (3, 3, 4, 6)"),
    (lambda: cook_toom(0, 3), "F(0, 3): got 0 outputs and 3 taps, expected 1 or more of each"),
]


@pytest.mark.parametrize(("call", "message"), REFUSED, ids=[message[:40] for _, message in REFUSED])
def test_is_refused(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match="^" + re.escape(message)):
        call()


def test_a_prepared_kernel_has_a_dtype() -> None:
    with pytest.raises(TypeError, match="dtypes: got"):
        conv(X.astype("float64"), PREPARED)
    assert prod(conv(X, PREPARED, accumulation_dtype="float32").shape) == 4 * 3 * 6
