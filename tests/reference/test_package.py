"""What the package promises as a whole: it runs as documented, and it needs NumPy alone."""

import ast
import doctest
import sys
from pathlib import Path

import pytest

from convsuite import reference

SOURCES = sorted(Path(str(reference.__file__)).parent.glob("*.py"))


def test_documented_example() -> None:
    assert doctest.testmod(reference) == (0, 3)


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_imports_numpy_and_nothing_of_this_project(source: Path) -> None:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1, f"{source.name} line {node.lineno} imports from a sibling of the package"
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            roots = {name.partition(".")[0] for name in names}
            assert roots <= {"numpy", *sys.stdlib_module_names}, f"{source.name} line {node.lineno} imports {roots}"
