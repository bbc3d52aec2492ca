"""What is combined: the parameters of a case, the values that stand for them, and which of these go together.

A *level* is a word for a value or for a kind of values (``unequal`` strides, an ``impossible`` extent).  A *row* gives
every parameter of a family one level; `realise` makes it a case.  The constraints here are the published meaning of
"valid": a combination that none of them forbids has to occur.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

from ..data import INTEGER_DATA

Level = str
Row = Mapping[str, Level]

FORWARD = "forward"
ABSENT = "absent"
INTEGER_DTYPES = ("int8", "int32")
WORDS = ("valid", "same", "same_lower", "causal")
LARGEST = {"1": 1, "2": 2, "3": 3}
"""The largest number of a tuple that a level stands for; those of ``unequal`` differ by parameter."""
LARGEST_STRIDE = {**LARGEST, "unequal": 3}
LARGEST_DILATION = {**LARGEST, "unequal": 2}

GRADIENTS = {
    "conv": ("input", "kernel", "bias"),
    "conv_transpose": ("input", "kernel", "bias"),
    "depthwise_conv": ("input", "depthwise_kernel", "bias"),
    "separable_conv": ("input", "depthwise_kernel", "pointwise_kernel", "bias"),
}


@dataclass(frozen=True)
class Constraint:
    """What does not go together: ``allows`` is asked once the row has all of ``fields``."""

    fields: tuple[str, ...]
    allows: Callable[[Row], bool]
    says: str


def most_output_padding(strides: Iterable[int], dilation: Iterable[int], *, words: bool) -> list[int]:
    """The most that output padding may be, per axis: below the stride; with explicit pads below the stride or the
    dilation, as PyTorch has it.
    """
    return [(s if words else max(s, d)) - 1 for s, d in zip(strides, dilation, strict=True)]


def _output_padding_fits(row: Row) -> bool:
    if row["output_padding"] in (ABSENT, "0"):
        return True
    largest = [LARGEST_STRIDE[row["strides"]]], [LARGEST_DILATION[row["dilation"]]]
    return int(row["output_padding"]) <= most_output_padding(*largest, words=row["padding"] in WORDS)[0]


CONSTRAINTS = (
    Constraint(
        ("dtype", "data"),
        lambda row: row["dtype"] not in INTEGER_DTYPES or row["data"] == "integers",
        "int8 and int32 hold integers alone",
    ),
    Constraint(
        ("dtype", "wrt"),
        lambda row: row["dtype"] not in INTEGER_DTYPES or row["wrt"] == FORWARD,
        "there is no gradient in integers",
    ),
    Constraint(
        ("data", "wrt"),
        lambda row: row["data"] != "special" or row["wrt"] == FORWARD,
        "special values stand in the input and are followed forward",
    ),
    Constraint(
        ("use_bias", "wrt"),
        lambda row: row["wrt"] != "bias" or row["use_bias"] == "true",
        "the gradient for the bias asks for a bias",
    ),
    Constraint(
        ("output_padding", "strides", "dilation", "padding"),
        _output_padding_fits,
        "output_padding is below the stride, or with explicit pads below the stride or the dilation",
    ),
)


@dataclass(frozen=True)
class Family:
    """The cases of one operation in one rank."""

    op: str
    rank: int

    @property
    def name(self) -> str:
        """As in the file's name: ``conv2d``, ``depthwise_conv1d``."""
        return f"{self.op}{self.rank}d"

    @cached_property
    def factors(self) -> dict[str, tuple[Level, ...]]:
        """The levels of every parameter that the family has."""
        unequal = () if self.rank == 1 else ("unequal",)
        transposed = self.op == "conv_transpose"
        factors: dict[str, tuple[Level, ...]] = {
            "wrt": (FORWARD, *GRADIENTS[self.op]),
            "kernel_size": ("1", "2", "3", *(unequal or ("4",))),
            "strides": ("1", "2", "3", *unequal),
            "dilation": ("1", "2", "3", *unequal),
            "padding": (
                "valid", "same", "same_lower", *(("causal",) if self.rank == 1 and not transposed else ()),
                "symmetric", "asymmetric", "negative",
            ),
            "use_bias": ("false", "true"),
            "data_format": ("channels_last", "channels_first"),
            "batch": ("0", "1", "2"),
            "extent": ("odd", "even", *(() if self.rank == 1 else ("mixed",)), "impossible"),
            "dtype": ("float32", "float64", "float16", "bfloat16", "int8", "int32"),
            "layout": ("contiguous", "strided", "transposed", "negative"),
            "data": ("integers", "normal", "adversarial", "special"),
        }  # fmt: skip
        if self.op in ("conv", "conv_transpose"):
            factors["groups"] = ("1", "2", "3")
        else:
            factors["depth_multiplier"] = ("1", "2", "3")
        if transposed:
            factors["output_padding"] = (ABSENT, "0", "1", "2")
        return factors

    @cached_property
    def constraints(self) -> tuple[Constraint, ...]:
        """Those of the constraints that speak of parameters that the family has."""
        return tuple(one for one in CONSTRAINTS if set(one.fields) <= set(self.factors))

    def allows(self, row: Row) -> bool:
        """Whether no constraint forbids what the row, perhaps not all of it, says."""
        return all(one.allows(row) for one in self.constraints if row.keys() >= set(one.fields))

    def combinations(self, strength: int) -> Iterator[frozenset[tuple[str, Level]]]:
        """Every valid combination of so many parameter values."""
        for names in combinations(self.factors, strength):
            for levels in product(*(self.factors[name] for name in names)):
                if self.completes(dict(zip(names, levels, strict=True))):
                    yield frozenset(zip(names, levels, strict=True))

    @cached_property
    def _constrained(self) -> tuple[str, ...]:
        """The parameters that constraints speak of; any levels of the others go with anything."""
        return tuple(dict.fromkeys(name for one in self.constraints for name in one.fields))

    @cached_property
    def _completable(self) -> dict[frozenset[tuple[str, Level]], bool]:
        return {}

    def completes(self, partial: dict[str, Level]) -> bool:
        """Whether a valid row has these levels."""
        known = {name: level for name, level in partial.items() if name in self._constrained}
        key = frozenset(known.items())
        if key not in self._completable:
            self._completable[key] = self.allows(known) and self._some_row(known)
        return self._completable[key]

    def _some_row(self, known: dict[str, Level]) -> bool:
        open_names = [name for name in self._constrained if name not in known]
        if not open_names:
            return True
        name = open_names[0]
        return any(self.completes({**known, name: level}) for level in self.factors[name])


