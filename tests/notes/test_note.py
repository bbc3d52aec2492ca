"""The note's cases: what each must say, and that they and the checks belong together."""

import pytest

from convsuite.conformance import note
from convsuite.conformance.checks import CHECKS
from convsuite.conformance.corpus import Entry, load_path, shipped

SECTIONS = {
    "1.1 Overview",
    "1.2 Conv1D",
    "1.3 Conv2D",
    "1.3.1 padding",
    "1.3.1.1 valid padding",
    "1.3.1.2 same padding",
    "1.3.1.3 example",
    "1.3.2.1 naive",
    "1.3.2.2 im2col",
    "1.4 Deconv2D",
    "1.4.1 通过加 padding 和 dilation 转换为 Conv2D",
    "1.4.2 通过 gemm+col2im",
    "1.5 DepthwiseConv2D",
    "1.5.1 DepthwiseConv2D",
    "1.5.2 SeparatableConv2D",
    "1.5.3 group conv2d",
    "1.6 Dilated Conv2D",
}
"""Those that state something; 1.3.2 and 1.3.2.3 (winograd) are headings."""


@pytest.fixture(scope="module")
def entries() -> list[Entry]:
    return load_path(shipped() / "notes")


def test_every_case_has_a_tag_and_a_finding(entries):
    assert [entry.id for entry in entries if "notes" not in entry.case.tags or entry.finding is None] == []


def test_findings_say_something(entries):
    for entry in entries:
        assert entry.finding.quote.strip(), entry.id
        assert len(entry.finding.rule.split()) > 3, entry.id
        assert entry.about, entry.id
        assert entry.source.startswith("https://"), entry.id


def test_sections_are_the_notes(entries):
    assert {entry.finding.section for entry in entries} == SECTIONS


def test_both_verdicts_occur(entries):
    assert {entry.finding.verdict for entry in entries} == {"confirmed", "refuted"}


def test_a_statement_has_one_verdict(entries):
    verdicts = {(statement(entry), entry.finding.verdict) for entry in entries}
    assert len(verdicts) == len({statement for statement, _ in verdicts})


def test_a_refuted_statement_has_a_check(entries):
    """A counterexample alone does not show the right rule."""
    refuted = [entry for entry in entries if entry.finding.verdict == "refuted"]
    assert {statement(entry) for entry in refuted} == {statement(entry) for entry in refuted if entry.check}


def statement(entry):
    return entry.finding.section, entry.finding.quote


def test_cases_and_checks_belong_together(entries):
    named = {entry.check for entry in entries if entry.check is not None}
    assert named - set(CHECKS) == set()
    assert set(note.CHECKS) - named == set()


def test_all_public_functions_of_the_sections_are_checks():
    for module in note.SECTIONS:
        public = {
            name
            for name, value in vars(module).items()
            if callable(value) and not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
        }
        classes = {name for name in public if isinstance(getattr(module, name), type)}
        assert public - classes == {check.__name__ for check in module.CHECKS}, module.__name__


def test_names_are_used_once():
    assert len(note.CHECKS) == sum(len(module.CHECKS) for module in note.SECTIONS)


def test_every_check_names_its_statement():
    for check in note.CHECKS.values():
        assert check.__doc__ is not None
        assert check.__doc__[:2] == "1.", check.__name__


def test_the_print_outs_are_there(entries):
    shown = {entry.id.removeprefix("notes/"): entry for entry in entries}
    assert shown["implementations::printed-example"].expect_values == [
        [[[2], [2], [2]], [[3], [3], [3]], [[2], [2], [2]]]
    ]
    columns = shown["implementations::im2col-print-out"].expect_values[0][0]
    assert columns[:3] == [[0, 0, 0, 0, 0, 1, 0, 8, 9], [0, 0, 0, 0, 1, 2, 8, 9, 10], [0, 0, 0, 1, 2, 3, 9, 10, 11]]
    printed = ("printed-same-10", "printed-same-15", "printed-valid-10")
    assert [shown[f"padding::{name}"].expect_shape for name in printed] == [(1, 5, 1), (1, 5, 1), (1, 2, 1)]
    weights = {"conv": (2, 2, 3, 20), "depthwise": (2, 2, 3, 1), "pointwise": (1, 1, 3, 20)}
    for name, shape in weights.items():
        assert shown[f"depthwise::printed-{name}-weight"].expect_shape == shape
