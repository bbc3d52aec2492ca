"""What a case's answer is, and how far rounding alone may lead away from it: the reference in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np

from .. import reference
from ..adapters.case import Case
from ..reference import geometry
from ..reference.bounds import PRECISIONS, Precision, exact_limit, summation_bound, unit

Arrays = dict[str, np.ndarray]
Stage = Callable[[Arrays, np.ndarray], np.ndarray]
"""(the case's arrays, the stage before's result) -> result; linear in every argument."""


@dataclass(frozen=True)
class Expected:
    """The answer, channels last, and what is needed to judge another.

    ``values``: in the case's dtype for integers, else float64.  ``bnd``: the same computation on absolute values;
    ``bound``: per element the largest |error| that rounding explains; ``unit``, ``ksb``: u and the number of roundings
    for the variance test.  ``exact``: whether only the very bits are right.
    """

    values: np.ndarray
    exact: bool
    bnd: np.ndarray
    bound: np.ndarray
    unit: np.ndarray
    ksb: int
    largest: float
    infinite: np.ndarray
    """Elements that are infinite for certain: from an infinite input, or because products of one sign overflow."""
    spread: Callable[[], np.ndarray] = lambda: NOTHING
    """Makes the bnd of the `widened` case, which profiles ask for."""
    variance: bool = True
    """Whether the variance test applies, where the data are normal."""
    poisoned: np.ndarray = field(default_factory=lambda: np.array(False))
    """Elements that may be NaN or infinite where they need not be: under a profile, beside one that has to be."""

    @property
    def checked(self) -> np.ndarray:
        """Elements that the criterion speaks about: those that no order of summation can make overflow."""
        return self.bnd + self.bound <= self.largest

    @property
    def proves(self) -> bool:
        """Whether a wrong answer could be told from the right one: somewhere it is judged, somewhere it is not zero."""
        if not self.values.size:
            return True
        judged = self.exact or bool(np.any(self.checked | self.infinite | np.isnan(self.values)))
        return judged and bool(np.any(self.values != 0))


def stages(case: Case) -> tuple[Stage, ...]:
    """The linear computations that the case is made of: one, but for separable convolutions two."""
    window: dict[str, Any] = {"strides": case.strides, "padding": case.padding, "dilation": case.dilation}
    if case.op == "separable_conv" and case.wrt != "bias":
        return _separable(case, window)
    if case.op in ("conv", "conv_transpose"):
        window["groups"] = case.groups
    if case.transposed:
        window["output_padding"] = case.output_padding
    w = "depthwise_kernel" if case.op == "depthwise_conv" else "kernel"
    if case.wrt is None:
        function: Callable[..., np.ndarray] = getattr(reference, case.op)
        return (lambda a, _: function(a["input"], a[w], bias=a.get("bias"), **window),)
    if case.wrt == "bias":
        return (lambda a, _: reference.bias_gradient(a["output_gradient"]),)
    window["op"] = case.op
    if case.wrt == "input":
        return (lambda a, _: reference.input_gradient(a["output_gradient"], a[w], case.input, **window),)
    shape = case.kernel_shapes[w]
    return (lambda a, _: reference.kernel_gradient(a["input"], a["output_gradient"], shape, **window),)


def _separable(case: Case, window: dict[str, Any]) -> tuple[Stage, Stage]:
    """Depthwise, then pointwise; the gradients by the chain rule, in the order of their computation."""

    def forward(a: Arrays, _: np.ndarray) -> np.ndarray:
        return reference.depthwise_conv(a["input"], a["depthwise_kernel"], **window)

    def backward(a: Arrays, _: np.ndarray) -> np.ndarray:
        between = (*case.output_shape[:-1], case.channels * case.depth_multiplier)
        return reference.input_gradient(a["output_gradient"], a["pointwise_kernel"], between)

    shapes, op = case.kernel_shapes, "depthwise_conv"
    if case.wrt is None:
        return forward, lambda a, m: reference.conv(m, a["pointwise_kernel"], bias=a.get("bias"))
    if case.wrt == "pointwise_kernel":
        shape = shapes["pointwise_kernel"]
        return forward, lambda a, m: reference.kernel_gradient(m, a["output_gradient"], shape)
    if case.wrt == "input":
        w = "depthwise_kernel"
        return backward, lambda a, m: reference.input_gradient(m, a[w], case.input, op=op, **window)
    shape = shapes["depthwise_kernel"]
    return backward, lambda a, m: reference.kernel_gradient(a["input"], m, shape, op=op, **window)


NOTHING = np.empty(0)
"""What stands before the first stage."""


def evaluate(case: Case, arrays: Arrays) -> np.ndarray:
    """The case's result on these arrays, in their dtype."""
    result = NOTHING
    for stage in stages(case):
        result = stage(arrays, result)
    return result


