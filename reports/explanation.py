"""An explanation in words: on a terminal as its parts come, or as Markdown, from the same paragraphs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rich.console import Console

from ..adapters.case import Case
from ..conformance.explaining import Axis, Conversion, Explanation, Row, Told
from ..conformance.explaining.conversion import described
from ..conformance.explaining.explanation import CANNOT, COMPOSED, LITERAL, NONE, REFUSES

SAID = {
    LITERAL: "in its own words",
    COMPOSED: "composed or in other words",
    CANNOT: "cannot",
    REFUSES: "refuses, as it should",
}
STYLES = {"title": "bold", "good": "bold green", "bad": "bold red", "code": "cyan", "known": "bold yellow"}
FENCED = {"code": "python", "figures": "text"}
PARAMETERS = (
    "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier", "output_padding",
    "use_bias", "data_format", "dtype", "data", "layout", "wrt", "kernel_shape",
)  # fmt: skip
UNSAID = {
    "groups": 1, "depth_multiplier": 1, "output_padding": None, "use_bias": False, "data": "integers",
    "layout": "contiguous", "wrt": None, "kernel_shape": None, "filters": None,
}  # fmt: skip
"""What goes without saying."""
MOST_LINES, MOST_CHARACTERS = 3, 400


class Block(NamedTuple):
    """A paragraph; ``kind``: title, good, known or bad (headings), text, figures, or code."""

    kind: str
    text: str


def blocks(explanation: Explanation, *, programs: bool = False) -> Iterator[Block]:
    """All of it; ``programs``: whole programs instead of the calls that they come to."""
    yield from head(explanation)
    for row in explanation.rows:
        yield from of_row(row, programs=programs)
    yield from tail(explanation)


def head(explanation: Explanation) -> Iterator[Block]:
    """What is known without running anything: parameters, pads, sizes, the reference's layout."""
    case = explanation.case
    said = [f"{name} {_short(value)}" for name in PARAMETERS if (value := getattr(case, name)) != UNSAID.get(name, ...)]
    yield Block("title", f"{case.op}: {', '.join(said)}")
    if explanation.about:
        yield Block("text", explanation.about)
    if explanation.axes:
        yield Block("figures", "\n".join(_geometry(case, explanation.axes)))
    elif case.must_refuse:
        yield Block("text", "No result follows from these numbers: every engine has to refuse them.")
    for name, layout in explanation.kernels.items():
        yield Block("text", f"{name} in the reference's layout: {described(layout)}")
    if case.wrt is not None:
        yield Block(
            "text", f"What is judged is the gradient for the {case.wrt}; the calls are those of the forward result."
        )
    if case.use_bias:
        after = ", added after the pointwise convolution" if case.op == "separable_conv" else ""
        yield Block("text", f"bias: {(case.output_channels,)} everywhere{after}")


def of_row(row: Row, *, programs: bool = False) -> Iterator[Block]:
    """What one engine calls the case: first the words that are its own, where it has any that are right."""
    own = row.literal if row.says == LITERAL else None
    first = own or row.equivalent
    versions = ", ".join(f"{name} {number}" for name, number in row.versions.items())
    name = row.engine if not versions else f"{row.engine} ({versions})"
    kept = f"; asked {row.kept.replace('T', ' ')}, from the cache" if row.kept else ""
    verdict = "" if row.says == REFUSES else f": {first.verdict}"
    kind = "good" if first.ok else "bad"
    yield Block(kind, f"{name}: {SAID[row.says]}{verdict}{kept}")
    yield from _told(first, programs=programs)
    if own is not None:
        if programs or not _same_call(own, row.equivalent):
            yield Block("text", f"In other words, or put together from several calls: {row.equivalent.verdict}")
            yield from _told(row.equivalent, programs=programs)
    elif row.literal is not None:
        yield from _literal(row, row.literal, programs=programs)
    elif row.literal_form == NONE and row.says == COMPOSED:
        yield Block("text", "It has no such word of its own.")


def tail(explanation: Explanation) -> Iterator[Block]:
    """Conversions of kernels, and engines that are not there."""
    for one in explanation.conversions:
        yield from _conversion(one)
    for name, lacks in explanation.missing.items():
        yield Block("text", f"not asked: {name} ({lacks})")


