"""Two runs beside each other: what has become of a record, and what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from convsuite.conformance import store
from convsuite.reports.comparison import pages
from convsuite.reports.comparison.changes import Side, kind_of
from convsuite.reports.comparison.compare import compare

from .conftest import ABORTS, WRONG

DILATED = "some::sweep[strides=1,dilation=2,padding=valid]"


def side(verdict, ratio=None, cause=None, ok=None):
    return Side(verdict, verdict in ("exact", "within", "refused") if ok is None else ok, "", cause, ratio, "")


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (side("exact"), side("exact"), None),
        (side("exact"), side("differs", 9.0, "shifted"), "new"),
        (side("differs", 9.0), side("within", 0.1), "fixed"),
        (side("differs", 9.0, "shifted"), side("differs", 9.0, "shifted"), None),
        (side("differs", 9.0, "shifted"), side("differs", 9.0, "kernel-mirrored"), "changed"),
        (side("differs", 9.0, None), side("differs", 9.0, "shifted"), None),  # nobody had asked for the cause
        (side("unsupported"), side("crash"), "changed"),
        (side("differs", 9.0), side("differs", 18.0), None),
        (side("differs", 9.0), side("differs", 18.1), "grown"),
        (side("differs", 9.0), side("differs", 1.1), None),
        (side("differs", None), side("differs", 9.0), None),  # not finite before
        (side("within", 0.01), side("within", 0.2), None),  # as the order of summation likes
        (side("within", 0.1), side("within", 0.3), "moved"),
        (side("refused"), side("exact"), "moved"),
        (side("exact"), side("refused"), "moved"),
    ],
)
def test_what_has_become_of_a_record(before, after, kind):
    assert kind_of(before, after, same_data=True) == kind


def test_errors_on_other_data_are_not_compared():
    assert kind_of(side("within", 0.1), side("within", 0.9), same_data=False) is None
    assert kind_of(side("differs", 2.0), side("differs", 9.0), same_data=False) is None
    assert kind_of(side("exact"), side("differs", 9.0), same_data=False) == "new"


@pytest.fixture
def edited(shared_run: Path, tmp_path: Path):
    """Copies the run, with records and run.json changed by functions; None leaves a record out."""

    def edit(name, change=lambda record: record, change_run=lambda run: run):
        copy = Path(shutil.copytree(shared_run, tmp_path / name))
        kept = [record for one in store.read_records(copy) if (record := change(one)) is not None]
        (copy / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in kept))
        (copy / "run.json").write_text(json.dumps(change_run(store.read_run(copy))))
        return copy

    return edit


def healed(record):
    """As if the wrong engine had done right by everything."""
    good = {"verdict": "exact", "ok": True, "status": "as usual", "diagnosis": None, "bound_ratio": 0.0, "known": None}
    return record | good if record["engine"] == WRONG else record


def with_version(number):
    def change(run):
        row = run["engines"][WRONG]
        return run | {"engines": run["engines"] | {WRONG: row | {"versions": {"wrong": number}}}}

    return change


def test_new_fixed_and_their_status(convsuite_here, edited):
    right, wrong = edited("right", healed, with_version("1.0")), edited("wrong", change_run=with_version("2.0"))
    worse = convsuite_here("compare", right, wrong)
    assert worse.returncode == 1
    assert "new: right before, wrong now" in worse.stdout
    assert "exact → shape (dilation-dropped)" in worse.stdout
    assert "1.0" in worse.stdout
    assert "2.0" in worse.stdout
    assert "14 records compared: 2 new, 0 changed, 0 grown, 0 fixed, 0 moved, 12 as before" in worse.stdout
    assert "(1 of what is worse are known)" in worse.stdout
    better = convsuite_here("compare", wrong, right)
    assert better.returncode == 0
    assert "2 fixed" in better.stdout
    assert convsuite_here("compare", wrong, wrong).returncode == 0


def test_fail_on(convsuite_here, edited):
    """What the second run's expectations know fails only where everything does."""
    right, wrong = edited("right", healed), edited("wrong", lambda one: None if one["case"] == DILATED else one)
    for fail_on, status in (("new", 0), ("any", 1), ("never", 0)):
        assert convsuite_here("compare", right, wrong, "--fail-on", fail_on).returncode == status
    assert convsuite_here("compare", right, edited("all"), "--fail-on", "never").returncode == 0


def test_a_discrepancy_that_was_written_down_is_the_same(edited, shared_run):
    unknown = edited(
        "unknown", lambda one: one | ({"status": "new", "known": None} if one["status"] == "known" else {})
    )
    assert compare(unknown, shared_run).same == 14
    assert compare(shared_run, unknown).same == 14


def test_what_cannot_be_compared_is_told(edited, shared_run):
    found = compare(
        edited("renamed", lambda one: one | {"engine": one["engine"].replace("Aborts", "Other")}), shared_run
    )
    assert found.compared == 7
    other = ABORTS.replace("Aborts", "Other")
    assert f"{other}: 7 records that only the first run has, an engine of the first run alone" in found.not_compared
    (after,) = [said for said in found.not_compared if said.startswith(ABORTS)]
    assert after.endswith("an engine of the second run alone, 1 of them new discrepancies")
    found = compare(edited("fewer", lambda one: None if one["case"] == "some::trouble" else one), shared_run)
    assert len(found.not_compared) == 2
    assert not found.changes


