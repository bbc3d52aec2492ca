"""What all tests rest on: the command line inside this process, and pages in a browser."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from convsuite.conformance import corpus
from convsuite.conformance.entry import Entry
from convsuite.reports.html.picture import BROWSERS

# A shell starts jobs in its background with Ctrl-C ignored, and every process below inherits that: the tests that
# interrupt a command would wait for one that never hears of it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(autouse=True)
def _no_framework_in_this_process() -> Iterator[None]:
    """Frameworks are loaded by engines, in processes of their own: two of them in one, or one of them twice after
    `pytester` has put ``sys.modules`` back, crash it, and with it all tests that it had yet to run.
    """
    yield
    assert not {"torch", "tensorflow", "jax"} & sys.modules.keys()


@pytest.fixture
def needs() -> Callable[[str], None]:
    """Skips a test where a package is not installed, without importing it."""

    def installed(package: str) -> None:
        if find_spec(package) is None:
            pytest.skip(f"{package} is not installed")

    return installed


@pytest.fixture
def convsuite_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``convsuite ARGUMENTS`` in an empty folder, inside this process: ten times as fast as in one of its own."""
    from convsuite.cli import main

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["convsuite", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        said = capfd.readouterr()
        return subprocess.CompletedProcess(sys.argv, int(left.value.code or 0), said.out, said.err)

    return run


@pytest.fixture(scope="session")
def shipped_entries() -> list[Entry]:
    """The whole corpus, which takes seconds to read: once for all tests, which do not change it."""
    return corpus.load()


@pytest.fixture(scope="session")
def browser():
    """An installed Chromium; tests that need it are skipped where there is none."""
    driver = pytest.importorskip("playwright.sync_api", reason="the browser is driven by playwright")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"none of {', '.join(BROWSERS)} is installed")
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def listened(browser):
    """Opens an address; what the page asks for and complains about is in its lists `asked` and `said`."""
    contexts = []

    def open_it(address, viewport, scheme):
        context = browser.new_context(viewport=viewport, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("console", lambda message: page.said.append(message.text))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()
