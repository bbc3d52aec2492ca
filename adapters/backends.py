"""How each of the three frameworks holds arrays, differentiates and compiles: templates around a forward expression.

One class per framework, used by its own adapter and by Keras on that backend.  A forward expression is one line over
the arguments' names (``x``, ``w``, ``p`` for a pointwise kernel, ``b``); a backend makes it a `Program`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from .base import Program, viewed
from .case import Case, Pads

NAMES = {
    "input": "x",
    "kernel": "w",
    "depthwise_kernel": "w",
    "pointwise_kernel": "p",
    "bias": "b",
    "output_gradient": "g",
}


T = TypeVar("T")


@dataclass(frozen=True)
class Axes:
    """Where the channels are in an engine's arrays: text for what depends on it."""

    rank: int
    channels_first: bool

    def spread(self, spatial: Sequence[T], other: T) -> list[T]:
        """One entry per axis of an array: ``other`` for batch and channels, the given ones for the spatial axes."""
        return [other, other, *spatial] if self.channels_first else [other, *spatial, other]

    def shape(self, batch: int, spatial: Sequence[int], channels: int) -> tuple[int, ...]:
        """An array's shape."""
        return (batch, channels, *spatial) if self.channels_first else (batch, *spatial, channels)

    def sliced(self, text: str, ranges: list[tuple[int, int, int]], sizes: tuple[int, ...]) -> str:
        """``text`` with every spatial axis cut to range(begin, end, step); the text itself where nothing is cut."""
        if all((begin, step) == (0, 1) and end >= n for (begin, end, step), n in zip(ranges, sizes, strict=True)):
            return text
        cuts = [f"{begin}:{end}" + (f":{step}" if step > 1 else "") for begin, end, step in ranges]
        return f"{text}[{', '.join(self.spread(cuts, ':'))}]"

    def channels(self, text: str, begin: int, end: int) -> str:
        """``text`` with the channel axis cut to [begin, end)."""
        return f"{text}[:, {begin}:{end}]" if self.channels_first else f"{text}[..., {begin}:{end}]"

    @property
    def channel_axis(self) -> int:
        return 1 if self.channels_first else self.rank + 1


@dataclass
class Sentence:
    """What an adapter has said so far besides the forward expression."""

    axes: Axes
    prepare: list[str] = field(default_factory=list[str])
    kernels: dict[str, tuple[str, str]] = field(default_factory=dict[str, tuple[str, str]])
    """Per kernel argument, NumPy suffixes from the reference's layout to the framework's and back."""


class Backend(Protocol):
    """One framework's way with arrays."""

    imports: str
    negative_strides: bool
    """Whether it takes NumPy arrays that run backwards in memory."""

    def configure(self, case: Case, *, literal: bool) -> str:
        """Statements that set the framework up for the case's dtype, or (literal) as it is when it is imported."""
        ...

    def tensor(self, text: str, case: Case) -> str: ...
    def array(self, text: str, case: Case) -> str: ...
    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        """Zeros around the spatial axes, none negative."""
        ...

    def concat(self, texts: list[str], axis: int) -> str: ...

    def forward(self, arguments: str) -> tuple[str, str]:
        """The parts prepare and run that leave in ``y`` what the forward function gives for the arguments."""
        ...

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        """The parts that leave in ``y`` the forward function's vector-Jacobian product with ``g`` for ``target``."""
        ...


def padded(backend: Backend, text: str, pads: Pads, sizes: tuple[int, ...], axes: Axes) -> str:
    """``text`` with explicit pads: zeros where they are positive, a cut where negative."""
    positive = tuple((max(lo, 0), max(hi, 0)) for lo, hi in pads)
    if any(lo or hi for lo, hi in positive):
        text = backend.pad(text, positive, axes)
    grown = tuple(n + lo + hi for n, (lo, hi) in zip(sizes, positive, strict=True))
    # After padding, lo < 0 skips -lo entries at the begin and hi < 0 leaves out -hi at the end.
    ranges = [(max(-lo, 0), max(size + min(hi, 0), -lo, 0), 1) for size, (lo, hi) in zip(grown, pads, strict=True)]
    return axes.sliced(text, ranges, grown)


def write(case: Case, backend: Backend, sentence: Sentence, expression: str, *, literal: bool) -> Program:
    """The `Program` of a forward expression, differentiated where the case asks for a gradient."""
    prepare: list[str] = []
    for argument in case.array_shapes:
        text = argument
        if argument in sentence.kernels:
            text += sentence.kernels[argument][0]
        elif argument in ("input", "output_gradient"):
            text = _permuted(text, case, sentence.axes, to_engine=True)
        if text != argument:
            text = f"np.ascontiguousarray({text})"
        taken = literal or backend.negative_strides or case.layout != "negative"
        if argument != "bias" and taken:
            text = viewed(text, case)
        prepare.append(f"{NAMES[argument]} = {backend.tensor(text, case)}")
    arguments = ", ".join(NAMES[name] for name in case.array_shapes if name != "output_gradient")
    prepare += [*sentence.prepare, "", f"def forward({arguments}):", f"    return {expression}", ""]
    if case.wrt is None:
        compiled, run = backend.forward(arguments)
    else:
        compiled, run = backend.gradient(arguments, NAMES[case.wrt])
    result = backend.array("y", case)
    if case.result_has_channels:
        result = _permuted(result, case, sentence.axes, to_engine=False)
    elif case.wrt in sentence.kernels:
        result += sentence.kernels[case.wrt][1]
    imports = ["import numpy as np", backend.imports]
    if setting := backend.configure(case, literal=literal):
        imports.append(setting)
    return Program("\n".join(imports), "\n".join([*prepare, compiled]), run, f"result = {result}")


