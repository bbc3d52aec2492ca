"""Fast algorithms under their profiles: right ones are not accused, wrong ones are caught, and nothing else changes."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from convsuite.conformance import UsageError, case_arrays, check, engines, make_case
from convsuite.conformance.profiles import PROFILES, find_profile
from convsuite.reference import conv, conv_transpose, input_gradient, kernel_gradient, prepare_winograd

from .conftest import ENGINES

CASES = """
defaults: {op: conv, input: [2, 11, 10, 4], kernel_size: 3, filters: 6}
cases:
  - {id: plain, matrix: {data: [integers, normal], data_format: [channels_last, channels_first]}}
  - {id: pads, padding: same, strides: 2}
  - {id: dilated, dilation: [2, 3]}
  - {id: grouped, groups: 2, use_bias: true}
  - {id: line, input: [2, 19, 3], matrix: {data: [integers, normal]}}
  - {id: cube, input: [1, 9, 7, 5, 3], matrix: {data: [integers, normal]}}
  - {id: narrow, matrix: {dtype: [float16, bfloat16], data: [integers, normal]}}
  - {id: double, dtype: float64, data: normal}
  - {id: hard, matrix: {data: [zero_products, large_exponents, small_onto_large, small_onto_large_varied, zeros_mixed,
      large_range, special, nan, inf, overflow, denormal, negative_zero]}}
  - {id: sparse, strides: 2, dilation: 2, padding: same,  # large samples that no output joins with large taps
     matrix: {data: [large_exponents, zero_products], input: [[1, 7, 3], [2, 7, 2], [3, 9, 1], [2, 5, 7, 2]]}}
  - {id: law, law: linear_in_input, matrix: {data: [integers, normal]}}
"""
ALWAYS = """
cases:
  - {id: bytes, op: conv, input: [2, 9, 8, 3], kernel_size: 3, filters: 5, dtype: int8}
  - {id: gradient, op: conv, input: [2, 9, 8, 3], kernel_size: 3, filters: 5, wrt: kernel}
