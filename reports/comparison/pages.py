"""A comparison as Markdown, and as one HTML page that holds everything it shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ...pages import inline
from .. import markdown
from .changes import KINDS, WORSE
from .compare import Comparison
from .text import headline

TEMPLATES = Path(__file__).parent.parent / "templates"
MOST_CASES = 200
"""Cases that a group of the HTML page lists; the JSON file has them all."""


def to_markdown(found: Comparison) -> str:
    """For a pull request; groups of records, the worst first."""
    return markdown.environment().get_template("comparison.md.j2").render(**_given(found))


def to_html(found: Comparison) -> str:
    """The page."""
    made = inline.environment(TEMPLATES)
    style, script = inline.shared("theme.css"), inline.shared("theme.js")
    return made.get_template("comparison.html.j2").render(**_given(found), style=style, script=script)


def _given(found: Comparison) -> dict[str, Any]:
    by_kind = {kind: [group for group in found.groups if group.kind == kind] for kind in KINDS}
    return {
        "found": found,
        "headline": headline(found),
        "about": KINDS,
        "worse": WORSE,
        "by_kind": {kind: groups for kind, groups in by_kind.items() if groups},
        "most": MOST_CASES,
    }
