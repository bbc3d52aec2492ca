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

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS: dict[str, str] = PROJECT["tool"]["setuptools"]["package-dir"]
INSTALLED = "import importlib.metadata as m, json; print(json.dumps([d.name.lower() for d in m.distributions()]))"
SMALL = ("--filter", "op == 'conv' and max(kernel_size) == 2")


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


@pytest.mark.slow
def test_it_runs_where_nothing_else_is_installed(wheel, tmp_path):
    """One test, since the workers of a parallel run would each make the environment."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "venv")
    python, convsuite = tmp_path / "venv" / "bin" / "python", tmp_path / "venv" / "bin" / "convsuite"
    pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    run(*pip, "install", "--quiet", "--no-compile", "--constraint", ROOT / "constraints.txt", wheel)
    installed = set(json.loads(run(python, "-c", INSTALLED).stdout))
    assert "convsuite" in installed
    assert not installed & {"jax", "keras", "onnx", "tensorflow", "torch"}

    assert "run" in run(convsuite, "--help", cwd=tmp_path).stdout
    engines = run(convsuite, "list", "engines", cwd=tmp_path).stdout
    assert "reference" in engines
    assert "torch" in engines

    # Status 0: what the reference computes in an engine process is what the harness expects.
    run(convsuite, "run", "--engine", "reference", *SMALL, "--out", "out", cwd=tmp_path)
    records = [json.loads(line) for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()]
    assert records
    assert all(record["engine"] == "reference" and record["ok"] for record in records)
    assert (tmp_path / "out" / "run.json").is_file()
