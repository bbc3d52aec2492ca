"""Where cases come from: files, folders, or the corpus that ships; and how they are picked, by id, tag or condition."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .casefile import load_file
from .entry import NAMES, NETWORKS, Entry, shipped
from .errors import UsageError
from .expressions import condition

SUFFIXES = (".yaml", ".yml")
NETWORK_TAG = "network"
"""What the layers of networks are tagged with."""


def load(arguments: Sequence[str] = (), *, layers: bool = False) -> list[Entry]:
    """The cases of files and folders, or those of the shipped corpus that ids or patterns name; all of it by default.

    Layers of networks are left out where no argument asks for them, see `without_layers`, unless ``layers`` does.
    Raises `UsageError` for a mistake in a file, for a name that matches nothing and for two cases of one id.
    """
    paths = [argument for argument in arguments if is_path(argument)]
    wanted = [argument for argument in arguments if not is_path(argument)]
    entries: list[Entry] = []
    for path in paths:
        entries += load_path(Path(path))
    if wanted or not paths:
        corpus = load_path(shipped(), wanted)
        entries += corpus if not wanted else _named(wanted, corpus)
    entries = _unique(entries)
    return entries if layers else without_layers(entries, arguments)


def without_layers(entries: list[Entry], arguments: Sequence[str]) -> list[Entry]:
    """The entries less the layers of networks, which take as long as all the rest, that no argument asks for.

    A path in their folder asks for them, and so does an id or a pattern that begins with its name (``networks/vgg16``);
    the corpus as a whole does not, nor a pattern that happens to match.  Raises `UsageError` where nothing is left.
    """
    kept = [entry for entry in entries if not entry.layer or any(_asks_for(name, entry) for name in arguments)]
    if entries and not kept:
        raise UsageError(
            "only layers of networks are left, which run where they are asked for",
            got=f"{len(entries)} layers",
            expected=f"--tag {NETWORK_TAG}, or an id that begins with {NETWORKS}/",
        )
    return kept


def _asks_for(argument: str, layer: Entry) -> bool:
    if is_path(argument):
        path = Path(argument).absolute()
        return path.is_relative_to(shipped() / NETWORKS) and Path(layer.file).absolute().is_relative_to(path)
    return argument.startswith(NETWORKS) and _matches(layer.id, argument)


def is_path(argument: str) -> bool:
    """Whether an argument means a file or a folder, and not cases of the shipped corpus."""
    looks = argument.endswith(SUFFIXES) or argument.startswith((".", "/"))
    return "::" not in argument and (looks or Path(argument).exists())


def _named(wanted: list[str], corpus: list[Entry]) -> list[Entry]:
    """Whole ids, file parts (``conv2d/padding``), entries (``conv2d/padding::word``) or patterns with ``*``.

    A law comes with its parts; a part alone (``…~name``) is an ordinary case.
    """
    found: dict[str, Entry] = {}
    for name in wanted:
        matches = [entry for entry in corpus if _matches(entry.id, name)]
        matches = matches or [part for entry in corpus for part in entry.parts if _matches(part.id, name)]
        if not matches:
            raise UsageError("no such path and no such case", got=name, expected="see: convsuite list cases")
        found |= {entry.id: entry for entry in matches}
    return list(found.values())


def _matches(case_id: str, name: str) -> bool:
    file_part = case_id.split("::", maxsplit=1)[0]
    if name in (case_id, file_part, case_id.split("[", maxsplit=1)[0]) or case_id.startswith(name.rstrip("/") + "/"):
        return True
    pattern = name.replace("[", "[[]")  # ids hold brackets, patterns know only * and ?
    return fnmatch.fnmatchcase(case_id, pattern)


def _may_hold(file_part: str, name: str) -> bool:
    """Whether ids with this file part could match a name or pattern (see `_matches`): its literal begin says so."""
    literal, ids = re.split(r"[*?]", name, maxsplit=1)[0].rstrip("/"), f"{file_part}::"
    return ids.startswith(literal) or literal.startswith(ids)


def load_path(path: Path, names: Sequence[str] = ()) -> list[Entry]:
    """The cases of one file or of all YAML files below a folder; with ``names``, of those that could hold them."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if file.suffix in SUFFIXES and file.is_file())
        if not files:
            raise UsageError("a folder without case files", got=path, expected="*.yaml below it")
        root = path
    elif path.exists():
        files, root = [path], path.parent
    else:
        raise UsageError("no such file or folder", got=path)
    # an id stays the same whether its file or the whole corpus is asked for
    root = root.absolute()
    root = next((folder for folder in (root, *root.parents) if folder.name == "cases"), root)
    if names:
        parts = {file: file.absolute().relative_to(root).with_suffix("").as_posix() for file in files}
        files = [file for file in files if any(_may_hold(parts[file], name) for name in names)]
    return _unique(entry for file in files for entry in load_file(file, root))


def _unique(entries: Iterable[Entry]) -> list[Entry]:
    """The entries, those that were asked for twice once; raises `UsageError` for one id with two meanings."""
    seen: dict[str, Entry] = {}
    for entry in entries:
        if (first := seen.setdefault(entry.id, entry)) is not entry:
            if (first.file, first.line) == (entry.file, entry.line) and first.case == entry.case:
                continue
            raise UsageError(
                "duplicate id", got=entry.id, expected=f"it stands at {first.file}:{first.line} already",
                file=entry.file, line=entry.line,
            )  # fmt: skip
    within = {part.id for entry in seen.values() for part in entry.parts}
    return [entry for entry in seen.values() if entry.id not in within]


def select(entries: list[Entry], *, tags: Sequence[str] = (), filter_expression: str | None = None) -> list[Entry]:
    """The entries that carry all tags and meet the condition.  Raises `UsageError` where none does."""
    chosen = [entry for entry in entries if set(tags) <= set(entry.case.tags)]
    if filter_expression is not None:
        chosen_if = condition(filter_expression, NAMES, "--filter")
        chosen = [entry for entry in chosen if chosen_if(entry.values)]
    if not chosen:
        raise UsageError("no case is left to run", got=f"{len(entries)} cases, none with these tags and conditions")
    return chosen


def digest(entries: Iterable[Entry], seed: int) -> str:
    """Of everything that says what these cases compute; a run is resumed only with the same."""
    state = hashlib.sha256(str(seed).encode())
    for entry in sorted(entries, key=lambda entry: entry.id):
        cases = [one.case.to_json() for one in (entry, *entry.parts)]
        state.update(json.dumps([cases, entry.case.literal, entry.check, entry.law]).encode())
    return state.hexdigest()[:16]
