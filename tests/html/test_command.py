"""`convsuite report RUN --html DIR`: what it writes, what it keeps, and what it says of a mistake."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest

from convsuite.conformance import store
from convsuite.conformance.engines import Engine
from convsuite.reports.html import evidence, page, picture, pictures
from convsuite.reports.html.cache import Cache
from convsuite.reports.reproducers import Execution, NoReproducer, Reproducer

from .conftest import HALF, record, run_json


@pytest.fixture
def folder(tmp_path, records):
    """A run's folder."""
    made = tmp_path / "run"
    made.mkdir()
    (made / "run.json").write_text(json.dumps(run_json(engines={}, missing={})))
    (made / "records.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    return made


@pytest.mark.usefixtures("folder")
def test_it_writes_one_file_and_says_where(convsuite_here, tmp_path):
    done = convsuite_here("report", "run", "--html", "pages/first", "--no-reproducers")
    assert (done.returncode, done.stdout) == (0, "pages/first/index.html\n"), done.stderr
    assert [file.name for file in (tmp_path / "pages" / "first").iterdir()] == ["index.html"]
    text = (tmp_path / "pages" / "first" / "index.html").read_text()
    assert "reference, naive" in text  # the note's pictures, by what is always there


@pytest.mark.usefixtures("folder")
def test_mistakes_are_told_in_a_line(convsuite_here, tmp_path):
    (tmp_path / "file").write_text("")
    for arguments, word in (
        (("report", "run"), "--html"),
        (("report", "nowhere", "--html", "out"), "no run is there"),
        (("report", "run", "--html", "file"), "cannot be written"),
        (("report", "run", "--html", "file/below"), "cannot be written"),
    ):
        done = convsuite_here(*arguments)
        assert (done.returncode, done.stdout) == (2, ""), arguments
        assert word in done.stderr
        assert "Traceback" not in done.stderr


def test_an_interrupted_run_and_one_without_records_have_pages(convsuite_here, folder, tmp_path):
    (folder / "records.jsonl").write_text('{"case": "cut o')
    (folder / "run.json").write_text(json.dumps(run_json(status="running", engines={}, missing={})))
    assert convsuite_here("report", "run", "--html", "out", "--no-pictures").returncode == 0
    (folder / "records.jsonl").unlink()
    assert convsuite_here("report", "run", "--html", "out", "--no-pictures").returncode == 0
    assert "The run has no records." in (tmp_path / "out" / "index.html").read_text()


@pytest.fixture
def executions(monkeypatch, tmp_path):
    """Scripts that are not executed but counted: those of keras have none, those of jax do not run."""
    ran, setup = [], Engine("mine", str(tmp_path / "mine.py:Mine"))

    def written(one, *_):
        if one["engine"] == "keras":
            raise NoReproducer("it has no script")
        told: dict[str, Any] = dict.fromkeys(field.name for field in fields(Reproducer))
        told.update(
            {name: one[name] for name in ("case", "engine", "form")}, script=f"script of {one['case']}", text="t",
            setup=setup,
        )  # fmt: skip
        return Reproducer(**told)

    def executed(scripts, *, done, **_):
        ran.extend(script.case for script in scripts)
        found = [Execution("broken" if script.engine == "jax" else "lives", "x" * 9_999) for script in scripts]
        for script, execution in zip(scripts, found, strict=True):
            done(script, execution)
        return found

    monkeypatch.setattr(evidence, "reproducer", written)
    monkeypatch.setattr(evidence, "execute", executed)
    return ran


def test_reproducers_are_executed_once(folder, tmp_path, executions):
    told, read = [], (store.read_run(folder), store.read_records(folder))
    page.write(folder, *read, tmp_path / "out", drawn=False, told=told.append)
    assert executions == ["conv2d/padding::stride-2", "conv_transpose2d/odd::grouped"]
    assert told == ["executing: 2 of 2 reproducers"]
    first = (tmp_path / "out" / "index.html").read_text()
    page.write(folder, *read, tmp_path / "out", drawn=False, told=told.append)
    assert len(executions) == 2
    assert (tmp_path / "out" / "index.html").read_text() == first
    (tmp_path / "mine.py").write_text("# an engine's code, mended")
    page.write(folder, *read, tmp_path / "out", drawn=False, told=told.append)
    assert len(executions) == 4


def test_the_smallest_of_every_cause_engine_operation_and_form_is_executed():
    bad = {"verdict": "differs", "diagnosis": HALF}
    given = [
        record("a::large", input=[1, 99, 99, 3], **bad),
        record("a::small", **bad),
        record("a::other-op", op="depthwise_conv", **bad),
        record("a::other-engine", "jax", **bad),
        record("a::other-form", form="literal", **bad),
        record("a::right"),
    ]
    assert {one["case"] for one in evidence.chosen(given)} == {
        "a::small",
        "a::other-op",
        "a::other-engine",
        "a::other-form",
    }


@pytest.mark.usefixtures("executions")
def test_what_was_executed_is_shown_as_it_ended(records, tmp_path):
    found = evidence.gather(run_json(), records, Cache(tmp_path), 1, print)
    assert [(one.engine, one.status, len(one.output)) for one in found] == [
        ("torch", "lives", evidence.LONGEST_OUTPUT),
        ("jax", "broken", evidence.LONGEST_OUTPUT),
    ]


def test_a_cache_that_is_damaged_or_cannot_be_written_is_none(tmp_path):
    (tmp_path / "report-cache.json").write_text("[1, 2")
    cache = Cache(tmp_path)
    assert cache.get("a") is None
    cache.put([1], "a", {"version": 1})
    cache.save()
    assert Cache(tmp_path).get("a", {"version": 1}) == [1]
    assert Cache(tmp_path).get("a", {"version": 2}) is None
    Cache(tmp_path / "nowhere").save()


def test_the_note_and_the_reference_draw_the_same():
    drawn = pictures.draw(
        run_json(engines={"no-such": {}}, missing={"torch": "torch"}), Cache(pictures.PHOTOGRAPH), print
    )
    ours = [one for one in drawn if one.image]
    assert {one.who for one in ours} == {
        "the note's convolve2d", "the note's convolve_im2col", "reference, naive", "reference, im2col",
        "reference, Winograd F(2×2, 3×3)", "reference, FFT",
    }  # fmt: skip
    assert {(one.who, one.verdict) for one in ours if one.verdict != "exact"} == {
        ("reference, Winograd F(2×2, 3×3)", "within"),
        ("reference, FFT", "within"),
    }
    assert len({one.image for one in ours}) == 2  # one picture per kernel, to the last grey level
    nothing = {one.who: one.message for one in drawn if not one.image}
    assert nothing["torch"] == "not installed: torch"
    assert nothing["no-such"].startswith("not drawn: unknown engine")


@pytest.mark.frameworks
def test_engines_draw_it_too(tmp_path, needs):
    needs("torch")
    cache, told = Cache(tmp_path), []
    for _ in range(2):
        drawn = pictures.draw(run_json(engines={"torch": {"versions": {"torch": "2"}}}), cache, told.append)
        assert [(one.what, one.verdict, one.largest_difference) for one in drawn if one.who == "torch"] == [
            ("sharpened", "exact", 0.0),
            ("edges", "exact", 0.0),
        ]
    assert told == ["torch"]  # the second time from the cache


def test_a_picture_of_the_page(page_file, tmp_path):
    if not any(map(shutil.which, picture.BROWSERS)):
        pytest.skip("no browser is installed")
    target = tmp_path / "page.png"
    picture.take(page_file, target)
    assert target.read_bytes().startswith(b"\x89PNG")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "convsuite.reports.html.picture", tmp_path / "none.html", target],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert "no page is there" in done.stderr
