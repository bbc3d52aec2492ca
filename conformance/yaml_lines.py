"""YAML with the line of every value, for messages that name it.

Plain YAML 1.2 spirit on PyYAML's composer: duplicate keys are errors, anchors are not part of the formats (``defaults``
and ``matrix`` serve), and keys are words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import yaml

from .errors import UsageError

DEEPEST = 20
Place = tuple[str | int, ...]


class Loader(Protocol):
    """PyYAML's constructor of plain values."""

    def construct_object(self, node: yaml.Node) -> Any: ...


@dataclass
class Document:
    """A file's value, and the line of every part of it by its path of keys and indices."""

    file: str
    value: Any
    lines: dict[Place, int] = field(default_factory=dict[Place, int])

    def line(self, place: Sequence[str | int]) -> int:
        """The line of the part, or of the nearest part around it that stands in the file."""
        path = tuple(place)
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def error(self, place: Sequence[str | int], what: str, **said: Any) -> UsageError:
        """A `UsageError` at that part."""
        return UsageError(what, file=self.file, line=self.line(place), **said)


def read_yaml(path: Path, shown: str | None = None) -> Document:
    """Reads one document.  Raises `UsageError` with the line of a mistake in it."""
    document = Document(shown or str(path), None)
    loader = yaml.SafeLoader("")
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", file=document.file) from error
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else None
                raise UsageError("anchors and aliases are not part of this format", file=document.file, line=line)
        root = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(
            f"not YAML: {error.problem}", file=document.file, line=mark.line + 1 if mark else None
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"not YAML: {error}".splitlines()[0], file=document.file) from error
    if root is None:
        raise UsageError("an empty file", file=document.file, line=1)
    document.value = _construct(root, (), document, loader)
    return document


def _construct(node: yaml.Node, place: Place, document: Document, loader: Loader) -> Any:
    document.lines[place] = node.start_mark.line + 1
    if len(place) > DEEPEST:
        raise document.error(place, f"nested deeper than {DEEPEST} levels")
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*place, i), document, loader) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document, loader)
    try:
        return loader.construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        raise document.error(place, "not a plain value", got=getattr(node, "value", None)) from error


def _mapping(node: yaml.MappingNode, place: Place, document: Document, loader: Loader) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node) if isinstance(key_node, yaml.ScalarNode) else None
        line = key_node.start_mark.line + 1
        if not isinstance(key, str):
            got = getattr(key_node, "value", key_node.tag)
            raise UsageError("a key is a word", got=repr(got), file=document.file, line=line)
        if key in values:
            first = document.lines[(*place, key)]
            raise UsageError(
                "the same key twice", got=key, expected=f"the one of line {first}", file=document.file, line=line
            )
        values[key] = _construct(value_node, (*place, key), document, loader)
        document.lines[(*place, key)] = line
    return values
