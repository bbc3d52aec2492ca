"""How each of the three frameworks holds arrays, differentiates and compiles: templates around a forward expression.

One class per framework, used by its own adapter and by Keras on that backend.  A forward expression is one line over
the arguments' names (``x``, ``w``, ``p`` for a pointwise kernel, ``b``); a backend makes it a `Program`.  A mode
(graph, compiled, another memory format) is an option of the backend: it changes the template, never the expression.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from .base import Program, Words, viewed
from .case import Case, Pads
from .layout import Layout, layouts

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
    kernels: dict[str, Layout] = field(default_factory=dict[str, Layout])
    """The layouts of the kernels that are not handed over as they are."""


class Backend(Protocol):
    """One framework's way with arrays."""

    imports: str
    negative_strides: bool
    """Whether it takes NumPy arrays that run backwards in memory."""

    def configure(self, case: Case, *, literal: bool) -> str:
        """Statements that set the framework up for the case's dtype, or (literal) as it is when it is imported."""
        ...

    def tensor(self, text: str, case: Case, argument: str) -> str: ...
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
            text += sentence.kernels[argument].there
        elif argument in ("input", "output_gradient"):
            text = _permuted(text, case, sentence.axes, to_engine=True)
        if text != argument:
            text = f"np.ascontiguousarray({text})"
        taken = literal or backend.negative_strides or case.layout != "negative"
        if argument != "bias" and taken:
            text = viewed(text, case)
        prepare.append(f"{NAMES[argument]} = {backend.tensor(text, case, argument)}")
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
        result += sentence.kernels[case.wrt].back
    imports = ["import numpy as np", backend.imports]
    if setting := backend.configure(case, literal=literal):
        imports.append(setting)
    words = Words(
        call="\n".join([*sentence.prepare, f"y = {expression}"]),
        data_format="channels_first" if sentence.axes.channels_first else "channels_last",
        kernels=layouts(case) | sentence.kernels,
    )
    return Program("\n".join(imports), "\n".join([*prepare, compiled]), run, f"result = {result}", words)


def _permuted(text: str, case: Case, axes: Axes, *, to_engine: bool) -> str:
    """Channels moved between the case's data_format and the engine's."""
    if axes.channels_first == case.channels_first:
        return text
    first = axes.channels_first if to_engine else case.channels_first
    return f"np.moveaxis({text}, -1, 1)" if first else f"np.moveaxis({text}, 1, -1)"


def flat_pairs(pads: Pads, axes: Axes) -> str:
    """Pads of all axes as text ``((0, 0), (lo, hi), ..., (0, 0))``."""
    return str(tuple(axes.spread(pads, (0, 0))))


def _joined(*texts: str) -> str:
    """The texts that say something, one after the other."""
    return "\n".join(text for text in texts if text)


def _chosen(mode: str, modes: tuple[str, ...]) -> str:
    """The mode; raises ValueError where there is none of that name."""
    if mode not in modes:
        raise ValueError(f"unknown mode {mode!r}, expected one of {', '.join(modes)}")
    return mode


class TorchBackend:
    """Tensors on the CPU, autograd.

    ``mode``: eager, or compile (torch.compile with its default backend, for the case's shapes, without graph breaks).
    ``channels_last``: whether input, kernels and output gradient of two and three axes lie in memory channels last.
    ``mkldnn``: whether oneDNN may compute.
    ``inference``: whether forward results are computed in inference mode, where nothing is kept for a gradient.
    """

    imports = "import torch\nimport torch.nn.functional as F"
    negative_strides = False

    def __init__(
        self, mode: str = "eager", *, channels_last: bool = False, mkldnn: bool = True, inference: bool = False
    ) -> None:
        self._compiles = _chosen(mode, ("eager", "compile")) == "compile"
        self._channels_last, self._mkldnn, self._inference = channels_last, mkldnn, inference

    def configure(self, case: Case, *, literal: bool) -> str:
        lines = [] if self._mkldnn else ["torch.backends.mkldnn.enabled = False"]
        if self._compiles:  # what earlier programs compiled is kept until it is told to go
            lines.append("torch.compiler.reset()")
        return "\n".join(lines)

    def tensor(self, text: str, case: Case, argument: str) -> str:
        # from_numpy knows no bfloat16: its bits travel as int16
        if case.dtype == "bfloat16":
            made = f"torch.from_numpy({text}.view(np.int16)).view(torch.bfloat16)"
        else:
            made = f"torch.from_numpy({text})"
        # PyTorch names the format by the number of axes; with one spatial axis there is none
        formats = {4: "channels_last", 5: "channels_last_3d"} if self._channels_last else {}
        name = formats.get(len(case.array_shapes[argument]))
        return made if name is None else f"{made}.to(memory_format=torch.{name})"

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
        run = f"y = {self._function}({arguments})"
        return self._parts("", f"with torch.inference_mode():\n    {run}" if self._inference else run)

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        run = f"y, = torch.autograd.grad({self._function}({arguments}), {target}, g)"
        return self._parts(f"{target}.requires_grad_()", run)

    @property
    def _function(self) -> str:
        return "compiled" if self._compiles else "forward"

    def _parts(self, prepare: str, run: str) -> tuple[str, str]:
        if not self._compiles:
            return prepare, run
        # forward and backward are compiled when they are called first
        compiled = "compiled = torch.compile(forward, fullgraph=True, dynamic=False)"
        return _joined(compiled, prepare, run), run


