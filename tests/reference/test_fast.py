"""The algorithms that are timed give what the definition gives, whatever the shapes, in one thread and in several."""

import random
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from convsuite.reference import conv, conv_transpose, depthwise_conv, prepare, products, separable_conv
from convsuite.reference.lowering import choose

EXACT = ("auto", "direct", "mec", "kn2row", "blocked", "fused")


def problem(seed: int, op: str) -> tuple[np.ndarray, np.ndarray, dict[str, Any]]:
    """Integers as floats, so that every order of summation gives the same; one to three axes, anything per axis."""
    draw, stream = random.Random(seed), np.random.RandomState(seed)
    rank = draw.choice([1, 2, 2, 3])

    def per_axis(low: int, high: int) -> tuple[int, ...]:
        return tuple(draw.randint(low, high) for _ in range(rank))

    kernel_size = (1,) * rank if draw.random() < 0.2 else per_axis(1, 4)
    groups = 1 if op == "depthwise_conv" else draw.choice([1, 1, 2, 3])
    channels, filters = draw.randint(1, 4), draw.choice([1, 2, 5, 70])
    words = ["valid", "same", 2] + ["same_lower"] * (op != "conv_transpose")
    padding = draw.choice([*words, tuple((draw.randint(-2, 3), draw.randint(-2, 3)) for _ in range(rank))])
    said: dict[str, Any] = {"strides": per_axis(1, 3), "dilation": per_axis(1, 3), "padding": padding}
    if op != "depthwise_conv":
        said["groups"] = groups
    sides = (channels, filters) if op != "conv_transpose" else (filters, channels * groups)
    last = (channels, draw.randint(1, 3)) if op == "depthwise_conv" else (sides[0], sides[1])
    if op == "conv":
        last = (channels, filters * groups)
    width = channels if op == "depthwise_conv" else channels * groups
    x = stream.randint(-8, 9, (draw.randint(0, 3), *per_axis(0, 12 if rank < 3 else 6), width))
    w = stream.randint(-8, 9, (*kernel_size, *last))
    dtype = draw.choice(["float32", "float64", "int32"])
    return x.astype(dtype), w.astype(dtype), said


def computed(op: str, x: np.ndarray, w: Any, **said: Any) -> np.ndarray | None:
    """The result; None where the algorithm does not apply, and says so."""
    try:
        return {"conv": conv, "conv_transpose": conv_transpose, "depthwise_conv": depthwise_conv}[op](x, w, **said)
    except ValueError as error:
        if any(words in str(error) for words in ("for the algorithm", "fractions", "irrational")):
            return None
        raise


@pytest.mark.parametrize("padding", ["valid", "same", 1, ((0, 0), (1, 0)), ((1, 2), (0, 1)), ((0, 0), (-1, -1))])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize("strides", [(2, 3), (1, 3), (3, 1)])
def test_transposed_with_as_many_taps_as_the_stride(strides: tuple[int, int], groups: int, padding: Any) -> None:
    """The phases that are side by side in the result are one product; cropped or in groups they are several."""
    stream = np.random.RandomState(0)
    x = stream.randint(-8, 9, (2, 5, 4, 6)).astype(np.float32)
    w = stream.randint(-8, 9, (2, 3, 5, 6)).astype(np.float32)
    said: dict[str, Any] = {"strides": strides, "padding": padding, "groups": groups}
    expected = conv_transpose(x, w, **said, algorithm="naive")
    for algorithm in ("auto", "winograd"):
        kernel = prepare(w, op="conv_transpose", algorithm=algorithm, strides=strides, groups=groups)
        assert np.allclose(conv_transpose(x, kernel, strides=strides, padding=padding), expected, atol=1e-3), algorithm


@pytest.mark.parametrize("seed", range(150))
@pytest.mark.parametrize("op", ["conv", "depthwise_conv", "conv_transpose"])
def test_every_algorithm_gives_what_the_definition_gives(op: str, seed: int) -> None:
    x, w, said = problem(seed, op)
    expected = computed(op, x, w, **said, algorithm="naive")
    assert expected is not None
    for algorithm in ("auto",) if op == "conv_transpose" else EXACT:
        for threads in (1, 2):
            y = computed(op, x, w, **said, algorithm=algorithm, threads=threads)
            if y is not None:
                assert y.dtype == expected.dtype
                assert np.array_equal(y, expected), (algorithm, threads)
    for algorithm in ("winograd",) if op == "conv_transpose" else ("winograd", "fft"):
        y = computed(op, x, w, **said, algorithm=algorithm, threads=2)
        scale = float(np.abs(expected).max(initial=1))
        if y is not None:
            assert np.allclose(y, expected, rtol=0, atol=scale * (2e-4 if x.dtype == np.float32 else 1e-11)), algorithm


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.parametrize("op", ["conv", "depthwise_conv", "conv_transpose"])
def test_a_prepared_kernel_is_used_again_on_another_image(op: str, seed: int) -> None:
    x, w, said = problem(seed, op)
    padding = said.pop("padding")
    for algorithm in ("auto", "winograd") if w.dtype.kind == "f" else ("auto",):
        kernel = prepare(w, op=op, algorithm=algorithm, **said)
        for image in (x, np.concatenate([x, x[:, ::-1]])):
            expected = computed(op, image, w, **said, padding=padding, algorithm=algorithm)
            y = computed(op, image, kernel, padding=padding, threads=2)
            assert y is not None
            assert expected is not None
            assert np.array_equal(y, expected)


