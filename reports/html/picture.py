"""A picture of the report's first screen, for a README: taken by an installed Chromium.

python -m convsuite.reports.html.picture INDEX.html FILE.png
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from ...conformance.errors import UsageError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE = (1280, 1080)
"""Of the window, in CSS pixels: the counts, the legend and the matrix's first rows."""
MILLISECONDS = 10_000
"""Of the page's own time, until it is drawn."""
SECONDS = 120


def take(page: Path, target: Path) -> None:
    """Writes the PNG.  Raises `UsageError` where there is no page, no browser, or no picture of it."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if browser is None:
        raise UsageError("no browser to take a picture with", expected=f"one of {', '.join(BROWSERS)} on PATH")
    if not page.is_file():
        raise UsageError("no page is there", got=page, expected="what convsuite report RUN --html DIR has written")
    with tempfile.TemporaryDirectory(prefix="convsuite-") as profile:
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={profile}",
            f"--window-size={SIZE[0]},{SIZE[1]}", f"--virtual-time-budget={MILLISECONDS}",
            f"--screenshot={target.absolute()}", page.absolute().as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise UsageError("the browser has not ended", got=f"{SECONDS} s") from error
    if done.returncode or not target.is_file():
        raise UsageError("the browser has taken no picture", got=done.stderr.strip()[-200:])


def main() -> int:
    """Status 0, or 2 for a mistake in the input."""
    if len(sys.argv) != 3:
        print("usage: python -m convsuite.reports.html.picture INDEX.html FILE.png", file=sys.stderr)
        return 2
    try:
        take(Path(sys.argv[1]), Path(sys.argv[2]))
    except UsageError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(sys.argv[2])
    return 0


if __name__ == "__main__":
    sys.exit(main())