class TensorFlowBackend:
    """Tensors, GradientTape.

    ``mode``: eager, graph (tf.function) or xla (tf.function with jit_compile), both for the case's shapes.
    ``constant_weights``: whether a forward function is compiled for these kernels and this bias, as for inference.
    """

    imports = "import tensorflow as tf"
    negative_strides = True

    def __init__(self, mode: str = "eager", *, constant_weights: bool = False) -> None:
        self._mode, self._constant = _chosen(mode, ("eager", "graph", "xla")), constant_weights

    def configure(self, case: Case, *, literal: bool) -> str:
        return ""

    def tensor(self, text: str, case: Case, argument: str) -> str:
        return f"tf.constant({text})"

    def array(self, text: str, case: Case) -> str:
        return f"{text}.numpy()"

    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        return f"tf.pad({text}, {flat_pairs(pads, axes)})"

    def concat(self, texts: list[str], axis: int) -> str:
        return f"tf.concat([{', '.join(texts)}], axis={axis})"

    def forward(self, arguments: str) -> tuple[str, str]:
        if self._mode == "eager" or not self._constant:
            return self._called("forward", arguments)
        # a tensor from outside would be one more argument of the function, whatever its value
        x, *weights = arguments.split(", ")
        constants = ", ".join([x, *(f"tf.constant({name}.numpy())" for name in weights)])
        prepare, run = self._called("inference", x)
        return _joined(f"def inference({x}):", f"    return forward({constants})", f"\n{prepare}"), run

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        lines = [
            f"def gradient({arguments}, g):",
            "    with tf.GradientTape() as tape:",
            f"        tape.watch({target})",
            f"        y = forward({arguments})",
            f"    return tape.gradient(y, {target}, g)",
        ]
        prepare, run = self._called("gradient", f"{arguments}, g")
        return _joined(*lines, prepare), run

    def _called(self, function: str, arguments: str) -> tuple[str, str]:
        if self._mode == "eager":
            return "", f"y = {function}({arguments})"
        option = ", jit_compile=True" if self._mode == "xla" else ""
        run = f"y = compiled({arguments})"
        # traced here; optimised and compiled when it is called first
        traced = f"compiled = tf.function({function}{option}).get_concrete_function({arguments})"
        return _joined(traced, run), run


class JaxBackend:
    """Device arrays.

    ``mode``: jit, compiled per case, or eager, where every operation is compiled by itself and kept for ever.
    ``x64``: whether 64-bit types exist in every program, and not only where the case's dtype needs them.
    ``constant_weights``: whether a forward function is compiled for these kernels and this bias, as for inference.
    """

    imports = "import jax\nimport jax.numpy as jnp\nfrom jax import lax"
    negative_strides = True

    def __init__(self, mode: str = "jit", *, x64: bool = False, constant_weights: bool = False) -> None:
        self._compiles, self._x64, self._constant = _chosen(mode, ("jit", "eager")) == "jit", x64, constant_weights

    def configure(self, case: Case, *, literal: bool) -> str:
        # JAX makes float64 float32 unless it is told not to; said in every program, for it outlasts the one before
        wide = self._x64 or (case.dtype == "float64" and not literal)
        return f'jax.config.update("jax_enable_x64", {wide})'

    def tensor(self, text: str, case: Case, argument: str) -> str:
        return f"jax.device_put({text})"

    def array(self, text: str, case: Case) -> str:
        return f"np.asarray({text})"

    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        return f"jnp.pad({text}, {flat_pairs(pads, axes)})"

    def concat(self, texts: list[str], axis: int) -> str:
        return f"jnp.concatenate([{', '.join(texts)}], axis={axis})"

    def forward(self, arguments: str) -> tuple[str, str]:
        if not self._compiles or not self._constant:
            return self._called("forward", arguments)
        x = arguments.split(", ", maxsplit=1)[0]
        prepare, run = self._called("inference", x)
        return _joined(f"def inference({x}):", f"    return forward({arguments})", f"\n{prepare}"), run

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        lines = [
            f"def gradient({arguments}, g):",
            f"    _, pullback = jax.vjp(lambda {target}: forward({arguments}), {target})",
            "    return pullback(g)[0]",
        ]
        prepare, run = self._called("gradient", f"{arguments}, g")
        return _joined(*lines, prepare and f"\n{prepare}"), run

    def _called(self, function: str, arguments: str) -> tuple[str, str]:
        if not self._compiles:
            return "", f"y = {function}({arguments}).block_until_ready()"
        prepare = f"compiled = jax.jit({function}).lower({arguments}).compile()"
        return prepare, f"y = compiled({arguments}).block_until_ready()"


def make_backend(name: str, **options: Any) -> Backend:
    """The backend of a framework with the options of a mode.  Raises ValueError and TypeError for ones it lacks."""
    makers: dict[str, Callable[..., Backend]] = {
        "torch": TorchBackend,
        "tensorflow": TensorFlowBackend,
        "jax": JaxBackend,
    }
    if name not in makers:
        raise ValueError(f"unknown backend {name!r}, expected one of {', '.join(makers)}")
    return makers[name](**options)
