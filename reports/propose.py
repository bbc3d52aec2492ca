"""Expectations for what is new in a run, as YAML for a person to complete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from .tables import groups

HEADER = """\
# Proposed from a run: one entry per engine, form, verdict, operation and rank.
# Look at each before you keep it, and say why in a sentence that someone who ports a model understands.
"""


def propose(records: Sequence[dict[str, Any]]) -> str:
    """The text of an expectations file that makes the new records known; ``expectations: []`` where none is new."""
    entries = groups(records, "new")
    if not entries:
        return "expectations: []\n"
    lines = [HEADER + "expectations:\n"]
    for group in entries:
        entry: dict[str, Any] = {
            "engine": group.engine,
            "form": group.form,
            "when": group.condition,
            "verdict": group.verdict,
            "why": f"TODO: {group.count} cases, for example {group.example}: {group.message}"[:400],
        }
        if not group.exact:
            lines.append("  # the condition concerns cases that are right as well: narrow it, then drop `sometimes`\n")
            entry["sometimes"] = True
        text = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=110)
        lines += [f"  {line}\n" for line in text.splitlines()]
    return "".join(lines)
