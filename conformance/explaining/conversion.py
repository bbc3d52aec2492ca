"""Kernels from one framework's layout into another's: a Python function, written from the layouts and then run."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ...adapters.layout import Layout
from ..verdict import GOOD

if TYPE_CHECKING:
    from .explanation import Row

Layouts = Mapping[str, Layout]
Arrays = dict[str, np.ndarray]
WRONG = "differs"


@dataclass(frozen=True)
class Conversion:
    """How kernels of one engine become another's: ``code``, a Python function ``name`` that needs NumPy as np.

    ``verdict``: on what the target's equivalent program made of kernels that are, to the last element, where this
    function puts them; "differs" where it puts any of them elsewhere.
    """

    source: str
    target: str
    name: str
    code: str
    verdict: str

    @property
    def ok(self) -> bool:
        """Whether the target's result with them was right."""
        return self.verdict in GOOD

    def to_json(self) -> dict[str, Any]:
        """The fields, and ``ok``."""
        return {**asdict(self), "ok": self.ok}


def convert(source: Row, target: Row) -> Conversion | None:
    """The conversion between the kernels of two engines' equivalent programs; None where one does not say its layout.

    Every element is numbered, and has to arrive where the target's program, which has run and been judged, has it.
    """
    there, due = source.layouts, target.layouts
    if there is None or due is None:
        return None
    name = re.sub(r"\W", "_", f"from_{source.engine}_to_{target.engine}")
    code = function(name, there, due)
    numbered = {key: numbers(layout) for key, layout in there.items()}
    came, expected = apply(code, name, laid_out(numbered, there)), laid_out(numbered, due)
    arrived = all(np.array_equal(came[key], expected[key]) for key in expected)
    verdict = target.equivalent.verdict if arrived else WRONG
    return Conversion(source.engine, target.engine, name, code, verdict)


def function(name: str, there: Layouts, due: Layouts) -> str:
    """The text of a function that takes the kernels in the layouts ``there`` and gives them in the layouts ``due``."""
    moved = [f"np.ascontiguousarray({key}{text})" if (text := there[key].to(due[key])) else key for key in there]
    lines = [f"{described(there[key])} to {described(due[key])}" for key in there]
    return f'def {name}({", ".join(there)}):\n    """{"; ".join(lines)}."""\n    return {", ".join(moved)}\n'


def described(layout: Layout) -> str:
    """Axes and sizes in a line."""
    mirrored = ", mirrored" if layout.mirrored else ""
    return f"({', '.join(layout.names.replace('*k', '*kernel').split())}) = {layout.shape}{mirrored}"


def numbers(layout: Layout) -> np.ndarray:
    """A kernel in the reference's layout, every element of which is its own number."""
    shape = layout.reference.shape
    return np.arange(math.prod(shape)).reshape(shape)


def apply(code: str, name: str, kernels: Arrays) -> Arrays:
    """What the function ``name`` of a text makes of the kernels."""
    namespace: dict[str, Any] = {"np": np}
    exec(compile(code, "<conversion>", "exec"), namespace)  # noqa: S102  what is printed is what runs
    given = namespace[name](**kernels)
    return dict(zip(kernels, given if len(kernels) > 1 else (given,), strict=True))


def laid_out(kernels: Arrays, layouts: Layouts) -> Arrays:
    """Kernels of the reference's layout in these."""
    return {name: reordered(array, layouts[name].there) for name, array in kernels.items()}


def reordered(array: np.ndarray, text: str) -> np.ndarray:
    """The array with the NumPy after it that a layout has written."""
    return np.ascontiguousarray(eval(f"array{text}", {"array": array}))  # noqa: S307  what is printed is what runs
