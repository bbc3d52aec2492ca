"""Wrong engines are caught, each by cases that a reader would expect to catch it; right ones are not accused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convsuite.conformance import Judgement, UsageError, case_arrays, check, expectations, load_cases, make_case
from convsuite.conformance.data import draw_arrays
from convsuite.conformance.entry import Entry
from convsuite.conformance.expectations import Ledger
from convsuite.conformance.expected import expect
from convsuite.reference import conv

from .conftest import wrong

CASES = """
defaults: {op: conv, input: [2, 9, 8, 4], kernel_size: [3, 2], filters: 6}
cases:
  - {id: plain, matrix: {data: [integers, normal], data_format: [channels_last, channels_first]}}
  - {id: pads, padding: same, strides: 2, input: [2, 10, 7, 4]}
  - {id: explicit, padding: [[2, 0], [0, 1]]}
  - {id: dilated, dilation: [2, 3]}
  - {id: grouped, groups: 2}
  - {id: biased, use_bias: true}
  - {id: wide, input: [1, 7, 6, 64], kernel_size: 3, filters: 16, data: normal}
  - {id: half, dtype: float16, matrix: {data: [integers, normal]}}
  - {id: brain, dtype: bfloat16, matrix: {data: [integers, normal]}}
  - {id: double, dtype: float64, data: normal}
  - {id: bytes, dtype: int8}
  - {id: hard, input: [1, 7, 6, 64], matrix: {data: [zero_products, large_exponents, small_onto_large,
      small_onto_large_varied, zeros_mixed, large_range, special, nan, inf, overflow, denormal, negative_zero]}}
"""
OTHERS = """
cases:
  - {id: depthwise, op: depthwise_conv, input: [2, 9, 8, 3], kernel_size: 2, depth_multiplier: 2}
  - {id: separable, op: separable_conv, input: [2, 9, 8, 3], kernel_size: 2, depth_multiplier: 2, filters: 5}
  - {id: transposed, op: conv_transpose, input: [2, 5, 4, 3], kernel_size: 3, filters: 2, strides: 2, padding: 1,
     output_padding: 1}
  - {id: gradient, op: conv, input: [2, 9, 8, 3], kernel_size: 2, filters: 5, use_bias: true,
     matrix: {wrt: [input, kernel, bias], data: [integers, normal]}}
