"""Layers of networks on the command line: left out and said so, or asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from convsuite.conformance import corpus, entry

from .conftest import ENGINES

RIGHT, WRONG = f"{ENGINES / 'right.py'}:Right", f"{ENGINES / 'wrong.py'}:DilationDropped"
LEFT_OUT = "layers of networks left out: 2 (--tag network asks for them, or a name: networks, networks/vgg16)"
TEXT = """
defaults: {op: conv, input: [1, 9, 2], kernel_size: 2, filters: 3, tags: [TAG]}
cases: [{id: a, occurs: 3}, {id: b, dilation: 2}]
"""


@pytest.fixture(autouse=True)
def small_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A corpus of two cases, and a network of two layers, instead of the shipped one."""
    for folder, tag in (("conv1d", "plain"), ("networks", "network")):
        (tmp_path / "cases" / folder).mkdir(parents=True)
        (tmp_path / "cases" / folder / "f.yaml").write_text(TEXT.replace("TAG", tag))
    for module in (corpus, entry):
        monkeypatch.setattr(module, "shipped", lambda: tmp_path / "cases")


def ran(folder: Path) -> list[str]:
    return [json.loads(line)["case"] for line in (folder / "records.jsonl").read_text().splitlines()]


def test_a_plain_run_leaves_them_out_and_says_how_to_ask(convsuite_here, tmp_path):
    done = convsuite_here("run", "--engine", RIGHT, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr.splitlines()[0] == LEFT_OUT
    assert ran(tmp_path / "out") == ["conv1d/f::a", "conv1d/f::b"]


@pytest.mark.parametrize("asked", [["--tag", "network"], ["networks"], ["networks/f"], ["cases/networks/f.yaml"]])
def test_who_asks_gets_them_and_hears_nothing(convsuite_here, tmp_path, asked):
    done = convsuite_here("run", *asked, "--engine", RIGHT, "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "left out" not in done.stderr
    assert ran(tmp_path / "out") == ["networks/f::a", "networks/f::b"]


def test_only_what_the_condition_leaves_out_is_counted(convsuite_here):
    done = convsuite_here("run", "--filter", "max(dilation) == 2", "--engine", RIGHT, "--out", "out")
    assert "left out: 1 (" in done.stderr
    named = convsuite_here("run", "conv1d", "--engine", RIGHT, "--out", "named")
    assert "left out" not in named.stderr


def test_a_layer_that_failed_runs_again(convsuite_here, tmp_path):
    first = convsuite_here("run", "--tag", "network", "--engine", WRONG, "--out", "first")
    assert first.returncode == 1
    again = convsuite_here("run", "--failed", "first", "--out", "again")
    assert again.returncode == 1
    assert ran(tmp_path / "again") == ["networks/f::b"]


def test_a_run_goes_on_and_its_shards_are_parts_of_it(convsuite_here, tmp_path):
    convsuite_here("run", "--engine", RIGHT, "--out", "out")
    resumed = convsuite_here("run", "--resume", "--out", "out")
    assert resumed.returncode == 0, resumed.stderr
    for shard in ("1/2", "2/2"):
        convsuite_here("run", "--engine", RIGHT, "--shard", shard, "--out", shard[0])
    assert ran(tmp_path / "1") + ran(tmp_path / "2") == ran(tmp_path / "out")


def test_the_list_has_them(convsuite_here):
    listed = convsuite_here("list", "cases")
    assert listed.stdout.split() == ["conv1d/f::a", "conv1d/f::b", "networks/f::a", "networks/f::b"]
    assert "2 networks" in convsuite_here("list", "cases", "--count").stdout


def test_the_selftest_leaves_them_out(convsuite_here):
    done = convsuite_here("selftest", "--fault", "kernel-mirrored")
    assert LEFT_OUT in done.stderr
    assert "1 of 1 faults killed" in done.stderr
