"""Laws: an engine that contradicts itself is caught, whatever the reference says; a consistent one is not accused."""

from __future__ import annotations

import importlib.util
import json
import math
from collections import Counter
from typing import get_args

import numpy as np
import pytest

from convsuite.conformance import UsageError, corpus, engines, expectations, load_cases, make_case, run
from convsuite.conformance.entry import shipped
from convsuite.conformance.expected import expect
from convsuite.conformance.laws import LAWS
from convsuite.conformance.process import Outcome
from convsuite.conformance.relation import give, judge_relation
from convsuite.conformance.schema import Law
from convsuite.conformance.verdict import Judgement, judge_array

from .conftest import ENGINES

CONV = "op: conv, input: [3, 11, 10, 4], kernel_size: [3, 2], filters: 6, use_bias: true"
PLAIN = "op: conv, input: [3, 11, 10, 4], kernel_size: [3, 2], filters: 6"
TRANSPOSED = "op: conv_transpose, input: [2, 6, 5, 4], kernel_size: [3, 2], filters: 7"
DEPTHWISE = "op: depthwise_conv, input: [2, 9, 8, 3], kernel_size: [5, 4], depth_multiplier: 2"
SEPARABLE = "op: separable_conv, input: [2, 9, 8, 3], kernel_size: [5, 4], depth_multiplier: 2, filters: 6"

BROKEN = [
    ("batch", CONV, "DependsOnThePlaceInTheBatch"),
    ("batch", TRANSPOSED, "DependsOnThePlaceInTheBatch"),
    ("shift", CONV, "DependsOnThePlaceInSpace"),
    ("shift", f"{TRANSPOSED}, strides: 2", "DependsOnThePlaceInSpace"),
    ("shift", f"{DEPTHWISE}, strides: [2, 1]", "DependsOnThePlaceInSpace"),
    ("linear_in_input", CONV, "TakesMagnitudes"),
    ("linear_in_input", f"{CONV}, data: normal", "TakesMagnitudes"),
    ("linear_in_input", f"{PLAIN}, dtype: bfloat16", "TakesMagnitudes"),
    ("linear_in_input", f"{CONV}, dtype: int8", "TakesMagnitudes"),
    ("linear_in_kernel", f"{CONV}, strides: 2", "TakesMagnitudesOfTheKernel"),
    ("stride", f"{CONV}, strides: 3", "StridesFromTheEnd"),
    ("stride", f"{PLAIN}, strides: [1, 3], data: normal", "StridesFromTheEnd"),
    ("dilation", f"{CONV}, dilation: 2, padding: same", "DilationDropped"),
    ("dilation", f"{TRANSPOSED}, dilation: [1, 3], padding: same", "DilationDropped"),
    ("grouped", f"{CONV}, groups: 2", "GroupsInAnotherOrder"),
    ("grouped", f"{DEPTHWISE}, data: normal", "GroupsInAnotherOrder"),
    ("adjoint", f"{PLAIN}, strides: [2, 1]", "TransposedFlipped"),
    ("adjoint", f"{PLAIN}, padding: same, dtype: float16, data: normal", "TransposedFlipped"),
    ("gradient", f"{CONV}, wrt: input", "GradientOfTheWrongSign"),
    ("gradient", f"{CONV}, wrt: kernel", "GradientOfTheWrongSign"),
    ("gradient", f"{CONV}, wrt: bias", "GradientOfTheWrongSign"),
    ("gradient", f"{TRANSPOSED}, wrt: kernel, padding: same, strides: 2", "GradientOfTheWrongSign"),
    ("gradient", f"{DEPTHWISE}, wrt: depthwise_kernel", "GradientOfTheWrongSign"),
    ("separable", SEPARABLE, "PointwiseInAnotherOrder"),
    ("padding", f"{CONV}, padding: same", "ExtraZeroAtTheBegin"),
    ("padding", f"{TRANSPOSED}, padding: same", "ExtraZeroAtTheBegin"),
]
"""A law, a case that it is about, and an engine that breaks it there."""


