"""Records as what the page is told: states, causes, parameters' values, findings."""

from __future__ import annotations

import base64
import json
import zlib

import pytest

from convsuite.pages import inline, packing
from convsuite.reports import findings
from convsuite.reports.html import data, facets
from convsuite.reports.html.causes import causes, key_of
from convsuite.reports.html.states import Words, state_of

from .conftest import ENGINES, HALF, record, run_json


@pytest.fixture(scope="module")
def words():
    return Words(None)


def outcome(words, *pairs):
    return state_of([record("a::b", "an-engine", form, verdict) for form, verdict in pairs], words)


@pytest.mark.parametrize(
    ("equivalent", "literal", "state"),
    [
        ("exact", None, "literal"),
        ("within", "exact", "literal"),
        ("exact", "differs", "trap"),
        ("exact", "shape", "trap"),
        ("exact", "unsupported", "composed"),  # an error says so: nobody is misled
        ("exact", "crash", "crash"),
        ("differs", "differs", "differs"),
        ("unstable", None, "differs"),
        ("unsupported", None, "unsupported"),
        ("refused", None, "refuses"),
        ("accepted", None, "accepted"),
        ("timeout", None, "crash"),
        ("unjudged", None, "unjudged"),
        (None, "differs", "trap"),
        (None, "exact", "literal"),
    ],
)
def test_forms_come_to_one_state(words, equivalent, literal, state):
    given = [(form, said) for form, said in (("equivalent", equivalent), ("literal", literal)) if said is not None]
    assert outcome(words, *given) == state


@pytest.mark.parametrize(
    ("padding", "strides", "state"),
    [("same", [1, 1], "literal"), ("same", [2, 2], "composed"), ("same_lower", [1, 1], "composed")],
)
def test_the_program_tells_a_word_from_a_composition(words, padding, strides, state):
    """PyTorch has SAME at stride 1 alone; what ran is what its adapter writes, and no framework is imported for it."""
    from convsuite.adapters.torch import TorchAdapter
    from convsuite.reports.conditions import case_of

    asked = record("a::b", padding=padding, strides=strides)
    program = TorchAdapter().translate(case_of(asked), "equivalent")
    assert program is not None
    assert state_of([{**asked, "program": program.source}], words) == state


def test_an_engine_with_one_way_to_say_a_case_says_it_literally(words):
    for engine in ("reference", "some/adapter.py:Mine", "no-such-engine"):
        assert state_of([record("a::b", engine)], words) == "literal"


def test_every_bad_record_has_one_cause(records):
    keys = {(one["case"], one["engine"], one["form"]): key_of(one) for one in records}
    assert keys["conv2d/padding::stride-2", "torch", "literal"] == HALF["code"]  # what is proven comes first
    assert keys["conv_transpose2d/odd::grouped", "jax", "equivalent"] == "new-differs"
    assert str(keys["conv3d/large::crash", "keras", "equivalent"]).startswith("known-")
    assert all((key is None) == one["ok"] for key, one in zip(keys.values(), records, strict=True))
    found = causes(records)
    assert sum(cause.records for cause in found) == sum(not one["ok"] for one in records)
    assert {cause.kind for cause in found} == {"proven", "known", "new"}


def test_causes_stand_by_the_cases_that_they_explain():
    bad = {"verdict": "unsupported", "status": "known", "known": "No int8. It refuses."}
    many = [record(f"a::{number}", "keras", **bad) for number in range(3)]
    one = [record("a::x", engine, "literal", "differs", status="known", diagnosis=HALF) for engine in ENGINES]
    found = causes(one + many)
    assert [(cause.title, cause.cases, cause.records) for cause in found] == [
        ("No int8", 3, 3),
        ("same pads half a kernel", 1, 3),
    ]


def test_a_cause_shows_its_smallest_case():
    large = record("a::large", verdict="differs", diagnosis=HALF, input=[1, 99, 99, 3])
    small = record("a::small", verdict="differs", diagnosis={**HALF, "sentence": "with small numbers"})
    (cause,) = causes([large, small])
    assert (cause.example, cause.sentence) == ("a::small", "with small numbers")


