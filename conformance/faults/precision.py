"""Faults of dtypes and precision: what is rounded, to how many bits, and when."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from ...adapters.case import Case, numpy_dtype
from ..expected import Arrays, evaluate
from .computation import IM2COL, Array, compute, one_by_one, summed
from .fault import Condition, Fault, valid

Rounding = Callable[[Array], Array]
"""An array with fewer bits in its numbers, in its own dtype."""

ONE_BY_ONE = summed(one_by_one)


def of_dtype(*names: str) -> Condition:
    """Whether the case has one of these dtypes."""
    return lambda case: case.dtype in names


def through(dtype: str) -> Rounding:
    """Rounded to a narrower dtype and back."""

    def rounding(array: Array) -> Array:
        with np.errstate(all="ignore"):
            return array.astype(numpy_dtype(dtype)).astype(array.dtype)

    return rounding


def tf32(array: Array) -> Array:
    """float32 with the ten fraction bits of TF32, rounded to nearest."""
    bits = np.ascontiguousarray(array).view(np.uint32)
    rounded = ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)
    return np.where(np.isfinite(array), rounded, array)


def _inputs(code: str, sentence: str, dtypes: Condition, rounding: Rounding, source: str = "", *names: str) -> Fault:
    """The arrays (those of these names, all without any) are rounded before they are multiplied."""

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        return evaluate(case, {n: rounding(a) if not names or n in names else a for n, a in arrays.items()})

    def applies(case: Case) -> bool:
        return valid(case) and dtypes(case) and (not names or any(name in case.array_shapes for name in names))

    return Fault(code, sentence, source, applies, answer)


def _returns(code: str, sentence: str, given: str, returned: str, source: str = "") -> Fault:
    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        with np.errstate(all="ignore"):
            return evaluate(case, arrays).astype(numpy_dtype(returned))

    return Fault(code, sentence, source, lambda case: not case.must_refuse and case.dtype == given, answer)


def _accumulates(code: str, sentence: str, given: str, accumulator: npt.DTypeLike, source: str = "") -> Fault:
    """Every sum is rounded to ``accumulator``, product by product."""

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        return compute(case, arrays, ONE_BY_ONE, accumulation_dtype=accumulator)

    return Fault(code, sentence, source, lambda case: valid(case) and case.dtype == given, answer)


def _computes(code: str, sentence: str, given: str, inside: str, source: str = "") -> Fault:
    """Everything is computed in another dtype, and the result has the right one."""

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        with np.errstate(all="ignore"):
            wrong = evaluate(case, {name: array.astype(numpy_dtype(inside)) for name, array in arrays.items()})
            return wrong.astype(numpy_dtype(case.dtype))

    return Fault(code, sentence, source, lambda case: valid(case) and case.dtype == given, answer)


def _results(code: str, sentence: str, dtypes: Condition, rounding: Rounding, source: str = "") -> Fault:
    """The result is rounded once more."""
    return Fault(
        code,
        sentence,
        source,
        lambda case: valid(case) and dtypes(case),
        lambda case, arrays: rounding(evaluate(case, arrays)),
    )


def _between(code: str, sentence: str, rounding: Rounding) -> Fault:
    """What the halves of a separable convolution hand on is rounded."""
    return Fault(
        code,
        sentence,
        "",
        lambda case: valid(case) and case.op == "separable_conv" and case.dtype == "float32" and case.wrt != "bias",
        lambda case, arrays: compute(case, arrays, IM2COL, between=rounding),
    )


def _saturated(case: Case, arrays: Arrays) -> np.ndarray:
    limits = np.iinfo(case.dtype)
    wide = evaluate(case, {name: array.astype(np.int64) for name, array in arrays.items()})
    return wide.clip(limits.min, limits.max).astype(case.dtype)


FLOAT32 = of_dtype("float32")

FAULTS = (
    _returns(
        "float64-given-back-as-float32",
        "a float64 result comes back as float32",
        "float64",
        "float32",
        "https://docs.jax.dev/en/latest/default_dtypes.html",
    ),
    _returns("float32-given-back-as-float64", "a float32 result comes back as float64", "float32", "float64"),
    _returns("float16-given-back-as-float32", "a float16 result comes back as float32", "float16", "float32"),
    _returns(
        "bfloat16-given-back-as-float32",
        "a bfloat16 result comes back as float32",
        "bfloat16",
        "float32",
        "tensorflow/tensorflow#56680",
    ),
    _returns("int8-given-back-as-int32", "an int8 result comes back as int32", "int8", "int32"),
    _returns("int32-given-back-as-float32", "an int32 result comes back as float32", "int32", "float32"),
    _computes("float64-computed-in-float32", "float64 is computed in float32", "float64", "float32"),
    _computes(
        "int32-computed-in-float32", "int32 is computed in float32, which loses the lowest bits", "int32", "float32"
    ),
    _computes("int32-computed-in-int16", "int32 wraps in int16", "int32", "int16"),
    Fault(
        "integers-saturate",
        "an integer result that is too large stops at the largest number instead of wrapping",
        "uxlfoundation/oneDNN#1354",
        lambda case: valid(case) and case.dtype in ("int8", "int32"),
        _saturated,
    ),
    _accumulates("float16-accumulated-in-float16", "float16 products are summed in float16", "float16", np.float16),
    _accumulates(
        "bfloat16-accumulated-in-bfloat16",
        "bfloat16 products are summed in bfloat16",
        "bfloat16",
        numpy_dtype("bfloat16"),
    ),
    _accumulates("float32-accumulated-in-float16", "float32 products are summed in float16", "float32", np.float16),
    _accumulates(
        "float32-accumulated-in-bfloat16", "float32 products are summed in bfloat16", "float32", numpy_dtype("bfloat16")
    ),
    _accumulates("float64-accumulated-in-float32", "float64 products are summed in float32", "float64", np.float32),
    _inputs("tf32-inputs", "both factors are rounded to TF32", FLOAT32, tf32, "pytorch/pytorch#79537"),
    _inputs("tf32-kernel", "the kernel alone is rounded to TF32", FLOAT32, tf32, "", "kernel", "depthwise_kernel"),
    _inputs("bfloat16-inputs", "both factors are rounded to bfloat16", FLOAT32, through("bfloat16"), "jax-ml/jax#4873"),
    _inputs("float16-inputs", "both factors are rounded to float16", FLOAT32, through("float16")),
    _inputs(
        "float16-kernel",
        "the kernel alone is rounded to float16",
        FLOAT32,
        through("float16"),
        "",
        "kernel",
        "depthwise_kernel",
    ),
    _inputs(
        "float32-inputs-for-float64",
        "the factors of a float64 convolution are rounded to float32",
        of_dtype("float64"),
        through("float32"),
    ),
    _inputs(
        "float16-inputs-bfloat16",
        "the factors of a float16 convolution are rounded to bfloat16",
        of_dtype("float16"),
        through("bfloat16"),
    ),
    _results("result-rounded-to-float16", "the float32 result has been through float16", FLOAT32, through("float16")),
    _results(
        "result-rounded-to-bfloat16",
        "the result has been through bfloat16",
        of_dtype("float32", "float16"),
        through("bfloat16"),
    ),
    _between(
        "separable-float16-between", "a separable convolution keeps float16 between its halves", through("float16")
    ),
    _between(
        "separable-bfloat16-between", "a separable convolution keeps bfloat16 between its halves", through("bfloat16")
    ),
)