def engine(name):
    spec = importlib.util.spec_from_file_location("lawless", ENGINES / "lawless.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return getattr(module, name)()


@pytest.fixture
def write(tmp_path):
    """A case file with these lines, one entry each."""

    def write_file(*entries):
        file = tmp_path / "some.yaml"
        file.write_text("cases:\n" + "".join(f"  - {{{entry}}}\n" for entry in entries))
        return file

    return write_file


def only(file):
    (entry,) = corpus.load([str(file)])
    return entry


def related(entry, engine, *, seed=0):
    """What the relation makes of the engine's outputs; every part is handed over as if it were right."""
    parts = {}
    for part, one in zip(entry.relation.parts, entry.parts, strict=True):
        arrays = one.draw(seed)
        result = engine.run(one.case, arrays)
        parts[part.name] = give(one.case, expect(one.case, arrays), (outcome(result), Judgement("exact")))
    return judge_relation(entry.relation, entry.case, seed, parts)


def outcome(result):
    return Outcome("equivalent", "value", None, result, result.shape, result.dtype.name)


@pytest.mark.parametrize(("law", "case", "broken"), BROKEN)
def test_a_law_catches_the_engine_that_breaks_it_and_no_other(law, case, broken, write):
    entry = only(write(f"id: it, law: {law}, {case}"))
    wrong = related(entry, engine(broken))
    assert wrong.verdict == "differs"
    assert "does not hold" in wrong.message
    assert related(entry, engine("Right")).ok


@pytest.mark.parametrize(("law", "case"), dict.fromkeys((law, case) for law, case, _ in BROKEN))
def test_integers_obey_a_law_exactly_and_random_data_within_their_bounds(law, case, write):
    """With other data too: a law holds for all of them."""
    entry = only(write(f"id: it, law: {law}, {case}"))
    for seed in (1, 2):
        judged = related(entry, engine("Right"), seed=seed)
        if entry.case.data == "integers":
            assert (judged.verdict, judged.max_error) == ("exact", 0.0)
        else:
            assert judged.verdict == "within"
            assert judged.bound_ratio is not None
            assert judged.bound_ratio < 1


@pytest.fixture(scope="module")
def shipped_laws():
    return corpus.load_path(shipped() / "laws")


def test_there_is_a_test_and_a_shipped_case_of_every_law(shipped_laws):
    assert set(get_args(Law)) == set(LAWS)
    kernels = {name for name in LAWS if name.endswith("wise_kernel")}
    assert {law for law, _, _ in BROKEN} == set(LAWS) - kernels
    there = Counter((entry.law, entry.case.op) for entry in shipped_laws)
    for law in ("linear_in_input", "shift", "batch", "stride", "dilation", "padding", "gradient"):
        assert {op for name, op in there if name == law} >= {"conv", "conv_transpose", "depthwise_conv"}
    assert {name for name, _ in there} == set(LAWS)


def test_shipped_laws_hold_and_name_their_parts(shipped_laws):
    """A tenth of them, of every kind, by an engine that is right."""
    right = engine("Right")
    for entry in shipped_laws[::10]:
        assert all(part.id.startswith(f"{entry.id}~") and part.part_of == entry.id for part in entry.parts)
        assert all(math.prod(part.case.result_shape) > 0 for part in entry.parts)
        if entry.case.data_format == "channels_last" and not (entry.case.op == "separable_conv" and entry.case.wrt):
            assert related(entry, right).ok, entry.id


def test_the_reference_has_no_say(write):
    """An engine that is wrong in the same way everywhere obeys the law; its parts are judged by the reference."""
    entry = only(write(f"id: it, law: stride, strides: 2, {CONV}"))
    flipped = engine("KernelFlipped")
    assert related(entry, flipped).verdict == "exact"
    part = entry.parts[0]
    assert part.draw
    case, arrays = part.case, part.draw(0)
    assert judge_array(case, expect(case, arrays), flipped.run(case, arrays)).verdict == "differs"


def test_a_small_error_of_random_data_is_seen(write):
    """The bounds are those of rounding: inputs of eleven bits in one of two outputs are beyond them."""
    entry = only(write(f"id: it, law: stride, strides: 2, {PLAIN}, data: normal"))
    right = engine("Right")

    class Half:
        def run(self, case, arrays):
            result = right.run(case, arrays)
            return result.astype(np.float16).astype(np.float32) if max(case.strides) > 1 else result

    assert related(entry, Half()).verdict == "differs"


MISTAKES = [
    (f"law: stride, {CONV}", "strides above 1"),
    (f"law: dilation, {CONV}", "dilation above 1"),
    (f"law: grouped, {CONV}, groups: 1", "two groups"),
    (f"law: grouped, {SEPARABLE}", "grouped is about"),
    (f"law: batch, {CONV}, input: [1, 11, 10, 4]".replace("input: [3, 11, 10, 4], ", ""), "two items"),
    (f"law: shift, {CONV}, padding: same", "padding valid"),
    (f"law: shift, {CONV}, strides: 9", "two outputs"),
    (f"law: adjoint, {CONV}", "without a bias"),
    (f"law: adjoint, {TRANSPOSED}", "conv and depthwise_conv"),
    (f"law: gradient, {CONV}", "needs wrt"),
    (f"law: gradient, {CONV}, wrt: input, data: normal", "integers"),
    (f"law: stride, {CONV}, strides: 2, wrt: input", "forward result"),
    (f"law: separable, {CONV}", "about separable_conv"),
    (f"law: padding, {CONV}", "pads nothing"),
    (f"law: padding, {TRANSPOSED}", "full result"),
    (f"law: linear_in_kernel, {DEPTHWISE}", "no argument kernel"),
    (f"law: linear_in_input, {CONV}, data: nan", "a law's data"),
    (f"law: linear_in_input, {CONV}, expect: {{shape: [3, 9, 9, 6]}}", "one computation"),
    (f"law: stride, {CONV}, strides: 0, expect: error", "one computation"),
    (f"law: stride, {CONV}, strides: 2, kernel_size: 12".replace("kernel_size: [3, 2], ", ""), "empty"),
    (f"law: adjunct, {CONV}", "wrong value for cases.1.law"),
    ("law: stride, check: overview-sizes", "beside check"),
]


@pytest.mark.parametrize(("entry", "complaint"), MISTAKES)
def test_a_wrong_use_is_told_with_its_line(entry, complaint, write):
    file = write(f"id: fine, {CONV}", f"id: wrong, {entry}")
    with pytest.raises(UsageError, match=complaint) as told:
        corpus.load([str(file)])
    assert str(told.value).startswith(f"{file}:3: ")


@pytest.fixture
def laws(write):
    """Two laws and a case between them."""
    return write(
        f"id: first, law: batch, {PLAIN}", f"id: plain, {PLAIN}", f"id: last, law: batch, padding: same, {PLAIN}"
    )


def by_name(records):
    return {record["case"].removeprefix("some::"): record for record in records}


def test_parts_and_relation_have_records_of_their_own(run_cases, laws):
    found = by_name(run_cases(f"{ENGINES / 'lawless.py'}:DependsOnThePlaceInTheBatch", laws))
    items = [f"item{number}" for number in range(3)]
    assert set(found) == {
        "plain",
        *(
            f"{law}{part}"
            for law in ("first", "last")
            for part in ("", *(f"~{x}" for x in ("whole", "reversed", *items)))
        ),
    }
    relation = found["first"]
    assert (relation["verdict"], relation["status"], relation["law"]) == ("differs", "new", "batch")
    assert relation["input"] == [3, 11, 10, 4]
    assert relation["expected_shape"] is None
    assert (found["first~item0"]["verdict"], found["first~item0"]["part_of"]) == ("exact", "some::first")
    assert found["first~whole"]["law"] is None


def test_nothing_is_said_of_a_law_without_all_parts(run_cases, laws):
    """Three items alone are refused: their own records say so, and nothing is counted a second time."""
    records = run_cases(f"{ENGINES / 'lawless.py'}:RefusesOneItem", laws)
    found = by_name(records)
    assert (found["first"]["verdict"], found["first"]["status"], found["first"]["ok"]) == (
        "unjudged",
        "as usual",
        False,
    )
    assert "item0 (unsupported)" in found["first"]["message"]
    assert {name for name, record in found.items() if record["status"] == "new"} == {
        f"{law}~item{number}" for law in ("first", "last") for number in range(3)
    }


def test_what_is_known_of_a_part_explains_the_law(run_cases, laws, tmp_path):
    known = tmp_path / "known.yaml"
    known.write_text("expectations: [{engine: '*', when: batch == 1, verdict: differs, why: one item is too few}]")
    found = by_name(run_cases(f"{ENGINES / 'lawless.py'}:WrongForOneItem", laws, expect=known))
    assert (found["first"]["verdict"], found["first"]["status"]) == ("differs", "known")
    assert found["first"]["known"] == "one item is too few"
    assert found["plain"]["status"] == found["first~whole"]["status"] == "as usual"


@pytest.mark.parametrize(("condition", "status"), [("batch == 3", "as usual"), ("law == 'batch'", "vanished")])
def test_an_expectation_concerns_a_law_only_if_it_speaks_of_one(condition, status, run_cases, laws, tmp_path):
    known = tmp_path / "known.yaml"
    text = f'expectations: [{{engine: "*", when: "{condition}", verdict: differs, why: it never was right}}]'
    known.write_text(text)
    found = by_name(run_cases(f"{ENGINES / 'right.py'}:Right", laws, expect=known))
    assert found["first"]["status"] == status
    assert found["first~whole"]["status"] != status


@pytest.mark.parametrize("kept", [1, 5, 7])
def test_a_run_that_was_killed_in_the_middle_of_a_law_goes_on(kept, laws, tmp_path):
    chosen, _ = engines.choose_engines([f"{ENGINES / 'right.py'}:Right"])
    entries, out = corpus.load([str(laws)]), tmp_path / "out"
    run.run(entries, chosen, out, run.Options())
    file = out / "records.jsonl"
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:kept]) + lines[kept][:20])
    summary = run.run(entries, chosen, out, run.Options(resume=True))
    again = [json.loads(line) for line in file.read_text().splitlines()]
    names = [record["case"] for record in again]
    assert sorted(names) == sorted(json.loads(line)["case"] for line in lines)
    assert len(set(names)) == len(names) == summary.records
    assert all(record["verdict"] == "exact" for record in again)


