"""A right engine under the short contract, written with the reference: what the wrong ones are made from."""

import numpy as np

from convsuite import reference


class Right:
    """Says every case to the reference; subclasses say something else."""

    def run(self, case, arrays):
        arrays = {
            name: np.moveaxis(array, 1, -1)
            if name in ("input", "output_gradient") and case.data_format == "channels_first"
            else array
            for name, array in arrays.items()
        }
        result = self.compute(case, arrays)
        has_channels = case.wrt in (None, "input")
        return np.moveaxis(result, -1, 1) if case.data_format == "channels_first" and has_channels else result

    def parameters(self, case):
        said = {"strides": case.strides, "padding": case.padding, "dilation": case.dilation}
        if case.op in ("conv", "conv_transpose"):
            said["groups"] = case.groups
        if case.op == "conv_transpose":
            said["output_padding"] = case.output_padding
        return said

    def compute(self, case, arrays):
        said, x, bias = self.parameters(case), arrays["input"], arrays.get("bias")
        if case.op == "separable_conv":
            if case.wrt is not None:
                raise NotImplementedError("gradients of separable convolutions")
            return reference.separable_conv(
                x, arrays["depthwise_kernel"], arrays["pointwise_kernel"], bias=bias, **said
            )
        w = arrays["depthwise_kernel" if case.op == "depthwise_conv" else "kernel"]
        if case.wrt is None:
            return getattr(reference, case.op)(x, w, bias=bias, **said)
        g = arrays["output_gradient"]
        if case.wrt == "input":
            return reference.input_gradient(g, w, x.shape, op=case.op, **said)
        if case.wrt == "bias":
            return reference.bias_gradient(g)
        return reference.kernel_gradient(x, g, w.shape, op=case.op, **said)
