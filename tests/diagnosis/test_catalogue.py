"""The catalogue of meanings as a whole: every fault has a cause and a remedy, and is diagnosed rightly."""

from __future__ import annotations

import re

import numpy as np
import pytest

from convsuite.conformance import corpus, make_case
from convsuite.conformance.answers import Answers
from convsuite.conformance.diagnosis import Seen, accuracy, diagnose, empties
from convsuite.conformance.diagnosis.meanings import single_meanings
from convsuite.conformance.diagnosis.remedies import remedy, templates
from convsuite.conformance.entry import shipped
from convsuite.conformance.expected import evaluate
from convsuite.conformance.faults import FAMILIES, catalogue, choose

from .conftest import Engine

PLAIN = make_case(op="conv", input=[2, 9, 8, 4], kernel_size=3, padding="same", filters=6, groups=2, use_bias=True)
OTHERS = (
    "other-strides", "other-dilation", "mirrored-and-moved", "inputs-of-fewer-bits", "nan-spreads", "nan-lost",
    "fast-algorithm", "factors-and-result-of-fewer-bits", "kernel-mirrored-on-some-axes", "memory-never-written",
    "axis-without-samples", empties.CODE,
)  # fmt: skip
"""Causes that are found without a fault."""
FAST = ("kernel-mirrored", "same-pads-half-a-kernel", "transposed-same-as-torch-padding", "bias-missing", "tf32-inputs")


def test_every_meaning_has_a_code_and_a_remedy_in_words():
    for meaning in single_meanings():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", meaning.code)
        said = remedy(meaning.code, PLAIN)
        assert said.endswith(".")
        assert "{" not in said


def test_every_remedy_is_for_a_cause_that_there_is():
    known = {*catalogue(), *(family.code for family in FAMILIES), *OTHERS}
    assert set(templates()[0]) <= known


def test_causes_of_faults_are_found():
    """A few of them; the slow test has all."""
    entries = corpus.load([str(shipped() / name) for name in ("conv1d", "transposed", "precision")])
    report = accuracy.measure(entries, choose(FAST), each=2)
    assert report.unshown == []
    assert report.confusions == {}


@pytest.mark.slow
def test_of_all_faults_nearly_all_get_the_right_cause_and_none_a_wrong_one(shipped_entries):
    report = accuracy.measure(shipped_entries, [fault for fault in catalogue().values() if not fault.process])
    assert report.share >= accuracy.LEAST_SHARE, report.confusions
    assert report.wrong == []


@pytest.mark.parametrize("spoil", ["zeroed", "drifting"])
def test_what_is_in_no_catalogue_is_named_by_no_cause(spoil, shipped_entries):
    """Two engines that are wrong everywhere, in ways that nobody has described, on a sample of all cases."""

    def answer(case, arrays):
        with np.errstate(all="ignore"):
            result = np.array(evaluate(case, arrays))
            if spoil == "zeroed":
                result.reshape(-1)[::3] = 0
                return result
            return (result.astype(np.float64) * (1 + 2.0**-9)).astype(result.dtype)

    entries = [one for one in shipped_entries if one.computations == (one,) and not one.case.must_refuse][::120]
    answers, codes = Answers(), list[str]()
    for entry in entries:
        arrays, expected = answers.of(entry)
        seen = Seen.of(entry.case, arrays, answer(entry.case, arrays), expected)
        if not seen.right:
            codes.append(diagnose(seen, Engine(answer)).code)
    assert len(codes) > 20
    assert set(codes) <= {"unexplained", "nan-lost"}
