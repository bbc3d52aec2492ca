"""The pytest plugin: ``pytest --convsuite-engine torch`` runs cases as test items.

Without that option, and without a ``convsuite_engine`` in a conftest.py, it does nothing; nor does it where files or
ids of other tests are given and no option of its own, for they say what is to run.  What it does otherwise stands in
`pytest_items`, which is not imported before.
"""

from __future__ import annotations

from argparse import ArgumentTypeError
from contextlib import suppress
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

ROOT = "convsuite"
"""What the ids of all items begin with, before ``::``."""
CONFTEST_NAME = "convsuite_engine"
"""What a conftest.py may say instead of the option: an adapter class, what the option takes, or a list of these."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; those of `convsuite run` that say what is run, with a prefix."""
    group = parser.getgroup("convsuite", "convolutions on an engine, judged against the NumPy reference of convsuite")
    several: dict[str, Any] = {"action": "append", "default": []}
    group.addoption(
        "--convsuite-engine", dest="convsuite_engine", metavar="NAME|FILE.py:CLASS", **several,
        help="Run cases on this engine, as items; may be repeated.",
    )  # fmt: skip
    group.addoption("--convsuite-engines-file", metavar="FILE", help="More engines, as YAML.")
    group.addoption(
        "--convsuite-cases", metavar="PATH|CASE", **several,
        help="Which cases; may be repeated.  Default: the corpus that ships, but for the layers of networks.",
    )  # fmt: skip
    group.addoption("--convsuite-tag", metavar="T", **several, help="Only cases with this tag.")
    group.addoption("--convsuite-filter", metavar="EXPR", help="Only cases where this holds, like 'strides > 1'.")
    group.addoption(
        "--convsuite-form", choices=["equivalent", "literal", "both"], default="equivalent",
        help="How the adapter says a case (default: equivalent).  Where there is no literal form, skipped.",
    )  # fmt: skip
    group.addoption(
        "--convsuite-expectations", metavar="FILE", help='Known discrepancies besides those that ship; "none" for none.'
    )
    group.addoption("--convsuite-seed", type=_seed, default=0, metavar="N", help="Other random data.")
    group.addoption(
        "--convsuite-timeout", type=_seconds, default=30.0, metavar="S", help="Seconds per case (default: 30)."
    )


def _seed(text: str) -> int:
    if text.isdecimal() and int(text) < 2**32:
        return int(text)
    raise ArgumentTypeError(f"{text!r} is no whole number from 0 to {2**32 - 1}")


def _seconds(text: str) -> float:
    with suppress(ValueError):
        if 0 < float(text) < inf:
            return float(text)
    raise ArgumentTypeError(f"{text!r} is no number of seconds above 0")


def pytest_configure(config: pytest.Config) -> None:
    """Has the items collected where an engine is asked for: by option, by a conftest.py, or by an item's id."""
    picked = [arg for arg in config.args if arg.startswith(f"{ROOT}::")]
    if picked:  # pytest takes arguments for paths; the workers of xdist are told by the option
        config.args = [arg for arg in config.args if arg not in picked]
        config.option.convsuite_picked = picked
    picked = getattr(config.option, "convsuite_picked", [])
    wanted: list[Any] = config.option.convsuite_engine or _of_conftests(config) or _named(picked)
    if not wanted or config.option.help or config.option.version or not _due(config, picked):
        return
    from .pytest_items import Suite

    config.pluginmanager.register(Suite(config, wanted, picked), "convsuite-items")


def _due(config: pytest.Config, picked: list[str]) -> bool:
    """Whether cases are asked for: by their ids, by an option on the command line, or because nothing else is named.

    The workers of xdist, whose arguments always look like given ones, are told.
    """
    option = config.option
    if not hasattr(option, "convsuite_due"):
        asked = any(arg.startswith("--convsuite-") for arg in config.invocation_params.args)
        named = config.args_source is config.ArgsSource.ARGS and not any(Path(arg).is_dir() for arg in config.args)
        option.convsuite_due = bool(picked) or asked or not named
    return option.convsuite_due


def _of_conftests(config: pytest.Config) -> list[Any]:
    """What conftest.py files say, those of the whole session: the ones beside its arguments and above."""
    found: list[Any] = []
    for plugin in config.pluginmanager.get_plugins():
        said = getattr(plugin, "__dict__", {}).get(CONFTEST_NAME)
        found += said if isinstance(said, list | tuple) else [] if said is None else [said]
    return found


def _named(picked: list[str]) -> list[str]:
    """The engines that ids of items name."""
    return list(dict.fromkeys(item.split("::")[1] for item in picked))
