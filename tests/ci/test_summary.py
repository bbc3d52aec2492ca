"""The summary for a pull request: what it says, and that it stays short."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from convsuite.reports import markdown, summary

from .conftest import ABORTS, WRONG


def test_it_says_what_is_new_and_how_to_see_it(read):
    text = summary.render(*read)
    assert text.startswith("## convsuite: 2 new, 1 known, 1 vanished\n")
    assert f"| {WRONG} | 4 | 1 | **1** | **1** |  |" in text
    assert "**dilation-dropped**: 1 on" in text
    assert "**crash**: 1 on" in text
    assert "this engine once left strides out as well" in text
    assert text.count("<details>") == text.count("</details>") == 2


@pytest.mark.slow
def test_its_commands_show_what_they_say(read, tmp_path, monkeypatch):
    """As the page has them, but for the script's name; the engine is wrong, so that they end with status 1."""
    monkeypatch.chdir(tmp_path)  # files are named from here
    commands = re.findall(r"^  `convsuite (.*)`$", summary.render(*read), re.MULTILINE)
    assert len(commands) == 3
    for number, command in enumerate(commands[:2]):
        shell = f"{sys.executable} -m convsuite.cli {command} --out {tmp_path / str(number)}"
        done = subprocess.run(
            ["sh", "-c", shell], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
        )
        assert done.returncode == 1, done.stderr
        (record,) = map(json.loads, (tmp_path / str(number) / "records.jsonl").read_text().splitlines())
        assert record["engine"] in (WRONG, ABORTS)
        assert record["status"] == "new"


def test_nothing_new(read):
    run, records = read
    text = summary.render(run, [record for record in records if record["status"] == "as usual"])
    assert text.startswith("## convsuite: nothing new, 0 known, 0 vanished\n")
    assert "### New" not in text


def test_what_is_not_there(read):
    run, records = read
    run = {**run, "status": "interrupted", "missing": {"jax": "jax"}, "broken": {WRONG: "does not start again"}}
    text = summary.render(run, records)
    assert "**The run is interrupted.**" in text
    assert "| jax | 0 | 0 | 0 | 0 | not installed: jax |" in text
    assert "stopped early: does not start again" in text


def failing(run, records, *told):
    """The summary's lines of causes, where so many records of one engine say this; a shape differs each time."""
    bad = next(record for record in records if record["engine"] == ABORTS and not record["ok"])
    made = [
        {**bad, "verdict": verdict, "message": message.format(number), "case": f"a::{verdict}-{message}-{number}"}
        for verdict, message, count in told
        for number in range(count)
    ]
    return [line for line in summary.render(run, made).splitlines() if line.startswith("- **")]


def test_what_engines_say_tells_causes_apart_and_numbers_do_not(read):
    lines = failing(
        *read,
        ("unsupported", "NotImplementedError: not of shape [{0}, 1]", 4),
        ("unsupported", "ValueError: <class 'x'> at 0x7f{0}a of float32", 3),
        ("unsupported", "ValueError: <class 'x'> at 0x7f{0}a of float16", 2),
        ("crash", "exited with status 3 before it answered; it printed: {0} lines", 2),
        ("crash", "killed by SIGSEGV; it printed: thread 0x{0}", 1),
    )
    assert [line.partition(" on ")[0] for line in lines] == [
        "- **unsupported**: 4", "- **unsupported**: 3", "- **unsupported**: 2", "- **crash**: 2", "- **crash**: 1",
    ]  # fmt: skip
    assert "SIGSEGV" in lines[-1]
    assert "&lt;class 'x'>" in lines[1]


def test_an_engine_without_versions_goes_by_its_name(read):
    run, records = read
    engines = {"mine.py:Mine": {**run["engines"][WRONG], "versions": {}}}
    assert "\nmine.py:Mine; " in summary.render({**run, "engines": engines}, records)
    assert "\nno engine; " in summary.render({**run, "engines": {}}, records)


def test_what_an_engine_says_is_text_in_the_report_too(read):
    run, records = read
    said = "ValueError: <script>alert(1)</script> | \x1b[31mred\x00 and\na line"
    bad = next(record for record in records if record["status"] == "new")
    text = markdown.render(run, [{**bad, "message": said, "diagnosis": None}])
    assert "ValueError: &lt;script>alert(1)&lt;/script> \\| \ufffd[31mred\ufffd and a line |" in text
    assert "<script" not in text


@pytest.mark.parametrize("message", ["x" * 50_000, "line\n" * 500, "| a | b |\n</details>`"])
def test_it_stays_short_whatever_the_run(read, message):
    run, records = read
    bad = [record for record in records if record["status"] in ("new", "vanished")]
    many = [
        {
            **bad[number % len(bad)],
            "engine": f"engine-{number}",
            "message": message,
            "known": message,
            "diagnosis": None,
            "case": f"some::{'long' * 200}{number}",
        }
        for number in range(1_000)
    ]
    row = run["engines"][WRONG]
    run = {**run, "engines": {f"engine-{number}": row | {"versions": {f"p{number}": "1"}} for number in range(1_000)}}
    run["asked"] = {**run["asked"], "cases": [f"/somewhere/file{number}.yaml" for number in range(500)]}
    text = summary.render(run, many)
    assert text.count("\n") <= summary.MOST_LINES
    assert len(text) <= summary.MOST_CHARACTERS
    assert "992 more causes" in text or "more causes" in text
    assert text.count("</details>") == 2


def test_the_command_line(convsuite_here, folder, tmp_path):
    printed = convsuite_here("report", folder, "--summary", "-")
    assert printed.returncode == 0
    assert convsuite_here("report", folder, "--summary", "s.md").stdout == "s.md\n"
    assert (tmp_path / "s.md").read_text() == printed.stdout
    assert convsuite_here("report", folder).returncode == 2
    assert convsuite_here("report", tmp_path / "nothing", "--summary", "-").returncode == 2
    (folder / "records.jsonl").unlink()
    assert "0 records" in convsuite_here("report", folder, "--summary", "-").stdout
