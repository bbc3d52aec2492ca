"""An explanation as data: what every engine calls a case, and what came of it when it ran."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...adapters.base import Words
from ...adapters.case import Case
from ...adapters.layout import Layout, layouts
from ..verdict import GOOD
from .conversion import Conversion
from .geometry import Axis, axes_of

SCHEMA_VERSION = 1

LITERAL, COMPOSED, CANNOT, REFUSES = "literal", "composed", "cannot", "refuses"
"""How an engine says a case: its literal program is right; only another is, in other words or several calls; none is;
or it refuses a case that may be refused.
"""
OWN, SAME, NONE = "own", "same", "none"
"""The literal program: one of its own, the same as the equivalent one, or none, for lack of a word."""


@dataclass(frozen=True)
class Told:
    """One program and what came of it.

    ``verdict``, ``message`` and ``diagnosis`` (code, sentence, remedy) as in a record; ``words``: what the program
    comes to, where the adapter says it; ``shape``: of the result, channels last.
    """

    verdict: str
    message: str = ""
    program: str | None = None
    words: Words | None = None
    shape: tuple[int, ...] | None = None
    diagnosis: Mapping[str, str] | None = None

    @property
    def ok(self) -> bool:
        """Whether it is what is right of the case."""
        return self.verdict in GOOD

    def to_json(self) -> dict[str, Any]:
        """The fields as JSON values, and ``ok``."""
        return {
            "verdict": self.verdict,
            "ok": self.ok,
            "message": self.message,
            "shape": self.shape,
            "call": self.words and self.words.call,
            "data_format": self.words and self.words.data_format,
            "kernels": None if self.words is None else {n: _kernel(one) for n, one in self.words.kernels.items()},
            "diagnosis": None if self.diagnosis is None else dict(self.diagnosis),
            "program": self.program,
        }


@dataclass(frozen=True)
class Row:
    """One engine: ``says`` how (see above), and whether its ``literal_form`` is `OWN`, `SAME` or `NONE`.

    ``kept``: when the answer was got, where it comes from an earlier question, else None.
    """

    engine: str
    versions: Mapping[str, str]
    says: str
    literal_form: str
    equivalent: Told
    literal: Told | None = None
    kept: str | None = None

    @property
    def layouts(self) -> Mapping[str, Layout] | None:
        """How its equivalent program wants the kernels; None where nobody says it."""
        return None if self.equivalent.words is None else self.equivalent.words.kernels

    def to_json(self) -> dict[str, Any]:
        """As `Explanation.to_json` holds it."""
        return {
            "engine": self.engine,
            "versions": dict(self.versions),
            "says": self.says,
            "literal_form": self.literal_form,
            "equivalent": self.equivalent.to_json(),
            "literal": self.literal and self.literal.to_json(),
            "kept": self.kept,
        }


@dataclass(frozen=True)
class Explanation:
    """All of it.  ``axes``: none where a bad value leaves no sizes; ``missing``: engines and what they lack."""

    case: Case
    about: str = ""
    rows: tuple[Row, ...] = ()
    conversions: tuple[Conversion, ...] = ()
    missing: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The spatial axes in numbers."""
        return axes_of(self.case)

    @property
    def kernels(self) -> dict[str, Layout]:
        """The kernels in the reference's layout."""
        return layouts(self.case)

    @property
    def ok(self) -> bool:
        """Whether no engine that has an answer has a wrong one, and every conversion leads to a right one."""
        answered = all(row.equivalent.ok or row.equivalent.verdict == "unsupported" for row in self.rows)
        return answered and all(one.ok for one in self.conversions)

    def to_json(self) -> dict[str, Any]:
        """For programs; every value is JSON's."""
        due = bool(self.axes) and not self.case.must_refuse
        return {
            "schema_version": SCHEMA_VERSION,
            "case": self.case.to_json(),
            "about": self.about,
            "axes": [asdict(axis) for axis in self.axes],
            "pads": [axis.pads for axis in self.axes] or None,
            "output_shape": self.case.output_shape if due else None,
            "result_shape": self.case.result_shape if due else None,
            "kernels": {name: _kernel(layout) for name, layout in self.kernels.items()},
            "engines": [row.to_json() for row in self.rows],
            "conversions": [one.to_json() for one in self.conversions],
            "missing": dict(self.missing),
            "ok": self.ok,
        }


def _kernel(layout: Layout) -> dict[str, Any]:
    """A layout with the NumPy that follows an array in the reference's layout, and one in this."""
    return {
        "axes": layout.names.split(),
        "mirrored": layout.mirrored,
        "shape": layout.shape,
        "from_reference": layout.there,
        "to_reference": layout.back,
    }


def row_to_keep(row: Row) -> dict[str, Any]:
    """All of a row, for `row_from`."""

    def told(one: Told) -> dict[str, Any]:
        return {**vars(one), "words": one.words and one.words.to_json()}

    return {**vars(row), "equivalent": told(row.equivalent), "literal": row.literal and told(row.literal)}


def row_from(said: Mapping[str, Any], kept: str) -> Row:
    """The inverse of `row_to_keep` after a trip through JSON; ``kept``: since when.

    Raises KeyError and TypeError where it is something else.
    """

    def told(one: Mapping[str, Any]) -> Told:
        words = None if one["words"] is None else Words.from_json(one["words"])
        shape = None if one["shape"] is None else tuple(one["shape"])
        return Told(one["verdict"], one["message"], one["program"], words, shape, one["diagnosis"])

    literal = None if said["literal"] is None else told(said["literal"])
    versions, equivalent = said["versions"], told(said["equivalent"])
    return Row(said["engine"], versions, said["says"], said["literal_form"], equivalent, literal, kept)