@pytest.mark.parametrize(
    ("name", "value", "changes"),
    [
        ("padding", "explicit, uneven", {"padding": [[0, 1], [1, 1]]}),
        ("padding", "explicit, negative", {"padding": [[0, -1], [1, 1]]}),
        ("strides", "axes differ", {"strides": [1, 2]}),
        ("strides", "3 and more", {"strides": [5, 5]}),
        ("stride and dilation", "both", {"strides": [2, 1], "dilation": [1, 3]}),
        ("kernel size", "odd and even", {"kernel_size": [3, 2]}),
        ("groups", "as many as channels", {"groups": 3}),
        ("groups", None, {"op": "depthwise_conv"}),
        ("output padding", "above 0", {"op": "conv_transpose", "output_padding": [0, 1]}),
        ("gradient of", "none: forward", {}),
        ("what is due", "an empty result", {"expected_shape": [1, 0, 3, 2]}),
        ("what is due", "an error", {"expect": "error", "expected_shape": None}),
    ],
)
def test_parameters_come_to_few_values(name, value, changes):
    assert facets.facets(record("a::b", **changes))[name] == value


def test_pairs_and_records_stand_in_one_order(records):
    found = data.tabulate(run_json(), records)
    pairs, rows = rows_of(found.core["pairs"]), rows_of(found.core["records"])
    assert sum(pair["records"] for pair in pairs) == len(rows) == len(records)
    details = rows_of(found.details["records"])
    place = 0
    for pair in pairs:
        case = rows_of(found.core["cases"])[pair["case"]]["id"]
        for row in range(place, place + pair["records"]):
            expected = next(
                one for one in records
                if (one["case"], one["engine"], one["form"]) == (case, pair["engine"], rows[row]["form"])
            )  # fmt: skip
            program = details[row]["program"]
            lines = None if program is None else "\n".join(found.details["lines"][line] for line in program) + "\n"
            assert (rows[row]["verdict"], lines) == (expected["verdict"], expected["program"])
        place += pair["records"]
    assert found.engines == list(ENGINES)  # the reference's own check is no engine
    assert found.states["trap"] == found.states["crash"] == found.states["differs"] == 1


def rows_of(columns):
    return [
        {name: column["values"][column["places"][row]] for name, column in columns.items()}
        for row in range(len(next(iter(columns.values()))["places"]))
    ]


def test_a_run_without_records_has_tables():
    found = data.tabulate(run_json(), [])
    assert (found.cases, found.engines, found.core["cases"]) == (0, [], {})


def test_an_unfinished_run_says_how_far_it_came(records):
    """Cases asked for are the run's; what a relation's parts and other engines have is no case of this engine."""
    run = run_json(status="interrupted", cases=20)
    said = data.headline(run, data.tabulate(run, records), records)
    assert said.partial
    assert (said.asked, said.begun, said.everywhere) == (20, 7, 4)
    assert said.reached == {"keras": 5, "torch": 5, "jax": 4}
    whole = data.headline(run_json(), data.tabulate(run_json(), records), records)
    assert not whole.partial
    broken = data.headline(run_json(broken={"caffe": "does not start again"}), data.tabulate(run, records), records)
    assert broken.partial
    assert (broken.reached["caffe"], broken.everywhere) == (0, 0)


def test_packing_keeps_values_apart():
    assert packing.column([1, True, 1, [1], [1], None])["values"] == [1, True, [1], None]
    assert packing.rounded(float("inf"), 3) is None
    assert packing.rounded(0.0123456, 3) == 0.0123
    packed = base64.b64decode(inline.deflated({"a": "</script>"}))
    assert json.loads(zlib.decompress(packed, -zlib.MAX_WBITS)) == {"a": "</script>"}
    with pytest.raises(ValueError, match="JSON"):
        inline.deflated(float("nan"))


def test_findings_are_borne_out_by_records():
    told = {"section": "1.10 Last", "quote": "q", "verdict": "confirmed", "rule": "r"}
    first = {**told, "section": "1.9 First"}
    found = findings.findings(
        [record("n::a", "keras", finding=told), record("n::a", "torch", verdict="differs", finding=told),
         record("n::a", "torch", "literal", "differs", finding=told), record("n::b", "torch", finding=first)]
    )  # fmt: skip
    assert [(one.section, one.good, one.records, one.cases) for one in found] == [
        ("1.9 First", 1, 1, ["n::b"]),
        ("1.10 Last", 1, 2, ["n::a"]),
    ]