"""
TAPS = {"op": "conv", "input": [2, 12, 12, 3], "kernel_size": 3, "filters": 4}


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "fast.yaml"
    file.write_text(CASES)
    return file


def fast(name: str) -> str:
    return f"{ENGINES / 'fast.py'}:{name}"


def bad(records):
    return {record["case"].split("::")[1].split("[")[0] for record in records if record["ok"] is False}


def by_tiles(case, tile=4):
    arrays = case_arrays(case)
    return conv(arrays["input"], arrays["kernel"], padding=case.padding, algorithm="winograd", tile=tile)


@pytest.mark.parametrize(
    "engine",
    ["reference-winograd-2", "reference-winograd-4", "reference-winograd-6", fast("Winograd"), fast("Fourier")],
)
def test_a_fast_engine_is_not_accused_under_its_profile(engine, run_cases, file):
    records = run_cases(engine, file)
    assert bad(records) == set()
    assert {"within"} <= {record["verdict"] for record in records} <= {"within", "exact"}


def test_without_the_profile_it_is(run_cases, file):
    assert {"plain", "line", "cube", "hard", "grouped"} <= bad(run_cases(fast("WinogradUnsaid"), file))


@pytest.mark.parametrize(
    ("engine", "caught"),
    [
        ("CoefficientWrong", {"plain", "line", "cube", "double", "narrow"}),
        pytest.param(
            "BorderOffByOne", {"plain", "line", "cube", "double", "narrow", "pads", "grouped"}, marks=pytest.mark.slow
        ),
        pytest.param(
            "LastTileMissing",
            {"plain", "line", "cube", "double", "narrow", "pads", "dilated", "grouped"},
            marks=pytest.mark.slow,
        ),
        ("ReadsFloat16", {"narrow"}),
    ],
)
def test_a_wrong_fast_engine_is_caught_under_its_profile(engine, caught, run_cases, file):
    assert caught <= bad(run_cases(fast(engine), file))


@pytest.mark.parametrize("tile", [2, 4, 6])
@pytest.mark.parametrize("rank", [1, 2, 3])
def test_every_single_coefficient_is_seen(tile, rank):
    case = make_case(**{**TAPS, "input": [1, *(13,) * rank, 2], "data": "normal"})
    arrays = case_arrays(case)
    right = prepare_winograd(arrays["kernel"], tile=tile)
    (part,) = right.writer.phases
    assert check(case, conv(arrays["input"], right), profile=f"winograd-{tile}")
    for name in ("bt", "at"):
        first, *rest = getattr(part.transformed, name)
        for place in np.argwhere(first):
            wrong = first.copy()
            wrong[tuple(place)] *= 1.05
            transformed = part.transformed._replace(**{name: (wrong, *rest)})
            writer = right.writer._replace(phases=(part._replace(transformed=transformed),))
            kernel = replace(right, writer=writer)
            assert not check(case, conv(arrays["input"], kernel), profile=f"winograd-{tile}"), (name, place)


def test_exact_data_are_within_and_the_bound_is_that_of_the_profile():
    case = make_case(**TAPS)
    y = by_tiles(case)
    assert check(case, y).verdict == "differs"
    judged = {name: check(case, y, profile=name) for name in PROFILES}
    assert {one.verdict for one in judged.values()} == {"within"}
    ratios = [judged[f"winograd-{tile}"].bound_ratio or 0 for tile in (2, 4, 6)]
    assert ratios == sorted(ratios, reverse=True)
    assert 0 < ratios[-1] < ratios[0] < 1


def test_a_profile_says_nothing_of_integers_and_kernel_gradients(run_cases, tmp_path):
    (tmp_path / "always.yaml").write_text(ALWAYS)
    assert {record["verdict"] for record in run_cases("reference-winograd-4", tmp_path / "always.yaml")} == {"exact"}
    for keys in ({"dtype": "int8"}, {"wrt": "kernel"}, {"kernel_size": 1}):
        case = make_case(**(TAPS | keys))
        arrays = case_arrays(case)
        if case.wrt:
            right = kernel_gradient(arrays["input"], arrays["output_gradient"], arrays["kernel"].shape)
        else:
            right = conv(arrays["input"], arrays["kernel"])
        assert check(case, right, profile="winograd-4").verdict == "exact"
        wrong = right.copy()
        wrong.flat[0] = right.flat[0] + 1 if case.dtype == "int8" else np.nextafter(right.flat[0], np.float32(np.inf))
        assert not check(case, wrong, profile="winograd-4")


def test_transposed_convolutions_and_input_gradients_are_in_it():
    """With an error at every output that no order of summation explains, and a tile does."""
    for keys in ({"op": "conv_transpose", "strides": 2, "padding": "same"}, {"wrt": "input"}):
        case = make_case(**(TAPS | keys))
        arrays = case_arrays(case)
        if case.transposed:
            right = conv_transpose(arrays["input"], arrays["kernel"], strides=2, padding="same")
        else:
            right = input_gradient(arrays["output_gradient"], arrays["kernel"], arrays["input"].shape)
        error = np.float32(2.0**-24 * 20 * np.abs(right).max())
        assert not check(case, right + error)
        assert check(case, right + error, profile="winograd-4")
        assert not check(case, right + 100 * error, profile="winograd-4")


def test_a_nan_may_poison_its_neighbours_and_nobody_else():
    case = make_case(**TAPS, data="nan", padding="same")
    y = by_tiles(case)
    right = conv(*case_arrays(case).values(), padding="same")
    (image,) = set(np.argwhere(np.isnan(right))[:, 0])
    due = tuple(np.argwhere(np.isnan(right))[0])
    assert np.isnan(y).sum() > np.isnan(right).sum()
    assert not check(case, y)
    assert check(case, y, profile="winograd-4")
    everywhere, finite, other, wrong = y.copy(), y.copy(), y.copy(), y.copy()
    everywhere[image] = np.nan  # the FFT's
    finite[due] = 1
    other[1 - image, 0, 0, 0] = np.nan
    place = (image, *np.argwhere(np.isfinite(y[image]))[0])
    wrong[place] = right[place] + 1
    assert check(case, everywhere, profile="fft")
    for spoiled in (finite, other, wrong):
        assert not check(case, spoiled, profile="winograd-4")


def test_where_the_bound_overflows_nothing_is_asked_but_that_an_overflow_overflows():
    case = make_case(**TAPS, data="overflow")
    right = conv(*case_arrays(case).values())
    (place,) = map(tuple, np.argwhere(np.isinf(right)))
    image, channel = place[0], place[-1]
    noisy, finite, elsewhere = right.copy(), right.copy(), right.copy()
    noisy[image, :, :, channel] = 1e30
    noisy[place] = np.nan
    finite[place] = np.finfo(np.float32).max
    elsewhere[1 - image] = 1e30
    assert check(case, noisy, profile="winograd-4")
    assert not check(case, noisy)
    assert not check(case, finite, profile="winograd-4")
    assert not check(case, elsewhere, profile="winograd-4")


def test_the_variance_test_does_not_apply():
    """What it sees and the elements do not, inputs rounded to ten bits, is within what tiles of 6 may err."""
    case = make_case(**{**TAPS, "input": [1, 8, 8, 256], "data": "normal"})
    arrays = {n: (a.view("u4") + 0x1000 & 0xFFFFE000).view("f4") for n, a in case_arrays(case).items()}
    y = conv(arrays["input"], arrays["kernel"])
    assert "mean square" in check(case, y).message
    assert check(case, y, profile="winograd-6")
    assert check(case, y, profile="winograd-2").verdict == "within"


@pytest.mark.parametrize("name", ["winograd-5", "", "FFT"])
def test_an_unknown_profile_is_a_users_mistake(name):
    known = "expected one of winograd-2, winograd-4, winograd-6, fft"
    with pytest.raises(UsageError, match=f"^unknown profile · got {name} · {known}|unknown profile · got · {known}"):
        find_profile(name)
    with pytest.raises(UsageError, match="unknown profile"):
        check({"op": "conv", "input": [1, 5, 1], "kernel_size": 2, "filters": 1}, np.zeros((1, 4, 1)), profile=name)


def test_an_unknown_profile_of_an_adapter_stops_the_run(run_cases, file, tmp_path):
    with pytest.raises(UsageError, match=re.escape("fast.py:WinogradMisnamed: unknown profile · got winograd-5")):
        run_cases(fast("WinogradMisnamed"), file)
    assert not list(tmp_path.glob("run*"))


def test_an_engines_file_names_a_profile(tmp_path):
    file = tmp_path / "engines.yaml"
    file.write_text("mine:\n  adapter: reference\n  profile: fft\n")
    assert engines.gather(str(file))["mine"].profile == "fft"
    file.write_text("mine:\n  adapter: reference\n  profile: dft\n")
    with pytest.raises(UsageError, match=r"engines.yaml:3: unknown profile · got dft · expected one of winograd-2"):
        engines.gather(str(file))


@pytest.mark.parametrize(
    ("engine", "profile"),
    [("reference", None), ("reference-winograd-6", "winograd-6"), (fast("Fourier"), "fft")],
)
def test_a_run_tells_the_profile_that_it_judged_by(engine, profile, run_cases, small, tmp_path):
    run_cases(engine, small)
    (said,) = json.loads((tmp_path / "run0" / "run.json").read_text())["engines"].values()
    assert said["profile"] == profile
