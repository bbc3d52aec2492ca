"""The note's 1.3.1: the two size formulas, valid and same."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import floor

import numpy as np

from ... import reference
from ...reference.geometry import Padding
from .proof import integers, require, require_equal

SIZES = range(1, 14)
KERNELS = range(1, 6)
STRIDES = range(1, 5)


def size_formula_counts_all_padding() -> None:
    """1.3.1: with P the zeros of both sides together, O = (W+P-F)/S + 1 wherever S divides, however P is shared out."""
    for w, f, s, p in itertools.product(SIZES, KERNELS, STRIDES, range(5)):
        if w + p < f or (w + p - f) % s:
            continue
        for before in range(p + 1):
            got = _size(w, f, s, ((before, p - before),))
            require_equal(got, (w + p - f) // s + 1, f"O for W={w}, F={f}, S={s}, P={before}+{p - before}")


def size_formula_needs_the_floor() -> None:
    """1.3.1: where S does not divide W+P-F the formula gives a fraction, the size is that rounded down."""
    require_equal(Fraction(6 + 0 - 3, 2) + 1, Fraction(5, 2), "the formula for W=6, F=3, S=2, P=0")
    require_equal(_size(6, 3, 2), 2, "O for W=6, F=3, S=2, P=0")
    for w, f, s, p in itertools.product(SIZES, KERNELS, STRIDES, range(3)):
        formula = Fraction(w + p - f, s) + 1
        if formula < 1:
            continue
        require_equal(_size(w, f, s, ((0, p),)), floor(formula), f"O for W={w}, F={f}, S={s}, P={p}")


def dilated_size_formula_counts_one_side() -> None:
    """1.3.1: with P the zeros of each side, O = (W+2P-(D(F-1)+1))/S + 1, rounded down; that is PyTorch's formula."""
    for w, f, s, p, d in itertools.product(SIZES, KERNELS, STRIDES, range(3), range(1, 4)):
        formula = Fraction(w + 2 * p - (d * (f - 1) + 1), s) + 1
        if formula < 1:
            continue
        require_equal(_size(w, f, s, p, d), floor(formula), f"O for W={w}, F={f}, S={s}, P={p}, D={d}")


def the_two_formulas_count_padding_differently() -> None:
    """1.3.1: for one P and D=1 the two formulas are P/S apart; only the second is a layer's padding argument."""
    for w, f, s, p in itertools.product(SIZES, KERNELS, STRIDES, range(1, 4)):
        first = Fraction(w + p - f, s) + 1
        second = Fraction(w + 2 * p - f, s) + 1
        require_equal(second - first, Fraction(p, s), "the distance of the two formulas")
        if first >= 1:
            require_equal(_size(w, f, s, p), floor(second), f"padding={p} for W={w}, F={f}, S={s}")
            require_equal(_size(w, f, s, ((p, 0),)), floor(first), f"{p} zeros in all for W={w}, F={f}, S={s}")
    require_equal((_size(5, 3, 1, ((1, 0),)), _size(5, 3, 1, 1)), (4, 5), "one zero in all, one on each side")


def a_dilated_kernel_is_a_larger_one_with_zeros() -> None:
    """1.3.1: dilation D is the kernel of size D(F-1)+1 that has zeros between the taps."""
    for f, d, s, padding in itertools.product(KERNELS, range(1, 5), (1, 2), ("valid", "same")):
        x, w = integers(2, 19, 3), integers(f, 3, 4, seed=1)
        large = np.zeros((d * (f - 1) + 1, 3, 4), int)
        large[::d] = w
        got = reference.conv(x, w, strides=s, padding=padding, dilation=d)
        due = reference.conv(x, large, strides=s, padding=padding)
        require_equal(got, due, f"F={f}, D={d} against the kernel with zeros, {padding}")


