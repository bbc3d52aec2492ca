"""The lines of a script that make a case's arrays: the numbers where they are few, else how they are drawn.

The frozen stream of `numpy.random.RandomState` gives them again bit by bit; `conformance.data` says it as functions.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

import numpy as np

from ...adapters.base import Program
from ...adapters.case import FORMATTED, Case
from ...conformance.data import LARGEST_INTEGER, draw_arrays
from ...reference.bounds import PRECISIONS

Arrays = Mapping[str, np.ndarray]
FEW, SHORT_LINE = 48, 100
"""Elements that are written out, and the columns that they may take."""


class Place(NamedTuple):
    """What is drawn: the case, the argument's name, its shape as text."""

    case: Case
    argument: str
    shape: str


class Drawn(NamedTuple):
    """How an argument is drawn: an expression, and what is changed in the array afterwards."""

    expression: str
    changes: tuple[str, ...] = ()


def dtype_text(dtype: str) -> str:
    """A dtype in a script's words."""
    return "ml_dtypes.bfloat16" if dtype == "bfloat16" else f"np.{dtype}"


def as_bits(case: Case, program: Program) -> bool:
    """Whether the program takes and gives bfloat16 as bits: PyTorch has that dtype of its own, NumPy has not."""
    return case.dtype == "bfloat16" and "torch.bfloat16" in program.source


BITS = [
    "def bits(values):  # NumPy has no bfloat16: its bits travel as int16",
    "    return torch.tensor(values).bfloat16().view(torch.int16).numpy()",
]


def drawing(case: Case, seed: int, names: Iterable[str], *, cast: str | None = None, prefix: str = "") -> list[str]:
    """Lines that draw a case's arrays from the stream of that seed, as far as the last of ``names``.

    ``cast``: how a drawn array is converted, with ``{}`` for it; to the case's dtype by default; ``prefix``: of the
    variables' names.
    """
    shapes, wanted = case.array_shapes, set(names)
    cast = cast or f"{{}}.astype({dtype_text(case.dtype)})"
    order = list(shapes)
    order = order[: max((place + 1 for place, name in enumerate(order) if name in wanted), default=0)]
    lines = [f"random = np.random.RandomState({(case.seed + seed) % 2**32})  # a stream that never changes"]
    for name in order:
        drawn = DRAWS[case.data](Place(case, name, _shape(shapes[name])))
        text = drawn.expression if "({})" in cast else _bracketed(drawn.expression)
        lines.append(f"{prefix}{name} = {cast.format(text)}")
        lines += [change.format(name=f"{prefix}{name}") for change in drawn.changes]
    return lines if any(mentions(line, "random") for line in lines[1:]) else lines[1:]


def mentions(text: str, name: str) -> bool:
    """Whether the source names the variable."""
    return re.search(rf"\b{name}\b", text) is not None


def literals(arrays: Arrays, names: Sequence[str], *, cast: bool = True) -> list[str] | None:
    """Lines that write the arrays out; None where they hold too many numbers or some that text does not give back."""
    if sum(arrays[name].size for name in names) > FEW:
        return None
    lines: list[str] = []
    for name in names:
        array = arrays[name]
        dtype = dtype_text(array.dtype.name) if cast else "np.float64"
        if not array.size:
            lines.append(f"{name} = np.zeros({array.shape}, {dtype})")
            continue
        text = listed(array)
        lines.append(f"{name} = np.array({text}, {dtype})")
    return lines


def listed(array: np.ndarray) -> str:
    """An array as nested lists: whole numbers without a point, others so that they are read back as they are."""
    wide = array.astype(np.float64)
    whole = np.all(np.abs(wide) <= 2.0**53) and np.array_equal(wide, np.rint(wide))
    if whole and not (np.signbit(wide) & (wide == 0)).any():
        return str(np.rint(wide).astype(np.int64).tolist())
    return str(wide.tolist()).replace("nan", "np.nan").replace("inf", "np.inf")


def to_format(case: Case, names: Iterable[str]) -> list[str]:
    """Lines that move the channels where the program expects them."""
    if not case.channels_first:
        return []
    return [f"{name} = np.ascontiguousarray(np.moveaxis({name}, -1, 1))" for name in names if name in FORMATTED]


def drawn_with(case: Case, arrays: Arrays, seeds: Iterable[int]) -> int | None:
    """Which of these seeds gives the case's arrays."""
    for seed in seeds:
        again = draw_arrays(case, seed=seed)
        if all(same(again[name], array) for name, array in arrays.items()):
            return seed
    return None


def executed(lines: Sequence[str], *, quiet: bool = True) -> dict[str, Any] | None:
    """What lines that need NumPy alone leave behind, as NumPy's warnings do unless ``quiet``; None where one raises."""
    import ml_dtypes

    namespace: dict[str, Any] = {"np": np, "ml_dtypes": ml_dtypes}
    try:
        with np.errstate(all="ignore") if quiet else nullcontext():
            exec("\n".join(lines), namespace)  # noqa: S102  what is printed is tried
    except Exception:  # noqa: BLE001  then it is not printed
        return None
    return namespace


