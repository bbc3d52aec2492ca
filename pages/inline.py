"""Everything that a page needs, put into its one file: styles, scripts and data.  Nothing is loaded from anywhere."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

STATIC = Path(__file__).with_name("static")


def environment(templates: Path) -> Environment:
    """Jinja for pages: what is not marked as markup is escaped, and a name that is not given is an error."""
    return Environment(
        loader=FileSystemLoader(templates), undefined=StrictUndefined, autoescape=True, trim_blocks=True,
        lstrip_blocks=True, keep_trailing_newline=True,
    )  # fmt: skip


def text(file: Path) -> Markup:
    """A file of the project's own, to stand in the page as it is."""
    return Markup(file.read_text(encoding="utf-8"))  # noqa: S704  files that ship, never a user's


def joined(folder: Path, names: Iterable[str]) -> Markup:
    """Several files of a folder, one after the other."""
    return Markup("\n").join(text(folder / name) for name in names)


def shared(name: str) -> Markup:
    """A file of pages/static."""
    return text(STATIC / name)


def embedded(value: Any) -> Markup:
    """A JSON value for a ``<script type="application/json">``: no text in it can end the script.

    Raises ValueError for NaN and infinities, which JSON does not have.
    """
    return Markup(_json(value).replace("<", "\\u003c"))  # noqa: S704


def deflated(value: Any) -> str:
    """A large JSON value as base64 of raw deflate, which `inflated` of unpack.js reads.  Raises as `embedded`."""
    squeezed = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return base64.b64encode(squeezed.compress(_json(value).encode()) + squeezed.flush()).decode()


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
