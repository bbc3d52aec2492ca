"""A run as JUnit XML: a suite per engine, a test case per record.

The elements are those that Jenkins (its junit-10.xsd) and GitLab read.  What fails a run fails here: a new discrepancy
and one that has vanished are failures, a new crash or timeout is an error.  Known discrepancies are skipped, with the
reason, and so are relations that could not be judged and engines that are not installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET

from ..conformance.verdict import UNJUDGED
from .wording import Record, describe, headline, rerun

ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold, not even escaped: control characters above all, which dying programs print."""
LONGEST_MESSAGE, LONGEST_BODY = 500, 8_000
BROKEN = ("crash", "timeout")
LIMIT = re.compile(r"no answer within (\S+) s")
"""What the record of a timeout says of the time that it took: a resumed run may have had several limits."""


def render(run: Mapping[str, Any], records: Iterable[Record]) -> bytes:
    """The file's contents, UTF-8, from run.json and the records."""
    by_engine: dict[str, list[Record]] = {name: [] for name in run.get("engines", {})}
    for record in records:
        by_engine.setdefault(record["engine"], []).append(record)
    root = ET.Element("testsuites", name="convsuite")
    for engine, given in by_engine.items():
        root.append(_suite(run, engine, given))
    missing = {name: lacks for name, lacks in run.get("missing", {}).items() if not by_engine.get(name)}
    for engine, lacks in missing.items():
        suite = ET.SubElement(root, "testsuite", name=_clean(engine))
        _say(_testcase(suite, engine, "installed"), "skipped", "missing", f"not installed: {lacks}")
    if run["status"] != "complete":
        suite = ET.SubElement(root, "testsuite", name="convsuite")
        said = f"the run is {run['status']}: cases that are not here have not been judged"
        _say(_testcase(suite, "convsuite", "the run is complete"), "error", str(run["status"]), said)
    for suite in root:
        _count(suite)
    for name in ("tests", "failures", "errors"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    root.set("time", f"{sum(float(suite.get('time', '0')) for suite in root):.6f}")
    ET.indent(root, " ")
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _suite(run: Mapping[str, Any], engine: str, records: Sequence[Record]) -> ET.Element:
    suite = ET.Element("testsuite", name=_clean(engine), timestamp=str(run["started"])[:19])
    properties = ET.SubElement(suite, "properties")
    for name, value in _properties(run, engine).items():
        ET.SubElement(properties, "property", name=_clean(name), value=_clean(value))
    for record in records:
        _record(suite, run, record)
    if why := run.get("broken", {}).get(engine):
        said = f"{why}; the rest of its cases has no record"
        _say(_testcase(suite, engine, "starts again"), "error", "broken", said)
    return suite


def _properties(run: Mapping[str, Any], engine: str) -> dict[str, str]:
    """What computed: versions, the processor and the variables that choose kernels."""
    row: Mapping[str, Any] = run.get("engines", {}).get(engine, {})
    machine: Mapping[str, Any] = run["machine"]
    return {
        **{f"version.{name}": str(number) for name, number in row.get("versions", {}).items()},
        **{f"environment.{name}": str(value) for name, value in row.get("environment", {}).items()},
        "seed": str(run.get("seed", 0)),
        "cases.digest": str(run["digest"]),
        "machine.cpu": str(machine.get("cpu")),
        "machine.system": str(machine.get("system")),
        "python": str(machine.get("python")),
    }


def _record(suite: ET.Element, run: Mapping[str, Any], record: Record) -> None:
    case = _testcase(suite, f"{record['engine']}.{record['family']}", f"{record['case']} [{record['form']}]")
    case.set("time", f"{_seconds(record):.6f}")
    verdict, status = record["verdict"], record["status"]
    if status in ("new", "vanished"):
        kind = "error" if verdict in BROKEN else "failure"
        name = verdict if status == "new" else status
        body = "\n".join([f"$ {rerun(run, record)}", *describe(record)])
        _say(case, kind, name, headline(record), body)
    elif status == "known":
        _say(case, "skipped", f"known {verdict}", f"known: {record['known']}")
    elif verdict == UNJUDGED:
        _say(case, "skipped", UNJUDGED, record["message"])


def _seconds(record: Record) -> float:
    """What the record took; a timeout its limit, and 0 where nobody knows, as of a crash."""
    limit = LIMIT.match(record["message"] or "") if record["verdict"] == "timeout" else None
    return float(limit[1]) if limit else record["seconds"] or 0.0


def _testcase(suite: ET.Element, classname: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_clean(classname), name=_clean(name), time="0.000000")


def _say(case: ET.Element, tag: str, kind: str, message: str, body: str = "") -> None:
    said = ET.SubElement(case, tag, type=kind, message=_clean(message[:LONGEST_MESSAGE]))
    said.text = _clean(body[:LONGEST_BODY]) or None


def _count(suite: ET.Element) -> None:
    """Writes the sums of its test cases into a suite."""
    suite.set("tests", str(len(suite.findall("testcase"))))
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(len(suite.findall(f"testcase/{tag}"))))
    suite.set("time", f"{sum(float(case.get('time', '0')) for case in suite.iter('testcase')):.6f}")


def _clean(text: object) -> str:
    """The text with what XML cannot hold spelled as Python would."""
    return ILLEGAL.sub(lambda found: repr(found[0])[1:-1], str(text))
