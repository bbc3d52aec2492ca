"""What a report has computed, kept beside the run, so that the next report of the run is made at once."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

NAME = "report-cache.json"


class Cache:
    """JSON values by a key of everything that they depend on.  A folder that cannot be written to has no cache."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / NAME
        self._kept: dict[str, Any] = {}
        with contextlib.suppress(OSError, ValueError):
            found: Any = json.loads(self._file.read_text(encoding="utf-8"))
            self._kept = cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def get(self, *depends_on: Any) -> Any:
        """The value, or None."""
        return self._kept.get(_key(depends_on))

    def put(self, value: Any, *depends_on: Any) -> None:
        """Keeps a value; `save` writes it."""
        self._kept[_key(depends_on)] = value

    def of(self, compute: Callable[[], Any], *depends_on: Any) -> Any:
        """The value, computed where it is not there."""
        found = self.get(*depends_on)
        if found is None:
            found = compute()
            self.put(found, *depends_on)
        return found

    def save(self) -> None:
        """Writes what there is, in one step."""
        part = self._file.with_suffix(".part")
        with contextlib.suppress(OSError):
            part.write_text(json.dumps(self._kept, ensure_ascii=False) + "\n", encoding="utf-8")
            part.replace(self._file)


def _key(depends_on: tuple[Any, ...]) -> str:
    return hashlib.sha256(json.dumps(depends_on, sort_keys=True, default=str).encode()).hexdigest()[:32]
