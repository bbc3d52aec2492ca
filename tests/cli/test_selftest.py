"""`convsuite selftest` as a user meets it."""

from __future__ import annotations

import json

import pytest

from convsuite.conformance import selftest
from convsuite.conformance.entry import shipped
from convsuite.conformance.faults import Right
from convsuite.conformance.faults.catalogue import catalogue

DIGITS = str(shipped() / "conv1d" / "digits.yaml")  # the file alone: the whole corpus takes seconds to read
LAWS = str(shipped() / "laws" / "gradients.yaml")
KILLED = ["selftest", DIGITS, "--fault", "kernel-mirrored", "--fault", "dilation-dropped"]


def test_all_killed_is_status_0(convsuite_here):
    done = convsuite_here(*KILLED)
    assert done.returncode == 0, done.stderr
    assert "2 of 2 faults killed" in done.stderr
    assert "0 false alarms" in done.stderr
    assert "\x1b" not in done.stderr
    assert done.stdout == ""


def test_a_survivor_is_status_1(convsuite_here):
    done = convsuite_here(*KILLED, "--fault", "crop-one-late")
    assert done.returncode == 1
    assert "crop-one-late survives: it applies to none of these cases" in done.stderr
    hidden = convsuite_here("selftest", DIGITS, "--fault", "tf32-inputs")
    assert hidden.returncode == 1
    assert "tf32-inputs survives: both factors are rounded" in hidden.stderr


def test_a_false_alarm_is_status_1(convsuite_here, monkeypatch):
    """Somebody who is called right and is not."""
    wrong = Right("mirrored", "the kernel the other way round", catalogue()["kernel-mirrored"].answer)
    monkeypatch.setattr(selftest, "RIGHT", (*selftest.RIGHT, wrong))
    done = convsuite_here(*KILLED)
    assert done.returncode == 1
    assert "false alarm: conv1d/digits::valid: differs for mirrored" in done.stderr


def test_a_wrong_code_is_status_2_with_what_comes_near(convsuite_here):
    done = convsuite_here("selftest", "--fault", "kernel-miror")
    assert done.returncode == 2
    assert "kernel-mirrored" in done.stderr
    assert "Traceback" not in done.stderr


def test_other_wrong_input_is_status_2(convsuite_here):
    for wrong in (
        ["no-such-case"],
        [DIGITS, "--filter", "strides > 7"],
        [DIGITS, "--json", "no/such/x"],
    ):
        done = convsuite_here("selftest", *wrong)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr


def test_steps_that_no_wrong_engine_could_hold_are_left_out_and_said(convsuite_here, tmp_path):
    """A fault that takes a stride of 2**31 for a size would ask for gigabytes."""
    cases = tmp_path / "cases.yaml"
    keys = "op: conv, input: [1, 5, 2], kernel_size: 2, filters: 3"
    cases.write_text(f"cases: [{{id: far, {keys}, strides: 2147483648}}, {{id: near, {keys}, strides: 2}}]")
    done = convsuite_here("selftest", str(cases), "--fault", "kernel-mirrored", "--json", str(tmp_path / "found.json"))
    assert done.returncode == 0, done.stderr
    assert "1 cases left out" in done.stderr
    assert json.loads((tmp_path / "found.json").read_text())["left_out"] == ["cases::far"]


def test_an_interruption_is_status_130(convsuite_here, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(selftest, "examine", interrupted)
    assert convsuite_here(*KILLED).returncode == 130


def test_json_holds_everything(convsuite_here, tmp_path):
    done = convsuite_here(*KILLED, "--fault", "crop-one-late", "--json", "found.json")
    assert done.stdout == "found.json\n"
    found = json.loads((tmp_path / "found.json").read_text())
    mirrored, dilation, crop = found["faults"]
    assert mirrored["code"] == "kernel-mirrored"
    assert mirrored["source"]
    assert set(mirrored["killed_by"]) >= {"conv1d/digits::valid"}
    assert mirrored["verdicts"] == {"differs": len(mirrored["killed_by"])}
    assert dilation["applied"] >= len(dilation["killed_by"]) > 0
    assert crop["killed_by"] == []
    assert found["survivors"] == ["crop-one-late"]
    assert found["false_alarms"] == []
    assert "winograd-4" in found["right_engines"]
    assert found["cases"] == sum(one["cases"] for one in found["families"])
    assert set(found["enough"]).isdisjoint(found["idle_cases"])


@pytest.mark.slow
def test_two_processes_find_what_one_finds(convsuite, tmp_path):
    for jobs in (1, 2):
        convsuite("selftest", DIGITS, LAWS, "--fault", "kernel-mirrored", "--jobs", jobs, "--json", f"{jobs}.json")
    one, two = (json.loads((tmp_path / f"{jobs}.json").read_text()) for jobs in (1, 2))
    assert one["faults"] == two["faults"]
    assert one["idle_cases"] == two["idle_cases"]


def test_the_catalogue_can_be_read(convsuite_here):
    done = convsuite_here("selftest", "--list")
    assert done.returncode == 0
    assert all(f"{code}: {fault.sentence}" in done.stdout for code, fault in catalogue().items())