def print_blocks(given: Iterable[Block]) -> None:
    """Paragraphs to standard output, in colour where that is a terminal."""
    console = Console(highlight=False, emoji=False, markup=False)
    for block in given:
        indent = "  " if block.kind == "text" else "    " if block.kind in FENCED else ""
        if not indent:
            console.print()
        for line in block.text.splitlines():  # code is for copying: never wrapped
            console.print(f"{indent}{line}", style=STYLES.get(block.kind, ""), soft_wrap=True)


def markdown(given: Iterable[Block]) -> str:
    """The paragraphs as Markdown."""
    texts: list[str] = []
    for block in given:
        if block.kind in FENCED:
            texts.append(f"```{FENCED[block.kind]}\n{block.text.rstrip()}\n```")
        else:
            mark = "# " if block.kind == "title" else "" if block.kind == "text" else "## "
            texts.append(mark + re.sub(r"([*_<|`])", r"\\\1", block.text))
    return "\n\n".join(texts) + "\n"


def _geometry(case: Case, axes: Iterable[Axis]) -> Iterator[str]:
    """A row per axis, then how the numbers come about."""
    around = "cut off" if case.transposed else "zeros"
    yield f"axis  size  kernel  stride  dilation  {around:>9}  output"
    for number, axis in enumerate(axes):
        pads = f"{axis.pads[0]}, {axis.pads[1]}"
        yield (
            f"{number:4}  {axis.input:4}  {axis.kernel_size:6}  {axis.stride:6}  {axis.dilation:8}  "
            f"{pads:>9}  {axis.output:6}"
        )
    for number, axis in enumerate(axes):
        for line in axis.formulas:
            yield f"axis {number}: {line}"
    shape = case.output_shape if case.wrt is None else case.result_shape
    what = "output" if case.wrt is None else f"gradient for the {case.wrt}"
    yield f"{what} {shape}, {'cut off the whole result' if case.transposed else 'pads'} {case.pads}"


def _same_call(one: Told, other: Told) -> bool:
    return one.words is not None and other.words is not None and one.words.call == other.words.call


def _told(told: Told, *, programs: bool) -> Iterator[Block]:
    """The program, what it wants and what came of it."""
    if programs and told.program:
        yield Block("code", told.program)
    elif told.words is not None:
        yield Block("code", told.words.call)
    elif told.program:
        yield Block("code", told.program)
    if told.words is not None:
        yield Block("text", f"x and y {told.words.data_format.replace('_', ' ')}")
        for argument, layout in told.words.kernels.items():
            name = "p = " if argument == "pointwise_kernel" else "w = "
            given = "" if told.words.whole else name
            yield Block("text", f"{given}{argument}{layout.there}: {described(layout)}")
    if told.message:
        yield Block("text", _brief(told.message))
    if told.diagnosis is not None:
        yield Block("text", f"Why: {told.diagnosis['sentence']}")


def _literal(row: Row, literal: Told, *, programs: bool) -> Iterator[Block]:
    """What someone porting would write, and what that gives."""
    if literal.verdict == "refused":
        yield Block("text", "The literal spelling is refused as well:")
    elif literal.ok:
        yield Block("text", "The literal spelling gives the same for these numbers:")
    elif literal.verdict == "unsupported":
        yield Block("text", "The literal spelling is refused:")
    else:
        yield Block("known", f"{row.engine}, the literal spelling means something else: {literal.verdict}")
    if programs and literal.program:
        yield Block("code", literal.program)
    elif literal.words is not None:
        yield Block("code", literal.words.call)
    if literal.diagnosis is None:
        if literal.message:
            yield Block("text", _brief(literal.message))
        return
    yield Block("text", literal.diagnosis["sentence"])
    if literal.diagnosis["remedy"]:
        yield Block("text", f"Instead: {literal.diagnosis['remedy']}")


def _conversion(one: Conversion) -> Iterator[Block]:
    kind = "good" if one.ok else "bad"
    yield Block(kind, f"kernels from {one.source} to {one.target}: {one.target}'s result with them is {one.verdict}")
    yield Block("code", one.code)


def _brief(message: str) -> str:
    """The begin of a framework's message, the rest of which may be pages."""
    first = "\n".join(message.splitlines()[:MOST_LINES])[:MOST_CHARACTERS].rstrip()
    return first if first == message.rstrip() else f"{first} …"


def _short(value: object) -> str:
    if isinstance(value, tuple):
        return "×".join(map(str, value)) if all(isinstance(one, int) for one in value) else str(value)
    return str(value)
