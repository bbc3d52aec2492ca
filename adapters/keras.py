"""Keras: its layers, on any backend, given weights instead of making them (`stateless_call`), or its operations.

The kernels' layouts are the reference's own: (*k, Cin/groups, filters), transposed (*k, filters, Cin),
depthwise (*k, C, M), pointwise (1, ..., C*M, filters).  https://keras.io/api/layers/convolution_layers/,
https://keras.io/api/ops/nn/
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from .backends import Axes, Sentence, flat_pairs, make_backend
from .base import Program
from .case import Case, Pads, Shape
from .layout import layout
from .source import SourceAdapter, ones, strided_and_dilated

LAYERS = {
    "conv": "Conv{}D",
    "conv_transpose": "Conv{}DTranspose",
    "depthwise_conv": "DepthwiseConv{}D",
    "separable_conv": "SeparableConv{}D",
}
"""Layers by operation; keras.ops has the operations under the names that cases give them."""
LARGEST_DEPTHWISE_RANK = 2


@dataclass(frozen=True)
class Call:
    """One call of a layer or an operation, for a whole case or one part of it."""

    op: str
    x: str = "x"
    sizes: Shape | None = None
    """The spatial sizes of ``x``, where it is not the case's input."""
    w: str = "w"
    padding: str = "valid"
    strides: Shape | None = None
    """Where they are not the case's."""
    part: str | None = None
    """The part of the case, without bias, and (transposed) without groups and output_padding."""


