"""``python -m convsuite.conformance.covering [FOLDER]``: the files of cases/covering, made anew."""

import sys
from pathlib import Path

from ..entry import shipped
from .generate import write
from .model import FAMILIES

write(Path(sys.argv[1]) if len(sys.argv) > 1 else shipped() / "covering", FAMILIES)
