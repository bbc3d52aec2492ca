"""Engines with one fault each, of the kinds that real frameworks have had."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from right import Right


class KernelFlipped(Right):
    def compute(self, case, arrays):
        name = "depthwise_kernel" if "depthwise_kernel" in arrays else "kernel"
        mirror = (slice(None, None, -1),) * case.rank
        return super().compute(case, {**arrays, name: arrays[name][mirror]})


class PaddingOnTheWrongSide(Right):
    def parameters(self, case):
        said = super().parameters(case)
        said["padding"] = {"same": "same_lower", "same_lower": "same"}.get(said["padding"], said["padding"])
        if isinstance(said["padding"], tuple):
            said["padding"] = tuple((hi, lo) for lo, hi in said["padding"])
        return said


class DilationDropped(Right):
    def parameters(self, case):
        return {**super().parameters(case), "dilation": 1}


class DepthwiseOrderSwapped(Right):
    """Channel m*C + c instead of c*M + m: right shape, other order."""

    def compute(self, case, arrays):
        result = super().compute(case, arrays)
        if case.op != "depthwise_conv" or case.wrt is not None:
            return result
        shape = result.shape
        split = result.reshape(*shape[:-1], case.channels, case.depth_multiplier)
        return split.swapaxes(-1, -2).reshape(shape)


class GroupsInterleaved(Right):
    """Channel i belongs to group i % groups instead of i // (channels / groups)."""

    def compute(self, case, arrays):
        if case.groups > 1:
            x = arrays["input"]
            shape = x.shape
            x = x.reshape(*shape[:-1], shape[-1] // case.groups, case.groups).swapaxes(-1, -2).reshape(shape)
            arrays = {**arrays, "input": x}
        return super().compute(case, arrays)


class BiasForgotten(Right):
    def compute(self, case, arrays):
        return super().compute(case, {name: array for name, array in arrays.items() if name != "bias"})


class RoundedToBfloat16(Right):
    def compute(self, case, arrays):
        import ml_dtypes

        result = super().compute(case, arrays)
        return result.astype(ml_dtypes.bfloat16).astype(result.dtype)


class InputsRoundedToTf32(Right):
    """Ten fraction bits of the input are kept: within every element's bound, seen by the variance test alone."""

    def compute(self, case, arrays):
        return super().compute(case, {name: self._rounded(array) for name, array in arrays.items()})

    def _rounded(self, array):
        if array.dtype != np.float32:
            return array
        return ((array.view(np.uint32) + 0x1000) & 0xFFFFE000).view(np.float32)


class OutputPaddingIgnored(Right):
    """Zeros at the end instead of the values that output_padding reveals."""

    def compute(self, case, arrays):
        result = super().compute(case, arrays)
        if case.op == "conv_transpose" and case.output_padding is not None and case.wrt is None:
            result = result.copy()
            for axis, extra in enumerate(case.output_padding, 1):
                end = [slice(None)] * result.ndim
                end[axis] = slice(result.shape[axis] - extra, None)
                result[tuple(end)] = 0
        return result


class AcceptsEverything(Right):
    def run(self, case, arrays):
        if case.must_refuse:
            return np.zeros((1, 1, 1), arrays["input"].dtype)
        return super().run(case, arrays)


class SumsBackwards(Right):
    """Right, in another order of summation: must not be accused."""

    def compute(self, case, arrays):
        if case.op != "conv" or case.wrt is not None or case.groups > 1:
            return super().compute(case, arrays)
        flipped = {**arrays, "input": arrays["input"][..., ::-1], "kernel": arrays["kernel"][..., ::-1, :]}
        return super().compute(case, {name: np.ascontiguousarray(array) for name, array in flipped.items()})


class SumsInFloat64(Right):
    """Right, with a wider accumulator: must not be accused."""

    def compute(self, case, arrays):
        dtype = arrays["input"].dtype
        if dtype.kind in "iu":
            return super().compute(case, arrays)
        wide = {name: array.astype(np.float64) for name, array in arrays.items()}
        with np.errstate(over="ignore"):
            return super().compute(case, wide).astype(dtype)
