"""Implementations as data: what the file says, and what becomes of it."""

from __future__ import annotations

import pytest

from convsuite.benchmarks import choose_implementations
from convsuite.conformance import UsageError

from .conftest import engine


def test_the_default_ones_are_the_algorithms_and_three_frameworks():
    chosen = choose_implementations()
    assert {one.name for one in chosen if one.vendor} == {"torch", "tensorflow", "jax"}
    assert {one.name for one in chosen if one.engine.needs} == {"torch", "tensorflow", "jax"}
    assert {"naive", "im2col", "auto", "winograd-2", "winograd-4", "winograd-6", "fft"} <= {one.name for one in chosen}


def test_threads_go_to_the_libraries_or_to_the_adapter():
    torch, ours = choose_implementations(["torch", "winograd-4"])
    assert torch.variables(2)["OMP_NUM_THREADS"] == "2"
    assert "threads" not in torch.options("channels-last", 2)
    assert ours.variables(2)["OPENBLAS_NUM_THREADS"] == "1"
    assert ours.options("winograd-4", 2)["threads"] == 2


def test_engines_of_the_suite_and_files_are_implementations_too():
    keras, mine = choose_implementations(["keras-ops-jax", engine("right.Right")])
    assert keras.engine.options == {"backend": "jax", "words": "ops"}
    assert not mine.vendor


MISTAKES = {
    "variants: {a: {option: 1}}": r":3: .*variants.a.option",
    "winograd_tile: 0": r":3: .*winograd_tile",
    "vendor: perhaps": r":3: .*vendor",
    "tags: [some]": r":3: .*tags",
    "variants: {a: {data_format: first}}": r":3: .*data_format",
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_file_is_told_with_its_line(mistake, tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(f"mine:\n  adapter: reference\n  {mistake}\n")
    with pytest.raises(UsageError, match=f"mine.yaml{MISTAKES[mistake]}"):
        choose_implementations(["mine"], str(file))


def test_names_that_are_unknown_taken_or_said_twice(tmp_path):
    with pytest.raises(UsageError, match="winograd-4, perhaps"):
        choose_implementations(["winograd4"])
    with pytest.raises(UsageError, match="twice"):
        choose_implementations(["fft", "fft"])
    file = tmp_path / "mine.yaml"
    file.write_text("fft: {adapter: reference}\n")
    with pytest.raises(UsageError, match="of this name exists"):
        choose_implementations([], str(file))
