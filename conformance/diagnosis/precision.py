"""Lost precision: which numbers were rounded, to how many bits, told by the size of the error and by questions.

one product per output, the other factor one    a copy of the samples (or of the weights): as many bits as it has
                                                are what the engine keeps of them
exact copies, and errors of a sum in fewer bits the sum was kept in fewer bits, or its factors and its result were:
                                                told apart by numbers that are exact in those bits while sums are not
noise of both signs in copies                   a fast algorithm, whose transforms mix neighbours
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ...adapters.case import Case, numpy_dtype
from ...reference.bounds import PRECISIONS, exact_limit, unit
from ..data import draw_arrays
from ..expected import Arrays, evaluate, expect
from ..faults.fault import kernel_name
from .questions import SEED, derived, kinds
from .seen import Ask, Seen
from .words import Diagnosis, say

LARGEST = 2.0**-3
"""Errors above this share of the bound of absolute values are no rounding."""
FORMATS = {10: "TF32 or float16", 7: "bfloat16", 23: "float32"}
"""What has so many fraction bits."""
EXACT_DRAWS = 3
FEWEST_BITS = 3
"""No format has fewer in its fraction."""
FEWEST_PRODUCTS = 4
"""Of fewer a sum that is rounded at every step is hardly another one than a sum that is rounded at the end."""
FAST = 2.0**-16
"""The most noise, as a share of the largest sample, that a fast algorithm in float32 leaves; a profile allows less."""


class Copy(NamedTuple):
    """A question whose every output is one number of an argument, or zero."""

    argument: str
    case: Case
    arrays: Arrays


def diagnose(seen: Seen, ask: Ask) -> Diagnosis | None:
    """The cause of an error of rounding's size; None where it is none, or nothing proves its cause."""
    case = seen.case
    if case.dtype not in PRECISIONS or 0 in case.input or seen.output.shape != seen.expected.values.shape:
        return None
    share = _share(seen)
    if share is None or share > LARGEST:
        return None
    for copy in _copies(case) if case.wrt != "bias" else ():
        output = ask(copy.case, copy.arrays)
        if output is None or output.shape != copy.case.result_shape:
            return None
        due = expect(copy.case, copy.arrays).values
        if not np.array_equal(output.astype(np.float64), due.astype(output.dtype).astype(np.float64)):
            return _of_copy(seen, copy, output.astype(np.float64), due) or _of_sum(seen, ask)
    return _of_sum(seen, ask)


def _share(seen: Seen) -> float | None:
    """The largest error as a share of the sum of absolute products."""
    with np.errstate(all="ignore"):
        error = np.abs(seen.output.astype(np.float64) - seen.expected.values)
        shares = np.where(error == 0, 0.0, error / seen.expected.bnd)
    largest = float(np.max(shares, initial=0.0))
    return largest if math.isfinite(largest) else None


