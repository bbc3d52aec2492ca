"""The catalogue of faults and the self-test: the wrong are caught, the right are not."""

from __future__ import annotations

import json
import re
from itertools import islice
from math import prod

import numpy as np
import pytest

from convsuite.conformance import corpus, make_case, run, selftest
from convsuite.conformance.answers import Answers
from convsuite.conformance.entry import shipped
from convsuite.conformance.expected import evaluate
from convsuite.conformance.faults import FAMILIES, RIGHT, catalogue
from convsuite.conformance.faults.engine import engine_of
from convsuite.conformance.verdict import judge

VALUE_FAULTS = [code for code, fault in catalogue().items() if not fault.process]
MOST_TRIED = 400
"""Cases that a fault is tried on, the smallest first."""


@pytest.fixture(scope="module")
def small_cases(shipped_entries):
    """The shipped cases, the smallest first."""
    entries = [entry for entry in shipped_entries if entry.computations == (entry,)]
    return sorted(entries, key=lambda entry: sum(prod(shape) for shape in entry.case.array_shapes.values()))


def shipped_cases(name):
    """Those of one file: the whole corpus takes seconds to read."""
    return corpus.load([str(shipped() / f"{name}.yaml")])


def verdict(fault, entry):
    """The verdict on a fault's answer to a case."""
    arrays, expected = Answers().of(entry)
    return judge(entry.case, expected, selftest.outcome(entry.case, selftest.handed(entry.case, arrays), fault))


def test_the_catalogue_is_large_and_readable():
    faults = catalogue()
    assert len(faults) >= 90
    for code, fault in faults.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
        assert len(fault.sentence.split()) >= 3
        assert re.fullmatch(r"([\w.-]+/[\w.-]+#\d+|https://\S+)?", fault.source)


@pytest.mark.parametrize("code", VALUE_FAULTS)
def test_every_fault_is_killed_by_a_shipped_case(code, small_cases):
    fault = catalogue()[code]
    tried = list(islice((entry for entry in small_cases if fault.applies(entry.case)), MOST_TRIED))
    assert tried, "applies to no shipped case"
    assert any(not verdict(fault, entry) for entry in tried)


def test_a_fault_leaves_alone_what_it_does_not_concern():
    plain = make_case(op="conv", input=[2, 9, 3], kernel_size=1, filters=4)
    concerned = {code for code, fault in catalogue().items() if not fault.process and fault.applies(plain)}
    assert not concerned & {"kernel-mirrored", "dilation-dropped", "strides-dropped", "bias-missing", "pads-ignored"}
    assert "tf32-inputs" in concerned


def test_right_engines_are_not_accused(small_cases):
    sample = small_cases[::131]
    alarms = [alarm for row in selftest.examine(sample, [], 0) for alarm in row.alarms]
    assert alarms == []


def test_right_engines_differ_in_their_bits():
    """They are right in other ways, not the same way under other names."""
    entry = next(entry for entry in shipped_cases("precision/normal") if entry.case.dtype == "float32")
    arrays, _ = Answers().of(entry)
    answers = {right.name: right.answer(entry.case, arrays).tobytes() for right in RIGHT}
    summed = ["one-by-one", "backwards", "in-pairs", "in-lanes", "kahan", "fused", "winograd-2", "winograd-6"]
    assert len({answers[name] for name in summed}) == len(summed)


def test_a_fault_is_the_same_in_an_engine_of_its_own(tmp_path):
    """Layouts and data formats as an engine is handed them."""
    entries = [entry for entry in shipped_cases("layouts/views") if "::conv[" in entry.id]
    codes = ["kernel-mirrored", "strided-read-as-contiguous", "channels-first-read-as-last"]
    faults = [catalogue()[code] for code in codes]
    run.run(entries, [engine_of(fault) for fault in faults], tmp_path / "run", run.Options(forms=("equivalent",)))
    lines = (tmp_path / "run" / "records.jsonl").read_text().splitlines()
    harness = {(one["engine"], one["case"]): one["verdict"] for one in map(json.loads, lines)}
    for fault in faults:
        for entry in entries:
            due = verdict(fault, entry).verdict if fault.applies(entry.case) else "exact"
            assert harness[fault.code, entry.id] == due
    assert "differs" in harness.values()


def test_what_shows_in_a_process_alone_goes_through_the_harness():
    codes = {"aborts": "crash", "never-written": "unstable", "adds-to-its-buffer": "unstable"}
    report = selftest.selftest(shipped_cases("conv1d/digits")[:1], [catalogue()[code] for code in codes])
    assert not report.survivors
    assert report.rows[0].kills == codes


def test_a_fault_that_no_case_sees_survives():
    faults = [catalogue()[code] for code in ("kernel-mirrored", "pads-axes-swapped")]
    report = selftest.selftest(shipped_cases("conv1d/digits"), faults)
    assert [fault.code for fault in report.survivors] == ["pads-axes-swapped"]
    assert report.killers["kernel-mirrored"]


def test_laws_kill_too():
    entries = [entry for entry in shipped_cases("laws/conv") if entry.law == "dilation"]
    report = selftest.selftest(entries, [catalogue()["dilation-dropped-shape-kept"]], jobs=2)
    assert report.killers["dilation-dropped-shape-kept"]
    assert report.alarms == []


def row(case, *kills):
    return selftest.Row(case, case.split("/")[0], dict.fromkeys(kills, "differs"), kills, ())


def test_the_weak_places_of_a_corpus():
    codes = ["kernel-mirrored", "bias-missing", "strides-dropped"]
    rows = [
        row("a/x::one[k=1]", *codes[:2]),
        row("a/x::one[k=2]"),
        row("b/y::two", codes[1]),
        row("b/y::three", codes[2]),
    ]
    report = selftest.Report([catalogue()[code] for code in codes], rows)
    assert report.survivors == []
    assert report.idle == ["a/x::one[k=2]"]
    assert report.enough() == ["a/x::one[k=1]", "b/y::three"]
    assert report.strength(lambda one: one.group)[-1] == ("a/x::one", 2, 2)
    assert report.matrix()["bias-missing"] == {"a": 1, "b": 1}


@pytest.mark.parametrize("transposed", [False, True])
def test_members_of_a_family_are_what_a_case_allows(transposed):
    """The one that moves the window by (1, 0) answers like an engine that reads, or crops, one row late."""
    op = "conv_transpose" if transposed else "conv"
    case = make_case(op=op, input=[2, 9, 8, 3], kernel_size=[3, 2], filters=4, strides=2, padding="same")
    rng = np.random.RandomState(0)
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in case.array_shapes.items()}
    members = {one.code: one for family in FAMILIES for one in family.members(case)}
    assert all(one.applies(case) for one in members.values())
    right, moved = evaluate(case, arrays), members["shifted[1,0]"].answer(case, arrays)
    assert moved.shape == right.shape
    if transposed:
        np.testing.assert_array_equal(moved[:, :-1], right[:, 1:])
    else:
        late = {**arrays, "input": np.roll(arrays["input"], -1, axis=1)}
        np.testing.assert_array_equal(moved[:, 1:-1], evaluate(case, late)[:, 1:-1])
    assert members["longer[1,1]"].answer(case, arrays).shape == (*right.shape[:2], right.shape[2] + 1, right.shape[3])


@pytest.mark.slow
def test_the_whole_self_test(shipped_entries):
    report = selftest.selftest(shipped_entries)
    assert report.survivors == []
    assert report.alarms == []