def test_a_case_that_was_edited_is_another_case(edited, shared_run):
    def change(one):
        return one | ({"filters": 6, "verdict": "exact", "ok": True} if one["case"] == DILATED else {})

    found = compare(edited("edited", change), shared_run)
    assert found.not_compared == ["2 records of cases that compute something else now"]
    assert not found.changes


def test_relations_without_a_judgement_are_not_compared(edited, shared_run):
    unjudged = {"verdict": "unjudged", "ok": False, "status": "as usual"}
    found = compare(edited("law", lambda one: one | (unjudged if one["case"] == DILATED else {})), shared_run)
    assert found.not_compared == ["2 relations that were not judged in one of the runs"]


def test_what_else_differs_is_noted(edited, shared_run):
    def change(run):
        machine = run["machine"] | {"cpu": "Another", "cpu_flags": [*run["machine"]["cpu_flags"], "amx"]}
        row = run["engines"][WRONG]
        engines = run["engines"] | {WRONG: row | {"environment": row["environment"] | {"OMP_NUM_THREADS": "2"}}}
        return run | {"seed": 1, "status": "interrupted", "machine": machine, "engines": engines}

    said = "\n".join(compare(shared_run, edited("other", change_run=change)).notes)
    for part in (
        "the second run is interrupted",
        "seeds 0 and 1",
        "now Another",
        "amx",
        "OMP_NUM_THREADS=2 (before: 1)",
    ):
        assert part in said


def test_files(convsuite_here, edited, tmp_path):
    right, wrong = edited("right", healed), edited("wrong")
    done = convsuite_here(
        "compare", right, wrong, "--html", "page", "--markdown", "page.md", "--json", "-"
    )  # the text makes way for the JSON
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert found["counts"] == {"new": 2, "changed": 0, "grown": 0, "fixed": 0, "moved": 0}
    assert len(found["changes"]) == 2
    assert "records compared" in done.stderr
    page = (tmp_path / "page" / "index.html").read_text()
    assert "dilation-dropped" in page
    assert "http" not in page.replace("http://www.w3.org", "")  # asks the network for nothing
    assert "| exact | shape (dilation-dropped) |" in (tmp_path / "page.md").read_text()
    assert convsuite_here("compare", right, wrong, "--html", "one.html").returncode == 1
    assert (tmp_path / "one.html").exists()


def test_wrong_input(convsuite_here, shared_run, tmp_path):
    (tmp_path / "file").touch()
    for arguments in (
        [shared_run], [shared_run, "nothing"], ["nothing", shared_run],
        [shared_run, shared_run, "--json", "-", "--markdown", "-"],
        [shared_run, shared_run, "--markdown", "no/such/folder.md"], [shared_run, shared_run, "--html", "file/x"],
    ):  # fmt: skip
        done = convsuite_here("compare", *arguments)
        assert done.returncode == 2, arguments
        assert "Traceback" not in done.stderr


def test_hostile_text_is_shown_as_text(edited):
    hostile = "</script><img src=x onerror=alert(1)> | `"

    def change(one):
        return one | ({"message": hostile, "diagnosis": None} if not one["ok"] else {})

    found = compare(edited("right", healed), edited("hostile", change))
    assert "<img" not in pages.to_html(found)
    assert "&lt;img" in pages.to_html(found)
    rows = [line for line in pages.to_markdown(found).splitlines() if "onerror" in line]
    assert rows
    assert all("<img" not in row and row.count(" | ") == 5 for row in rows)


def test_runs_without_records(convsuite_here, edited, shared_run):
    (empty := edited("empty")).joinpath("records.jsonl").unlink()
    for pair in ((empty, empty), (empty, shared_run), (shared_run, empty)):
        done = convsuite_here("compare", *pair)
        assert done.returncode == 2
        assert "0 records compared" in done.stdout
        assert done.stderr.startswith("convsuite: nothing was compared")
        assert convsuite_here("compare", *pair, "--fail-on", "never").returncode == 0


def test_what_compares_nothing_does_not_pass(convsuite_here, edited, shared_run, tmp_path):
    other = edited("renamed", lambda one: one | {"engine": f"other-{one['engine']}"})
    done = convsuite_here("compare", shared_run, other, "--html", "one.html")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("convsuite: nothing was compared")
    assert "no record that both runs have" in line
    assert (tmp_path / "one.html").exists()  # says so as well


@pytest.mark.parametrize(
    ("said", "word"),
    [({"status": "interrupted"}, "did not end"), ({"broken": {ABORTS: "does not start again"}}, "stopped early")],
)
def test_a_second_run_that_lacks_records_does_not_pass(convsuite_here, edited, shared_run, said, word):
    part = edited("part", change_run=lambda run: run | said)
    done = convsuite_here("compare", shared_run, part)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert word in line
    assert convsuite_here("compare", shared_run, part, "--fail-on", "never").returncode == 0
    assert convsuite_here("compare", part, shared_run).returncode == 0  # the first run is what it is


def test_the_page_says_of_versions_what_is_known(edited, shared_run):
    page = pages.to_html(compare(shared_run, shared_run))
    assert f"No version is known of {WRONG}, {ABORTS}." in page
    assert "The same versions" not in page
    known = edited("known", change_run=with_version("1.0"))
    page = pages.to_html(compare(known, known))
    assert "The same versions of wrong." in page
    assert f"No version is known of {ABORTS}." in page
