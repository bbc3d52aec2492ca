"""Known discrepancies: whom they concern, under which condition, and the sentence that explains them.

An entry speaks of records by engine, versions, form and a condition on the case, never by listing ids.  A bad record
is known where an entry that concerns it names its verdict.  An entry concerns good records too: then what it expects
no longer happens, which fails a run like a new discrepancy, unless the entry says ``sometimes``.

The relation of a law is concerned only by conditions that speak of ``law``: its record bears the parameters of a case
whose wrong results need not break the law.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from pydantic import Field, TypeAdapter, ValidationError

from .entry import NAMES, Entry
from .errors import UsageError
from .expressions import Expression, condition
from .schema import Strict
from .verdict import GOOD, UNJUDGED, BadVerdict, Judgement
from .yaml_lines import read_yaml


class ExpectationFields(Strict):
    """One entry of an expectations file."""

    engine: str | Annotated[list[str], Field(min_length=1)]
    versions: dict[str, str] = Field(default_factory=dict)
    form: Literal["equivalent", "literal"] | None = None
    when: str = "True"
    verdict: BadVerdict | Annotated[list[BadVerdict], Field(min_length=1)]
    why: Annotated[str, Field(min_length=10)]
    link: str | None = None
    sometimes: bool = False


class ExpectationFile(Strict):
    """A file of them."""

    expectations: list[ExpectationFields]


FILE = TypeAdapter(ExpectationFile)


@dataclass(frozen=True, eq=False)
class Expectation:
    """A known discrepancy."""

    engines: tuple[str, ...]
    versions: Mapping[str, SpecifierSet]
    form: str | None
    when: Expression
    verdicts: tuple[str, ...]
    why: str
    link: str | None
    sometimes: bool
    file: str
    line: int
    shipped: bool = False
    """Whether it is one of the suite's own, whose conditions are known to be exact on the shipped corpus alone."""

    def is_about(self, engine: str, versions: Mapping[str, str], form: str) -> bool:
        """Whether the entry speaks of this engine in this form."""
        return (
            (self.form is None or self.form == form)
            and any(_names(pattern, engine) for pattern in self.engines)
            and all(
                name in versions and allowed.contains(versions[name], prereleases=True)
                for name, allowed in self.versions.items()
            )
        )

    def concerns(self, entry: Entry) -> bool:
        """Whether the entry, being about the engine, speaks of this case."""
        return (entry.law is None or self.when.speaks_of("law")) and self.when(entry.values)

    def should_show(self, entry: Entry, judgement: Judgement) -> bool:
        """Whether a good record that the entry concerns means that the discrepancy has gone."""
        refused = judgement.verdict == "refused" and "unsupported" in self.verdicts  # an error all the same
        return not (self.sometimes or refused or (self.shipped and not entry.shipped))


def _names(pattern: str, engine: str) -> bool:
    """Whether a pattern means the engine; a file's path may hold characters that patterns give a meaning to."""
    return pattern == engine or fnmatch.fnmatchcase(engine, pattern)


@dataclass
class Ledger:
    """The expectations of a run and what became of each."""

    expectations: list[Expectation]
    modes: Mapping[str, str] = field(default_factory=dict[str, str])
    """By engine, the plain engine that it is a mode of: what is known of that one may show in this one as well."""
    concerned: Counter[Expectation] = field(default_factory=Counter[Expectation])
    seen: Counter[Expectation] = field(default_factory=Counter[Expectation])
    vanished: Counter[Expectation] = field(default_factory=Counter[Expectation])
    _found: dict[tuple[object, ...], list[Expectation]] = field(
        default_factory=dict[tuple[object, ...], list[Expectation]], repr=False
    )

    def weigh(
        self,
        engine: str,
        versions: Mapping[str, str],
        form: str,
        entry: Entry,
        judgement: Judgement,
        because: Expectation | None = None,
    ) -> tuple[str, Expectation | None]:
        """("as usual" | "known" | "new" | "vanished", the entry that says so, or that said otherwise).

        ``because``: what is known of a part, which explains that a law does not hold.
        """
        if entry.check is not None:  # what the reference says of itself is nobody's known discrepancy
            return "as usual" if judgement.verdict in GOOD else "new", None
        if judgement.verdict == UNJUDGED:
            return "as usual", None
        concerning = [one for one in self._about(engine, versions, form) if one.concerns(entry)]
        self.concerned.update(concerning)
        if judgement.verdict in GOOD:
            gone = [one for one in concerning if one.should_show(entry, judgement)]
            self.vanished.update(gone)
            return ("vanished", gone[0]) if gone else ("as usual", None)
        plain = self.modes.get(engine)
        of_plain = [] if plain is None else [one for one in self._about(plain, versions, form) if one.concerns(entry)]
        naming = [one for one in (*concerning, *of_plain) if judgement.verdict in one.verdicts]
        self.seen.update(naming[:1])
        if not naming and because is not None:
            return "known", because
        return ("known", naming[0]) if naming else ("new", concerning[0] if concerning else None)

    def _about(self, engine: str, versions: Mapping[str, str], form: str) -> list[Expectation]:
        """The entries about an engine in a form, found once: patterns and version ranges are asked for every record."""
        key = engine, form, *sorted(versions.items())
        if key not in self._found:
            self._found[key] = [one for one in self.expectations if one.is_about(engine, versions, form)]
        return self._found[key]

    def idle(self, engines: set[str]) -> list[Expectation]:
        """Entries about these engines that concerned no record."""
        return [
            one
            for one in self.expectations
            if one not in self.concerned
            and any(_names(pattern, engine) for pattern in one.engines for engine in engines)
        ]


def shipped() -> list[Expectation]:
    """What the pinned versions are known to do differently."""
    folder = Path(str(resources.files("convsuite.conformance"))) / "expectations"
    return [replace(one, shipped=True) for file in sorted(folder.glob("*.yaml")) for one in read(file)]


def read(file: Path) -> list[Expectation]:
    """The entries of one file.  Raises `UsageError` with the line of a mistake."""
    document = read_yaml(file)
    try:
        said = FILE.validate_python(document.value)
    except ValidationError as error:
        raise document.mistake(error.errors()[0]) from error
    entries: list[Expectation] = []
    for index, one in enumerate(said.expectations):
        place = ("expectations", index)
        try:
            versions = {name: SpecifierSet(text) for name, text in one.versions.items()}
        except InvalidSpecifier as error:
            raise document.error((*place, "versions"), "not a version range", got=error) from error
        entries.append(
            Expectation(
                engines=(one.engine,) if isinstance(one.engine, str) else tuple(one.engine),
                versions=versions,
                form=one.form,
                when=condition(one.when, NAMES, document.file, document.line((*place, "when"))),
                verdicts=(one.verdict,) if isinstance(one.verdict, str) else tuple(one.verdict),
                why=one.why,
                link=one.link,
                sometimes=one.sometimes,
                file=document.file,
                line=document.line(place),
            )
        )
    return entries


def gather(file: str | None) -> list[Expectation]:
    """The shipped entries and those of a file; with the word "none" no entry at all."""
    if file == "none":
        return []
    if file is not None and not Path(file).exists():
        raise UsageError("no such expectations file", got=file)
    return [*shipped(), *(read(Path(file)) if file else [])]