def _permuted(text: str, case: Case, axes: Axes, *, to_engine: bool) -> str:
    """Channels moved between the case's data_format and the engine's."""
    if axes.channels_first == case.channels_first:
        return text
    first = axes.channels_first if to_engine else case.channels_first
    return f"np.moveaxis({text}, -1, 1)" if first else f"np.moveaxis({text}, 1, -1)"


def flat_pairs(pads: Pads, axes: Axes) -> str:
    """Pads of all axes as text ``((0, 0), (lo, hi), ..., (0, 0))``."""
    return str(tuple(axes.spread(pads, (0, 0))))


class TorchBackend:
    """Tensors on the CPU, autograd."""

    imports = "import torch\nimport torch.nn.functional as F"
    negative_strides = False

    def configure(self, case: Case, *, literal: bool) -> str:
        return ""

    def tensor(self, text: str, case: Case) -> str:
        # from_numpy knows no bfloat16: its bits travel as int16
        if case.dtype == "bfloat16":
            return f"torch.from_numpy({text}.view(np.int16)).view(torch.bfloat16)"
        return f"torch.from_numpy({text})"

    def array(self, text: str, case: Case) -> str:
        text = f"{text}.detach()" if case.wrt else text
        if case.dtype == "bfloat16":
            return f"{text}.contiguous().view(torch.int16).numpy().view(input.dtype)"
        return f"{text}.numpy()"

    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        # F.pad counts axes from the last one
        pairs = pads if axes.channels_first else (*pads, (0, 0))
        return f"F.pad({text}, {tuple(side for pair in reversed(pairs) for side in pair)})"

    def concat(self, texts: list[str], axis: int) -> str:
        return f"torch.cat([{', '.join(texts)}], dim={axis})"

    def forward(self, arguments: str) -> tuple[str, str]:
        return "", f"y = forward({arguments})"

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        return f"{target}.requires_grad_()", f"y, = torch.autograd.grad(forward({arguments}), {target}, g)"


class TensorFlowBackend:
    """Eager tensors, GradientTape."""

    imports = "import tensorflow as tf"
    negative_strides = True

    def configure(self, case: Case, *, literal: bool) -> str:
        return ""

    def tensor(self, text: str, case: Case) -> str:
        return f"tf.constant({text})"

    def array(self, text: str, case: Case) -> str:
        return f"{text}.numpy()"

    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        return f"tf.pad({text}, {flat_pairs(pads, axes)})"

    def concat(self, texts: list[str], axis: int) -> str:
        return f"tf.concat([{', '.join(texts)}], axis={axis})"

    def forward(self, arguments: str) -> tuple[str, str]:
        return "", f"y = forward({arguments})"

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        lines = [
            f"def gradient({arguments}, g):",
            "    with tf.GradientTape() as tape:",
            f"        tape.watch({target})",
            f"        y = forward({arguments})",
            f"    return tape.gradient(y, {target}, g)",
        ]
        return "\n".join(lines), f"y = gradient({arguments}, g)"


class JaxBackend:
    """Device arrays; compiled per case, since eager operations are compiled one by one and kept for ever."""

    imports = "import jax\nimport jax.numpy as jnp\nfrom jax import lax"
    negative_strides = True

    def configure(self, case: Case, *, literal: bool) -> str:
        # JAX makes float64 float32 unless it is told not to; said in every program, for it outlasts the one before
        return f'jax.config.update("jax_enable_x64", {case.dtype == "float64" and not literal})'

    def tensor(self, text: str, case: Case) -> str:
        return f"jax.device_put({text})"

    def array(self, text: str, case: Case) -> str:
        return f"np.asarray({text})"

    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        return f"jnp.pad({text}, {flat_pairs(pads, axes)})"

    def concat(self, texts: list[str], axis: int) -> str:
        return f"jnp.concatenate([{', '.join(texts)}], axis={axis})"

    def forward(self, arguments: str) -> tuple[str, str]:
        prepare = f"compiled = jax.jit(forward).lower({arguments}).compile()"
        return prepare, f"y = compiled({arguments}).block_until_ready()"

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        lines = [
            f"def gradient({arguments}, g):",
            f"    _, pullback = jax.vjp(lambda {target}: forward({arguments}), {target})",
            "    return pullback(g)[0]",
            "",
            f"compiled = jax.jit(gradient).lower({arguments}, g).compile()",
        ]
        return "\n".join(lines), f"y = compiled({arguments}, g).block_until_ready()"


BACKENDS: dict[str, Backend] = {"torch": TorchBackend(), "tensorflow": TensorFlowBackend(), "jax": JaxBackend()}
