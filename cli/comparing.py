"""`convsuite compare`: two runs beside each other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from ..conformance.errors import UsageError
from ..reports.comparison import pages, text
from ..reports.comparison.compare import Comparison, compare
from . import STATUS_NEW
from .publishing import check_whole, write


def compare_command(before: Path, after: Path, options: Mapping[str, Any]) -> int:
    """Shows what has changed and writes the files that are asked for; 1 where something got worse.

    The text goes to standard output, or to standard error where a file is "-".  Raises `UsageError`, with all of it
    shown and written, where too little was compared to say that nothing got worse.
    """
    written = [options[name] for name in ("markdown", "html", "json_file")]
    if written.count("-") > 1:
        raise UsageError("only one file can be standard output", got="-", expected="names for the others")
    found = compare(before, after)
    console = Console(stderr="-" in written, highlight=False, emoji=False, markup=False)
    text.show(found, console)
    if (target := options["markdown"]) is not None:
        write("the comparison", target, pages.to_markdown(found).encode(), tell=False)
    if (target := options["html"]) is not None:
        write("the comparison", _page(target), pages.to_html(found).encode(), tell=False)
    if (target := options["json_file"]) is not None:
        content = json.dumps(found.to_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
        write("the comparison", target, content.encode(), tell=False)
    return _status(found, options["fail_on"])


def _status(found: Comparison, fail_on: str) -> int:
    if fail_on == "never":
        return 0
    if not found.compared:
        got = "no record that both runs have"
        raise UsageError("nothing was compared", got=got, expected="runs of the same cases on the same engines")
    check_whole(found.after)
    return STATUS_NEW if found.worse(fail_on) else 0


def _page(target: str) -> str:
    """The HTML file: the one that is named, or index.html in a folder.  Raises `UsageError`."""
    if target == "-" or target.endswith((".html", ".htm")):
        return target
    try:
        Path(target).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"the comparison cannot be written: {error.strerror}", got=target) from error
    return str(Path(target) / "index.html")