FAMILIES = tuple(
    Family(op, rank) for op in ("conv", "conv_transpose", "depthwise_conv", "separable_conv") for rank in (1, 2, 3)
)


def level_of(parameter: str, values: Mapping[str, Any]) -> Level | None:
    """The level that a case has, given its values by name (`Entry.values`); None where it has none of them."""
    return LEVELS[parameter](values)


def _per_axis(values: tuple[int, ...]) -> Level:
    return str(values[0]) if len(set(values)) == 1 else "unequal"


def _padding(values: Mapping[str, Any]) -> Level:
    padding = values["padding"]
    if isinstance(padding, str):
        return padding
    if any(side < 0 for pair in padding for side in pair):
        return "negative"
    return "symmetric" if all(lo == hi for lo, hi in padding) else "asymmetric"


def _extent(values: Mapping[str, Any]) -> Level | None:
    sizes = values["raw_sizes"]
    if sizes is None:
        return None
    if min(*sizes, *values["spatial"]) < 1:
        return "impossible"
    odd = {n % 2 == 1 for n in values["spatial"]}
    return "mixed" if len(odd) > 1 else "odd" if odd == {True} else "even"


ADVERSARIAL = (
    "zero_products", "large_exponents", "small_onto_large", "small_onto_large_varied", "zeros_mixed", "large_range",
)  # fmt: skip
SPECIAL = ("special", "nan", "inf", "zero_weights", "overflow", "denormal", "negative_zero")


def _data(values: Mapping[str, Any]) -> Level | None:
    data = values["data"]
    if data in ADVERSARIAL:
        return "adversarial"
    if data in SPECIAL:
        return "special"
    return "integers" if data in (*INTEGER_DATA, "literal") else data


LEVELS: dict[str, Callable[[Mapping[str, Any]], Level | None]] = {
    "wrt": lambda values: values["wrt"] or FORWARD,
    "kernel_size": lambda values: _per_axis(values["kernel_size"]),
    "strides": lambda values: _per_axis(values["strides"]),
    "dilation": lambda values: _per_axis(values["dilation"]),
    "padding": _padding,
    "use_bias": lambda values: str(values["use_bias"]).lower(),
    "data_format": lambda values: values["data_format"],
    "batch": lambda values: str(values["batch"]),
    "extent": _extent,
    "dtype": lambda values: values["dtype"],
    "layout": lambda values: values["layout"],
    "data": _data,
    "groups": lambda values: str(values["groups"]),
    "depth_multiplier": lambda values: str(values["depth_multiplier"]),
    "output_padding": lambda values: ABSENT if values["output_padding"] is None else str(max(values["output_padding"])),
}
