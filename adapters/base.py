"""What an adapter is: it says a case in one framework's own words.

Rules of this layer:

- An adapter's module imports no framework; the framework's name stands in the *source text* it produces, and is
  imported when an engine process executes that text.  What is printed is what ran.
- An adapter knows the `Case` and nothing above it: no file format, no expected value, no verdict.
- An adapter computes nothing from a bad value.  In a case that must be refused the error has to be the framework's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .case import Case
from .layout import Layout, layouts

FORMS = ("equivalent", "literal")
CALL = "engine.run(case, arrays)"
"""What the programs of `CallProgram` do."""


class Unsupported(Exception):
    """The framework has no way to compute this case.  The message says what it lacks."""


@dataclass(frozen=True)
class Words:
    """What a program comes to, for a reader.

    ``call``: source that leaves the forward result in ``y``, in terms of ``x``, ``w``, ``p``, ``b``; ``data_format``:
    of ``x`` and ``y``; ``kernels``: how ``w`` and ``p`` lie, by the case's argument; ``whole``: whether the engine is
    told the case as it stands, and has no other words.
    """

    call: str
    data_format: str
    kernels: Mapping[str, Layout]
    whole: bool = False

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values."""
        kernels = {name: layout.to_json() for name, layout in self.kernels.items()}
        return {"call": self.call, "data_format": self.data_format, "kernels": kernels, "whole": self.whole}

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Words:
        """The inverse of `to_json`."""
        kernels = {name: Layout.from_json(layout) for name, layout in said["kernels"].items()}
        return cls(said["call"], said["data_format"], kernels, said["whole"])


@dataclass(frozen=True)
class Program:
    """Source text in four parts, executed in this order in one namespace that holds the case's arrays by name.

    ``imports``; ``prepare``: arrays into the framework, layers built, functions compiled; ``run``: what is timed and
    repeated, blocking until the result is there; ``result``: leaves a NumPy array in the variable ``result``.
    """

    imports: str
    prepare: str
    run: str
    result: str
    words: Words | None = field(default=None, compare=False)
    """For `convsuite explain`; an adapter need not give them."""

    @property
    def source(self) -> str:
        """The whole program as one script."""
        parts = (("imports", self.imports), ("prepare", self.prepare), ("run", self.run), ("result", self.result))
        return "\n".join(f"# {name}\n{text.strip()}" for name, text in parts) + "\n"


@runtime_checkable
class Adapter(Protocol):
    """The full contract; see `RunAdapter` for the short one."""

    def versions(self) -> dict[str, str]:
        """Distribution names and versions of what computes."""
        ...

    def translate(self, case: Case, form: str) -> Program | None:
        """The program for the case in that form; None where the framework has no word for the form.

        Raises `Unsupported` where the framework has no way at all.
        """
        ...


@runtime_checkable
class RunAdapter(Protocol):
    """The short contract for third parties: one method, arrays in and array out.

    ``arrays``: ``input``, ``kernel`` or ``depthwise_kernel`` and ``pointwise_kernel``, ``bias`` and, for gradients,
    ``output_gradient``; kernels in the reference's layout, input, output gradient and result in the case's
    ``data_format``.  Any exception is the framework's; NotImplementedError means that it has no way.
    """

    def run(self, case: Case, arrays: dict[str, np.ndarray]) -> np.ndarray: ...


class CallProgram:
    """Makes a `RunAdapter` look like an `Adapter`: its program calls ``engine.run``."""

    def __init__(self, engine: RunAdapter) -> None:
        self.engine = engine

    def versions(self) -> dict[str, str]:
        """What the engine says of itself, if it says anything."""
        said: Callable[[], dict[str, str]] | None = getattr(self.engine, "versions", None)
        return {} if said is None else said()

    def translate(self, case: Case, form: str) -> Program | None:
        """There is one form: the engine is told the case and does what it does."""
        if form != "equivalent":
            return None
        arrays = ", ".join(f"{name!r}: {viewed(name, case)}" for name in case.array_shapes)
        return Program(
            imports="import numpy as np",
            prepare=f"arrays = {{{arrays}}}",
            run=f"y = {CALL}",
            result="result = np.asarray(y)",
            words=Words(f"y = {CALL}", case.data_format, layouts(case), whole=True),
        )


_VIEWS = {
    "contiguous": "{0}",
    "strided": "np.repeat({0}, 2, axis=-1)[..., ::2]",
    "transposed": "np.ascontiguousarray({0}.T).T",
    "negative": "np.ascontiguousarray({0}[..., ::-1])[..., ::-1]",
}


def viewed(text: str, case: Case) -> str:
    """NumPy source for the array ``text`` in the memory layout that the case asks for, values unchanged."""
    return _VIEWS[case.layout].format(text)
