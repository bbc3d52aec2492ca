"""constraints.txt pins what pyproject.toml asks for, in a form that any index serves."""

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")]
REQUIREMENTS = {
    text
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for text in texts
    if not text.startswith("convsuite[")
}


def test_pins_are_plain():
    for line in PINS:
        name, equals, version = line.partition("==")
        assert equals, line
        assert Requirement(line).url is None, line
        assert Version(version).local is None, line
        assert name == name.strip(), line


def test_each_package_is_pinned_once():
    names = [canonicalize_name(line.partition("==")[0]) for line in PINS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("text", sorted(REQUIREMENTS))
def test_requirement_is_pinned_within_its_range(text):
    requirement = Requirement(text)
    pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in PINS)}
    assert pins[canonicalize_name(requirement.name)] in requirement.specifier
