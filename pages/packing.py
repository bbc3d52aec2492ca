"""Rows by column: the different values once, and for every row the place of its value; unpack.js reads them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, list[Any]]]:
    """Rows that all have the first one's fields, packed field by field; nothing where there is no row."""
    return {field: column(row[field] for row in rows) for field in (rows[0] if rows else ())}


def column(values: Iterable[Any]) -> dict[str, list[Any]]:
    """``{"values", "places"}`` of JSON values in the rows' order.  1 and True stay apart, lists may be among them."""
    seen: dict[Any, int] = {}
    kept: list[Any] = []
    places: list[int] = []
    for value in values:
        key = (type(value), value) if value.__hash__ else json.dumps(value, sort_keys=True)
        if key not in seen:
            seen[key] = len(kept)
            kept.append(value)
        places.append(seen[key])
    return {"values": kept, "places": places}


def rounded(value: Any, digits: int) -> Any:
    """A float to so many significant digits, None where it is not finite; everything else as it is."""
    if not isinstance(value, float):
        return value
    return float(f"{value:.{digits}g}") if math.isfinite(value) else None