def warn(lines: Sequence[str]) -> bool:
    """Whether NumPy warns of numbers in these lines, which nobody should take for what they are about."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        executed(lines, quiet=False)
    return bool(told)


def give(lines: Sequence[str], due: Arrays) -> bool:
    """Whether these lines make exactly these arrays."""
    made = executed(lines)
    return made is not None and all(same(np.asarray(made.get(name)), array) for name, array in due.items())


def same(first: np.ndarray, second: np.ndarray) -> bool:
    """Bit for bit."""
    return first.shape == second.shape and first.dtype == second.dtype and first.tobytes() == second.tobytes()


def _shape(shape: tuple[int, ...]) -> str:
    there = tuple(max(n, 0) for n in shape)
    return str(there) if len(there) != 1 else str(there[0])


def _bracketed(text: str) -> str:
    return f"({text})" if re.search(r"\) [*+] ", text) else text


def _integers(at: Place) -> Drawn:
    a = LARGEST_INTEGER.get(at.case.dtype, 9)
    return Drawn(f"random.choice(np.r_[{-a}:0, 1:{a + 1}], {at.shape})")


def _positive(at: Place) -> Drawn:
    return Drawn(f"random.randint(1, {max(LARGEST_INTEGER.get(at.case.dtype, 9), 2) + 1}, {at.shape})")


def _full_range(at: Place) -> Drawn:
    least, most = np.iinfo(at.case.dtype).min, np.iinfo(at.case.dtype).max
    drawn = f"random.randint({least}, {most}, {at.shape}, dtype=np.int64)"
    return Drawn(drawn, ("{name} += {name} >= 0  # no zeros",))


def _normal(at: Place) -> Drawn:
    return Drawn(f"random.standard_normal({at.shape})")


def _zero_products(at: Place) -> Drawn:
    scale = 4 if at.case.dtype == "float16" else 40
    return Drawn(f"random.standard_normal({at.shape}) * 2.0**{scale} * (random.random_sample({at.shape}) < 0.5)")


def _large_exponents(at: Place) -> Drawn:
    reach = 2 if at.case.dtype == "float16" else 30
    return Drawn(f"random.choice([-1.0, 1.0], {at.shape}) * 2.0 ** random.randint({-reach}, {reach + 1}, {at.shape})")


def _small_onto_large(at: Place) -> Drawn:
    drawn = f"random.random_sample({at.shape}) * 2.0**-8 + 2.0**-8"
    return Drawn(drawn, ("{name}[..., 0] = 1",) if at.argument == "input" else ())


def _small_onto_large_varied(at: Place) -> Drawn:
    return Drawn(f"(1 + random.random_sample({at.shape})) * 2.0 ** -random.randint(0, 9, {at.shape})")


def _zeros_mixed(at: Place) -> Drawn:
    return Drawn(f"random.standard_normal({at.shape}) * (random.random_sample({at.shape}) < 0.5)")


def _large_range(at: Place) -> Drawn:
    reach = 3 if at.case.dtype == "float16" else 12
    return Drawn(f"random.standard_normal({at.shape}) * 2.0 ** random.randint({-reach}, {reach + 1}, {at.shape})")


def _special(*values: str) -> Callable[[Place], Drawn]:
    def draw(at: Place) -> Drawn:
        size = int(np.prod([max(n, 0) for n in at.case.input]))
        placed = ", ".join(values[:size])
        change = f"{{name}}.flat[random.permutation({{name}}.size)[:{len(values)}]] = {placed}"
        return Drawn(_positive(at).expression, (change,) if at.argument == "input" and size else ())

    return draw


def _zero_weights(at: Place) -> Drawn:
    drawn = _special("np.inf")(at)
    step = "::2" if int(np.prod(at.case.array_shapes[at.argument])) > 1 else ":1"
    return drawn if "kernel" not in at.argument else drawn._replace(changes=(f"{{name}}.flat[{step}] = 0",))


def _infinite_weight(at: Place) -> Drawn:
    drawn = _positive(at)
    spatial = at.argument in ("kernel", "depthwise_kernel") and 0 not in at.case.array_shapes[at.argument]
    return drawn._replace(changes=("{name}.flat[0] = np.inf",)) if spatial else drawn


def _overflow(at: Place) -> Drawn:
    array = draw_arrays(at.case)[at.argument].astype(
        np.float64
    )  # knows no seed: zeros, and one number where products meet
    changes = tuple(
        f"{{name}}[{', '.join(map(str, place))}] = {_power(float(array[tuple(place)]))}" for place in np.argwhere(array)
    )
    return Drawn(f"np.zeros({at.shape})", changes)


def _power(value: float) -> str:
    return f"2.0**{int(np.log2(value))}"


def _denormal(at: Place) -> Drawn:
    drawn = _positive(at).expression
    exponent = int(np.log2(PRECISIONS[at.case.dtype].normal_min)) - 6
    return Drawn(f"{drawn} * 2.0**{exponent}" if at.argument == "input" else drawn)


def _negative_zero(at: Place) -> Drawn:
    change = "{name}[random.random_sample({name}.shape) < 0.5] = -0.0"
    return _integers(at)._replace(changes=(change,) if at.argument == "input" else ())


DRAWS: dict[str, Callable[[Place], Drawn]] = {
    "integers": _integers,
    "positive": _positive,
    "full_range": _full_range,
    "normal": _normal,
    "zero_products": _zero_products,
    "large_exponents": _large_exponents,
    "small_onto_large": _small_onto_large,
    "small_onto_large_varied": _small_onto_large_varied,
    "zeros_mixed": _zeros_mixed,
    "large_range": _large_range,
    "special": _special("np.nan", "np.inf"),
    "nan": _special("np.nan"),
    "inf": _special("np.inf", "-np.inf"),
    "zero_weights": _zero_weights,
    "infinite_weight": _infinite_weight,
    "overflow": _overflow,
    "denormal": _denormal,
    "negative_zero": _negative_zero,
}
"""By the word under the key ``data``; tests compare each with `conformance.data.DATA`."""
