"""Derivations that share no code agree bit for bit on integers, over generated shapes and parameters.

The gradients are held against the operations themselves: those are linear in each argument, so that in integers
<g, op(x + e, w) - op(x, w)> = <input_gradient, e> is no approximation.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from convsuite.reference import (
    bias_gradient,
    col2im,
    conv,
    conv_transpose,
    depthwise_conv,
    im2col,
    input_gradient,
    kernel_gradient,
    output_shape,
    separable_conv,
)
from convsuite.reference.geometry import conv_pads, full_sizes

generated = settings(max_examples=200, deadline=None, derandomize=True, database=None)

FORWARD = {"conv": conv, "conv_transpose": conv_transpose, "depthwise_conv": depthwise_conv}
ALGORITHMS = {
    "conv": ("im2col", "naive"),
    "conv_transpose": ("gemm_col2im", "dilate_pad", "naive"),
    "depthwise_conv": ("im2col", "naive"),
}


@dataclass
class Problem:
    op: str
    x: np.ndarray
    w: np.ndarray
    bias: np.ndarray
    output_gradient: np.ndarray
    keywords: dict[str, Any]

    def forward(self, **changes: Any) -> np.ndarray:
        arrays = {"x": self.x, "w": self.w} | changes
        return FORWARD[self.op](**arrays, **self.keywords)

    def gradient(self, wrt: str, algorithm: str) -> np.ndarray:
        keywords = {"op": self.op, "algorithm": algorithm, **self.keywords}
        if wrt == "x":
            return input_gradient(self.output_gradient, self.w, self.x.shape, **keywords)
        return kernel_gradient(self.x, self.output_gradient, self.w.shape, **keywords)


def integers(seed: int, shape: tuple[int, ...], dtype: str = "int64") -> np.ndarray:
    return np.random.RandomState(seed).randint(-5, 6, shape).astype(dtype)


@st.composite
def windows(draw: st.DrawFn, op: str = "conv") -> tuple[tuple[int, ...], tuple[int, ...], dict[str, Any]]:
    """Spatial sizes, kernel sizes, and strides, padding, dilation, output_padding."""
    rank = draw(st.integers(1, 3))
    per_axis = st.tuples(*[st.integers(1, 3)] * rank)
    spatial = draw(st.tuples(*[st.integers(0, 9 if rank == 1 else 6 if rank == 2 else 4)] * rank))
    strides, dilation, kernel_size = draw(per_axis), draw(per_axis), draw(per_axis)
    words = ["valid", "same", "same_lower"] + ["causal"] * (rank == 1 and op != "conv_transpose")
    pairs = st.tuples(*[st.tuples(st.integers(-2, 3), st.integers(-2, 3))] * rank)
    padding = draw(st.sampled_from(words) | st.integers(-1, 3) | pairs)
    keywords: dict[str, Any] = {"strides": strides, "padding": padding, "dilation": dilation}
    if op == "conv_transpose":
        below = strides if isinstance(padding, str) else map(max, strides, dilation)
        keywords["output_padding"] = draw(st.none() | st.tuples(*(st.integers(0, limit - 1) for limit in below)))
    return spatial, kernel_size, keywords


@st.composite
def problems(draw: st.DrawFn, *ops: str, dtype: str = "int64") -> Problem:
    op = draw(st.sampled_from(ops or sorted(FORWARD)))
    spatial, kernel_size, keywords = draw(windows(op))
    groups, per_group, filters = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    if op == "depthwise_conv":
        channels, kernel_shape, outputs = groups, (*kernel_size, groups, filters), groups * filters
    else:
        keywords["groups"] = groups
        channels, outputs = groups * per_group, groups * filters
        pair = (filters, channels) if op == "conv_transpose" else (per_group, outputs)
        kernel_shape = (*kernel_size, *pair)
    input_shape = (draw(st.integers(0, 2)), *spatial, channels)
    seed = draw(st.integers(0, 2**31))
    shapes = input_shape, kernel_shape, (outputs,), output_shape(op, input_shape, kernel_shape, **keywords)
    x, w, bias, output_gradient = (integers(seed + i, shape, dtype) for i, shape in enumerate(shapes))
    return Problem(op, x, w, bias, output_gradient, keywords)


@generated
@given(problems())
def test_algorithms_agree(problem: Problem) -> None:
    results = [problem.forward(bias=problem.bias, algorithm=algorithm) for algorithm in ALGORITHMS[problem.op]]
    for y in results:
        assert y.shape == problem.output_gradient.shape
        assert y.dtype == problem.x.dtype
        assert np.array_equal(y, results[0])


@generated
@given(problems())
def test_gradients_agree_and_are_the_change_of_the_operation(problem: Problem) -> None:
    g, y = problem.output_gradient, problem.forward()
    for wrt, seed in (("x", 1), ("w", 2)):
        value = getattr(problem, wrt)
        change = integers(seed, value.shape)
        gradient = problem.gradient(wrt, "im2col")
        assert gradient.shape == value.shape
        assert np.array_equal(gradient, problem.gradient(wrt, "naive"))
        assert np.vdot(g, problem.forward(**{wrt: value + change}) - y) == np.vdot(gradient, change)
    change = integers(3, problem.bias.shape)
    assert np.vdot(g, problem.forward(bias=change) - y) == np.vdot(bias_gradient(g), change)


@generated
@given(problems(dtype="int8"))
def test_algorithms_agree_where_integers_wrap(problem: Problem) -> None:
    x, w = problem.x * np.int8(25), problem.w * np.int8(25)
    first, *others = (problem.forward(x=x, w=w, algorithm=algorithm) for algorithm in ALGORITHMS[problem.op])
    wide = problem.forward(x=x.astype(int), w=w.astype(int))
    assert np.array_equal(first, wide.astype("int8"))
    assert all(np.array_equal(first, other) for other in others)


@generated
@given(windows(), st.integers(0, 2), st.integers(1, 3), st.integers(0, 2**31))
def test_col2im_is_the_adjoint_of_im2col(window: Any, batch: int, channels: int, seed: int) -> None:
    spatial, kernel_size, keywords = window
    x = integers(seed, (batch, *spatial, channels))
    cols = im2col(x, kernel_size, **keywords)
    out = output_shape("conv", x.shape, (*kernel_size, channels, 1), **keywords)[1:-1]
    assert cols.shape == (batch, *out, *kernel_size, channels)
    others = integers(seed + 1, cols.shape)
    assert np.vdot(cols, others) == np.vdot(x, col2im(others, x.shape, kernel_size, **keywords))


@generated
@given(windows(), st.integers(1, 3), st.integers(1, 3), st.integers(0, 2**31))
def test_conv_transpose_is_the_input_gradient_of_conv(window: Any, channels: int, filters: int, seed: int) -> None:
    spatial, kernel_size, keywords = window
    w = integers(seed, (*kernel_size, channels, filters))
    input_shape = (2, *spatial, channels)
    g = integers(seed + 1, output_shape("conv", input_shape, w.shape, **keywords))
    gradient = input_gradient(g, w, input_shape, **keywords)
    steps = {"strides": keywords["strides"], "dilation": keywords["dilation"]}
    full = full_sizes(g.shape[1:-1], kernel_size, **steps)
    begin = (lo for lo, _ in conv_pads(spatial, kernel_size, padding=keywords["padding"], **steps))
    pairs = tuple((lo, whole - lo - n) for lo, whole, n in zip(begin, full, spatial, strict=True))
    for algorithm in ALGORITHMS["conv_transpose"]:
        assert np.array_equal(conv_transpose(g, w, padding=pairs, algorithm=algorithm, **steps), gradient)


@generated
@given(problems("depthwise_conv"), st.integers(1, 3))
def test_separable_and_its_gradients_are_those_of_its_halves(problem: Problem, filters: int) -> None:
    x, depthwise, keywords = problem.x, problem.w, problem.keywords
    pointwise = integers(7, (*(1,) * (x.ndim - 2), problem.bias.size, filters))
    between = depthwise_conv(x, depthwise, **keywords)
    y = separable_conv(x, depthwise, pointwise, **keywords)
    assert y.shape == output_shape("separable_conv", x.shape, depthwise.shape, filters=filters, **keywords)
    assert np.array_equal(y, separable_conv(x, depthwise, pointwise, algorithm="naive", **keywords))
    g, change = integers(8, y.shape), integers(9, depthwise.shape)
    between_gradient = input_gradient(g, pointwise, between.shape)
    gradient = kernel_gradient(x, between_gradient, depthwise.shape, op="depthwise_conv", **keywords)
    moved = separable_conv(x, depthwise + change, pointwise, **keywords)
    assert np.vdot(g, moved - y) == np.vdot(gradient, change)


@generated
@given(problems(dtype="float64"))
def test_layout_of_the_arrays_in_memory_does_not_matter(problem: Problem) -> None:
    x, w = problem.x, problem.w
    expected = problem.forward()
    views = {"x": np.asfortranarray(x), "w": np.ascontiguousarray(w[..., ::-1])[..., ::-1]}
    for algorithm in ALGORITHMS[problem.op]:
        assert np.array_equal(problem.forward(**views, algorithm=algorithm), expected)


@generated
@given(problems())
def test_flip_mirrors_the_kernel_on_every_spatial_axis(problem: Problem) -> None:
    mirrored = np.flip(problem.w, tuple(range(problem.w.ndim - 2)))
    assert np.array_equal(problem.forward(flip=True), problem.forward(w=mirrored))
