"""YAML with the line of every value, for messages that name it.

Plain YAML 1.2 spirit on PyYAML's composer: duplicate keys are errors, anchors are not part of the formats (``defaults``
and ``matrix`` serve), and keys are words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import yaml

from .errors import UsageError

DEEPEST = 20
LONGEST_NUMBER = 40
Place = tuple[str | int, ...]


class PlainLoader(yaml.CSafeLoader):
    """The plain values of YAML 1.2's core: 010 and 1:30 are words, yes and no too."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # pyright: ignore[reportIncompatibleVariableOverride]


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        "-+.0123456789",
    ),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
):
    PlainLoader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), ["" if one == "\0" else one for one in _first]
    )
PLAIN_TAGS = {f"tag:yaml.org,2002:{name}" for name in ("bool", "int", "float", "null", "str", "seq", "map")}


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

    def mistake(self, first: Mapping[str, Any]) -> UsageError:
        """A complaint of pydantic's (one of ``ValidationError.errors()``) in the words of a message, at its line."""
        place: Place = tuple(first["loc"])
        key = ".".join(map(str, place)) or "the file"
        return self.error(place, f"{key}: {first['msg']}", got=repr(first["input"])[:80])


def read_yaml(path: Path, shown: str | None = None) -> Document:
    """Reads one document.  Raises `UsageError` with the line of a mistake in it."""
    document = Document(shown or str(path), None)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot be read: {error}", file=document.file) from error
    try:
        for event in yaml.parse(text, Loader=PlainLoader):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                line = event.start_mark.line + 1 if event.start_mark else None
                raise UsageError("anchors and aliases are not part of this format", file=document.file, line=line)
        root = yaml.compose(text, Loader=PlainLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise UsageError(
            f"not YAML: {error.problem}", file=document.file, line=mark.line + 1 if mark else None
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise UsageError(f"not YAML: {error}".splitlines()[0], file=document.file) from error
    if root is None:
        raise UsageError("an empty file", file=document.file, line=1)
    document.value = _construct(root, (), document)
    return document


def _construct(node: yaml.Node, place: Place, document: Document) -> Any:
    document.lines[place] = node.start_mark.line + 1
    if node.tag not in PLAIN_TAGS:
        raise document.error(place, "a tag, which is not part of this format", got=node.tag)
    if len(place) > DEEPEST:
        raise document.error(place, f"nested deeper than {DEEPEST} levels")
    if isinstance(node, yaml.SequenceNode):
        return [_construct(item, (*place, i), document) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, place, document)
    return _scalar(node, document, place)


def _scalar(node: yaml.Node, document: Document, place: Place) -> Any:
    text: str = node.value
    match node.tag.rpartition(":")[2]:
        case "bool":
            return text.lower() == "true"
        case "null":
            return None
        case "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
        case "int" if len(text) > LONGEST_NUMBER:
            raise document.error(place, "too long a number", got=f"{len(text)} digits")
        case "int":
            return int(text)
        case _:
            return text


def _mapping(node: yaml.MappingNode, place: Place, document: Document) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        key: Any = key_node.value if key_node.tag.endswith(":str") else None
        if not isinstance(key, str):
            got = key_node.value if isinstance(key_node, yaml.ScalarNode) else key_node.tag
            raise UsageError("a key is a word", got=repr(got), file=document.file, line=line)
        if key in values:
            first = document.lines[(*place, key)]
            raise UsageError(
                "the same key twice", got=key, expected=f"the one of line {first}", file=document.file, line=line
            )
        values[key] = _construct(value_node, (*place, key), document)
        document.lines[(*place, key)] = line
    return values
