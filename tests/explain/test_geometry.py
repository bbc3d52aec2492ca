"""The formulas with their numbers: what stands on either side of every equals sign is the same number."""

from __future__ import annotations

import re
from math import ceil, floor

import pytest

from convsuite.conformance import load_cases, make_case
from convsuite.conformance.explaining import axes_of

SAMPLE = load_cases("conv1d", "conv2d", "covering", "transposed", "empty")[::7]


def test_formulas_add_up_on_the_corpus():
    """Every right-hand side is arithmetic; evaluated, it is the number that it claims."""
    seen = 0
    for case in SAMPLE:
        for axis, size in zip(axes_of(case), () if case.must_refuse else case.raw_sizes, strict=False):
            assert axis.output == size
            for formula in axis.formulas:
                claimed = re.split(r", an odd|, all|: ", formula)[0]
                *_, arithmetic, number = claimed.split(" = ")
                names = {"floor": floor, "ceil": ceil, "max": max}
                assert eval(arithmetic, names) == int(number), formula  # noqa: S307  our own text
                seen += 1
    assert seen > 200


def test_same_in_numbers():
    case = make_case(op="conv", input=[2, 15, 14, 3], kernel_size=[4, 2], filters=5, strides=2, padding="same")
    first, second = axes_of(case)
    assert (first.pads, first.output, first.whole) == ((1, 2), 8, None)
    assert (second.pads, second.output) == ((0, 0), 7)
    assert "= 3, an odd one at the end: 1 + 2" in first.formulas[0]
    assert second.formulas[0].endswith(" = 0: 0 + 0")  # no odd one among an even number


def test_a_transposed_window_may_reach_beyond_the_whole():
    case = make_case(op="conv_transpose", input=[1, 4, 2], kernel_size=2, filters=3, strides=3, output_padding=2)
    (axis,) = axes_of(case)
    assert (axis.whole, axis.pads, axis.output) == (11, (0, -2), 13)


@pytest.mark.parametrize("bad", [{"strides": 0}, {"dilation": 0}, {"output_padding": 9, "op": "conv_transpose"}])
def test_numbers_that_mean_nothing_have_no_axes(bad):
    keys = {"op": "conv", "input": [1, 4, 2], "kernel_size": 2, "filters": 3, "expect": "error"}
    assert axes_of(make_case(**{**keys, **bad})) == ()
