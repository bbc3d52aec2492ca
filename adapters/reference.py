"""The project's own reference as an engine, in the case's dtype: what a plain NumPy convolution gives."""

from __future__ import annotations

from importlib.metadata import version
from math import gcd

from ..reference.bounds import PRECISIONS
from .base import Program, Unsupported, Words, viewed
from .case import Case
from .layout import layouts

MOST_TAPS = 3
"""Of a part of the kernel per axis: with more of them Winograd's algorithm is hardly used, its error being large."""


class ReferenceAdapter:
    """`convsuite.reference`, channels last.

    ``algorithm``: of the forward results, where it applies, or with ``always`` of all of them, so that the reference
    refuses the others; winograd with ``tile`` outputs per axis, the kernel ``prepared`` if so asked.
    ``threads``: how many compute forward results.
    """

    def __init__(
        self,
        algorithm: str | None = None,
        tile: int | None = None,
        *,
        always: bool = False,
        prepared: bool = False,
        threads: int | None = None,
    ) -> None:
        self.algorithm, self.tile = algorithm, tile
        self._always, self._prepares, self._threads = always, prepared, threads

    def versions(self) -> dict[str, str]:
        """NumPy's and the suite's own."""
        return {"convsuite": version("convsuite"), "numpy": version("numpy")}

    def translate(self, case: Case, form: str) -> Program | None:
        """The reference's functions bear the cases' names; there is one form."""
        if form == "literal":
            return None
        prepare = [f"{name} = {viewed(name, case)}" for name in case.array_shapes]
        result = "y"
        if case.channels_first:
            prepare += [
                f"{name} = np.moveaxis({name}, 1, -1)"
                for name in ("input", "output_gradient")
                if name in case.array_shapes
            ]
            result = "np.moveaxis(y, -1, 1)" if case.result_has_channels else "y"
        if self._prepares:
            prepare.append(self._preparation(case))
        imports = "import numpy as np\nfrom convsuite import reference"
        run = f"y = {self._expression(case)}"
        words = Words(run, "channels_last", layouts(case), whole=True)
        return Program(imports, "\n".join(prepare), run, f"result = {result}", words)

    def _expression(self, case: Case) -> str:
        window = f"strides={case.strides}, padding={case.padding!r}, dilation={case.dilation}"
        groups = f", groups={case.groups}" if case.op in ("conv", "conv_transpose") else ""
        if case.transposed:
            groups += f", output_padding={case.output_padding}"
        algorithm = f", algorithm={self.algorithm!r}" if self._applies(case) else ""
        if algorithm and self.tile:
            algorithm += f", tile={self.tile}"
        if case.op == "separable_conv" and case.wrt not in (None, "bias"):
            return self._separable_gradient(case, window)
        kernels = ", ".join(case.kernel_shapes)
        if case.wrt is None:
            bias = ", bias=bias" if case.use_bias else ""
            threads = f", threads={self._threads}" if self._threads else ""
            return f"reference.{case.op}(input, {kernels}, {window}{groups}{bias}{algorithm}{threads})"
        said = f"op={case.op!r}, {window}{groups}"
        if case.wrt == "input":
            return f"reference.input_gradient(output_gradient, {kernels}, input.shape, {said})"
        if case.wrt == "bias":
            return "reference.bias_gradient(output_gradient)"
        return f"reference.kernel_gradient(input, output_gradient, {kernels}.shape, {said})"

    def _preparation(self, case: Case) -> str:
        """The kernel made ready for the algorithm, under its own name.  Raises `Unsupported`."""
        if case.op == "separable_conv" or case.wrt is not None:
            raise Unsupported("prepared kernels are for the forward result of one convolution")
        (kernel,) = case.kernel_shapes
        said = f"op={case.op!r}, algorithm={self.algorithm or 'auto'!r}" + (f", tile={self.tile}" if self.tile else "")
        said += f", strides={case.strides}, dilation={case.dilation}"
        if case.op != "depthwise_conv":
            said += f", groups={case.groups}"
        return f"{kernel} = reference.prepare({kernel}, {said})"

    def _applies(self, case: Case) -> bool:
        """Whether the algorithm is to be named: winograd for convolutions of floats with two or three taps a part."""
        if self.algorithm != "winograd":
            return self.algorithm is not None
        if self._always:
            if not case.transposed and _most_taps(case) == 1:
                raise Unsupported("no part of the kernel has two taps: Winograd's algorithm has nothing to save")
            return True
        if case.must_refuse or case.wrt is not None or case.transposed or case.dtype not in PRECISIONS:
            return False
        return 1 < _most_taps(case) <= MOST_TAPS

    def _separable_gradient(self, case: Case, window: str) -> str:
        """The chain rule over depthwise, then pointwise."""
        between = f"reference.depthwise_conv(input, depthwise_kernel, {window})"
        if case.wrt == "pointwise_kernel":
            return f"reference.kernel_gradient({between}, output_gradient, pointwise_kernel.shape)"
        inner = f"reference.input_gradient(output_gradient, pointwise_kernel, {between}.shape)"
        said = f"op='depthwise_conv', {window}"
        if case.wrt == "input":
            return f"reference.input_gradient({inner}, depthwise_kernel, input.shape, {said})"
        return f"reference.kernel_gradient(input, {inner}, depthwise_kernel.shape, {said})"


def _most_taps(case: Case) -> int:
    """Of a part of the kernel, per axis: a stride s that the dilation d does not share makes s / gcd(s, d) parts."""
    axes = zip(case.kernel_size, case.strides, case.dilation, strict=True)
    return max(-(-k // (s // gcd(s, d))) for k, s, d in axes)
