"""What a case came to on an engine, in one word: the outcomes of its forms together, as the matrix shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ...adapters.base import Adapter, Unsupported
from ...adapters.source import SourceAdapter
from ...conformance import loading
from ...conformance.engines import Engine, gather
from ...conformance.errors import UsageError
from ..conditions import case_of

Record = Mapping[str, Any]


@dataclass(frozen=True)
class State:
    """``sign`` stands where there is no room for the name; neither is ever left to the colour alone."""

    name: str
    sign: str
    title: str
    about: str


STATES = {
    state.name: state
    for state in (
        State("literal", "=", "agrees literally", "The same-named option with the same numbers is right."),
        State("composed", "+", "agrees composed", "Right, but put together: there is no such word."),
        State("refuses", "R", "refuses rightly", "An error, where an error is due."),
        State("trap", "T", "trap", "The same words with the same numbers mean something else; a composition is right."),
        State("unsupported", "U", "refuses a valid case", "An error or no way at all, where there is an answer."),
        State("differs", "D", "differs", "Wrong values, shape or dtype, or another answer each time, said exactly."),
        State("accepted", "A", "accepts a wrong case", "An answer, where an error is due."),
        State("crash", "X", "crashes", "The process died, or gave no answer in time."),
        State("unjudged", "?", "not judged", "A relation between computations, of which one gave no result."),
    )
}  # fmt: skip
"""From best to worst, but for the last."""
OF_VERDICT = {
    "refused": "refuses", "unsupported": "unsupported", "accepted": "accepted", "crash": "crash", "timeout": "crash",
    "unjudged": "unjudged", "shape": "differs", "dtype": "differs", "unstable": "differs", "differs": "differs",
}  # fmt: skip
GOOD = ("literal", "composed", "refuses")


class Words:
    """Whether an engine says a case literally: the program that ran is that of its adapter's literal form.

    Adapters are asked here, not engine processes: what they write is text, and no framework is imported.  Those that
    have one way to say a case (the reference, an adapter's file) count as saying it literally.
    """

    def __init__(self, engines_file: str | None) -> None:
        try:
            self._engines: Mapping[str, Engine] = gather(engines_file)
        except UsageError:  # the run's file of engines is gone
            self._engines = gather(None)
        self._adapters: dict[str, Adapter | None] = {}

    def literal(self, record: Record) -> bool:
        """Of a record in the equivalent form."""
        if record.get("law") or record.get("check") or not record.get("program"):
            return True
        adapter = self._adapter(record["engine"])
        if not isinstance(adapter, SourceAdapter):
            return True
        try:
            program = adapter.translate(case_of(record), "literal")
        except (Unsupported, ValueError, TypeError, KeyError):
            return False
        return program is not None and program.source == record["program"]

    def _adapter(self, name: str) -> Adapter | None:
        if name not in self._adapters:
            engine = self._engines.get(name)
            try:
                ours = engine is not None and not engine.adapter.rpartition(":")[0].endswith(".py")
                self._adapters[name] = loading.load(engine.adapter, engine.options) if engine and ours else None
            except loading.Fault:
                self._adapters[name] = None
        return self._adapters[name]


def state_of(records: Iterable[Record], words: Words) -> str:
    """The name of the state that a case's records on one engine, one per form, come to."""
    by_form = {record["form"]: record for record in records}
    said = {form: OF_VERDICT.get(record["verdict"], "right") for form, record in by_form.items()}
    if "crash" in said.values():
        return "crash"
    equivalent, literal = said.get("equivalent"), said.get("literal")
    if equivalent is None:  # the run took the literal form alone
        return {"right": "literal", "differs": "trap"}.get(str(literal), str(literal))
    if equivalent != "right":
        return equivalent
    if literal is None:
        return "literal" if words.literal(by_form["equivalent"]) else "composed"
    return {"right": "literal", "differs": "trap"}.get(literal, "composed")
