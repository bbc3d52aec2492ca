"""`convsuite fuzz` on engines whose faults are known: what is found, how small, once each, and nothing else."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter

import pytest

from convsuite.conformance import corpus, engines, expectations, run
from convsuite.conformance.api import make_case
from convsuite.conformance.entry import NAMES
from convsuite.conformance.expressions import condition
from convsuite.conformance.fuzzing import strategies
from convsuite.conformance.fuzzing.causes import Cause, Sign, features_of, plain_message, sign_of, without
from convsuite.conformance.fuzzing.draw import PLAINEST, Draw, realise
from convsuite.conformance.fuzzing.fuzz import Options, Summary, fuzz
from convsuite.conformance.process import Limits
from convsuite.conformance.verdict import Judgement

from .conftest import ENGINES

SIGN = Sign("engine", "equivalent", "conv", "differs", "")

FAULTY = f"""
import os, sys, time
sys.path.insert(0, {str(ENGINES)!r})
from right import Right
from wrong import GroupsInterleaved

class Two(GroupsInterleaved):
    '''Groups interleaved, and dilation dropped where there is a stride.'''
    def parameters(self, case):
        said = super().parameters(case)
        return {{**said, "dilation": 1}} if max(case.strides) > 1 else said

class Groups(GroupsInterleaved):
    pass

class Dies(Right):
    def compute(self, case, arrays):
        if max(case.dilation) > 2 and case.groups > 1:
            os.abort()
        return super().compute(case, arrays)

class Hangs(Right):
    def compute(self, case, arrays):
        time.sleep(3600)
