"""Runs that belong together as one: what is merged, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from convsuite.conformance import corpus, store
from convsuite.conformance.errors import UsageError
from convsuite.conformance.merging import merge

from ..cli.conftest import CASES
from .conftest import RIGHT, WRONG, run_cases

LEFT_OUT = ("seconds", "message")


def content(folder: Path) -> list[str]:
    """The records in an order of their own, without what differs from run to run."""
    records = store.read_records(folder)
    return sorted(json.dumps({name: value for name, value in one.items() if name not in LEFT_OUT}) for one in records)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory, known: Path) -> dict[str, Path]:
    """The whole run of a wrong engine, its two shards, and another engine on the same cases."""
    folder = tmp_path_factory.mktemp("runs")
    file = folder / "some.yaml"
    file.write_text(CASES)
    made = {
        "whole": run_cases(folder / "whole", file, WRONG, known=known),
        "right": run_cases(folder / "right", file, RIGHT),
    }
    entries = corpus.load([str(file)])
    for index in (1, 2):
        part = folder / f"part{index}.yaml"
        part.write_text(CASES)
        mine = frozenset((entry.id, WRONG) for entry in entries[index - 1 :: 2])
        # the command line cuts the list of cases; here the same is said pair by pair
        shard = {"shard": f"{index}/2"}
        made[str(index)] = run_cases(folder / str(index), file, WRONG, known=known, only=mine, asked=shard)
    return made


@pytest.fixture
def edited(runs, tmp_path):
    """Copies a run, with its run.json and records changed."""

    def edit(name, change=lambda record: record, **said):
        copy = Path(shutil.copytree(runs[name], tmp_path / f"{name}-edited"))
        (copy / "run.json").write_text(json.dumps(store.read_run(copy) | said))
        records = map(change, store.read_records(copy))
        (copy / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
        return copy

    return edit


def test_shards_are_the_whole(runs, tmp_path):
    merged = merge([runs["1"], runs["2"]], tmp_path / "out")
    assert content(tmp_path / "out") == content(runs["whole"])
    run, whole = store.read_run(tmp_path / "out"), store.read_run(runs["whole"])
    assert run["counts"] == whole["counts"]
    assert (run["status"], run["cases"], run["asked"]["shard"]) == ("complete", 7, None)
    assert [part["asked"]["shard"] for part in run["parts"]] == ["1/2", "2/2"]
    assert run["engines"][WRONG]["starts"] == 2
    assert not merged.doubled


def test_a_shard_says_nothing_of_what_another_one_holds(runs):
    """What has vanished in the whole has vanished in the one shard that holds the case, and nothing else has."""

    def vanished(name):
        return [one["case"] for one in store.read_records(runs[name]) if one["status"] == "vanished"]

    assert len(vanished("whole")) == 1
    assert sorted(vanished("1") + vanished("2")) == vanished("whole")


def test_other_engines_on_the_same_cases(convsuite_here, runs, tmp_path):
    done = convsuite_here("merge", runs["whole"], runs["right"], "--out", "out")
    assert (done.returncode, done.stdout) == (0, "out\n")
    assert "14 records from 2 runs: 1 new, 1 known, 1 vanished" in done.stderr
    run = store.read_run(tmp_path / "out")
    assert run["digest"] == store.read_run(runs["right"])["digest"]
    assert set(run["engines"]) == set(run["asked"]["engines"]) == {WRONG, RIGHT}
    for command in (["show", "out", "some::trouble"], ["expect", "out"], ["report", "out", "--markdown", "-"],
                    ["report", "out", "--summary", "-", "--junit", "x.xml"], ["compare", "out", "out"]):  # fmt: skip
        done = convsuite_here(*command)
        assert done.returncode == 0, done.stderr
    assert convsuite_here("report", "out", "--fail-on", "new").returncode == 1


def test_what_failed_in_the_whole_runs_again(convsuite_here, runs):
    convsuite_here("merge", runs["1"], runs["2"], "--out", "out")
    assert convsuite_here("run", "--failed", "out", "--out", "again").returncode == 1
    assert convsuite_here("merge", "out", runs["right"], "--out", "both").returncode == 0


def test_the_same_record_counts_once(runs, tmp_path):
    merged = merge([runs["whole"], runs["1"], runs["2"]], tmp_path / "out")
    assert merged.doubled == 7
    assert content(tmp_path / "out") == content(runs["whole"])


def test_contradictions_are_refused(runs, edited, tmp_path):
    other = edited("1", lambda one: one | {"verdict": "crash", "ok": False})
    with pytest.raises(UsageError, match="contradict each other"):
        merge([runs["whole"], other, runs["2"]], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_one_id_with_two_meanings_is_refused(runs, edited, tmp_path):
    with pytest.raises(UsageError, match="two computations"):
        merge([runs["whole"], edited("right", lambda one: one | {"filters": 6})], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_an_engine_of_two_versions_is_refused(runs, edited, tmp_path):
    row = store.read_run(runs["2"])["engines"][WRONG]
    other = edited("2", engines={WRONG: row | {"versions": {"torch": "2.13"}}})
    with pytest.raises(UsageError, match=r"not the same in all parts: versions"):
        merge([runs["1"], other], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_other_data_are_refused(runs, edited, tmp_path):
    with pytest.raises(UsageError, match="seeds 0, 1"):
        merge([runs["1"], edited("2", seed=1)], tmp_path / "out")


def test_what_is_lacking_is_refused_or_told(convsuite_here, runs, edited, tmp_path):
    one = convsuite_here("merge", runs["1"], "--out", "out")
    assert one.returncode == 2
    assert "no shard 2/2" in one.stderr
    stopped = convsuite_here("merge", runs["1"], edited("2", status="interrupted"), "--out", "out")
    assert stopped.returncode == 2
    assert "is interrupted" in stopped.stderr
    assert not (tmp_path / "out").exists()
    partial = convsuite_here("merge", runs["1"], "--out", "out", "--partial")
    assert partial.returncode == 0
    assert "no shard 2/2" in partial.stderr
    assert store.read_run(tmp_path / "out")["status"] == "partial"
    assert convsuite_here("report", "out", "--fail-on", "new").returncode == 2  # half a run does not pass


def test_shards_of_another_cut_are_refused(runs, edited, tmp_path):
    asked = store.read_run(runs["2"])["asked"] | {"shard": "2/3"}
    with pytest.raises(UsageError, match="shards of different sizes"):
        merge([runs["1"], edited("2", asked=asked)], tmp_path / "out")


def test_a_shard_beside_the_whole_run_overlaps(runs, tmp_path):
    for partial in (False, True):
        with pytest.raises(UsageError, match=r"a shard and a whole run overlap · got 1/2 beside .*whole"):
            merge([runs["1"], runs["whole"]], tmp_path / "out", partial=partial)
    assert not (tmp_path / "out").exists()


def test_shards_without_a_case(convsuite_here, cases, tmp_path):
    """More shards than cases, as the workflow makes them: the empty ones are runs, and parts of the whole."""
    run = ("run", cases, "--engine", WRONG, "--filter", "dilation > 1 and padding == 'same'", "--fail-on", "never")
    for index in (1, 2, 3):
        done = convsuite_here(*run, "--shard", f"{index}/3", "--out", f"shards/{index}")
        assert (done.returncode, done.stdout) == (0, f"shards/{index}\n")
        assert (f"shard {index}/3 is empty" in done.stderr) == (index > 1)
    empty = store.read_run(tmp_path / "shards" / "2")
    assert (empty["status"], empty["cases"], empty["counts"]["records"]) == ("complete", 0, 0)
    assert convsuite_here("report", "shards/2", "--summary", "-", "--fail-on", "new").returncode == 0
    assert convsuite_here(*run, "--shard", "2/3", "--out", "shards/2", "--resume").returncode == 0
    done = convsuite_here("merge", "shards/3", "shards/2", "shards/1", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert "1 records from 3 runs: 1 new" in done.stderr
    assert store.read_run(tmp_path / "out")["status"] == "complete"


def test_machines_that_differ_are_kept_and_told(runs, edited, tmp_path):
    machine = store.read_run(runs["2"])["machine"] | {"cpu": "Another"}
    merged = merge([runs["1"], edited("2", machine=machine)], tmp_path / "out")
    assert any("the machines differ: cpu" in note and "Another" in note for note in merged.notes)
    assert store.read_run(tmp_path / "out")["parts"][1]["machine"]["cpu"] == "Another"


def test_an_engine_that_one_machine_lacked(runs, edited, tmp_path):
    """It is missing of the whole where no part ran the same cases on it."""
    merge([edited("1", missing={"jax": "jax"}), runs["2"]], tmp_path / "shards")
    assert store.read_run(tmp_path / "shards")["missing"] == {"jax": "jax"}
    merge([edited("whole", missing={RIGHT: "right"}), runs["right"]], tmp_path / "engines")
    assert store.read_run(tmp_path / "engines")["missing"] == {}


def test_wrong_input(convsuite_here, runs, tmp_path):
    both = [runs["1"], runs["2"]]
    for arguments in ([], both, [runs["1"], runs["1"], "--out", "out"], ["nothing", "--out", "out"],
                      [*both, "--out", runs["1"]], [*both, "--out", runs["right"]]):  # fmt: skip
        before = sorted(tmp_path.iterdir())
        done = convsuite_here("merge", *arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr
        assert sorted(tmp_path.iterdir()) == before


def test_a_run_without_records(runs, edited, tmp_path, convsuite_here):
    (empty := edited("1")).joinpath("records.jsonl").unlink()
    assert convsuite_here("merge", empty, runs["2"], "--out", "out").returncode == 0
    assert len(store.read_records(tmp_path / "out")) == len(store.read_records(runs["2"]))
