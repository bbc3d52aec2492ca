"""Long lines made short: a list of calls that differ in numbers alone becomes the loop that it was written out from.

Adapters write out what they do for every group of channels; twelve groups of it are no program that anybody reads.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Sequence

FEWEST, CALLS = 2, (ast.Call, ast.Subscript)


def roll(line: str) -> str:
    """The line with its outermost lists of alike calls as comprehensions over ``i``."""
    bare = line.strip()
    margin = line[: len(line) - len(line.lstrip())]
    try:
        tree = ast.parse(bare.removeprefix("return "), mode="eval") if bare.startswith("return ") else ast.parse(bare)
    except SyntaxError:
        return line
    text = bare.removeprefix("return ")
    for node in ast.walk(tree):
        if isinstance(node, ast.List) and len(node.elts) >= FEWEST and isinstance(node.elts[0], CALLS):
            whole = ast.get_source_segment(text, node)
            parts = [ast.get_source_segment(text, element) for element in node.elts]
            rolled = _rolled([part for part in parts if part is not None])
            if whole is not None and rolled is not None:
                return margin + ("return " if bare.startswith("return ") else "") + text.replace(whole, rolled, 1)
    return line


def _rolled(parts: Sequence[str]) -> str | None:
    """The comprehension that gives these expressions; None where there is none."""
    listed = [_tokens(part) for part in parts]
    if len({len(tokens) for tokens in listed}) > 1:
        return None
    text, end, said = parts[0], 0, ""
    for together in zip(*listed, strict=True):
        texts = [token.string for token in together]
        if len(set(texts)) == 1:
            continue
        if not all(token.type == tokenize.NUMBER and token.string.isdigit() for token in together):
            return None
        numbers = [int(number) for number in texts]
        step = numbers[1] - numbers[0]
        if numbers != [numbers[0] + step * place for place in range(len(numbers))]:
            return None
        factor = "i" if step == 1 else f"{step} * i"
        said += text[end : together[0].start[1]] + (factor if numbers[0] == 0 else f"{factor} + {numbers[0]}")
        end = together[0].end[1]
    return f"[{said}{text[end:]} for i in range({len(parts)})]"


def _tokens(text: str) -> list[tokenize.TokenInfo]:
    return [token for token in tokenize.generate_tokens(io.StringIO(text).readline) if token.string.strip()]
