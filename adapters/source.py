"""What the built-in adapters share: they write one forward expression per operation, `backends.write` does the rest.

Where a framework has no word for a parameter, the case is composed from calls that it does have:
pad, then convolve without padding; convolve at stride 1, then keep every s-th output; one call per group of channels,
then concatenate; the whole transposed convolution, then a window of it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib.metadata import version

from .backends import Axes, Backend, Sentence, padded, write
from .base import Program
from .case import Case


class SourceAdapter(ABC):
    """An adapter that says what it computes as a line of source."""

    distributions: tuple[str, ...] = ()

    def __init__(self, backend: Backend) -> None:
        self.backend = backend

    def versions(self) -> dict[str, str]:
        """Versions of the framework's distributions; importlib.metadata.PackageNotFoundError where one is absent."""
        return {name: version(name) for name in self.distributions}

    def axes(self, case: Case) -> Axes:
        """Where the framework is handed the channels: as the case says, unless the framework has one way only."""
        return Axes(case.rank, case.channels_first)

    def translate(self, case: Case, form: str) -> Program | None:
        """See `Adapter.translate`."""
        sentence = Sentence(self.axes(case))
        # a case that must be refused has one form; where no parameter could carry its bad value, it has none
        if form == "equivalent" and not case.must_refuse:
            expression = self.equivalent(case, sentence)
        else:
            expression = self.literal(case, sentence)
        if expression is None:
            return None
        return self.program(case, sentence, expression, literal=form == "literal")

    def program(self, case: Case, sentence: Sentence, expression: str, *, literal: bool) -> Program | None:
        """The program of a forward expression; None where the adapter's way of running has nothing to say of it."""
        return write(case, self.backend, sentence, expression, literal=literal)

    @abstractmethod
    def equivalent(self, case: Case, sentence: Sentence) -> str:
        """The forward expression with exactly the case's meaning.  Raises `Unsupported`."""

    @abstractmethod
    def literal(self, case: Case, sentence: Sentence) -> str | None:
        """What someone porting would write; it computes nothing from the case's numbers, bad ones included, beyond
        the port's idiom.  None where there is no such word.
        """

    def padded(self, case: Case, sentence: Sentence) -> str:
        """The input with the case's pads written out."""
        return padded(self.backend, "x", case.pads, case.spatial, sentence.axes)

    def subsampled(self, case: Case, sentence: Sentence, stride_one: str) -> str:
        """Every s-th output of the same convolution, without padding, at stride 1 (``stride_one``)."""
        sizes = tuple(
            max(n + lo + hi - (k - 1) * d, 0)
            for n, (lo, hi), k, d in zip(case.spatial, case.pads, case.kernel_size, case.dilation, strict=True)
        )
        return sentence.axes.sliced(
            stride_one, [(0, size, s) for size, s in zip(sizes, case.strides, strict=True)], sizes
        )

    def windowed(self, case: Case, sentence: Sentence, full: str, sizes: tuple[int, ...]) -> str:
        """The case's window of a transposed convolution ``full`` of these sizes, zeros where it reaches beyond."""
        pads = tuple((-begin, begin + size - n) for n, (begin, size) in zip(sizes, case.window, strict=True))
        return padded(self.backend, full, pads, sizes, sentence.axes)

    def grouped(self, case: Case, sentence: Sentence, one_group: Callable[[str, str], str], *, x: str = "x") -> str:
        """One call per group of ``x``: contiguous channels in (for a transposed kernel its last axis too) and out."""
        width = case.channels // case.groups
        kernel_width = case.channels // case.groups if case.transposed else case.output_channels // case.groups
        parts: list[str] = []
        for group in range(case.groups):
            part = sentence.axes.channels(x, group * width, (group + 1) * width)
            w = f"w[..., {group * kernel_width}:{(group + 1) * kernel_width}]"
            parts.append(one_group(part, w))
        return self.backend.concat(parts, sentence.axes.channel_axis)


def ones(case: Case) -> tuple[int, ...]:
    """Strides or dilations of one on every axis."""
    return (1,) * case.rank


def crops(case: Case) -> bool:
    """Whether the padding takes samples of the input away."""
    return any(side < 0 for pair in case.pads for side in pair)


def strided_and_dilated(case: Case) -> bool:
    """Strides above one together with dilations above one, on any axes: what several frameworks refuse."""
    return max(case.strides) > 1 and max(case.dilation) > 1
