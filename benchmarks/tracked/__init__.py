"""What asv tracks.  It imports every module here, so that there is nothing else here; see `series`.

A module is a part that can be asked for: `asv run --bench '^yardstick'`.
"""

from pathlib import Path

from convsuite.benchmarks.series import ROOT

# asv believes whatever commit it is told; an interpreter with another copy of the package would measure that one
if Path(__file__).resolve().parents[2] != ROOT:
    raise ImportError(f"the benchmarks in {Path(__file__).resolve().parents[2]} would measure convsuite in {ROOT}")