def test_what_a_kernel_is_prepared_for_is_asked_for() -> None:
    w = np.ones((3, 3, 4, 4), np.float32)
    x = np.ones((1, 8, 8, 4), np.float32)
    kernel = prepare(w, op="conv_transpose", strides=2)
    with pytest.raises(ValueError, match=r"op: got 'conv', expected the 'conv_transpose'"):
        conv(x, kernel)
    with pytest.raises(ValueError, match=r"strides: got \(3, 3\), expected the \(2, 2\)"):
        conv_transpose(x, kernel, strides=3)
    with pytest.raises(ValueError, match=r"algorithm: got 'naive', expected one of .*auto"):
        prepare(w, algorithm="naive")
    with pytest.raises(ValueError, match=r"tile: got 4 for auto"):
        prepare(w, tile=4)
    with pytest.raises(ValueError, match=r"threads: got 0, expected 1 or more"):
        conv(x, w, threads=0)


@pytest.mark.parametrize(
    ("kernel", "groups", "strides", "dilation", "name"),
    [
        ((1, 1, 256, 64), 1, (1, 1), (1, 1), "direct"),
        ((1, 1, 256, 512), 1, (2, 2), (1, 1), "direct"),
        ((7, 7, 3, 64), 1, (2, 2), (1, 1), "mec"),
        ((3, 3, 64, 64), 1, (1, 1), (1, 1), "mec"),
        ((3, 3, 64, 64), 1, (1, 1), (2, 2), "kn2row"),
        ((3, 3, 128, 128), 1, (2, 2), (1, 1), "mec"),
        ((3, 3, 256, 256), 1, (1, 1), (1, 1), "kn2row"),
        ((3, 3, 256, 256), 1, (2, 2), (1, 1), "blocked"),
        ((3, 3, 1, 32), 32, (1, 1), (1, 1), "fused"),
    ],
)
def test_auto_goes_by_the_shapes(kernel: Any, groups: int, strides: Any, dilation: Any, name: str) -> None:
    assert choose(np.empty(kernel, np.float32), groups, strides, dilation).__name__ == name


def test_separable_convolutions_take_the_same_words() -> None:
    stream = np.random.RandomState(0)
    x, d, p = (stream.standard_normal(shape) for shape in ((2, 9, 8, 3), (3, 3, 3, 2), (1, 1, 6, 5)))
    expected = separable_conv(x, d, p, strides=2, padding="same")
    assert np.allclose(separable_conv(x, d, p, strides=2, padding="same", algorithm="auto", threads=2), expected)


def test_a_sample_that_is_nan_reaches_its_windows_alone() -> None:
    x, w = np.ones((1, 12, 12, 2), np.float32), np.ones((3, 3, 2, 4), np.float32)
    x[0, 5, 6, 1] = np.nan
    expected = conv(x, w, padding="same", algorithm="naive")
    for algorithm in EXACT:
        y = computed("conv", x, w, padding="same", algorithm=algorithm)
        if y is not None:
            assert np.array_equal(y, expected, equal_nan=True)


@pytest.mark.parametrize("seed", range(20))
def test_without_a_kernel_for_small_products_nothing_is_cut(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "small_is_fast", lambda: False)
    x, w, said = problem(seed, "conv")
    expected = conv(x, w, **said, algorithm="naive")
    for algorithm in EXACT:
        y = computed("conv", x, w, **said, algorithm=algorithm)
        assert y is None or np.array_equal(y, expected)
    assert products.cut(np.ones((900, 200), np.float32)).whole.shape == (1, 900, 200)


@pytest.mark.parametrize(
    ("extent", "channels", "size", "strides"),
    [(112, 64, 3, 1), (112, 128, 3, 2), (56, 256, 3, 1), (28, 512, 3, 2), (224, 3, 7, 2), (56, 256, 1, 1)],
)
@pytest.mark.parametrize("threads", [1, 2])
def test_memory_beside_input_and_output_is_bounded(
    extent: int, channels: int, size: int, strides: int, threads: int
) -> None:
    x, w = np.ones((1, extent, extent, channels), np.float32), np.ones((size, size, channels, 64), np.float32)
    kernel = prepare(w, strides=strides)

    def measured() -> int:
        tracemalloc.start()
        y = conv(x, kernel, padding="same", threads=threads)
        peak = tracemalloc.get_traced_memory()[1] - y.nbytes
        tracemalloc.stop()
        return peak

    with ThreadPoolExecutor(1) as fresh:  # a thread that has kept no memory from before
        assert fresh.submit(measured).result() <= 16 << 20