"""
CAUGHT_BY = {
    "KernelFlipped": {"plain", "depthwise", "transposed", "separable"},
    "PaddingOnTheWrongSide": {"pads", "explicit"},
    "DilationDropped": {"dilated"},
    "DepthwiseOrderSwapped": {"depthwise"},
    "GroupsInterleaved": {"grouped"},
    "BiasForgotten": {"biased"},
    "RoundedToBfloat16": {"wide"},
    "InputsRoundedToTf32": {"wide"},
    "OutputPaddingIgnored": {"transposed"},
}


@pytest.fixture
def files(tmp_path):
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text(CASES)
    two.write_text(OTHERS)
    return one, two


def names(records, *, ok):
    return {record["case"].split("::")[1].split("[")[0] for record in records if record["ok"] == ok}


@pytest.mark.parametrize(
    "engine",
    [pytest.param(name, marks=[pytest.mark.slow] if name == "RoundedToBfloat16" else []) for name in CAUGHT_BY],
)
def test_a_wrong_engine_is_caught(engine, run_cases, files):
    records = run_cases(wrong(engine), *files)
    assert CAUGHT_BY[engine] <= names(records, ok=False)
    assert "double" in names(records, ok=True) or engine not in ("BiasForgotten", "DilationDropped")


@pytest.mark.parametrize("engine", ["SumsBackwards", "SumsInFloat64"])
def test_a_right_engine_that_sums_otherwise_is_not_accused(engine, run_cases, files):
    assert names(run_cases(wrong(engine), *files), ok=False) == set()


def test_the_reference_is_not_accused(run_cases, files):
    records = run_cases("reference", *files)
    assert names(records, ok=False) == set()
    assert {record["verdict"] for record in records} == {"exact", "within"}


def test_check_judges_an_array():
    case = make_case(op="conv", input=[2, 9, 8, 3], kernel_size=[3, 2], filters=5, data="normal")
    arrays = case_arrays(case)
    right = conv(arrays["input"], arrays["kernel"])
    assert check(case, right)
    assert check(case, right).verdict == "within"
    assert check(case, right[:, 1:]).verdict == "shape"
    assert check(case, right.astype(np.float64)).verdict == "dtype"
    judged = check(case, right + 1)
    assert not judged
    assert judged.verdict == "differs"
    assert "490 of 490 elements differ" in judged.message


def test_check_takes_a_case_by_its_id_and_by_its_keys():
    case = next(case for case in load_cases("conv1d/digits") if case.op == "conv" and not case.must_refuse)
    arrays = case_arrays(case.id)
    assert all(np.array_equal(arrays[name], array) for name, array in case_arrays(case).items())
    keys = {"op": "conv", "input": [1, 5, 1], "kernel_size": 2, "filters": 1}
    assert check(keys, conv(*(case_arrays(keys)[name] for name in ("input", "kernel"))))


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ({"op": "conv", "input": [1, 5, 1], "kernel_size": 0, "filters": 1}, "kernel_size"),
        ({"op": "conv", "input": [1, 5, 1], "kernel_size": 2, "filter": 1}, "filter"),
        ({"op": "fold", "input": [1, 5, 1], "kernel_size": 2, "filters": 1}, "op"),
    ],
)
def test_a_case_that_cannot_be_is_refused_with_its_key(keys, complaint):
    with pytest.raises(UsageError, match=complaint):
        make_case(**keys)


def test_a_half_is_judged_by_its_own_rounding():
    """float16 results of a float32 accumulation are right; in float32 the same error would not be."""
    keys = {"op": "conv", "input": [1, 5, 6, 128], "kernel_size": 3, "filters": 8, "data": "normal"}
    half, single = make_case(**keys, dtype="float16"), make_case(**keys)
    arrays = case_arrays(half)
    assert check(half, conv(arrays["input"], arrays["kernel"]))
    arrays = case_arrays(single)
    rounded = conv(arrays["input"], arrays["kernel"]).astype(np.float16).astype(np.float32)
    assert check(single, rounded).verdict == "differs"


LITERAL = {"op": "conv", "input": [1, 2, 1], "kernel_size": 1, "filters": 1}


def test_an_infinite_input_makes_an_infinite_output():
    """Also where the rest of the data are no integers, so that rounding is allowed for."""
    keys = {"op": "conv", "input": [1, 12, 12, 64], "kernel_size": 3, "filters": 4, "data": "inf", "dtype": "bfloat16"}
    case = make_case(**keys)
    arrays = case_arrays(case)
    right = conv(arrays["input"], arrays["kernel"])
    assert check(case, right)
    assert np.isinf(right).any()
    assert not check(case, np.where(np.isinf(right), np.zeros_like(right), right))


def test_products_of_one_sign_that_overflow_must_overflow():
    data = {"input": [[[300], [300]]], "kernel": [[[300]]]}
    case = make_case(**LITERAL, dtype="float16", data=data)
    assert check(case, np.array([[[np.inf], [np.inf]]], np.float16))
    assert not check(case, np.array([[[5.0], [np.nan]]], np.float16))


@pytest.mark.parametrize("op", ["conv", "conv_transpose", "depthwise_conv"])
@pytest.mark.parametrize("strides", [1, 2])
@pytest.mark.parametrize("wrt", [None, "input"])
def test_overflow_data_overflow_in_one_place(op, strides, wrt):
    keys = {"op": op, "input": [2, 9, 8, 3], "kernel_size": [3, 2], "strides": strides, "data": "overflow", "wrt": wrt}
    case = make_case(**keys, **({} if op == "depthwise_conv" else {"filters": 5}))
    expected = expect(case, draw_arrays(case))
    assert (np.abs(expected.values) > np.finfo(np.float32).max).sum() == 1


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
@pytest.mark.parametrize("channels", [3, 64])
def test_denormal_inputs_taken_for_zero_are_not_accused(dtype, channels):
    keys = {"op": "separable_conv", "input": [2, 6, 5, channels], "kernel_size": 2, "filters": 4, "depth_multiplier": 2}
    case = make_case(**keys, dtype=dtype, data="denormal")
    flushed = np.zeros(case.output_shape, case_arrays(case)["input"].dtype)
    assert check(case, flushed)


def test_data_that_prove_nothing_are_refused(run_cases, tmp_path):
    file = tmp_path / "nothing.yaml"
    file.write_text("cases: [{id: a, op: conv, input: [1, 1, 1], kernel_size: 1, filters: 1, data: zeros_mixed}]")
    with pytest.raises(UsageError, match="prove nothing"):
        run_cases("reference", file)
    assert not list(tmp_path.glob("run*"))


def test_what_is_no_array_is_no_result():
    assert check(make_case(**LITERAL), [[1], [1, 2]]).verdict == "dtype"


def test_the_suites_own_expectations_do_not_vanish_on_a_users_cases(tmp_path):
    """Their conditions are exact on the shipped corpus; a user's own file of expectations is the user's word."""
    file = tmp_path / "known.yaml"
    file.write_text("expectations: [{engine: reference, verdict: differs, why: it never was right}]")
    own = expectations.read(file)
    case = make_case(**LITERAL)
    entry = Entry(case, str(tmp_path / "mine.yaml"), 1)
    for shipped, status in ((False, "vanished"), (True, "as usual")):
        ledger = Ledger([replace(one, shipped=shipped) for one in own])
        assert ledger.weigh("reference", {}, "equivalent", entry, Judgement("exact"))[0] == status
