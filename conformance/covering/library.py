"""The covering-array library, with a type: covertable, which knows constraints.

It is needed to make the files, not to run them.  https://covertable.walkframe.com
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

Condition = tuple[Sequence[str], Callable[[Mapping[str, Any]], bool]]
"""The parameters that it asks about, and whether a row that has them all may have them so."""


def covering_array(
    factors: Mapping[str, Sequence[Any]], strength: int, conditions: Sequence[Condition] = ()
) -> list[dict[str, Any]]:
    """Rows in which every combination of so many parameters' values occurs that the conditions allow."""
    from covertable import make  # pyright: ignore[reportMissingTypeStubs, reportUnknownVariableType]

    constraints = [{"operator": "fn", "requires": list(names), "evaluate": evaluate} for names, evaluate in conditions]
    levels = {name: list(values) for name, values in factors.items()}
    return cast("list[dict[str, Any]]", make(levels, strength=strength, constraints=constraints))
