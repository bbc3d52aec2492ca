"""Case files: matrices, ids, claims, and the shipped corpus."""

from __future__ import annotations

import contextlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from convsuite.conformance import UsageError, corpus, load_cases
from convsuite.conformance.data import DATA, draw_arrays
from convsuite.conformance.schema import json_schema

KEYS = ["cases", "id", "op", "input", "kernel_size", "filters", "padding", "matrix", "data", "expect", "defaults"]


@pytest.fixture
def shipped(shipped_entries):
    return shipped_entries


def ids(text: str, folder: Path) -> list[str]:
    file = folder / "f.yaml"
    file.write_text(text)
    return [entry.id for entry in corpus.load([str(file)])]


def test_a_matrix_becomes_one_case_per_combination(tmp_path):
    text = """
    defaults: {op: conv, input: [1, 9, 8, 2], filters: 3}
    cases:
      - id: a
        matrix: {kernel_size: [1, [2, 3]], padding: [valid, 1, [[1, 0], [0, 2]]], use_bias: [true]}
        exclude: kernel_size == 1 and padding == ((1, 1), (1, 1))
    """
    assert ids(text, tmp_path) == [
        "f::a[kernel_size=1,padding=valid,use_bias=true]",
        "f::a[kernel_size=1,padding=1:0x0:2,use_bias=true]",
        "f::a[kernel_size=2x3,padding=valid,use_bias=true]",
        "f::a[kernel_size=2x3,padding=1,use_bias=true]",
        "f::a[kernel_size=2x3,padding=1:0x0:2,use_bias=true]",
    ]


def test_an_entry_overrides_the_defaults_and_the_matrix_the_entry(tmp_path):
    file = tmp_path / "f.yaml"
    file.write_text(
        "defaults: {op: conv, input: [1, 9, 2], kernel_size: 2, filters: 3, strides: 2, dilation: 2}\n"
        "cases: [{id: a, strides: 3, dilation: 1, matrix: {dilation: [4]}}]"
    )
    case = load_cases(str(file))[0]
    assert (case.strides, case.dilation) == ((3,), (4,))


def test_an_id_does_not_depend_on_how_its_file_was_asked_for(tmp_path):
    folder = tmp_path / "cases" / "conv1d"
    folder.mkdir(parents=True)
    (folder / "f.yaml").write_text("cases: [{id: a, op: conv, input: [1, 5, 1], kernel_size: 1, filters: 1}]")
    asked = [tmp_path / "cases", folder, folder / "f.yaml"]
    assert {entry.id for path in asked for entry in corpus.load([str(path)])} == {"conv1d/f::a"}


def test_the_same_file_twice_is_no_duplicate(tmp_path):
    file = tmp_path / "f.yaml"
    file.write_text("cases: [{id: a, op: conv, input: [1, 5, 1], kernel_size: 1, filters: 1}]")
    assert len({entry.id for entry in corpus.load([str(file), str(tmp_path)])}) == 1


def test_cases_are_picked_by_id_file_folder_and_pattern(shipped):
    some = next(entry.id for entry in shipped if "[" in entry.id)
    assert [entry.id for entry in corpus.load([some])] == [some]
    assert some in {entry.id for entry in corpus.load([some.split("[")[0]])}
    assert some in {entry.id for entry in corpus.load([some.split("::")[0]])}
    family = some.split("/")[0]
    assert {entry.family for entry in corpus.load([family])} == {family}
    assert len(corpus.load(["conv*stride*"])) > 10
    with pytest.raises(UsageError, match="no such"):
        corpus.load(["conv2d/no-such-thing"])


def test_the_shipped_corpus_is_large_and_sound(shipped):
    assert len(shipped) >= 800
    families = {entry.family for entry in shipped}
    wanted = {"conv1d", "conv2d", "conv3d", "depthwise", "separable", "grouped", "dilated", "transposed", "gradients"}
    assert wanted | {"refuse", "empty", "notes"} <= families
    assert sum(entry.case.must_refuse for entry in shipped) >= 40
    assert all(entry.about for entry in shipped)
    assert all(entry.source for entry in shipped)


def test_no_case_is_there_twice(shipped):
    told = [
        json.dumps([*(value for name, value in entry.case.to_json().items() if name not in ("id", "tags")),
                    entry.case.literal], default=str)
        for entry in shipped
        if entry.check is None and "notes" not in entry.case.tags
    ]  # fmt: skip
    doubled = len(told) - len(set(told))
    assert doubled <= len(told) // 50


def test_the_schema_file_is_the_printed_schema():
    file = corpus.shipped() / "schema.json"
    assert json.loads(file.read_text()) == json_schema()


def test_every_data_set_is_reproducible_and_proves_something():
    keys = "op: conv, input: [2, 9, 8, 3], kernel_size: 2, filters: 5"
    for name in DATA:
        dtype = "int32" if name == "full_range" else "float32"
        case = load_cases_from(f"cases: [{{id: a, {keys}, data: {name}, dtype: {dtype}}}]")[0]
        first, second = draw_arrays(case), draw_arrays(case)
        assert all(np.array_equal(first[key], second[key], equal_nan=True) for key in first), name
        assert all(array.any() for array in first.values()), name


def load_cases_from(text: str):
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "f.yaml"
        file.write_text(text)
        return load_cases(str(file))


def test_the_stream_of_random_data_is_frozen():
    """These numbers must never change: ids, seeds and reproducers mean them."""
    case = load_cases_from("cases: [{id: a, op: conv, input: [1, 4, 1], kernel_size: 2, filters: 1}]")[0]
    assert {name: array.ravel().tolist() for name, array in draw_arrays(case).items()} == {
        "input": [4.0, 7.0, -9.0, -6.0],
        "kernel": [-6.0, -2.0],
    }


@settings(deadline=None, max_examples=150, derandomize=True)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-3, 9) | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=5),
        max_leaves=12,
    )
)
def test_no_file_makes_a_traceback(value):
    """Whatever stands in a file: cases, or one sentence."""
    with contextlib.suppress(UsageError):
        load_cases_from(json.dumps(value))
