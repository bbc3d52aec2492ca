"""The wheel: what is in it, and that it runs where nothing else is installed."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("wheel")  # one worker builds and installs it, once

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]
INSTALLED = "import importlib.metadata as m, json; print(json.dumps([d.name.lower() for d in m.distributions()]))"
SMALL = ("--filter", "rank == 1 and op == 'conv'")


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of what the build reads: another build's leftovers cannot end up in the wheel, nor ours in the tree."""
    folder = tmp_path_factory.mktemp("source")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    for name in FOLDERS.values():
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, source)
    (path,) = out.iterdir()
    return path


@pytest.fixture(scope="module")
def environment(wheel, tmp_path_factory):
    """The scripts' folder of an environment that holds the wheel, what it depends on, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt", wheel)
    return folder / "bin"


def run(*command, cwd=None):
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, f"{command}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def test_wheel_holds_the_packages_and_nothing_else(wheel, source):
    names = set(zipfile.ZipFile(wheel).namelist())
    version = PROJECT["project"]["version"]
    assert {name.partition("/")[0] for name in names} == {"convsuite", f"convsuite-{version}.dist-info"}
    expected = {
        "/".join((*package.split("."), *file.parts))
        for package, folder in FOLDERS.items()
        for file in files(source / folder)
        if file.suffix != ".md"  # notes for those who read the tree
    }
    assert {name for name in names if name.startswith("convsuite/")} == expected


def test_every_package_is_listed():
    """Setuptools takes the list as it is: a subpackage that is not in it is missing from the wheel without a word."""
    found = {
        ".".join((package, *init.parent.relative_to(ROOT / folder).parts))
        for package, folder in FOLDERS.items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert found == set(PROJECT["tool"]["setuptools"]["packages"])


def test_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        metadata = archive.read(name).decode()
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata


def test_installed_alone_it_has_no_framework(environment):
    listed = json.loads(run(environment / "python", "-c", INSTALLED).stdout)
    assert "convsuite" in listed
    assert not {"jax", "keras", "onnx", "tensorflow", "torch"} & set(listed)


def test_installed_alone_it_helps(environment, tmp_path):
    assert "run" in run(environment / "convsuite", "--help", cwd=tmp_path).stdout


def test_installed_alone_it_lists_engines(environment, tmp_path):
    listed = run(environment / "convsuite", "list", "engines", cwd=tmp_path).stdout
    assert "reference" in listed
    assert "torch" in listed


def test_installed_alone_it_runs_the_corpus(environment, tmp_path):
    """Status 0: the reference's own answers, computed in an engine process, are what the harness expects."""
    run(environment / "convsuite", "run", "--engine", "reference", *SMALL, "--out", "out", cwd=tmp_path)
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()]
    assert records
    assert all(record["engine"] == "reference" and record["ok"] for record in records)
    assert (tmp_path / "out" / "run.json").is_file()
