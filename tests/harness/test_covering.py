"""The generated corpus: it covers what it says, it is what the generator gives, and coverage sees what is missing."""

from itertools import combinations

import pytest

from convsuite.conformance.covering import coverage, generate, model, refusals
from convsuite.conformance.entry import shipped

LINES = [family for family in model.FAMILIES if family.rank == 1 and family.op != "conv_transpose"]
FAST = [family for family in LINES if family.op == "depthwise_conv"]


@pytest.fixture
def entries(shipped_entries):
    return shipped_entries


@pytest.mark.slow
def test_every_valid_combination_of_three_values_occurs(entries):
    for one in coverage.measure(entries):
        assert not one.missing, f"{one.family.name} lacks {[sorted(combination) for combination in one.missing[:5]]}"
        assert one.percent == 100


def test_a_case_that_is_taken_away_is_missed(entries):
    family = model.Family("conv", 1)
    covering = [entry for entry in entries if entry.id.startswith("covering/conv1d::forward-")]
    whole = {one.strength: len(one.missing) for one in coverage.measure(covering, [family])}
    fewer = {one.strength: len(one.missing) for one in coverage.measure(covering[1:], [family])}
    assert fewer[3] > whole[3]


def test_empty_cases_do_not_stand_in_for_cases_with_values(entries):
    """Three values that include none of those that leave nothing to compute occur where something is computed."""
    family = model.Family("conv", 2)
    apart = {*generate.APART.items(), *(("wrt", wrt) for wrt in model.GRADIENTS["conv"])}
    answering = [
        entry
        for entry in entries
        if entry.check is None and not entry.case.must_refuse
        if entry.case.wrt is None and 0 not in entry.case.output_shape
    ]  # fmt: skip
    missing = next(one.missing for one in coverage.measure(answering, [family]) if one.strength == 3)
    assert [sorted(combination) for combination in missing if not combination & apart] == []


@pytest.mark.slow
def test_the_pairwise_cases_have_every_pair():
    for family in LINES:
        rows = [row for row in generate.rows(family) if generate.answers(row)]
        few = generate.pairwise(rows)
        assert len(few) < len(rows) / 3
        pairs = [{frozenset(pair) for row in some for pair in combinations(row.items(), 2)} for some in (few, rows)]
        assert pairs[0] == pairs[1]


@pytest.mark.parametrize("family", [pytest.param(family, id=family.name) for family in FAST])
def test_the_files_are_what_the_generator_gives(family):
    assert (shipped() / "covering" / f"{family.name}.yaml").read_text() == generate.text(family)


@pytest.mark.slow
@pytest.mark.parametrize(
    "family", [pytest.param(family, id=family.name) for family in model.FAMILIES if family not in FAST]
)
def test_the_other_files_are_what_the_generator_gives(family):
    assert (shipped() / "covering" / f"{family.name}.yaml").read_text() == generate.text(family)


@pytest.mark.parametrize("family", [pytest.param(family, id=family.name) for family in model.FAMILIES])
def test_the_refusals_are_what_the_generator_gives(family):
    assert (shipped() / "covering" / f"refuse-{family.name}.yaml").read_text() == generate.refusal_text(family)


def test_every_kind_of_bad_value_is_met_in_every_family_that_has_it(entries):
    ids = [entry.id for entry in entries]
    for family in model.FAMILIES:
        for case in refusals.cases(family):
            assert f"covering/refuse-{family.name}::{case['id']}" in ids


def test_the_corpus_is_as_large_as_it_says(entries):
    computed = [entry for entry in entries if entry.check is None]
    refuse = [entry for entry in computed if entry.case.must_refuse]
    empty = [entry for entry in computed if not entry.case.must_refuse and 0 in entry.case.output_shape]
    assert len(computed) >= 3000
    assert len(refuse) >= 200
    assert len(empty) >= 100


@pytest.mark.parametrize(
    ("row", "allowed"),
    [
        ({"dtype": "int8", "data": "normal"}, False),
        ({"dtype": "int8", "data": "integers"}, True),
        ({"wrt": "bias", "use_bias": "false"}, False),
        ({"output_padding": "2", "strides": "2", "dilation": "3", "padding": "same"}, False),
        ({"output_padding": "2", "strides": "2", "dilation": "3", "padding": "symmetric"}, True),
    ],
)
def test_constraints_say_what_goes_together(row, allowed):
    assert model.Family("conv_transpose", 2).allows(row) is allowed
