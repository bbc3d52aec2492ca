"""Wrong engines are caught, each by cases that a reader would expect to catch it; right ones are not accused."""

from __future__ import annotations

import numpy as np
import pytest

from convsuite.conformance import UsageError, case_arrays, check, load_cases, make_case
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


@pytest.mark.parametrize("engine", CAUGHT_BY)
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
    case = next(case for case in load_cases("conv2d") if case.op == "conv" and not case.must_refuse)
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
