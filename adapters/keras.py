"""Keras: its layers, on any backend, given weights instead of making them (`stateless_call`).

The kernels' layouts are the reference's own: (*k, Cin/groups, filters), transposed (*k, filters, Cin),
depthwise (*k, C, M), pointwise (1, ..., C*M, filters).  https://keras.io/api/layers/convolution_layers/
"""

from __future__ import annotations

from .backends import BACKENDS, Axes, Backend, Sentence, flat_pairs
from .case import Case, Pads, Shape
from .source import SourceAdapter, ones, strided_and_dilated

LAYERS = {"conv": "Conv{}D", "depthwise_conv": "DepthwiseConv{}D", "separable_conv": "SeparableConv{}D"}
LARGEST_DEPTHWISE_RANK = 2


class KerasAdapter(SourceAdapter):
    """keras.layers on the backend named; Keras reads KERAS_BACKEND when it is imported."""

    def __init__(self, backend: str = "tensorflow") -> None:
        super().__init__(KerasBackend(backend))
        self.distributions = ("keras", *({"jax": ("jax", "jaxlib")}.get(backend, (backend,))))

    def equivalent(self, case: Case, sentence: Sentence) -> str:
        if case.transposed:
            return self._transposed(case, sentence)
        own = case.padding in ("valid", "same") or (case.padding == "causal" and case.op == "conv")
        grouped_3d = case.op != "conv" and case.rank > LARGEST_DEPTHWISE_RANK
        if own and not strided_and_dilated(case) and not grouped_3d:
            return _layer(case, sentence, LAYERS[case.op], padding=str(case.padding))
        x, sizes = self.padded(case, sentence), tuple(max(size, 0) for _, size in case.window)
        strides = ones(case) if strided_and_dilated(case) else case.strides
        subsample = strides != case.strides
        if case.op == "conv":
            convolved = _layer(case, sentence, LAYERS["conv"], x=x, sizes=sizes, strides=strides)
            return self.subsampled(case, sentence, convolved) if subsample else convolved
        # the pointwise convolution comes after the subsampling, and with it the bias
        depthwise = self._depthwise(case, sentence, x, sizes, strides)
        if subsample:
            depthwise = self.subsampled(case, sentence, depthwise)
        if case.op == "depthwise_conv":
            return _bias(case, depthwise)
        return _pointwise(case, depthwise)

    def literal(self, case: Case, sentence: Sentence) -> str | None:
        words = ("valid", "same", "causal") if case.op == "conv" or case.must_refuse else ("valid", "same")
        if case.padding not in words:
            return None
        if case.transposed:
            return None if case.groups != 1 else _layer(case, sentence, "Conv{}DTranspose", padding=str(case.padding))
        if case.op != "conv" and case.rank > LARGEST_DEPTHWISE_RANK:
            return None
        return _layer(case, sentence, LAYERS[case.op], padding=str(case.padding))

    def _depthwise(self, case: Case, sentence: Sentence, x: str, sizes: Shape, strides: Shape) -> str:
        if case.rank <= LARGEST_DEPTHWISE_RANK:
            kind = LAYERS["depthwise_conv"]
            return _layer(case, sentence, kind, x=x, sizes=sizes, strides=strides, part="depthwise_conv")
        # rank 3: grouped with groups = channels; (*k, C, M) -> (*k, 1, C*M)
        *k, channels, multiplier = case.kernel_shapes["depthwise_kernel"]
        w = f"keras.ops.reshape(w, {(*k, 1, channels * multiplier)})"
        return _layer(case, sentence, LAYERS["conv"], x=x, sizes=sizes, w=w, strides=strides, part="grouped")

    def _transposed(self, case: Case, sentence: Sentence) -> str:
        both = strided_and_dilated(case)
        if case.groups == 1 and case.padding in ("valid", "same") and not both:
            return _layer(case, sentence, "Conv{}DTranspose", padding=str(case.padding))
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
            kind = "Conv{}DTranspose"
            return _layer(case, sentence, kind, x=x, sizes=spatial, w=w, strides=strides, part="transposed")

        full = whole("x", "w") if case.groups == 1 else self.grouped(case, sentence, whole)
        return _bias(case, self.windowed(case, sentence, full, sizes))


class KerasBackend:
    """The backend's own templates, with Keras's words where it has them."""

    def __init__(self, name: str) -> None:
        self._own: Backend = BACKENDS[name]
        imports = [f'import os\nos.environ["KERAS_BACKEND"] = "{name}"', self._own.imports, "import keras"]
        self.imports = "\n".join(imports)
        self.negative_strides = self._own.negative_strides

    def configure(self, case: Case, *, literal: bool) -> str:
        return self._own.configure(case, literal=literal)

    def tensor(self, text: str, case: Case) -> str:
        return self._own.tensor(text, case)

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


def _layer(
    case: Case,
    sentence: Sentence,
    kind: str,
    *,
    x: str = "x",
    sizes: Shape | None = None,
    w: str = "w",
    padding: str = "valid",
    strides: Shape | None = None,
    part: str | None = None,
) -> str:
    """A layer's construction among the preparations, its call as the expression.

    ``sizes``: the spatial sizes of ``x``, where it is not the case's input.  ``part``: the layer is one part of the
    case, without bias, and (transposed) without groups and output_padding.
    """
    said = [f"kernel_size={case.kernel_size}", f"strides={strides or case.strides}", f'padding="{padding}"']
    said += [f'data_format="{case.data_format}"', f"dilation_rate={case.dilation}"]
    weights = {"kernel": w}
    if kind == "Conv{}DTranspose":
        said.insert(0, f"filters={case.output_channels // case.groups}")
        if case.output_padding is not None and part is None:
            said.append(f"output_padding={case.output_padding}")
    elif part == "grouped":
        said.insert(0, f"filters={case.channels * case.depth_multiplier}")
        said.append(f"groups={case.channels}")
    elif kind == LAYERS["conv"]:
        said.insert(0, f"filters={case.filters}")
        said.append(f"groups={case.groups}")
    else:
        said.append(f"depth_multiplier={case.depth_multiplier}")
        weights = {"depthwise": w}
        if kind == LAYERS["separable_conv"]:
            said.insert(0, f"filters={case.filters}")
            weights["pointwise"] = "p"
    bias = case.use_bias and part is None
    if bias:
        weights["bias"] = "b"
    said += [f"use_bias={bias}", f'dtype="{case.dtype}"']
    # The layer makes weights before stateless_call replaces them: random ones cost more than the convolution, and JAX
    # compiles even zeros. Weights that do not fit are left to stateless_call, which compares their shapes.
    made = '"zeros"' if case.must_refuse else "lambda shape, dtype: {}"
    said += [f"{name}_initializer={made.format(weight)}" for name, weight in weights.items()]
    if not any(line.startswith("layer = ") for line in sentence.prepare):
        shape = "x.shape"
        if sizes is not None:
            channels = case.channels // case.groups if part == "transposed" else case.channels
            shape = str(sentence.axes.shape(case.batch, sizes, channels))
        sentence.prepare.append(f"layer = keras.layers.{kind.format(case.rank)}({', '.join(said)})")
        sentence.prepare.append(f"layer.build({shape})")
    return f"layer.stateless_call([{', '.join(weights.values())}], [], {x})[0]"


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
