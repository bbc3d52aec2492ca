"""A diagnosis, and how it is put into words."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from ...adapters.case import Case
from ..verdict import UNEXPLAINED
from . import numbers
from .meanings import Meaning
from .remedies import remedy


@dataclass(frozen=True)
class Diagnosis:
    """Why an engine differs. ``code``: stable, in kebab case; ``sentence``: with the case's own numbers; ``remedy``:
    what makes it agree, or nothing where the cause is not known.
    """

    code: str
    sentence: str
    remedy: str = ""

    def to_json(self) -> dict[str, str]:
        """As a record holds it."""
        return asdict(self)


def unexplained(sentence: str = "no meaning in the catalogue accounts for it") -> Diagnosis:
    """Where nothing fits, or what fits could not be proven."""
    return Diagnosis(UNEXPLAINED, sentence)


def say(code: str, sentence: str, case: Case) -> Diagnosis:
    """The diagnosis of a proven cause."""
    return Diagnosis(code, sentence, remedy(code, case))


def say_meaning(meaning: Meaning, case: Case) -> Diagnosis:
    """The cause's sentence, followed by what it comes to in this case."""
    changed = meaning.changed(case)
    told = "" if changed is None else numbers.tell(case, changed)
    if meaning.general and told:
        sentence = told
    else:
        sentence = f"{meaning.fault.sentence}: {told}" if told else meaning.fault.sentence
    return say(meaning.code, sentence, case)


def say_change(code: str, case: Case, changed: Case, more: str = "") -> Diagnosis:
    """What was computed instead of the case, in numbers alone."""
    said = "; ".join(part for part in (numbers.tell(case, changed), more) if part)
    return say(code, said, case)
