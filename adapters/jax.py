"""JAX: lax.conv_general_dilated and lax.conv_transpose; layouts as dimension_numbers say, here the case's own.

https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_general_dilated.html
https://docs.jax.dev/en/latest/_autosummary/jax.lax.conv_transpose.html
"""

from __future__ import annotations

from typing import Any

from .backends import Sentence, make_backend
from .case import Case
from .layout import layout
from .source import SourceAdapter, crops, ones


class JaxAdapter(SourceAdapter):
    """One primitive says every padding, dilation of either side and groups; ``mode`` and ``x64`` are `JaxBackend`'s."""

    distributions = ("jax", "jaxlib")

    def __init__(self, **options: Any) -> None:
        super().__init__(make_backend("jax", **options))

    def equivalent(self, case: Case, sentence: Sentence) -> str:
        if not case.transposed:
            if isinstance(case.padding, str):
                return self._conv(case, sentence, case.pads if case.padding == "causal" else case.padding)
            # documented for zeros around the input; what negative pairs take away is cut off before
            x = self.padded(case, sentence) if crops(case) else "x"
            return self._conv(case, sentence, case.padding if x == "x" else "valid", x=x)
        # documented: transpose_kernel=True is the gradient of the forward convolution with that padding word
        if case.padding in ("same", "valid") and case.output_padding is None and case.groups == 1:
            padding = f'"{str(case.padding).upper()}"'
            return _bias(case, _conv_transpose(case, "w", padding, transpose_kernel=True))
        # A transposed convolution is a convolution of the input dilated by s with the kernel mirrored and its channels
        # exchanged; (k-1)*d zeros at both ends give the whole result, of which the window is cut.
        pads = tuple(((k - 1) * d,) * 2 for k, d in zip(case.kernel_size, case.dilation, strict=True))
        sentence.kernels["kernel"] = layout(case, "kernel", "*k Cin/groups Cout", mirrored=True)
        full = (
            f"lax.conv_general_dilated(x, w, {ones(case)}, {pads}, lhs_dilation={case.strides}, "
            f"rhs_dilation={case.dilation}, dimension_numbers={_numbers(case)}, feature_group_count={case.groups})"
        )
        # of an axis without samples no stride is taken off: (k-1)*d values, all zeros
        sizes = tuple(
            size if n else (k - 1) * d
            for size, n, k, d in zip(case.full, case.spatial, case.kernel_size, case.dilation, strict=True)
        )
        return _bias(case, self.windowed(case, sentence, full, sizes))

    def literal(self, case: Case, sentence: Sentence) -> str | None:
        if case.padding == "causal":
            return None
        if not case.transposed:
            return self._conv(case, sentence, case.padding)
        if case.groups != 1 or case.output_padding is not None or case.padding == "same_lower":
            return None  # lax.conv_transpose has no such parameter
        # the documented defaults: a kernel (*k, Cin, Cout), not mirrored, and pairs that pad the dilated input
        padding = f'"{str(case.padding).upper()}"' if isinstance(case.padding, str) else repr(case.padding)
        return _bias(case, _conv_transpose(case, "w.swapaxes(-1, -2)", padding, transpose_kernel=False))

    def _conv(self, case: Case, sentence: Sentence, padding: object, *, x: str = "x") -> str:
        said = f'"{padding.upper()}"' if isinstance(padding, str) else repr(padding)
        window = f"{case.strides}, {said}, rhs_dilation={case.dilation}, dimension_numbers={_numbers(case)}"
        if case.op == "conv":
            return _bias(case, f"lax.conv_general_dilated({x}, w, {window}, feature_group_count={case.groups})")
        # channel c's multipliers stand side by side
        sentence.kernels["depthwise_kernel"] = layout(case, "depthwise_kernel", "*k 1 C*M")
        depthwise = f"lax.conv_general_dilated({x}, w, {window}, feature_group_count={case.channels})"
        if case.op == "depthwise_conv":
            return _bias(case, depthwise)
        pointwise = f'{ones(case)}, "VALID", dimension_numbers={_numbers(case)}'
        return _bias(case, f"lax.conv_general_dilated({depthwise}, p, {pointwise})")


def _numbers(case: Case) -> str:
    window = "DHW"[3 - case.rank :]
    data = f"NC{window}" if case.channels_first else f"N{window}C"
    return str((data, f"{window}IO", data))


def _conv_transpose(case: Case, w: str, padding: str, *, transpose_kernel: bool) -> str:
    said = f"rhs_dilation={case.dilation}, dimension_numbers={_numbers(case)}"
    said += ", transpose_kernel=True" if transpose_kernel else ""
    return f"lax.conv_transpose(x, {w}, {case.strides}, {padding}, {said})"


def _bias(case: Case, text: str) -> str:
    if not case.use_bias:
        return text
    return f"{text} + b.reshape({(1, -1, *(1,) * case.rank)})" if case.channels_first else f"{text} + b"
