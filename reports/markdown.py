"""The Markdown report of a run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from . import tables
from .findings import findings

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
"""Characters that no text holds but what dying programs print does."""


def environment() -> Environment:
    """Jinja for Markdown: the filters ``cell`` and ``code`` make text safe inside a table."""
    made = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  Markdown, not HTML; `cell` escapes what would break a table
    )
    made.filters["cell"] = _cell
    made.filters["code"] = _code
    return made


def render(run: dict[str, Any], records: Sequence[dict[str, Any]]) -> str:
    """The report's text, from run.json and the records."""
    families, engines, cells = tables.matrix(records, list(run.get("engines", ()))) if records else ([], [], {})
    return (
        environment()
        .get_template("report.md.j2")
        .render(
            run=run,
            counts={name: sum(record["status"] == name for record in records) for name in ("new", "known", "vanished")},
            total=len(records),
            families=families,
            engines=engines,
            cells=cells,
            empty=tables.Cell(),
            new=tables.groups(records, "new"),
            vanished=tables.groups(records, "vanished"),
            causes=tables.causes(records),
            diagnosed=tables.diagnosed(records),
            findings=sorted(findings(records), key=lambda one: one.section),
        )
    )


def _line(text: object) -> str:
    """Text on one line of a table, with a mark for each character that only a terminal or a printer would obey."""
    return CONTROL.sub("\ufffd", str(text).replace("\n", " ")).replace("|", "\\|")


def _cell(text: object) -> str:
    """Text inside a table's cell, which is no HTML."""
    return _line(text).replace("<", "&lt;")


def _code(text: object) -> str:
    """Text as code inside a table's cell, where HTML is text anyway."""
    return f"`{_line(text).replace('`', chr(39))}`"