class KerasAdapter(SourceAdapter):
    """keras.layers on the backend named; Keras reads KERAS_BACKEND when it is imported.

    ``words``: layers, or ops for keras.ops.  ``symbolic``: the answer has the shape that Keras promises before it
    computes; only for a forward result that one layer or one operation gives.  Other options are the backend's own.
    """

    def __init__(
        self, backend: str = "tensorflow", *, words: str = "layers", symbolic: bool = False, **options: Any
    ) -> None:
        super().__init__(KerasBackend(backend, **options))
        self.distributions = ("keras", *({"jax": ("jax", "jaxlib")}.get(backend, (backend,))))
        if words not in ("layers", "ops"):
            raise ValueError(f"unknown words {words!r}, expected layers or ops")
        self._layers, self._symbolic = words == "layers", symbolic

    def program(self, case: Case, sentence: Sentence, expression: str, *, literal: bool) -> Program | None:
        """See `SourceAdapter.program`; with ``symbolic``, the promised shape decides on the result's."""
        program = super().program(case, sentence, expression, literal=literal)
        if not self._symbolic or program is None:
            return program
        if case.wrt is not None or not any(line.startswith("symbolic = ") for line in sentence.prepare):
            return None
        promised = (
            f"{program.result}\nif result.shape != symbolic:  # another shape than the one that Keras promises\n"
            "    result = np.zeros(symbolic, result.dtype)"
        )
        return replace(program, result=promised)

    def equivalent(self, case: Case, sentence: Sentence) -> str:
        if case.transposed:
            return self._transposed(case, sentence)
        own = case.padding in ("valid", "same") or (case.padding == "causal" and case.op == "conv" and self._layers)
        grouped_3d = case.op != "conv" and case.rank > LARGEST_DEPTHWISE_RANK
        apart = self._layers and strided_and_dilated(case)
        if own and not apart and not grouped_3d:
            return self._call(case, sentence, Call(case.op, padding=str(case.padding)))
        x, sizes = self.padded(case, sentence), tuple(max(size, 0) for _, size in case.window)
        strides = ones(case) if apart else case.strides
        subsample = strides != case.strides
        if case.op == "conv":
            convolved = self._call(case, sentence, Call("conv", x=x, sizes=sizes, strides=strides))
            return self.subsampled(case, sentence, convolved) if subsample else convolved
        # the pointwise convolution comes after the subsampling, and with it the bias
        depthwise = self._depthwise(case, sentence, x, sizes, strides)
        if subsample:
            depthwise = self.subsampled(case, sentence, depthwise)
        if case.op == "depthwise_conv":
            return _bias(case, depthwise)
        return _pointwise(case, depthwise)

    def literal(self, case: Case, sentence: Sentence) -> str | None:
        causal = case.must_refuse or (case.op == "conv" and self._layers)
        if case.padding not in ("valid", "same", *(["causal"] if causal else [])):
            return None
        if case.groups < 1 and not self._layers:
            return None  # operations are told the groups by the kernel's shape alone
        if case.transposed and case.groups != 1:
            return None
        if case.op in ("depthwise_conv", "separable_conv") and case.rank > LARGEST_DEPTHWISE_RANK:
            return None
        return self._call(case, sentence, Call(case.op, padding=str(case.padding)))

    def _call(self, case: Case, sentence: Sentence, call: Call) -> str:
        """The expression of one call; on the case's own input Keras is asked for its shape before it computes."""
        if self._layers:
            expression = _layer(case, sentence, call)
        else:
            expression = _operation(case, call) if call.part else _bias(case, _operation(case, call))
        if self._symbolic and call.sizes is None:
            x = f'keras.KerasTensor(tuple(x.shape), dtype="{case.dtype}")'
            promise = f"layer({x})" if self._layers else _operation(case, replace(call, x=x))
            sentence.prepare.append(f"symbolic = tuple({promise}.shape)")
        return expression

    def _depthwise(self, case: Case, sentence: Sentence, x: str, sizes: Shape, strides: Shape) -> str:
        if case.rank <= LARGEST_DEPTHWISE_RANK:
            part = Call("depthwise_conv", x=x, sizes=sizes, strides=strides, part="depthwise_conv")
            return self._call(case, sentence, part)
        # rank 3: grouped with groups = channels
        sentence.kernels["depthwise_kernel"] = layout(case, "depthwise_kernel", "*k 1 C*M")
        return self._call(case, sentence, Call("conv", x=x, sizes=sizes, strides=strides, part="grouped"))

    def _transposed(self, case: Case, sentence: Sentence) -> str:
        both = self._layers and strided_and_dilated(case)
        if case.groups == 1 and case.padding in ("valid", "same") and not both:
            return self._call(case, sentence, Call("conv_transpose", padding=str(case.padding)))
        # The layers exclude the two together: a stride is also s-1 zeros after every sample, at stride 1.
        spatial, strides = case.spatial, case.strides
        if both:
            spatial, strides = tuple(n * s for n, s in zip(spatial, strides, strict=True)), ones(case)
        # documented: "valid" without output_padding is the whole result, at least a stride long per sample
        sizes = tuple(
            (n - 1) * s + max((k - 1) * d + 1, s)
            for n, s, k, d in zip(spatial, strides, case.kernel_size, case.dilation, strict=True)
        )

        def whole(x: str, w: str) -> str:
            x = _spread_out(case, sentence.axes, x) if both else x
            part = Call("conv_transpose", x=x, sizes=spatial, w=w, strides=strides, part="transposed")
            return self._call(case, sentence, part)

        full = whole("x", "w") if case.groups == 1 else self.grouped(case, sentence, whole)
        return _bias(case, self.windowed(case, sentence, full, sizes))


class KerasBackend:
    """The backend's own templates, with Keras's words where it has them."""

    def __init__(self, name: str, **options: Any) -> None:
        self._own = make_backend(name, **options)
        imports = [f'import os\nos.environ["KERAS_BACKEND"] = "{name}"', self._own.imports, "import keras"]
        self.imports = "\n".join(imports)
        self.negative_strides = self._own.negative_strides

    def configure(self, case: Case, *, literal: bool) -> str:
        return self._own.configure(case, literal=literal)

    def tensor(self, text: str, case: Case, argument: str) -> str:
        return self._own.tensor(text, case, argument)

    def array(self, text: str, case: Case) -> str:
        return self._own.array(text, case)

    def pad(self, text: str, pads: Pads, axes: Axes) -> str:
        return f"keras.ops.pad({text}, {flat_pairs(pads, axes)})"

    def concat(self, texts: list[str], axis: int) -> str:
        return f"keras.ops.concatenate([{', '.join(texts)}], axis={axis})"

    def forward(self, arguments: str) -> tuple[str, str]:
        return self._own.forward(arguments)

    def gradient(self, arguments: str, target: str) -> tuple[str, str]:
        return self._own.gradient(arguments, target)


