"""How a script knows the right values: by the definition, or as numbers, of all elements or of a few."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...adapters.base import Program
from ...adapters.case import Case, to_format
from ...conformance.expected import Expected
from ...reference.bounds import VARIANCE_FACTOR
from . import arrays
from .definition import Definition, define, tolerance
from .making import Making, drawn_in_bits, same_numbers
from .origin import Question

MEAN_SQUARE = "every element is within its bound"
"""How the message begins where only the mean square error is too large."""
SOME = 4
QUIET = 'np.seterr(over="ignore", invalid="ignore")  # numbers that overflow, or are none, are what this is about'
_WORST = re.compile(r"most at \[([\d, ]*)\]")


class Judge(NamedTuple):
    """What a script needs to judge values: lines after the arrays are made, and lines after the result is there."""

    before: list[str]
    after: list[str]


def judges(record: dict[str, Any], asked: Question, program: Program) -> Iterator[tuple[Making, Judge]]:
    """The ways to make the arrays and to judge the result, the best first."""
    case, bits, making = asked.case, arrays.as_bits(asked.case, program), same_numbers(asked, program)
    definition = define(case)
    if definition is not None:
        judge = _defined(record, asked, definition, making.lines, bits=bits)
        if judge is not None:
            yield making, judge
    if record["message"].startswith(MEAN_SQUARE):
        return
    few = list(_numbers(record, asked, bits=bits))
    yield from ((making, judge) for judge in few)
    shorter = drawn_in_bits(asked, program)
    if shorter is not None:
        yield from ((shorter, judge) for judge in few)


def _got(*, bits: bool) -> str:
    return "torch.from_numpy(result).view(torch.bfloat16).double().numpy()" if bits else "result.astype(np.float64)"


def _compared(bound: str, *, bits: bool) -> list[str]:
    return [
        f"got = {_got(bits=bits)}",
        f"wrong = ~np.isclose(got, expected, rtol=0, atol={bound}, equal_nan=True)",
        'print(f"{wrong.sum()} of {wrong.size} elements differ: got {got[wrong][:4]}, expected {expected[wrong][:4]}")',
        "sys.exit(1 if wrong.any() else 0)",
    ]


def _defined(
    record: dict[str, Any], asked: Question, definition: Definition, making: Sequence[str], *, bits: bool
) -> Judge | None:
    """By the definition, where it gives the right values and, from the same loops, the bound of rounding."""
    case, right = asked.case, asked.expected
    wide = "int64" if right.values.dtype.kind in "iu" else "float64"
    expected = definition.call(f"a.astype(np.{wide})")
    squares = record["message"].startswith(MEAN_SQUARE)
    if right.exact and not squares:
        rounded = "" if bits or case.dtype == "bfloat16" else f".astype({arrays.dtype_text(case.dtype)})"
        before, bound = [*definition.lines, f"expected = {expected}{rounded}"], "0"
    else:
        size = definition.call("abs(a.astype(np.float64))")
        before = [*definition.lines, f"expected = {expected}", f"size = {size}  # what rounding errors are measured by"]
        bound = "bound"
        before.append(f"bound = {tolerance(case, right.ksb)}  # in units of the last place, for any order of summation")
    made = arrays.executed([*making, *before])
    if made is None or not _agrees(made, right, squares=squares):
        return None
    if not np.isfinite(made["expected"]).all() and arrays.warn([*making, *before]):
        before = [QUIET, *before]
    moved = []
    if case.channels_first and case.result_has_channels:
        names = ["expected"] + (["bound"] if bound != "0" else [])
        moved = [f"{name} = np.moveaxis({name}, -1, 1)" for name in names]
    if not squares:
        return Judge([*before, *moved], _compared(bound, bits=bits))
    return Judge([*before, *moved], _mean_square(right, bits=bits))


def _mean_square(right: Expected, *, bits: bool) -> list[str]:
    most = VARIANCE_FACTOR * right.ksb
    return [
        f"units = ({_got(bits=bits)} - expected) / (bound / {2 * right.ksb})",
        f'print(f"mean square error: {{np.mean(units**2):.3g}} units, expected at most {most:.3g}")',
        f"sys.exit(1 if np.mean(units**2) > {most:.6g} else 0)",
    ]


def _agrees(made: dict[str, Any], right: Expected, *, squares: bool) -> bool:
    """Whether the definition's values and bound are those by which the record was judged."""
    values = np.asarray(made["expected"])
    if values.shape != right.values.shape:
        return False
    with np.errstate(all="ignore"):
        due = right.values.astype(values.dtype)
        if "bound" not in made:
            return bool(np.all((values == due) | ((values != values) & (due != due))))  # noqa: PLR0124  NaN alone
        if not right.checked.all() or right.infinite.any() or right.poisoned.any():
            return False
        close = np.abs(values - due) <= 1e-6 * right.bound
        return bool(close.all()) and (squares or np.allclose(made["bound"], right.bound, rtol=1e-6, atol=0))