def _copies(case: Case) -> Iterator[Copy]:
    """The forward case with a single weight, of one, then with a single sample: the other factor is what comes out."""
    asked = derived(case, data="normal", use_bias=False, wrt=None)
    stream = np.random.RandomState(case.seed)
    dtype, name = numpy_dtype(case.dtype), kernel_name(case)
    for argument in ("input", name):
        arrays = {one: np.zeros(shape, dtype) for one, shape in asked.array_shapes.items()}
        arrays[argument][...] = stream.uniform(1.0, 2.0, arrays[argument].shape).astype(dtype)
        if argument == "input":
            arrays[name][tuple(k // 2 for k in case.kernel_size)][0, 0] = 1
        else:
            arrays["input"][0, *(n // 2 for n in case.spatial), 0] = 1
        if "pointwise_kernel" in arrays:
            arrays["pointwise_kernel"][..., 0, 0] = 1
        yield Copy(argument, asked, arrays)


def _of_copy(seen: Seen, copy: Copy, got: np.ndarray, due: np.ndarray) -> Diagnosis | None:
    """What a copy that is not exact shows: fewer bits of the factors, or noise; None where neither is proven."""
    case, whole = seen.case, PRECISIONS[seen.case.dtype].fraction_bits
    what, kept = "samples" if copy.argument == "input" else "weights", due != 0
    bits = next((bits for bits in range(whole) if np.array_equal(_rounded(got, bits), got)), None)
    if bits is None:
        noise = float(np.max(np.abs(got - due)))
        sentence = (
            f"copies of {what} come back with noise of {noise:.2g}, as by a fast algorithm, which mixes neighbours and "
            "takes them apart again"
        )
        # of one sign it is no noise: a factor, or something that is added
        both = float(np.min(got - due)) < 0 < float(np.max(got - due))
        return say("fast-algorithm", sentence, case) if noise <= FAST and both else None
    if bits < FEWEST_BITS or got[~kept].any() or np.any(np.abs(got - due)[kept] > 2.0**-bits * np.abs(due[kept])):
        return None
    called = f", which {FORMATS[bits]} has" if bits in FORMATS else ""
    sentence = f"{what} are kept to {bits} fraction bits{called}, where {case.dtype} has {whole}"
    if not _has_bits(seen.output, bits):
        return say("inputs-of-fewer-bits", sentence, case)
    if case.dtype == "float64" and bits == PRECISIONS["float32"].fraction_bits:
        return say("float64-computed-in-float32", f"{sentence}, and so are the results", case)
    return None  # the sums have no more bits than the copies: it is they that lose them


def _of_sum(seen: Seen, ask: Ask) -> Diagnosis | None:
    """What the error of a sum tells, by the narrowest format that holds its results: that they were rounded to it, or
    that the sum was kept in it, where it errs no further, errs so again on other numbers, and is right where it would
    be exact.
    """
    case, again = seen.case, _again(seen.case, ask)
    names = [name for name in ("bfloat16", "float16", "float32") if _is_in(name, seen)]
    if again is None or again.right or not names or not _is_in(name := names[0], again):
        return None
    bits = PRECISIONS[name].fraction_bits
    if bits < PRECISIONS[case.dtype].fraction_bits and _near(name, seen) and _near(name, again):
        sentence = f"the result has no more than the {bits} fraction bits of {name}, and is that near"
        return say(f"result-rounded-to-{name}", sentence, case)
    if not (_errs_like(name, seen) and _errs_like(name, again) and _exact_in(name, case, ask)):
        return None
    if name != case.dtype and (loses := _sums_lose(name, case, ask)) is not True:
        sentence = (
            f"factors and results have no more than the {bits} fraction bits of {name}, where {case.dtype} has "
            f"{PRECISIONS[case.dtype].fraction_bits}; the sums between them are kept in more"
        )
        return say("factors-and-result-of-fewer-bits", sentence, case) if loses is False else None
    sentence = (
        f"the sum of {_products(case)} products is off by as much as one that is kept in {name}, "
        f"{_share(seen) or 0.0:.2g} of the sum of absolute products, and exact where that would be"
    )
    return say(f"{case.dtype}-accumulated-in-{name}", sentence, case)


def _is_in(name: str, seen: Seen) -> bool:
    """Whether a format, no wider than the case's dtype, has the bits of an output; float32 sums are due in float32."""
    bits, whole = PRECISIONS[name].fraction_bits, PRECISIONS[seen.case.dtype].fraction_bits
    return bits <= whole and not (name == seen.case.dtype == "float32") and _has_bits(seen.output, bits)


def _errs_like(name: str, seen: Seen) -> bool:
    """Whether an output is no further off than a sum in that format may be."""
    with np.errstate(all="ignore"):
        error = np.abs(seen.output.astype(np.float64) - seen.expected.values)
        return bool(np.all(error <= 2.0 * (_products(seen.case) + 1) * unit(seen.expected.bnd, PRECISIONS[name])))


def _near(name: str, seen: Seen) -> bool:
    """Whether the output is the right one, rounded once more."""
    error = np.abs(seen.output.astype(np.float64) - seen.expected.values)
    return bool(np.all(error <= unit(np.abs(seen.expected.values), PRECISIONS[name]) + seen.expected.bound))


def _again(case: Case, ask: Ask) -> Seen | None:
    """The same on other numbers of the same kind."""
    asked = derived(case, data=kinds(case)[0], seed=case.seed + SEED)
    arrays = draw_arrays(asked)
    output = ask(asked, arrays)
    return None if output is None or output.shape != asked.result_shape else Seen.of(asked, arrays, output)


def _exact_in(name: str, case: Case, ask: Ask) -> bool:
    """Whether the engine is right, every time, where sums are exact in a format: of 1 and -1, and 0 where many meet."""
    asked, limit = derived(case), exact_limit(PRECISIONS[name])
    for seed in range(EXACT_DRAWS):
        arrays = _signs(asked, limit, np.random.RandomState(case.seed + seed))
        output = ask(asked, arrays)
        if output is None:
            return False
        seen = Seen.of(asked, arrays, output)
        if not seen.right or not seen.expected.values.any() or np.max(seen.expected.bnd) > limit:
            return False
    return True


def _sums_lose(name: str, case: Case, ask: Ask) -> bool | None:
    """Whether the engine loses bits of sums whose factors a format holds exactly, and whose right result, rounded once
    to that format, would be what comes back if they were kept in more; None where that cannot be told.
    """
    precision, products = PRECISIONS[name], _products(case)
    if products < FEWEST_PRODUCTS:
        return None
    asked, limit = derived(case, use_bias=False), exact_limit(precision)
    # a sum of n numbers up to L is some L * sqrt(n / 3): well beyond the limit, and well below float16's largest number
    largest = int(min(limit, 8 * limit / math.sqrt(products)))
    stream = np.random.RandomState(case.seed)
    arrays, summed = _signs(asked, math.inf, stream), _summed(case)
    arrays[summed] = stream.randint(-largest, largest + 1, arrays[summed].shape).astype(numpy_dtype(case.dtype))
    output = ask(asked, arrays)
    if output is None or output.shape != asked.result_shape:
        return None
    once = _rounded(expect(asked, arrays).values, precision.fraction_bits)
    return not np.array_equal(output.astype(np.float64), once)


def _signs(case: Case, limit: float, stream: np.random.RandomState) -> Arrays:
    """Arrays of 1 and -1, of which so many are left that about half of ``limit`` products meet in a result."""
    left = min(1.0, limit / (2 * (_products(case) + 1)))
    thinned = _summed(case)
    arrays: Arrays = {}
    for argument, shape in case.array_shapes.items():
        kept = stream.random_sample(shape) < (left if argument == thinned else 1.0)
        arrays[argument] = np.where(kept, 2 * stream.randint(0, 2, shape) - 1, 0).astype(numpy_dtype(case.dtype))
    return arrays


def _summed(case: Case) -> str:
    """The argument that the weights, or the samples, are multiplied by and summed over."""
    return "input" if case.wrt is None else "output_gradient"


def _products(case: Case) -> int:
    """The most products that meet in one result of the case."""
    ones = {name: np.ones(shape) for name, shape in case.array_shapes.items() if name != "bias"}
    return int(np.max(evaluate(case, ones), initial=1))


def _has_bits(array: np.ndarray, bits: int) -> bool:
    """Whether so many fraction bits hold every number of it."""
    values = array.astype(np.float64)
    return np.array_equal(_rounded(values, bits), values)


def _rounded(values: np.ndarray, bits: int) -> np.ndarray:
    """To so many fraction bits, to the nearest."""
    mantissa, exponent = np.frexp(values)
    return np.ldexp(np.rint(np.ldexp(mantissa, bits + 1)), exponent - bits - 1)
