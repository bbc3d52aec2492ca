"""Several engines in one process, as one adapter whose forms are ``NUMBER/FORM``: a member, and a form of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...adapters.base import Adapter, CallProgram, Program
from ...adapters.case import Case
from ..loading import load


class Together:
    """Each member answers for itself; a framework is imported when its first program runs."""

    def __init__(self, members: Sequence[Adapter]) -> None:
        self._members = members

    @property
    def profile(self) -> str | None:
        """What the one member says, where there is one."""
        said = [getattr(member, "profile", None) for member in self._members]
        return said[0] if len(said) == 1 else None

    def versions(self) -> dict[str, str]:
        """Those of all members."""
        return {name: number for member in self._members for name, number in member.versions().items()}

    def translate(self, case: Case, form: str) -> Program | None:
        """The member's program in its form; None where no member is named."""
        place, _, own = form.partition("/")
        return self._members[int(place)].translate(case, own) if place.isdigit() else None


class OneCall(CallProgram):
    """The same for the one member whose programs call it, and which therefore has to be what the worker runs."""

    def translate(self, case: Case, form: str) -> Program | None:
        """See `CallProgram.translate`."""
        return super().translate(case, form.partition("/")[2])


def together(members: Sequence[tuple[str, dict[str, Any]]]) -> Adapter:
    """The adapter for engines, each with its adapter's place and options.  Raises `loading.Fault`."""
    loaded = [load(place, options) for place, options in members]
    if len(loaded) == 1 and isinstance(loaded[0], CallProgram):
        return OneCall(loaded[0].engine)
    return Together(loaded)
