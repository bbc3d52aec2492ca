"""Engines that contradict themselves: each breaks one law of convolution, whatever the right answer is."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from right import Right


def along(array, axis):
    """0, 1, 2, ... along an axis, ready to be added."""
    shape = [1] * array.ndim
    shape[axis] = -1
    return np.arange(array.shape[axis], dtype=array.dtype).reshape(shape)


class DependsOnThePlaceInTheBatch(Right):
    def compute(self, case, arrays):
        result = super().compute(case, arrays)
        return result + along(result, 0)


class DependsOnThePlaceInSpace(Right):
    def compute(self, case, arrays):
        result = super().compute(case, arrays)
        return result + along(result, 1)


class TakesMagnitudes(Right):
    """Of the argument that it is made for."""

    argument = "input"

    def compute(self, case, arrays):
        return super().compute(case, {**arrays, self.argument: np.abs(arrays[self.argument])})


class TakesMagnitudesOfTheKernel(TakesMagnitudes):
    argument = "kernel"


class StridesFromTheEnd(Right):
    """Keeps the last output of stride 1 and every s-th before it, instead of the first and every s-th after it."""

    def compute(self, case, arrays):
        if case.op != "conv" or max(case.strides) == 1:
            return super().compute(case, arrays)
        dense = {"strides": 1, "padding": case.pads, "dilation": case.dilation, "groups": case.groups}
        self.parameters = lambda _: dense  # pyright: ignore[reportAttributeAccessIssue]
        whole = super().compute(case, arrays)
        del self.parameters
        return whole[:, *(slice((n - 1) % s, None, s) for n, s in zip(whole.shape[1:-1], case.strides, strict=True))]


class DilationDropped(Right):
    def parameters(self, case):
        return {**super().parameters(case), "dilation": 1}


class GroupsInAnotherOrder(Right):
    """The groups' outputs stand last first."""

    def compute(self, case, arrays):
        result = super().compute(case, arrays)
        groups = case.channels if case.op == "depthwise_conv" else case.groups
        return np.concatenate(np.split(result, groups, axis=-1)[::-1], axis=-1)


class TransposedFlipped(Right):
    """The kernel is mirrored in transposed convolutions alone."""

    def compute(self, case, arrays):
        if case.transposed:
            arrays = {**arrays, "kernel": arrays["kernel"][(slice(None, None, -1),) * case.rank]}
        return super().compute(case, arrays)


class GradientOfTheWrongSign(Right):
    def compute(self, case, arrays):
        result = super().compute(case, arrays)
        return result if case.wrt is None else -result


class PointwiseInAnotherOrder(Right):
    """Takes channel m*C + c of the depthwise half for channel c*M + m."""

    def compute(self, case, arrays):
        if case.op == "separable_conv":
            pointwise = arrays["pointwise_kernel"]
            split = pointwise.reshape(case.depth_multiplier, case.channels, -1)
            arrays = {**arrays, "pointwise_kernel": split.swapaxes(0, 1).reshape(pointwise.shape)}
        return super().compute(case, arrays)


class ExtraZeroAtTheBegin(Right):
    """SAME is SAME_LOWER, in either kind of convolution."""

    def parameters(self, case):
        said = super().parameters(case)
        return {**said, "padding": {"same": "same_lower"}.get(said["padding"], said["padding"])}


class KernelFlipped(Right):
    """Wrong everywhere in the same way: it obeys every law that does not name another operation."""

    def compute(self, case, arrays):
        return super().compute(case, {**arrays, "kernel": arrays["kernel"][(slice(None, None, -1),) * case.rank]})


class RefusesOneItem(Right):
    def compute(self, case, arrays):
        if case.batch == 1:
            raise NotImplementedError("a batch of one")
        return super().compute(case, arrays)


class WrongForOneItem(Right):
    def compute(self, case, arrays):
        return super().compute(case, arrays) + (case.batch == 1)
