"""JUnit files as Jenkins and GitLab read them: the elements and attributes of junit-10.xsd, and nothing else."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from xml.etree import ElementTree as ET

import pytest

from convsuite.conformance import store
from convsuite.conformance.process import Limits
from convsuite.reports import junit

from ..cli.conftest import COMMAND, ENGINES
from .conftest import ABORTS, WRONG, run_cases

NUMBER, SECONDS = r"\d+", r"\d+\.\d{6}"
SUMS = {"tests": NUMBER, "failures": NUMBER, "errors": NUMBER, "time": SECONDS}
SAID = {"type": ".+", "message": r"(?s).*"}
ATTRIBUTES = {
    "testsuites": {"name": "convsuite", **SUMS},
    "testsuite": {"name": ".+", "skipped": NUMBER, **SUMS},
    "testcase": {"name": ".+", "classname": ".+", "time": SECONDS},
    "property": {"name": ".+", "value": r"(?s).*"},
    "properties": {},
    "failure": SAID,
    "error": SAID,
    "skipped": SAID,
}
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "testcase": {"failure", "error", "skipped"},
}
OPTIONAL = {"timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"}
OUTCOMES = ("failure", "error", "skipped")


def check(element: ET.Element) -> None:
    """Only what the schema knows, of the form that it asks for, and sums that are right."""
    wanted = ATTRIBUTES[element.tag]
    assert wanted.keys() <= element.attrib.keys() <= wanted.keys() | (OPTIONAL if element.tag == "testsuite" else {})
    for name, pattern in (wanted | OPTIONAL).items():
        if name in element.attrib:
            assert re.fullmatch(pattern, element.attrib[name]), (element.tag, name, element.attrib[name])
    if element.tag in ("testsuites", "testsuite"):
        assert int(element.attrib["tests"]) == len(list(element.iter("testcase")))
        assert int(element.attrib["failures"]) == len(list(element.iter("failure")))
        assert int(element.attrib["errors"]) == len(list(element.iter("error")))
    if element.tag == "testcase":
        assert len(element) <= 1
    for child in element:
        assert child.tag in CHILDREN.get(element.tag, ())
        check(child)


def parsed(text: bytes) -> ET.Element:
    return ET.fromstring(text)  # noqa: S314  the suite's own file


def read_back(run, records) -> ET.Element:
    root = parsed(junit.render(run, records))
    check(root)
    return root


def outcomes(root: ET.Element) -> dict[tuple[str, str], tuple[str, str, str]]:
    """By suite and name: (element, type, message); ("", "", "") of what passes."""
    return {
        (suite.attrib["name"], case.attrib["name"]): next(
            ((said.tag, said.attrib["type"], said.attrib["message"]) for said in case), ("", "", "")
        )
        for suite in root
        for case in suite.iter("testcase")
    }


def test_every_record_is_a_test_case_of_its_engine(read):
    run, records = read
    found = outcomes(read_back(run, records))
    assert len(found) == len(records) == 14
    by_status = {(record["engine"], f"{record['case']} [{record['form']}]"): record for record in records}
    assert found.keys() == by_status.keys()
    for key, record in by_status.items():
        expected = {"as usual": "", "known": "skipped", "vanished": "failure"}.get(record["status"])
        expected = expected if record["status"] != "new" else "error" if record["verdict"] == "crash" else "failure"
        assert found[key][0] == expected, key


def test_a_failure_says_verdict_cause_and_program(read):
    root = read_back(*read)
    (failure,) = [said for said in root.iter("failure") if said.attrib["type"] == "shape"]
    assert failure.attrib["message"].startswith("shape: the kernel is not dilated")
    assert failure.text is not None
    assert "got [2, 7, 7, 5], expected [2, 5, 6, 5]" in failure.text
    assert "engine.run(case, arrays)" in failure.text
    assert "$ convsuite run" in failure.text


def test_known_vanished_and_crashed(read):
    found = outcomes(read_back(*read))
    same = "some::sweep[strides=1,dilation=2,padding=same] [equivalent]"
    assert found[WRONG, same] == (
        "skipped",
        "known differs",
        "known: this engine leaves the dilation out, by intention",
    )
    gone = found[WRONG, "some::sweep[strides=2,dilation=1,padding=valid] [equivalent]"]
    assert gone[:2] == ("failure", "vanished")
    crash = found[ABORTS, "some::trouble [equivalent]"]
    assert crash[:2] == ("error", "crash")
    assert "SIGABRT" in crash[2]
    assert "last words" in crash[2]


def test_properties_hold_the_versions(read):
    run, records = read
    run = {**run, "engines": {WRONG: {**run["engines"][WRONG], "versions": {"torch": "2.13.0"}}}}
    properties = {one.attrib["name"]: one.attrib["value"] for one in read_back(run, records).iter("property")}
    assert properties["version.torch"] == "2.13.0"
    assert properties["environment.OMP_NUM_THREADS"] == "1"
    assert properties["seed"] == "0"


@pytest.mark.parametrize(
    "text", ["\x00\x1b[31mred\x1b[0m\x08", "\ud800 alone", "\ufffe\uffff", "]]> <b>&amp;", "\U0001f600 ok"]
)
def test_what_xml_cannot_hold(read, text):
    run, records = read
    bad = {**records[-1], "status": "new", "verdict": "differs", "ok": False, "message": text, "diagnosis": None}
    root = read_back(run, [bad])
    (failure,) = root.iter("failure")
    said = failure.attrib["message"]
    legal = all(character in "\t\n\r" or character.isprintable() or character == " " for character in said)
    assert legal
    if "\x1b" in text:
        assert r"\x00\x1b[31mred\x1b[0m\x08" in said
    if "<b>" in text:
        assert text in said


def test_what_is_not_there_is_told(read):
    run, records = read
    run = {**run, "status": "interrupted", "missing": {"jax": "jax"}, "broken": {WRONG: "does not start again: killed"}}
    found = outcomes(read_back(run, records))
    assert found["jax", "installed"] == ("skipped", "missing", "not installed: jax")
    assert found["convsuite", "the run is complete"][:2] == ("error", "interrupted")
    assert found[WRONG, "starts again"][:2] == ("error", "broken")


def test_a_timeout_took_its_limit_and_a_crash_nobody_knows_how_long(cases, tmp_path):
    hangs, aborts = (f"{ENGINES / 'unruly.py'}:{name}" for name in ("Hangs", "Aborts"))
    folder = run_cases(tmp_path / "run", cases, hangs, aborts, limits=Limits(seconds=0.75))
    root = read_back(store.read_run(folder), store.read_records(folder))
    times = {
        one.attrib["classname"]: one.attrib["time"] for one in root.iter("testcase") if one.find("error") is not None
    }
    assert times == {f"{hangs}.some": "0.750000", f"{aborts}.some": "0.000000"}


def test_relations_that_were_not_judged_are_skipped(read):
    run, records = read
    law = {**records[0], "verdict": "unjudged", "ok": False, "status": "as usual", "message": "without a (crash)"}
    assert list(outcomes(read_back(run, [law])).values()) == [("skipped", "unjudged", "without a (crash)")]


def test_no_record_at_all(read):
    assert read_back({**read[0], "engines": {}}, []).attrib["tests"] == "0"


def test_the_command_line(convsuite_here, cases, folder, tmp_path):
    done = convsuite_here("run", cases, "--engine", WRONG, "--out", "out", "--junit", "out.xml")
    assert (done.returncode, done.stdout) == (1, "out\n")  # scripts read the folder there
    check(parsed((tmp_path / "out.xml").read_bytes()))
    printed = convsuite_here("report", folder, "--junit", "-")
    assert printed.returncode == 0
    check(parsed(printed.stdout.encode()))
    assert convsuite_here("report", folder, "--junit", "no/such/folder.xml").returncode == 2
    before = convsuite_here("run", cases, "--engine", WRONG, "--out", "second", "--junit", "no/such/folder.xml")
    assert before.returncode == 2
    assert not (tmp_path / "second").exists()  # told before anything ran
    assert convsuite_here("run", cases, "--engine", WRONG, "--out", "second", "--junit", "-").returncode == 2


def test_an_interrupted_run_leaves_a_file_that_does_not_pass(cases, tmp_path):
    hangs = f"{ENGINES / 'unruly.py'}:Hangs"
    command = [*COMMAND, "run", str(cases), "--engine", hangs, "--out", "out", "--junit", "out.xml"]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    lines, deadline = tmp_path / "out" / "records.jsonl", time.monotonic() + 60
    while not (lines.exists() and lines.read_text().count("\n") == 6) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    root = parsed((tmp_path / "out.xml").read_bytes())
    check(root)
    assert (root.attrib["tests"], root.attrib["errors"]) == ("7", "1")


def test_a_report_can_be_a_gate(convsuite_here, folder):
    for fail_on, status in (("never", 0), ("new", 1), ("any", 1)):
        assert convsuite_here("report", folder, "--junit", "x.xml", "--fail-on", fail_on).returncode == status
    lines = (folder / "records.jsonl").read_text().splitlines(keepends=True)
    status_of = {
        status: [line for line in lines if json.loads(line)["status"] == status] for status in ("known", "vanished")
    }
    (folder / "records.jsonl").write_text("".join(status_of["known"]))
    assert convsuite_here("report", folder, "--fail-on", "new").returncode == 0
    assert convsuite_here("report", folder, "--fail-on", "any").returncode == 1
    (folder / "records.jsonl").write_text("".join(status_of["vanished"]))
    assert convsuite_here("report", folder, "--fail-on", "new").returncode == 1


def test_a_run_that_lacks_records_does_not_pass(convsuite_here, folder):
    said = json.loads((folder / "run.json").read_text())
    for part, word in (
        ({"status": "interrupted"}, "did not end"),
        ({"broken": {WRONG: "does not start again"}}, "stopped early"),
    ):
        (folder / "run.json").write_text(json.dumps({**said, **part}))
        done = convsuite_here("report", folder, "--fail-on", "new")
        assert done.returncode == 2
        assert word in done.stderr