def _numbers(record: dict[str, Any], asked: Question, *, bits: bool) -> Iterator[Judge]:
    """As numbers: of all elements where they are few, and of a few where they are many."""
    case, right = asked.case, asked.expected
    values, bound = right.values, np.where(right.exact, 0.0, np.where(right.checked, right.bound, np.inf))
    with np.errstate(all="ignore"):
        rounded = values.astype(asked.arrays["input"].dtype).astype(np.float64)
    # infinities and NaN have to stand where they are due, also where the dtype's range ends
    values = np.where(np.isfinite(rounded) & (not right.exact), values.astype(np.float64), rounded)
    if case.result_has_channels:
        values, bound = to_format(values, case.data_format), to_format(bound, case.data_format)
    if values.size <= arrays.FEW:
        before = [f"expected = np.array({arrays.listed(values)})"]
        if bound.any():
            before.append(f"bound = np.array({_short(bound)})  # of the error that rounding explains")
        yield Judge(before, _compared("bound" if bound.any() else "0", bits=bits))
    places = _places(record, case, values.shape)
    chosen = [float(values[place]) for place in places]
    before = [
        f"places = {places}  # a few of the {values.size} elements",
        f"expected = np.array({arrays.listed(np.array(chosen))})",
    ]
    if bound.any():
        before.append(f"bound = np.array({_short(np.array([bound[place] for place in places]))})  # of rounding")
    after = _compared("bound" if bound.any() else "0", bits=bits)
    after[0] = f"got = np.array([{_got(bits=bits)}[place] for place in places])"
    yield Judge(before, after)
    if bound[places[0]] and np.isfinite(chosen[0]):
        yield _worst(places[0], chosen[0], float(bound[places[0]]), bits=bits)


def _worst(place: tuple[int, ...], value: float, bound: float, *, bits: bool) -> Judge:
    """By the one element that is farthest off."""
    before = [f"place, expected, bound = {place}, {value}, {bound:.3g}  # what rounding explains"]
    after = [
        f"got = {_got(bits=bits)}[place]",
        'print(f"got {got}, expected {expected}")',
        "sys.exit(0 if abs(got - expected) <= bound else 1)",
    ]
    return Judge(before, after)


def _short(numbers: np.ndarray) -> str:
    """As nested lists, three digits of each."""
    return str(np.vectorize(lambda number: float(f"{number:.3g}"))(numbers).tolist()).replace("inf", "np.inf")


def _places(record: dict[str, Any], case: Case, shape: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The element that is farthest off, and some from all over, in the order in which the result is handed over."""
    size = int(np.prod(shape))
    places = [tuple(map(int, np.unravel_index(flat, shape))) for flat in np.linspace(0, size - 1, SOME).astype(int)]
    found = _WORST.search(record["message"])
    if found and found[1]:
        worst = tuple(map(int, found[1].split(",")))
        if case.channels_first and case.result_has_channels and len(worst) > 1:
            worst = (worst[0], worst[-1], *worst[1:-1])
        places = [worst, *(place for place in places if place != worst)]
    return places
