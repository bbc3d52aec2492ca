"""Lost bits: where they were lost, told by the size of the error and by questions."""

from __future__ import annotations

from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from convsuite.conformance import make_case
from convsuite.conformance.diagnosis.signs import FRESH
from convsuite.conformance.expected import evaluate
from convsuite.conformance.faults import RIGHT
from convsuite.conformance.faults.computation import compute, in_pairs, summed

from .conftest import faulty

NORMAL = make_case(op="conv", input=[2, 11, 10, 3], kernel_size=3, filters=4, padding="same", data="normal")
PAIRS = summed(in_pairs)


def truncated(array):
    """float32 with ten fraction bits, the others cut off: no rounding that the catalogue has."""
    bits = np.ascontiguousarray(array).view(np.uint32) & np.uint32(0xFFFFE000)
    return bits.view(np.float32)


@pytest.mark.parametrize("code", ["tf32-inputs", "bfloat16-inputs", "float16-kernel", "result-rounded-to-float16"])
def test_roundings_of_the_catalogue(diagnosed, code):
    assert diagnosed(NORMAL, faulty(code)).code == code


def test_samples_of_fewer_bits(diagnosed):
    def answer(case, arrays):
        return evaluate(case, {**arrays, "input": truncated(arrays["input"])})

    found = diagnosed(NORMAL, answer)
    assert found.code == "inputs-of-fewer-bits"
    assert "samples are kept to 10 fraction bits" in found.sentence
    assert "allow_tf32" in found.remedy


@pytest.mark.parametrize(
    ("dtype", "inside", "code"),
    [
        ("float32", np.float16, "float32-accumulated-in-float16"),
        ("float32", ml_dtypes.bfloat16, "float32-accumulated-in-bfloat16"),
        ("float64", np.float32, "float64-computed-in-float32"),
    ],
)
def test_sums_of_fewer_bits_in_another_order_than_the_catalogues(diagnosed, dtype, inside, code):
    case = replace(NORMAL, dtype=dtype)
    assert diagnosed(case, lambda asked, arrays: compute(asked, arrays, PAIRS, accumulation_dtype=inside)).code == code


@pytest.mark.parametrize("tile", [4, 6])
def test_a_fast_algorithm_leaves_noise_in_copies(diagnosed, tile):
    winograd = next(one for one in RIGHT if one.name == f"winograd-{tile}")
    case = replace(NORMAL, input=(2, 23, 22, 1))
    found = diagnosed(case, winograd.answer)
    assert found.code == "fast-algorithm"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_results_of_fewer_bits(diagnosed, dtype):
    """More products than bfloat16 adds up exactly, so that the sum tells nothing; the results do."""
    case = replace(NORMAL, dtype=dtype, input=(2, 9, 8, 40))

    def answer(asked, arrays):
        result = evaluate(asked, arrays)
        return result.astype(ml_dtypes.bfloat16).astype(result.dtype)

    assert diagnosed(case, answer).code == "result-rounded-to-bfloat16"


def test_factors_and_results_of_fewer_bits_are_no_sum_of_fewer_bits(diagnosed):
    """As under an autocast to float16, whose sums are in float32."""

    def answer(asked, arrays):
        halves = {name: array.astype(np.float16).astype(array.dtype) for name, array in arrays.items()}
        result = evaluate(asked, halves)
        return result.astype(np.float16).astype(result.dtype)

    found = diagnosed(replace(NORMAL, input=(2, 9, 8, 40)), answer)
    assert found.code == "factors-and-result-of-fewer-bits"
    assert "10 fraction bits of float16" in found.sentence


@pytest.mark.parametrize("answer", [lambda y: y * np.float32(1 + 2.0**-16), lambda y: y + np.float32(1e-4)])
def test_a_factor_or_something_added_is_no_noise(diagnosed, answer):
    assert diagnosed(NORMAL, lambda case, arrays: answer(evaluate(case, arrays))).code == "unexplained"


def test_an_error_of_that_size_is_no_rounding_where_sums_would_be_exact(diagnosed):
    """One more than is due: as small as a sum in float16 may err, but not by rounding."""
    case = replace(NORMAL, data="integers")
    assert diagnosed(case, lambda asked, arrays: evaluate(asked, arrays) + np.float32(1)).code == "unexplained"


def test_nan_that_spreads(diagnosed):
    case = replace(NORMAL, data="nan")

    def answer(asked, arrays):
        result = np.array(evaluate(asked, arrays))
        result[:, 0, 0] = np.nan
        return result

    found = diagnosed(case, answer)
    assert found.code == "nan-spreads"
    assert "8 of 880 outputs" in found.sentence
    assert diagnosed(case, faulty("nan-poisons-the-image")).code == "nan-poisons-the-image"
    assert diagnosed(case, faulty("nan-taken-for-zero")).code == "nan-taken-for-zero"


def test_memory_that_was_never_written(diagnosed):
    def answer(asked, arrays):
        result = np.array(evaluate(asked, arrays))
        result.reshape(-1).view(np.uint8)[-24:] = FRESH
        return result

    found = diagnosed(replace(NORMAL, data="integers"), answer)
    assert found.code == "memory-never-written"
    assert "6 of 880 elements" in found.sentence


def test_fresh_memory_holds_what_the_engine_process_makes_it_hold():
    from convsuite.conformance.answering import FILLS

    assert FILLS[0] ^ 0xFF == FRESH


def test_reading_on_behind_the_input(diagnosed):
    """XLA's: a crop at the begin and zeros at the end, which are taken from the next image's memory."""
    case = make_case(op="conv", input=[3, 9, 2], kernel_size=3, filters=2, padding=[[-1, 2]])

    def answer(asked, arrays):
        if asked.pads != case.pads:
            return evaluate(asked, arrays)
        behind = np.concatenate([arrays["input"].reshape(-1, 2), np.full((2, 2), 99, np.float32)])
        read = np.stack([behind[9 * n + 1 : 9 * n + 11] for n in range(len(arrays["input"]))])
        return evaluate(replace(asked, input=read.shape, padding="valid"), {**arrays, "input": read})

    found = diagnosed(case, answer)
    assert found.code == "reads-past-the-input"
    assert "(-1, 2)" in found.sentence