def _layer(case: Case, sentence: Sentence, call: Call) -> str:
    """A layer's construction among the preparations, its call as the expression."""
    said = [f"kernel_size={case.kernel_size}", f"strides={call.strides or case.strides}", f'padding="{call.padding}"']
    said += [f'data_format="{case.data_format}"', f"dilation_rate={case.dilation}"]
    weights = {"kernel": call.w}
    if call.op == "conv_transpose":
        said.insert(0, f"filters={case.output_channels // case.groups}")
        if case.output_padding is not None and call.part is None:
            said.append(f"output_padding={case.output_padding}")
    elif call.part == "grouped":
        said.insert(0, f"filters={case.channels * case.depth_multiplier}")
        said.append(f"groups={case.channels}")
    elif call.op == "conv":
        said.insert(0, f"filters={case.filters}")
        said.append(f"groups={case.groups}")
    else:
        said.append(f"depth_multiplier={case.depth_multiplier}")
        weights = {"depthwise": call.w}
        if call.op == "separable_conv":
            said.insert(0, f"filters={case.filters}")
            weights["pointwise"] = "p"
    bias = case.use_bias and call.part is None
    if bias:
        weights["bias"] = "b"
    said += [f"use_bias={bias}", f'dtype="{case.dtype}"']
    # The layer makes weights before stateless_call replaces them: random ones cost more than the convolution, and JAX
    # compiles even zeros. Weights that do not fit are left to stateless_call, which compares their shapes.
    made = '"zeros"' if case.must_refuse else "lambda shape, dtype: {}"
    said += [f"{name}_initializer={made.format(weight)}" for name, weight in weights.items()]
    if not any(line.startswith("layer = ") for line in sentence.prepare):
        shape = "x.shape"
        if call.sizes is not None:
            channels = case.channels // case.groups if call.part == "transposed" else case.channels
            shape = str(sentence.axes.shape(case.batch, call.sizes, channels))
        sentence.prepare.append(f"layer = keras.layers.{LAYERS[call.op].format(case.rank)}({', '.join(said)})")
        sentence.prepare.append(f"layer.build({shape})")
    return f"layer.stateless_call([{', '.join(weights.values())}], [], {call.x})[0]"


def _operation(case: Case, call: Call) -> str:
    """A call of keras.ops, which reads filters, groups and multipliers off the kernel's shape and knows no bias."""
    kernels = f"{call.w}, p" if call.op == "separable_conv" else call.w
    said = f'strides={call.strides or case.strides}, padding="{call.padding}"'
    if call.op == "conv_transpose" and case.output_padding is not None and call.part is None:
        said += f", output_padding={case.output_padding}"
    said += f', data_format="{case.data_format}", dilation_rate={case.dilation}'
    return f"keras.ops.{call.op}({call.x}, {kernels}, {said})"


def _spread_out(case: Case, axes: Axes, x: str) -> str:
    """``x`` with s-1 zeros after every sample: an axis of n is one of n by 1, padded to n by s, then one of n*s.

    One axis after the other: backends know no more than one axis besides those of a convolution.
    """
    channels, sizes = case.channels // case.groups, list(case.spatial)
    for axis, s in enumerate(case.strides):
        apart = axes.shape(case.batch, [*sizes[: axis + 1], 1, *sizes[axis + 1 :]], channels)
        zeros = axes.spread([(0, s - 1) if place == axis + 1 else (0, 0) for place in range(case.rank + 1)], (0, 0))
        sizes[axis] *= s
        together = axes.shape(case.batch, sizes, channels)
        if s > 1:
            x = f"keras.ops.reshape(keras.ops.pad(keras.ops.reshape({x}, {apart}), {tuple(zeros)}), {together})"
    return x


def _pointwise(case: Case, x: str) -> str:
    convolved = f'keras.ops.conv({x}, p, 1, "valid", data_format="{case.data_format}")'
    return _bias(case, convolved)


def _bias(case: Case, text: str) -> str:
    if not case.use_bias:
        return text
    if case.channels_first:
        return f"{text} + keras.ops.reshape(b, {(1, -1, *(1,) * case.rank)})"
    return f"{text} + b"
