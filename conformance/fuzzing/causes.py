"""When two discrepancies have the same cause.

A *sign* is what is told of a discrepancy: engine, form, operation, verdict and the message without its numbers.  A
*feature* is what is not plain about a case: strides above one, a dtype other than float32, a bias.  The cause of a
discrepancy is its sign together with the features that are left when it has been shrunk.

A later discrepancy of the same sign is the same cause again if it has all of these features and is gone when any one of
them is taken away (see `hunt`).  So the same defect is reported once, and another one that happens to
meet the same features is not taken for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ...adapters.case import Case, Shape
from ..child import without_last_words
from ..covering.model import ADVERSARIAL
from ..normalise import problems
from ..verdict import Judgement
from .draw import PLAINEST, Draw

LONGEST_MESSAGE = 120
LARGEST_ROUNDING = 4.0
"""The largest error, in units of the bound, that looks like rounding; wrong values are further off."""
ROUNDING = "rounding"
MATTER_IN_ROUNDING = ("dtype", "wrt")
"""How many sums it takes until the last bit is wrong says nothing about why."""
MANY = 16
"""Channels from which an engine may take other kernels."""

Feature = tuple[str, str]
"""(parameter, what is not plain about it)."""
Features = frozenset[Feature]

TOGETHER = {"padding": ("padding", "pads"), "outputs": ("outputs", "spare"), "rank": ("axes",)}
"""The choices of a `Draw` behind a parameter that has not one of the same name."""


class Sign(NamedTuple):
    """What is told of a discrepancy, alike for every case with the same defect."""

    engine: str
    form: str
    op: str
    verdict: str
    message: str


@dataclass
class Cause:
    """Of discrepancies, as found: the sign, and the features that a case needs for it."""

    sign: Sign
    features: Features
    about: str
    """The shrunk case's own message."""
    case_id: str
    count: int = 1
    """How many discrepancies it explains."""
    guises: set[Features] = field(default_factory=set[Features])
    """Features of other levels, like another dtype, from which a discrepancy was shrunk to these."""

    @property
    def parameters(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.features)

    def may_explain(self, features: Features) -> bool:
        """Whether a case has all that it takes, in one guise or another."""
        return any(guise <= features for guise in (self.features, *self.guises))

    def learn(self, features: Features) -> None:
        """A discrepancy with these features was shrunk to this cause: so does it look, too."""
        guise = frozenset(one for one in features if one[0] in self.parameters)
        if self.parameters <= {name for name, _ in guise}:
            self.guises.add(guise)


def sign_of(engine: str, form: str, case: Case, judgement: Judgement) -> Sign:
    """The sign of a bad judgement."""
    return Sign(engine, form, case.op, judgement.verdict, plain_message(judgement))


def plain_message(judgement: Judgement) -> str:
    """The message's first line without what varies from case to case: numbers, dtypes, lists, names in quotes.

    Of values nothing is left but whether it may be rounding, and of a death how it came about, not the last words.
    """
    if judgement.verdict == "differs":
        ratio = judgement.bound_ratio
        return ROUNDING if ratio is not None and ratio < LARGEST_ROUNDING else ""
    if judgement.verdict in ("shape", "accepted"):
        return ""
    text = without_last_words(judgement.message).strip().split("\n")[0]
    text = re.sub(r"\b(?:b?float\d+|double|half|u?int\d*|char|long|short|byte)\b", "DTYPE", text, flags=re.IGNORECASE)
    text = re.sub(r"\{\{.*?\}\}|\[[^\]]*\]|\([^)]*\)|<[^>]*>|'[^']*'|\"[^\"]*\"", "…", text)
    return re.sub(r"-?\d[\d,.]*", "#", text)[:LONGEST_MESSAGE]


def features_of(case: Case, sign: Sign) -> Features:
    """What is not plain about the case, of what matters to discrepancies of that sign."""
    every = frozenset(_features(case))
    return frozenset(one for one in every if sign.message != ROUNDING or one[0] in MATTER_IN_ROUNDING)


def _features(case: Case) -> Iterator[Feature]:
    if case.rank > 1:
        yield from (("rank", "> 1"), *([("rank", "3")] if case.rank == 3 else []))
    for name in ("kernel_size", "strides", "dilation"):
        if max(getattr(case, name)) > 1:
            yield name, "> 1"
    for name in ("depth_multiplier", "batch", "groups"):
        if getattr(case, name) > 1 and not case.must_refuse:
            yield name, "> 1"
    yield from _words(case)
    yield from _padding(case)
    yield from _sizes(case)
    if case.must_refuse:
        yield "refuse", _bad_value(case)


def _words(case: Case) -> Iterator[Feature]:
    for name, plain in (("dtype", "float32"), ("data_format", "channels_last"), ("layout", "contiguous")):
        if (word := getattr(case, name)) != plain:
            yield name, word
    if case.wrt is not None:
        yield "wrt", case.wrt
    if case.use_bias and case.wrt != "bias":
        yield "use_bias", "true"
    if case.data not in ("integers", "positive", "literal"):
        yield "data", "random" if case.data in ("normal", *ADVERSARIAL) else case.data


def _padding(case: Case) -> Iterator[Feature]:
    if isinstance(case.padding, str):
        if case.padding != "valid":
            yield "padding", case.padding
    elif any(pad for pair in case.padding for pad in pair):
        yield "padding", "pairs"
        if any(pad < 0 for pair in case.padding for pad in pair):
            yield "padding", "negative"
    if case.output_padding is not None:
        yield "output_padding", "> 0" if max(case.output_padding) else "0"


def _sizes(case: Case) -> Iterator[Feature]:
    if case.must_refuse:  # the bad value came with sizes of its own
        return
    for name, size in (("channels", case.channels // case.groups), ("filters", (case.filters or 0) // case.groups)):
        if size > 1:
            yield name, "> 1"
        if size >= MANY:
            yield name, "many"
    if case.batch == 0:
        yield "batch", "0"
    if min(*case.raw_sizes, *case.spatial) < 1:
        yield "empty", "no samples" if 0 in case.spatial else "impossible"
    elif max(map(min, case.raw_sizes, case.spatial)) > 1:
        yield "outputs", "> 1"


def _bad_value(case: Case) -> str:
    """Which value is bad and how, in a word or two."""
    if case.kernel_shape is not None:
        axes = len(case.kernel_shape) - case.rank - 2
        return "kernel_shape" + (" long" if axes > 0 else " short" if axes < 0 else "")
    key = next(problems(case))[0]
    values: Shape | int | None = getattr(case, key)
    negative = min(values) < 0 if isinstance(values, tuple) else (values or 0) < 0
    return f"{key} negative" if negative else key


def without(draw: Draw, parameter: str) -> Draw:
    """The draw with one parameter plain again."""
    names = TOGETHER.get(parameter, (parameter,))
    return replace(draw, **{name: getattr(PLAINEST, name) for name in names})
