"""How long the suite's imports take."""

from __future__ import annotations

HELP = """
import contextlib, io
from convsuite.cli.commands import app
with contextlib.redirect_stdout(io.StringIO()):
    app(["--help"], standalone_mode=False)
"""
TEXTS = {
    "convsuite --help": HELP,
    "convsuite.reference": "import convsuite.reference",
    "convsuite.conformance": "import convsuite.conformance",
}


class Imports:
    """In fresh interpreters, whose own start does not count."""

    version = "1"
    params = (list(TEXTS),)
    param_names = ("what",)

    def timeraw_import(self, what: str) -> str:
        return TEXTS[what]
