"""The error beside the time: in units of a GEMM's, and of the algorithm's bound."""

from __future__ import annotations

import numpy as np
import pytest

from convsuite import reference
from convsuite.adapters.case import to_format
from convsuite.benchmarks import Layer
from convsuite.benchmarks.truth import Truth, WrongResult
from convsuite.conformance import make_case

CASE = make_case(op="conv", input=[1, 16, 16, 32], kernel_size=3, filters=16, padding="same", data="normal")


def result(**said):
    arrays = Truth(Layer(CASE)).arrays
    return reference.conv(arrays["input"], arrays["kernel"], padding="same", **said)


def test_one_gemm_is_the_unit():
    errors = Truth(Layer(CASE)).judge(CASE, result(algorithm="im2col"))
    assert errors.rms_ratio == 1.0
    assert 0 < errors.bound_ratio < 1


def test_winograd_errs_more_and_within_its_own_bound():
    truth = Truth(Layer(CASE))
    two, six = (truth.judge(CASE, result(algorithm="winograd", tile=tile), tile) for tile in (2, 6))
    assert (two.rms_ratio or 9) < (six.rms_ratio or 0)
    assert 0 < six.bound_ratio < 1


def test_the_bound_of_transposed_winograd_is_wider_than_that_of_sums():
    case = make_case(op="conv_transpose", input=[1, 6, 6, 8], kernel_size=4, strides=2, filters=4, data="normal")
    truth = Truth(Layer(case))
    got = reference.conv_transpose(truth.arrays["input"], truth.arrays["kernel"], strides=2)
    assert truth.judge(case, got, 4).bound_ratio < truth.judge(case, got).bound_ratio


WRONG = {
    "shape": lambda y: y[:, :-1],
    "dtype": lambda y: y.astype(np.float64),
    "not finite": lambda y: np.where(y == y.max(), np.nan, y).astype(np.float32),
    "its bound": lambda y: np.roll(y, 1, axis=1),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_result_is_no_result(what):
    with pytest.raises(WrongResult, match=what):
        Truth(Layer(CASE)).judge(CASE, WRONG[what](result()))


def test_a_result_of_fewer_bits_is_wrong_though_a_long_sum_has_a_wide_bound():
    deep = make_case(op="conv", input=[1, 6, 6, 512], kernel_size=3, filters=16, data="normal")
    truth = Truth(Layer(deep))
    got = reference.conv(truth.arrays["input"], truth.arrays["kernel"])
    with pytest.raises(WrongResult, match="times a GEMM's"):
        truth.judge(deep, (got.view(np.int32) & np.int32(-(2**13))).view(np.float32))  # as many bits as TF32 has


def test_results_come_in_the_order_of_the_case():
    first = make_case(op="conv", input=[1, 16, 14, 3], kernel_size=3, filters=4, data_format="channels_first")
    truth = Truth(Layer(first))
    got = to_format(reference.conv(truth.arrays["input"], truth.arrays["kernel"]), "channels_first")
    assert truth.judge(first, got).bound_ratio < 1
