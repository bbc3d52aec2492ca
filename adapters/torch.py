"""PyTorch: torch.nn.functional, channels first, kernels (Cout, Cin/groups, *k), transposed (Cin, Cout/groups, *k).

https://docs.pytorch.org/docs/stable/nn.functional.html#convolution-functions
"""

from __future__ import annotations

from typing import Any

from .backends import Axes, Sentence, make_backend
from .base import Unsupported
from .case import Case, Shape
from .layout import layout
from .source import SourceAdapter

LAYOUTS = {
    "conv": "Cout Cin/groups *k",
    "conv_transpose": "Cin Cout/groups *k",
    "depthwise_kernel": "C*M 1 *k",
    "pointwise_kernel": "Cout C*M *k",
}
"""The channels of a depthwise kernel are groups, each with its multipliers side by side."""


class TorchAdapter(SourceAdapter):
    """F.conv{rank}d and F.conv_transpose{rank}d; ``mode`` and other options are `TorchBackend`'s.

    ``prepacked``: kernels are reordered once for oneDNN, by the operators with which compiled models do so, where these
    can say the case.
    """

    distributions = ("torch",)

    def __init__(self, *, prepacked: bool = False, **options: Any) -> None:
        super().__init__(make_backend("torch", **options))
        self._prepacked = prepacked

    def axes(self, case: Case) -> Axes:
        return Axes(case.rank, channels_first=True)

    def equivalent(self, case: Case, sentence: Sentence) -> str:
        _kernels(case, sentence)
        if self._prepacked:
            return _prepacked(case, sentence)
        if case.transposed:
            return self._transposed(case, sentence)
        # documented: "same" for stride 1, the extra at the end; numbers for both sides of an axis
        if case.padding == "same" and max(case.strides) == 1:
            return _conv(case, "x", "same")
        if (sides := _symmetric(case)) is not None:
            return _conv(case, "x", sides)
        return _conv(case, self.padded(case, sentence), (0,) * case.rank)

    def literal(self, case: Case, sentence: Sentence) -> str | None:
        _kernels(case, sentence)
        if isinstance(case.padding, tuple):
            if any(lo != hi for lo, hi in case.padding):
                return None
            padding: str | Shape = tuple(lo for lo, _ in case.padding)
            return _conv_transpose(case, padding, case.output_padding) if case.transposed else _conv(case, "x", padding)
        # the port's idiom for SAME: half a kernel on either side
        half = tuple(d * (k // 2) for k, d in zip(case.kernel_size, case.dilation, strict=True))
        if case.padding == "valid":
            return _conv_transpose(case, None, case.output_padding) if case.transposed else _conv(case, "x", "valid")
        if case.padding != "same":
            return None
        if case.transposed:
            return _conv_transpose(case, half, case.output_padding or tuple(s - 1 for s in case.strides))
        return _conv(case, "x", "same" if max(case.strides) == 1 else half)

    def _transposed(self, case: Case, sentence: Sentence) -> str:
        # documented: padding crops both ends of the full result alike, output_padding extends the end
        crops = _symmetric(case)
        if crops is not None and isinstance(case.padding, tuple):
            return _conv_transpose(case, crops, case.output_padding)
        if all(window == (0, full) for window, full in zip(case.window, case.full, strict=True)):
            return _conv_transpose(case, None, None)
        full = _conv_transpose(case, None, None, bias=False)
        result = self.windowed(case, sentence, full, case.full)
        return f"{result} + b.reshape({(1, -1, *(1,) * case.rank)})" if case.use_bias else result


def _prepacked(case: Case, sentence: Sentence) -> str:
    """The operator of oneDNN with a kernel that is reordered beforehand, once.  Raises `Unsupported`."""
    if case.op == "separable_conv" or case.wrt is not None:
        raise Unsupported("prepacked kernels are for the forward result of one convolution")
    longer = tuple(lo - hi for lo, hi in case.pads)
    most = tuple(max(s, d) - 1 if case.transposed else 0 for s, d in zip(case.strides, case.dilation, strict=True))
    if min(lo for lo, _ in case.pads) < 0 or any(not 0 <= n <= top for n, top in zip(longer, most, strict=True)):
        raise Unsupported("oneDNN is told one number of zeros for both ends of an axis")
    # with one spatial axis: two, the first of one sample
    lead, there, back = ((0,), ".unsqueeze(2)", ".squeeze(2)") if case.rank == 1 else ((), "", "")
    one = tuple(1 for _ in lead)
    sides = [(*lead, *(lo for lo, _ in case.pads)), (*one, *case.strides), (*one, *case.dilation)]
    if case.transposed:
        sides.insert(1, (*lead, *longer))
    said = ", ".join(map(str, [*sides, case.channels if case.op == "depthwise_conv" else case.groups]))
    name = "convolution_transpose" if case.transposed else "convolution"
    sentence.prepare.append(f"w = torch.ops.mkldnn._reorder_{name}_weight(w{there}, {said}, x{there}.shape)")
    bias = "b" if case.use_bias else "None"
    return f'torch.ops.mkldnn._{name}_pointwise(x{there}, w, {bias}, {said}, "none", [], ""){back}'


def _symmetric(case: Case) -> Shape | None:
    """The padding as one non-negative number per axis, where it can be said so."""
    if case.padding == "valid":
        return (0,) * case.rank
    if isinstance(case.padding, tuple) and all(lo == hi >= 0 for lo, hi in case.padding):
        return tuple(lo for lo, _ in case.padding)
    return None


def _conv(case: Case, x: str, padding: str | Shape) -> str:
    name = f"F.conv{case.rank}d"
    window = f"stride={case.strides}, padding={padding!r}, dilation={case.dilation}"
    bias = ", b" if case.use_bias else ""
    if case.op == "conv":
        return f"{name}({x}, w{bias}, {window}, groups={case.groups})"
    if case.op == "depthwise_conv":
        return f"{name}({x}, w{bias}, {window}, groups={case.channels})"
    return f"{name}({name}({x}, w, {window}, groups={case.channels}), p{bias})"


def _conv_transpose(case: Case, padding: Shape | None, output_padding: Shape | None, *, bias: bool = True) -> str:
    said = f"w{', b' if bias and case.use_bias else ''}, stride={case.strides}"
    if padding is not None:
        said += f", padding={padding}"
    if output_padding is not None:
        said += f", output_padding={output_padding}"
    return f"F.conv_transpose{case.rank}d(x, {said}, groups={case.groups}, dilation={case.dilation})"


def _kernels(case: Case, sentence: Sentence) -> None:
    for argument in case.kernel_shapes:
        names = LAYOUTS[case.op if argument == "kernel" else argument]
        sentence.kernels[argument] = layout(case, argument, names)