"""


@pytest.fixture
def session(tmp_path):
    """Fuzzes an engine of the file above until enough causes are found, or cases done; returns the summary."""
    (tmp_path / "faulty.py").write_text(FAULTY)

    def start(name, *, causes=10**9, cases=10**9, only="op == 'conv' and wrt is None", out="out", known=None, **said):
        spec = f"{ENGINES / 'right.py'}:Right" if name == "Right" else f"{tmp_path / 'faulty.py'}:{name}"
        seen = Summary(tmp_path / out)

        def progress(summary):
            nonlocal seen
            seen = summary
            done = max((counts["cases"] for counts in summary.counts.values()), default=0)
            if len(summary.causes) >= causes or done >= cases:
                raise KeyboardInterrupt  # as a user would

        options = Options(**{"budget": 60.0, "condition": condition(only, NAMES, "only"), **said})
        try:
            return fuzz(
                engines.choose_engines([spec])[0],
                tmp_path / out,
                options,
                expectations=expectations.read(known) if known else [],
                tell=lambda *_: None,
                progress=progress,
            )
        except KeyboardInterrupt:
            return seen

    return start


def rerun(summary, out):
    """The verdicts of the cases that were found, in a run of their own, by id."""
    (engine,) = summary.counts
    chosen, _ = engines.choose_engines([engine])
    run.run(corpus.load([str(summary.folder / "found.yaml")]), chosen, out, run.Options())
    records = (json.loads(line) for line in (out / "records.jsonl").read_text().splitlines())
    return {record["case"]: record["verdict"] for record in records}


@pytest.mark.slow
def test_two_faults_are_two_causes_each_small_and_each_a_case_that_fails(session, tmp_path):
    summary = session("Two", causes=2, only="op == 'conv' and wrt is None and rank == 1 and padding == 'same'")
    found = {cause.features: cause for cause in summary.causes}
    groups = frozenset({("groups", "> 1"), ("channels", "> 1"), ("padding", "same")})
    dilation = frozenset({("strides", "> 1"), ("dilation", "> 1"), ("kernel_size", "> 1"), ("padding", "same")})
    assert set(found) >= {groups}
    assert any(dilation <= features for features in found)
    entries = {entry.id: entry.case for entry in corpus.load([str(summary.folder / "found.yaml")])}
    smallest = entries[found[groups].case_id]
    assert (smallest.input, smallest.kernel_size, smallest.filters, smallest.groups) == ((1, 1, 4), (1,), 2, 2)
    assert rerun(summary, tmp_path / "again") == {cause.case_id: "differs" for cause in summary.causes}


@pytest.mark.slow
def test_what_a_cause_explains_is_neither_shrunk_nor_told_again(session):
    summary = session("Groups", cases=120, only="op == 'conv' and wrt is None")
    (cause,) = (one for one in summary.causes if one.sign.message == "")
    assert cause.count > 5


def test_a_right_engine_gives_nothing(session):
    summary = session("Right", cases=200, only="op != 'separable_conv'")
    assert summary.causes == []
    (counts,) = summary.counts.values()
    assert counts["new"] == 0
    assert counts["exact"] + counts["within"] + counts["refused"] == counts["cases"] >= 200
    assert not (summary.folder / "found.yaml").exists()


@pytest.mark.slow
def test_a_crash_is_shrunk_too(session, tmp_path):
    summary = session("Dies", causes=1)
    (cause,) = summary.causes
    assert cause.sign.verdict == "crash"
    assert "SIGABRT" in cause.sign.message
    assert cause.features == {("dilation", "> 1"), ("groups", "> 1")}
    assert set(rerun(summary, tmp_path / "again").values()) == {"crash"}


def test_the_time_ends_a_case_that_hangs(session):
    # UsageError: not a single batch is done; without the limit this would last an hour
    with pytest.raises(Exception, match="nothing could run"):
        session("Hangs", budget=3.0, limits=Limits(seconds=3600.0))


def test_expectations_silence_what_is_known(session, tmp_path):
    known = tmp_path / "known.yaml"
    known.write_text(
        'expectations: [{engine: "*", when: groups > 1, verdict: differs, why: groups are interleaved here}]'
    )
    summary = session("Groups", cases=60, only="op == 'conv' and wrt is None", known=known)
    assert summary.causes == []
    (counts,) = summary.counts.values()
    assert counts["known"] > 0


@pytest.mark.slow
def test_a_session_goes_on_where_it_was_and_knows_what_it_found(session, tmp_path):
    first = session("Two", causes=1)
    before = [json.loads(line)["batch"] for line in (tmp_path / "out" / "draws.jsonl").read_text().splitlines()]
    second = session("Two", cases=60, resume=True)
    batches = [json.loads(line)["batch"] for line in (tmp_path / "out" / "draws.jsonl").read_text().splitlines()]
    assert batches[: len(before)] == before
    assert batches == list(range(len(batches)))
    assert len(batches) > len(before)
    assert second.causes[0].features == first.causes[0].features
    assert len({(cause.sign, cause.features) for cause in second.causes}) == len(second.causes)
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()]
    assert max(Counter((record["case"], record["form"]) for record in records).values()) == 1
    assert {cause.case_id for cause in second.causes} <= {record["case"] for record in records}


def test_what_is_drawn_depends_on_the_seed_alone():
    script = "from convsuite.conformance.fuzzing.strategies import batch; print([batch(3, n) for n in (0, 7)])"
    said = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": number},
        ).stdout
        for number in ("1", "2")
    }
    assert len(said) == 1
    assert strategies.batch(3, 0) != strategies.batch(4, 0)
    assert strategies.batch(3, 0) != strategies.batch(3, 1)


def test_draws_are_wide_and_mostly_valid():
    draws = [draw for number in range(60) for draw in strategies.batch(0, number)]
    made = [realised for draw in draws if (realised := realise(draw)) is not None]
    assert len(made) > 0.9 * len(draws)
    cases = [case for _, case in made]
    for name in ("op", "rank", "dtype", "data_format", "layout", "wrt"):
        counts = Counter(getattr(case, name) for case in cases)
        assert min(counts.values()) > len(cases) / 100, counts
    valid = [case for case in cases if not case.must_refuse]
    assert 0.01 < 1 - len(valid) / len(cases) < 0.12
    empty = [case for case in valid if 0 in case.input or min(case.raw_sizes) < 1]
    assert 0.05 < len(empty) / len(valid) < 0.3
    assert any(max(case.strides) != min(case.strides) for case in valid)
    assert any(min(min(pair) for pair in case.pads) < 0 for case in valid)
    assert any(max(max(pair) for pair in case.pads) > 9 for case in valid)
    assert any(case.groups == case.channels > 1 for case in valid)


def test_the_keys_of_a_draw_are_the_case():
    for number in range(10):
        for draw in strategies.batch(1, number):
            if (realised := realise(draw, "made")) is not None:
                assert make_case(**realised[0]) == realised[1]


def test_shrinking_leads_to_the_plainest_draw():
    from hypothesis import find, settings

    assert find(strategies.DRAWS, lambda _: True, settings=settings(database=None)) == PLAINEST


def test_one_parameter_is_made_plain_and_the_others_stay():
    draw = Draw(strides=(2, 2, 2), dilation=(3, 1, 1), axes=(0, 2), outputs=(4, 4, 4), spare=(1, 1, 1))
    assert without(draw, "strides") == Draw(dilation=(3, 1, 1), axes=(0, 2), outputs=(4, 4, 4), spare=(1, 1, 1))
    assert without(draw, "rank").rank == 1
    assert without(draw, "outputs").spare == PLAINEST.spare


PLAIN = {"op": "conv", "input": [1, 3, 1], "kernel_size": 1, "filters": 1}


@pytest.mark.parametrize(
    ("keys", "due"),
    [
        ({}, {("outputs", "> 1")}),
        ({"input": [1, 1, 1]}, set()),
        ({"input": [2, 1, 1], "strides": 3}, {("batch", "> 1"), ("strides", "> 1")}),
        ({"input": [1, 1, 1], "dtype": "int8", "use_bias": True}, {("dtype", "int8"), ("use_bias", "true")}),
        ({"input": [1, 2, 1], "padding": [[-1, 0]]}, {("padding", "pairs"), ("padding", "negative")}),
        ({"kernel_size": 5}, {("kernel_size", "> 1"), ("empty", "impossible")}),
        ({"input": [1, 1, 33]}, {("channels", "> 1"), ("channels", "many")}),
        ({"strides": -1, "expect": "error"}, {("refuse", "strides negative")}),
    ],
)
def test_features_are_what_is_not_plain(keys, due):
    assert features_of(make_case(**{**PLAIN, **keys}), SIGN) == due


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("killed by SIGABRT; it printed: one", "killed by SIGABRT; it printed: two"),
        ("RuntimeError: kernel size [3, 2] > 5", "RuntimeError: kernel size [7] > 12"),
        ("NotImplementedError: not implemented for 'Char'", "NotImplementedError: not implemented for 'Int'"),
        ("got float32, expected int8", "got float64, expected int32"),
    ],
)
def test_messages_that_differ_in_numbers_and_dtypes_are_alike(first, second):
    assert plain_message(Judgement("crash", first)) == plain_message(Judgement("crash", second))
    assert plain_message(Judgement("crash", first)) != plain_message(Judgement("crash", "killed by SIGSEGV"))


def test_how_many_sums_rounding_takes_is_no_feature_of_it():
    case = make_case(**{**PLAIN, "input": [2, 5, 7], "kernel_size": 3, "dtype": "float16", "data": "normal"})
    judgement = Judgement("differs", "1 of 3 elements differ", bound_ratio=1.3)
    sign = sign_of("torch", "equivalent", case, judgement)
    assert features_of(case, sign) == {("dtype", "float16")}
    assert sign != sign_of("torch", "equivalent", case, Judgement("differs", "", bound_ratio=900.0))


def test_a_cause_learns_in_which_other_guise_it_comes():
    cause = Cause(SIGN, frozenset({("dtype", "float64"), ("strides", "> 1")}), "", "found::x")
    looks = frozenset({("dtype", "int8"), ("strides", "> 1"), ("batch", "> 1")})
    assert not cause.may_explain(looks)
    cause.learn(frozenset({("dtype", "int8"), ("strides", "> 1")}))
    assert cause.may_explain(looks)
    cause.learn(frozenset({("strides", "> 1")}))
    assert not cause.may_explain(frozenset({("strides", "> 1")})), "without a dtype of its own it is not a guise"