def widened(case: Case) -> Case:
    """The case on the same arrays, for a result in which every sample meets every tap: at stride 1 with zeros all round
    where windows are read, the whole of what is scattered into where they are written.
    """
    extents = geometry.effective_size(case.kernel_size, case.dilation)
    around, none = tuple((extent - 1, extent - 1) for extent in extents), ((0, 0),) * case.rank
    if case.wrt == "input" and case.transposed:
        spatial = (n + extent - 1 for n, extent in zip(case.output_shape[1:-1], extents, strict=True))
        given = (case.batch, *spatial, case.channels)
        return replace(case, input=given, strides=(1,) * case.rank, padding=around, output_padding=None)
    if case.wrt == "input":
        full = geometry.full_sizes(case.output_shape[1:-1], case.kernel_size, case.strides, case.dilation)
        return replace(case, input=(case.batch, *full, case.channels), padding=none)
    if case.transposed:
        return replace(case, padding=none, output_padding=None)
    return replace(case, strides=(1,) * case.rank, padding=around)


def _spread(case: Case, arrays: Arrays) -> np.ndarray:
    with np.errstate(all="ignore"):
        return evaluate(widened(case), {name: np.abs(array.astype(np.float64)) for name, array in arrays.items()})


def expect(case: Case, arrays: Arrays) -> Expected:
    """The expected answer of a valid case to these arrays."""
    with np.errstate(all="ignore"):
        if case.dtype in PRECISIONS:
            return _expect_floats(case, arrays, PRECISIONS[case.dtype])
        # sums of int64 wrap like those of a narrower type, once they are cast to it
        values = evaluate(case, {name: array.astype(np.int64) for name, array in arrays.items()}).astype(case.dtype)
        none = np.zeros(values.shape)
        return Expected(values, True, none, none, none, 1, np.inf, none.astype(bool))


def _expect_floats(case: Case, arrays: Arrays, precision: Precision) -> Expected:
    wide = {name: array.astype(np.float64) for name, array in arrays.items()}
    magnitudes = {name: np.abs(array) for name, array in wide.items()}
    ones = {name: np.ones(array.shape) for name, array in wide.items() if name != "bias"}
    unbiased = {name: array for name, array in magnitudes.items() if name != "bias"}
    bnd = bound = before = u = NOTHING
    ksb, largest_sum = 0, 0.0
    for number, stage in enumerate(stages(case)):
        bnd = stage(magnitudes, bnd)
        # KS: the most products that meet in one result, the stage applied to all-ones arrays
        products = stage(ones, before)
        before = np.ones_like(products)
        u = unit(bnd, precision)
        roundings = summation_bound(
            int(np.max(products, initial=0)), precision, bias="bias" in magnitudes and case.wrt is None
        )
        # an error of the stage before passes through this one like a value
        passed = stage(unbiased, bound) if number else 0.0
        bound = np.where(bnd == 0, 0.0, 2.0 * roundings * u) + passed
        ksb += roundings
        largest_sum = max(largest_sum, float(np.max(bnd, where=np.isfinite(bnd), initial=0)))
    integral = all(np.all((array == np.rint(array)) | ~np.isfinite(array)) for array in wide.values())
    exact = (integral and largest_sum <= exact_limit(precision)) or case.data == "overflow"
    denormal = {**magnitudes, "input": np.where(magnitudes["input"] < precision.normal_min, magnitudes["input"], 0.0)}
    if denormal["input"].any():  # an engine may take denormal inputs for zero: reported, not failed
        bound = bound + evaluate(case, {name: array for name, array in denormal.items() if name != "bias"})
    values = evaluate(case, wide)
    infinite = (np.abs(values) == bnd) & (bnd - bound > precision.largest)
    if not all(np.isfinite(array).all() for array in wide.values()):
        infinite |= np.isinf(values)
    spread = partial(_spread, case, arrays)
    return Expected(values, exact, bnd, bound, u, ksb, precision.largest, infinite, spread)
