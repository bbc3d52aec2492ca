"""What a case's answer is, and how far rounding alone may lead away from it: the reference in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import reference
from ..adapters.case import Case, numpy_dtype
from ..reference.bounds import PRECISIONS, exact_limit, summation_bound, unit

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Expected:
    """The answer, channels last.

    ``values``: in the case's dtype for integers, else float64.  ``bnd``: the same computation on absolute values;
    ``unit``: u of the criterion; ``ksb``: its number of roundings.  ``exact``: whether only the very bits are right.
    """

    values: np.ndarray
    exact: bool
    bnd: np.ndarray
    unit: np.ndarray
    ksb: int
    largest: float

    @property
    def bound(self) -> np.ndarray:
        """Per element, the largest |error| that rounding explains; none where every product is zero."""
        return np.where(self.bnd == 0, 0.0, 2.0 * self.ksb * self.unit)

    @property
    def checked(self) -> np.ndarray:
        """Elements that the criterion speaks about: those whose bound neither is NaN nor overflows the dtype."""
        return self.bnd + self.bound <= self.largest


def compute(case: Case, arrays: Arrays) -> tuple[np.ndarray, ...]:
    """The reference's result of every stage, the last being the case's: a separable one has two linear stages."""
    window: dict[str, Any] = {"strides": case.strides, "padding": case.padding, "dilation": case.dilation}
    if case.op == "separable_conv":
        return _separable(case, arrays, window)
    keywords: dict[str, Any] = dict(window)
    if case.op != "depthwise_conv":
        keywords["groups"] = case.groups
    if case.transposed:
        keywords["output_padding"] = case.output_padding
    x, bias = arrays["input"], arrays.get("bias")
    w = arrays["depthwise_kernel" if case.op == "depthwise_conv" else "kernel"]
    if case.wrt is None:
        function: Callable[..., np.ndarray] = getattr(reference, case.op)
        return (function(x, w, bias=bias, **keywords),)
    g = arrays["output_gradient"]
    if case.wrt == "bias":
        return (reference.bias_gradient(g),)
    if case.wrt == "input":
        return (reference.input_gradient(g, w, x.shape, op=case.op, **keywords),)
    return (reference.kernel_gradient(x, g, w.shape, op=case.op, **keywords),)


def _separable(case: Case, arrays: Arrays, window: dict[str, Any]) -> tuple[np.ndarray, ...]:
    """Two stages, depthwise then pointwise; the gradients by the chain rule, in the order of their computation."""
    x, w, p = arrays["input"], arrays["depthwise_kernel"], arrays["pointwise_kernel"]
    depthwise: Callable[..., np.ndarray] = reference.depthwise_conv
    if case.wrt is None:
        between = depthwise(x, w, **window)
        return between, reference.conv(between, p, bias=arrays.get("bias"))
    g = arrays["output_gradient"]
    if case.wrt == "bias":
        return (reference.bias_gradient(g),)
    if case.wrt == "pointwise_kernel":
        between = depthwise(x, w, **window)
        return between, reference.kernel_gradient(between, g, p.shape)
    between_shape = (*case.output_shape[:-1], case.channels * case.depth_multiplier)
    back = reference.input_gradient(g, p, between_shape)
    derivative: Callable[..., np.ndarray] = reference.kernel_gradient
    if case.wrt == "input":
        derivative = reference.input_gradient
        return back, derivative(back, w, x.shape, op="depthwise_conv", **window)
    return back, derivative(x, back, w.shape, op="depthwise_conv", **window)


def products(case: Case, arrays: Arrays) -> tuple[int, ...]:
    """KS per stage: the most products that meet in one result, each stage applied to all-ones arrays."""
    ones = {name: np.ones(array.shape) for name, array in arrays.items() if name != "bias"}
    stages = [int(np.max(stage, initial=0)) for stage in compute(case, ones)]
    # the second stage of all-ones arrays counts the products of both
    return tuple(max(round(stage / max(before, 1)), 1) for before, stage in zip([1, *stages], stages, strict=False))


def expect(case: Case, arrays: Arrays) -> Expected:
    """The expected answer of a valid case to these arrays."""
    with np.errstate(all="ignore"):
        if np.dtype(numpy_dtype(case.dtype)).kind in "iu":
            values = compute(case, {name: array.astype(np.int64) for name, array in arrays.items()})[-1]
            exact = values.astype(case.dtype)
            one = np.ones(exact.shape)
            return Expected(exact, True, one, one, 1, np.inf)
        precision = PRECISIONS[case.dtype]
        wide = {name: array.astype(np.float64) for name, array in arrays.items()}
        values = compute(case, wide)[-1]
        stages = compute(case, {name: np.abs(array) for name, array in wide.items()})
        has_bias = case.wrt is None and "bias" in arrays
        counts = products(case, arrays)
        # An error of the first stage passes the second like a value: the number of roundings adds up.
        ksb = sum(summation_bound(count, precision, bias=has_bias and not i) for i, count in enumerate(counts))
        bnd = stages[-1]
        integral = all(np.all((array == np.rint(array)) | ~np.isfinite(array)) for array in wide.values())
        finite = max((float(np.max(stage, where=np.isfinite(stage), initial=0)) for stage in stages), default=0.0)
        exact = (integral and finite <= exact_limit(precision)) or case.data == "overflow"
    return Expected(values, exact, bnd, unit(bnd, precision), ksb, precision.largest)