def test_a_law_is_chosen_with_its_parts_and_a_part_alone(shipped_laws, monkeypatch):
    monkeypatch.setattr(corpus, "load_path", lambda *_: shipped_laws)  # the whole corpus takes seconds to read
    (law,) = corpus.load(["laws/conv::stride-2d-dilated"])
    assert law.law == "stride"
    assert [part.id for part in law.parts] == [f"{law.id}~strided", f"{law.id}~dense"]
    assert law.ids == (*(part.id for part in law.parts), law.id)
    (part,) = corpus.load([f"{law.id}~dense"])
    assert (part.case, part.law, part.ids) == (law.parts[1].case, None, (part.id,))
    assert [entry.id for entry in corpus.load([part.id, law.id])] == [law.id]
    chosen = corpus.select(corpus.load(["laws"]), filter_expression="law == 'stride' and rank == 3")
    assert {entry.law for entry in chosen} == {"stride"}


def test_laws_are_no_cases_to_check_an_array_against():
    assert load_cases(str(shipped() / "laws")) == []


def test_another_seed_gives_other_arrays_and_the_digest_covers_the_parts(write):
    file = write(f"id: it, law: stride, strides: 2, {CONV}")
    entry = only(file)
    draw = entry.parts[1].draw
    assert draw
    first, other = (draw(seed)["input"] for seed in (0, 1))
    assert not np.array_equal(first, other)
    before = corpus.digest([entry], 0)
    assert before == corpus.digest([only(file)], 0)
    assert before != corpus.digest([only(write(f"id: it, law: linear_in_kernel, strides: 2, {CONV}"))], 0)


def test_a_law_cannot_be_made_by_keywords():
    with pytest.raises(UsageError, match="law"):
        make_case(op="conv", input=[2, 5, 1], kernel_size=2, filters=1, law="batch")


def test_expectations_for_laws_can_be_read(tmp_path):
    file = tmp_path / "known.yaml"
    file.write_text("expectations: [{engine: a, when: law is not None, verdict: differs, why: laws are broken here}]")
    assert len(expectations.read(file)) == 1
