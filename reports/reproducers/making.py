"""The lines of a script that make what the program is handed, from the most telling to the shortest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...adapters.base import Program
from ...adapters.case import FORMATTED, Case
from . import arrays, laws
from .origin import NoReproducer, Question


@dataclass(frozen=True)
class Making:
    """``lines`` make the arrays, channels last; ``handing`` turns them into what the program takes.

    ``helpers``: what both need.
    """

    lines: list[str]
    handing: list[str]
    helpers: list[str]


def same_numbers(asked: Question, program: Program) -> Making:
    """The numbers that the engine was handed: written out where that is shorter, else as they are drawn.

    Raises `NoReproducer` where neither is possible.
    """
    case, bits = asked.case, arrays.as_bits(asked.case, program)
    names = list(case.array_shapes)
    handing = arrays.to_format(case, names)
    if bits:
        handing.append(f"{', '.join(names)} = map(bits, ({', '.join(names)}))")
    return Making(_lines(asked, names, cast=not bits), handing, arrays.BITS if bits else [])


def _lines(asked: Question, names: Sequence[str], *, cast: bool) -> list[str]:
    case, written = asked.case, arrays.literals(asked.arrays, names, cast=cast)
    if written is not None and (asked.entry is not None or all(len(line) < arrays.SHORT_LINE for line in written)):
        return written
    if asked.law is not None:
        return _of_a_part(asked, names)
    seed = _seed(asked)
    if seed is None:
        raise NoReproducer("the numbers of its arrays are too many to be written out, and no formula gives them")
    return arrays.drawing(case, seed, names, cast=None if cast else "{}.astype(np.float64)")


def _seed(asked: Question) -> int | None:
    if asked.entry is not None:
        return None
    seeds = [asked.run_seed] if asked.case.must_refuse else asked.seeds
    return arrays.drawn_with(asked.case, asked.arrays, seeds)


def _of_a_part(asked: Question, names: Sequence[str]) -> list[str]:
    """The lines that make the arrays of a law's part from those of the law."""
    if asked.law is None or asked.law.law is None:
        raise NoReproducer(f"no law of which this is a part: {asked.case.id}")
    part = asked.case.id.removeprefix(f"{asked.law.id}~")
    lines = laws.part_making(asked.law.law, asked.law.case, part, names, asked.run_seed)
    if not arrays.give(lines, asked.arrays):
        raise NoReproducer(f"no formula gives the arrays of the part {part} of the law {asked.law.law}")
    return lines


def ones(case: Case, program: Program) -> Making:
    """Ones instead, for what does not depend on numbers; in the order of axes that the program expects."""
    bits = arrays.as_bits(case, program)
    shapes: list[str] = []
    for name, shape in case.array_shapes.items():
        there = tuple(max(n, 0) for n in shape)
        if name in FORMATTED and case.channels_first:
            there = (there[0], there[-1], *there[1:-1])
        shapes.append(str(there))
    array = "bits(np.ones(shape))" if bits else f"np.ones(shape, {arrays.dtype_text(case.dtype)})"
    line = f"{', '.join(case.array_shapes)} = ({array} for shape in ({', '.join(shapes)}))"
    return Making([line], [], arrays.BITS if bits else [])


def drawn_in_bits(asked: Question, program: Program) -> Making | None:
    """The same numbers with bfloat16 as bits at once, which leaves no numbers to compute with; None otherwise."""
    seed = _seed(asked) if arrays.as_bits(asked.case, program) else None
    if seed is None:
        return None
    names = list(asked.case.array_shapes)
    lines = arrays.drawing(asked.case, seed, names, cast="bits({})")
    changes = len(lines) > len(names) + lines[0].startswith("random = ")  # of numbers, which bits are not
    return None if changes else Making(lines, arrays.to_format(asked.case, names), arrays.BITS)