def valid_drops_what_does_not_fit() -> None:
    """1.3.1.1: valid is P = 0, and the last (W-F) mod S samples change nothing."""
    for w, f, s in itertools.product(SIZES, KERNELS, STRIDES):
        if w < f:
            continue
        x, kernel = integers(1, w, 2), np.abs(integers(f, 2, 3, seed=1))
        y = reference.conv(x, kernel, strides=s, padding="valid")
        require_equal(y, reference.conv(x, kernel, strides=s, padding=0), "valid against P = 0")
        dropped = (w - f) % s
        changed = x.copy()
        changed[:, w - dropped :] += 5
        require_equal(reference.conv(changed, kernel, strides=s), y, f"W={w}, F={f}, S={s} without its last {dropped}")
        changed[:, w - dropped - 1] += 5
        last = reference.conv(changed, kernel, strides=s)[:, -1]
        require((last != y[:, -1]).all(), f"W={w}, F={f}, S={s}: more than the last {dropped} samples are dropped")


def valid_size() -> None:
    """1.3.1.1: O = (W-F)//S + 1; where the kernel is larger than the input, the result is empty."""
    for w, f, s in itertools.product(SIZES, KERNELS, STRIDES):
        require_equal(_size(w, f, s), max((w - f) // s + 1, 0), f"O for W={w}, F={f}, S={s}")


def same_pads_also_where_the_kernel_fits() -> None:
    """1.3.1.2: n=5, k=3, s=2 fits without padding, and same pads one zero on each side all the same."""
    x, w = np.array([1, 2, 3, 4, 5]).reshape(1, 5, 1), np.array([1, 10, 100]).reshape(3, 1, 1)
    require_equal((5 - 3) % 2, 0, "what is left over of n=5, k=3, s=2")
    require_equal(reference.conv(x, w, strides=2, padding="valid").ravel(), [321, 543], "valid")
    require_equal(reference.conv(x, w, strides=2, padding="same").ravel(), [210, 432, 54], "same")


def same_puts_the_odd_zero_last() -> None:
    """1.3.1.2: the zeros are P//2 before and the rest behind, so that P = 1 is one behind and none before."""
    x, w = np.array([1, 2, 3, 4]).reshape(1, 4, 1), np.array([1, 10, 100]).reshape(3, 1, 1)
    require_equal(reference.conv(x, w, strides=2, padding="same").ravel(), [321, 43], "n=4, k=3, s=2")
    for n, k, s in itertools.product(SIZES, KERNELS, STRIDES):
        total = _same_total(n, k, s)
        _require_pads(n, k, s, total // 2, total - total // 2)


def same_is_not_the_least_padding_that_divides() -> None:
    """1.3.1.2: same pads P = max((ceil(W/S)-1)S + F - W, 0), the least for ceil(W/S) outputs, divisible or not."""
    require_equal(_least_that_divides(5, 3, 2), 0, "the note's P for n=5, k=3, s=2")
    _require_pads(5, 3, 2, 1, 1)
    differ = 0
    for n, k, s in itertools.product(SIZES, KERNELS, STRIDES):
        total = _same_total(n, k, s)
        differ += total != _least_that_divides(n, k, s)
        _require_pads(n, k, s, total // 2, total - total // 2)
        enough = next(p for p in itertools.count() if (n + p - k) // s + 1 >= -(-n // s))
        require_equal(total, enough, f"the least P that gives {-(-n // s)} outputs for n={n}, k={k}, s={s}")
        if s == 1:
            require_equal(_least_that_divides(n, k, s), max(k - n, 0), f"the note's P for n={n}, k={k}, s=1")
    require_equal(differ, 126, "sizes out of 260 where the note's P is another")


def same_size_is_the_ceiling() -> None:
    """1.3.1.2: O = ceil(W/S); floor(W/S) is right only where S divides W."""
    require_equal((_size(7, 3, 2, "same"), 7 // 2), (4, 3), "O and floor(W/S) for W=7, S=2")
    for w, f, s, d in itertools.product(SIZES, KERNELS, STRIDES, (1, 2)):
        got = _size(w, f, s, "same", d)
        require_equal(got, -(-w // s), f"O for W={w}, F={f}, S={s}, D={d}")
        require((got == w // s) == (w % s == 0), f"W={w}, S={s}: floor(W/S) is right where S does not divide W")


def same_size_ignores_the_kernel() -> None:
    """1.3.1.2: one size for every kernel and dilation, kernels larger than the input included."""
    for w, s in itertools.product(SIZES, STRIDES):
        got = {_size(w, f, s, "same", d) for f, d in itertools.product(range(1, 18), (1, 2, 3))}
        require_equal(len(got), 1, f"number of sizes for W={w}, S={s}")


def same_keeps_the_size_at_stride_1() -> None:
    """1.3.1.2: S = 1 gives O == W, where valid gives W-F+1."""
    for w, f, d in itertools.product(SIZES, KERNELS, (1, 2, 3)):
        require_equal(_size(w, f, 1, "same", d), w, f"O for W={w}, F={f}, D={d}, same")
        require_equal(_size(w, f, 1, "valid", d), max(w - d * (f - 1), 0), f"O for W={w}, F={f}, D={d}, valid")


def same_sizes_compose() -> None:
    """1.3.1.2: a stack of same layers has size ceil(W / product of the strides), whatever the kernels are."""
    for w, first, second, third in itertools.product(range(1, 31), STRIDES, STRIDES, (1, 2)):
        size = _size(_size(_size(w, 3, first, "same"), 5, second, "same"), 2, third, "same")
        require_equal(size, -(-w // (first * second * third)), f"W={w} after strides {first}, {second}, {third}")


def the_printed_shapes_hide_the_floor() -> None:
    """1.3.1.3: (1, 5, 1), (1, 5, 1), (1, 2, 1) are right; 3 divides 15, so that floor and ceiling are one."""
    x = integers(1, 15, 1)
    layers = ((10, "same", (1, 5, 1)), (15, "same", (1, 5, 1)), (10, "valid", (1, 2, 1)))
    for k, padding, due in layers:
        got = reference.conv(x, integers(k, 1, 1), strides=3, padding=padding)
        require_equal(got.shape, due, f"kernel_size={k}, strides=3, {padding}")
    for w, due in ((14, 5), (15, 5), (16, 6), (17, 6)):
        require_equal(_size(w, 10, 3, "same"), due, f"O for W={w}, S=3")


def _size(w: int, f: int, s: int, padding: Padding = "valid", d: int = 1) -> int:
    """The size of an actual result."""
    x, kernel = np.ones((1, w, 1), int), np.ones((f, 1, 1), int)
    return reference.conv(x, kernel, strides=s, padding=padding, dilation=d).shape[1]


def _same_total(n: int, k: int, s: int) -> int:
    return max((-(-n // s) - 1) * s + k - n, 0)


def _least_that_divides(n: int, k: int, s: int) -> int:
    """The note's P; the padded input has to hold the kernel."""
    return next(p for p in itertools.count() if n + p >= k and (n + p - k) % s == 0)


def _require_pads(n: int, k: int, s: int, before: int, behind: int) -> None:
    x, w = integers(1, n, 2), integers(k, 2, 3, seed=1)
    got = reference.conv(x, w, strides=s, padding="same")
    due = reference.conv(x, w, strides=s, padding=((before, behind),))
    require_equal(got, due, f"same for n={n}, k={k}, s={s} against {before} zeros before and {behind} behind")


CHECKS = (
    size_formula_counts_all_padding,
    size_formula_needs_the_floor,
    dilated_size_formula_counts_one_side,
    the_two_formulas_count_padding_differently,
    a_dilated_kernel_is_a_larger_one_with_zeros,
    valid_drops_what_does_not_fit,
    valid_size,
    same_pads_also_where_the_kernel_fits,
    same_puts_the_odd_zero_last,
    same_is_not_the_least_padding_that_divides,
    same_size_is_the_ceiling,
    same_size_ignores_the_kernel,
    same_keeps_the_size_at_stride_1,
    same_sizes_compose,
    the_printed_shapes_hide_the_floor,
)
