"""How a script is laid out: paragraphs that fit 40 lines, statements that fit 120 columns."""

from __future__ import annotations

import io
import re
import textwrap
import tokenize
from collections.abc import Iterator, Sequence

from ...adapters.base import Program
from .rolling import roll

MOST_LINES, MOST_COLUMNS = 40, 120
LONG = 200
"""Columns of a line that is rolled up."""
PARTS = ("imports", "prepare", "run", "result")
_PART = re.compile(rf"^# ({'|'.join(PARTS)})\n", re.MULTILINE)
Paragraph = Sequence[str]
Draft = Sequence[Paragraph]
"""A script's paragraphs, without the heading."""


def split(source: str) -> Program:
    """The four parts of a record's program, the inverse of `Program.source`.  Raises ValueError where it is none."""
    pieces = _PART.split(source)
    if tuple(pieces[1::2]) != PARTS:
        raise ValueError(f"no program: its parts are {pieces[1::2]}")
    imports, prepare, run, result = (str(text).strip() for text in pieces[2::2])
    return Program(imports, prepare, run, result)


def lay_out(paragraphs: Sequence[Paragraph], most: int = MOST_LINES) -> str | None:
    """The script of these paragraphs, an empty line between two of them as long as there is room; None without room."""
    blocks = [
        [part for line in paragraph for part in fold(roll(line) if len(line) > LONG else line)]
        for paragraph in paragraphs
        if paragraph
    ]
    room = most - sum(map(len, blocks))
    if room < 0:
        blocks = [[line for line in block if line.strip()] for block in blocks]  # the program's own empty lines
        room = most - sum(map(len, blocks))
    if room < 0:
        blocks = [_together(block) for block in blocks]
        room = most - sum(map(len, blocks))
    if room < 0:
        return None
    lines = [*blocks[0]]
    # the empty lines there is room for stand before the later paragraphs: what was got, what was expected
    for place, block in enumerate(blocks[1:], 1):
        if len(blocks) - place <= room:
            lines.append("")
        lines += block
    return "\n".join(lines) + "\n"


def _together(block: Sequence[str]) -> list[str]:
    """The imports of several modules of the standard library as one."""
    modules = [line.removeprefix("import ") for line in block if re.fullmatch(r"import [a-z]+", line)]
    if len(modules) < len(block):
        return list(block)
    return [f"import {', '.join(modules)}"]


def indent(lines: Sequence[str]) -> list[str]:
    """The lines one level further in."""
    return [f"    {line}" if line else line for line in lines]


def fold(line: str, width: int = MOST_COLUMNS) -> Iterator[str]:
    """A line of code as lines of at most so many columns, broken inside brackets; a comment between words.

    A line that cannot be broken stays as it is.
    """
    line = roll(line) if len(line) > LONG else line
    bare = line.lstrip()
    margin = line[: len(line) - len(bare)]
    if bare.startswith("#"):
        yield from textwrap.wrap(line, width, subsequent_indent=f"{margin}# ", break_on_hyphens=False)
        return
    inner, begin = margin + " " * 4, 0
    places = _breaks(line)
    while len(line) - begin + len(inner) * bool(begin) > width:
        room = begin + width - len(inner) * bool(begin)
        fitting = [place for place in places if begin < place[0] <= room]
        if not fitting:
            break
        # outside as many brackets as possible, but no row shorter than half a line
        late = [place for place in fitting if place[0] > room - width // 2] or fitting
        end, _ = min(late, key=lambda place: (place[1], -place[0]))
        yield (inner * bool(begin) + line[begin:end]).rstrip()
        begin = end + len(line[end:]) - len(line[end:].lstrip())
    yield inner * bool(begin) + line[begin:]


def _breaks(line: str) -> list[tuple[int, int]]:
    """Columns before which a line may be broken, after commas and opening brackets, and in how many brackets."""
    places, depth, margin = list[tuple[int, int]](), 0, len(line) - len(line.lstrip())
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
                if depth and token.string in "([{,":
                    places.append((token.end[1] + margin, depth))
    except tokenize.TokenError:  # a line of a statement that goes on
        pass
    return places


def sentences(*texts: str, width: int = MOST_COLUMNS, most: int = 3) -> list[str]:
    """Texts as lines of that width, each beginning on a line of its own, none longer than ``most`` lines."""
    lines: list[str] = []
    for text in texts:
        wrapped = textwrap.wrap(" ".join(text.split()), width, break_on_hyphens=False)
        if len(wrapped) > most:
            wrapped = [*wrapped[: most - 1], textwrap.shorten(" ".join(wrapped[most - 1 :]), width, placeholder=" …")]
        lines += wrapped
    return lines
