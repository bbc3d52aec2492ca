"""What importing convsuite costs, and which way its imports go."""

import ast
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FRAMEWORKS = ("flax", "jax", "jaxlib", "keras", "onnx", "onnxruntime", "tensorflow", "torch")
ENTRY_POINTS: dict[str, str] = PROJECT["project"]["entry-points"]["convsuite.adapters"]
ADAPTER_MODULES = {target.partition(":")[0] for target in ENTRY_POINTS.values()}

# Each folder and those that it may import from, itself aside.
ALLOWED = {
    "cases": set(),
    "pages": set(),
    "reference": set(),
    "adapters": {"reference"},
    "conformance": {"adapters", "cases", "reference"},
    "reports": {"adapters", "cases", "conformance", "pages", "reference"},
    "benchmarks": {"adapters", "cases", "conformance", "pages", "reference"},
    "cli": {"adapters", "benchmarks", "cases", "conformance", "pages", "reference", "reports"},
}


def sources() -> Iterator[Path]:
    for folder in ALLOWED:
        yield from sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and absolute dotted name of all that the file imports, at any depth of its code."""
    package = ("convsuite", *path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(), path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join((*base, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def test_imports_go_one_way():
    wrong = []
    for path in sources():
        folder = path.relative_to(ROOT).parts[0]
        for line, name in imported(path):
            root, *rest = name.split(".")
            if root == "convsuite" and rest[0] not in ALLOWED[folder] | {folder}:
                wrong.append(f"{path.relative_to(ROOT)}:{line}: {folder}/ imports {name}")
    assert not wrong, "\n".join(wrong)


def test_only_adapters_name_adapters():
    """The rest finds them through the entry points, as it finds a third party's."""
    wrong = []
    for path in sources():
        if path.relative_to(ROOT).parts[0] != "adapters":
            wrong += [
                f"{path.relative_to(ROOT)}:{line}: {name}"
                for line, name in imported(path)
                if ".".join(name.split(".")[:3]) in ADAPTER_MODULES
            ]
    assert not wrong, "\n".join(wrong)


def test_reference_needs_numpy_only():
    foreign = {
        name.partition(".")[0]
        for path in (ROOT / "reference").rglob("*.py")
        for _, name in imported(path)
        if name.partition(".")[0] not in sys.stdlib_module_names
    }
    assert foreign <= {"convsuite", "ml_dtypes", "numpy"}


@pytest.mark.parametrize("name", ENTRY_POINTS)
def test_entry_point_names_a_class(name):
    module, _, cls = ENTRY_POINTS[name].partition(":")
    path = ROOT.joinpath(*module.split(".")[1:]).with_suffix(".py")
    assert path.is_file()
    assert cls in {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}


@pytest.fixture
def traps(tmp_path):
    """Set traps: an environment where importing one of them leaves a line in a file, in this process's children too."""
    folder, log = tmp_path / "traps", tmp_path / "imported"
    log.touch()

    def set_traps(*names):
        for name in names:
            (folder / name).mkdir(parents=True)
            (folder / name / "__init__.py").write_text(
                f"open({str(log)!r}, 'a').write({name!r} + '\\n')\nraise ImportError({name!r})"
            )
        return {**os.environ, "PYTHONPATH": str(folder)}, log

    return set_traps


def python(env, code, *args):
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *args], env=env, capture_output=True, text=True, check=False
    )


def test_traps_work(traps):
    env, log = traps(*FRAMEWORKS)
    python(env, "import subprocess, sys; subprocess.run([sys.executable, '-c', 'import torch'])")
    assert log.read_text() == "torch\n"


@pytest.mark.parametrize("module", ["benchmarks.bench", "conformance", "reports", "cli"])
def test_importing_imports_no_framework(traps, module):
    env, log = traps(*FRAMEWORKS)
    done = python(env, f"import convsuite.{module}")
    assert (done.returncode, log.read_text()) == (0, ""), done.stderr


@pytest.mark.parametrize(
    "args",
    [["--help"], ["run", "--help"], ["bench", "--list"], ["list", "engines"], ["list", "cases", "conv1d"], ["schema"]],
)
def test_command_imports_no_framework(traps, args):
    env, log = traps(*FRAMEWORKS)
    done = python(env, "from convsuite.cli import main; main()", *args)
    assert (done.returncode, log.read_text()) == (0, ""), done.stderr


def test_engine_side_needs_numpy_only(traps):
    """The worker and the adapters run in interpreters that hold NumPy and one framework, and nothing of the harness."""
    env, log = traps(*FRAMEWORKS, "click", "jinja2", "pandas", "pydantic", "rich", "yaml")
    worker = ROOT / "conformance" / "worker.py"
    served = {"convsuite.benchmarks.probes", "convsuite.benchmarks.turns", "convsuite.conformance.answering"}
    imports = "".join(f"import {module}\n" for module in sorted(ADAPTER_MODULES | served))
    done = python(env, f"import runpy, sys; runpy.run_path(sys.argv[1], run_name='worker')\n{imports}", worker)
    assert (done.returncode, log.read_text()) == (0, ""), done.stderr


@pytest.mark.frameworks
@pytest.mark.parametrize("name", ["jax", "keras", "tensorflow", "torch"])
def test_adapters_do_not_shadow_their_frameworks(name):
    """adapters/torch.py is convsuite.adapters.torch, whatever the current directory; torch is torch."""
    code = (
        f"import importlib.util as u, convsuite.adapters.{name} as a; s = u.find_spec({name!r}); "
        "print(a.__file__); print(s.origin if s else '')"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code], cwd=ROOT / "adapters", capture_output=True, text=True, check=True
    )
    ours, theirs = done.stdout.splitlines()
    if not theirs:
        pytest.skip(f"{name} is not installed")
    assert Path(ours) == ROOT / "adapters" / f"{name}.py"
    assert not Path(theirs).is_relative_to(ROOT / "adapters")
