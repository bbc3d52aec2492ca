"""Faults of channels: groups, depthwise and separable convolutions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ... import reference
from ...adapters.case import Case
from ..expected import Arrays, evaluate
from .fault import Condition, Fault, changes_arrays, changes_case, changes_result, forward, shape_kept, valid
from .kernel import rereads

Order = Callable[[int, int], np.ndarray]
"""(channels, groups) -> which channel stands where."""


def interleaved(channels: int, groups: int) -> np.ndarray:
    """Channel i of group i % groups, where it ought to be contiguous blocks."""
    return np.arange(channels).reshape(-1, groups).T.reshape(-1)


def _dealt_out(channels: int, groups: int) -> np.ndarray:
    """The first channel of every block, then the second of every block: a channel shuffle."""
    return interleaved(channels, channels // groups)


def _backwards(channels: int, groups: int) -> np.ndarray:
    """The last block of channels first."""
    return np.arange(channels).reshape(groups, -1)[::-1].reshape(-1)


def _first(channels: int, groups: int) -> np.ndarray:
    """The first block for all."""
    return np.tile(np.arange(channels // groups), groups)


def _grouped(op: str) -> Condition:
    return lambda case: case.op == op and case.groups > 1


def _group_faults(op: str, prefix: str, source: str) -> tuple[Fault, ...]:
    """What can be mixed up between groups: the same for the convolution and for the transposed one."""
    grouped = _grouped(op)

    def several_per_group(count: Callable[[Case], int]) -> Condition:
        return lambda case: grouped(case) and count(case) > case.groups

    def reads(code: str, sentence: str, order: Order, when: Condition, said: str = "") -> Fault:
        """The input's channels in another order; only where the input is read."""

        def change(case: Case, arrays: Arrays) -> Arrays:
            return {"input": arrays["input"][..., order(case.channels, case.groups)]}

        return changes_arrays(
            prefix + code,
            sentence,
            change,
            when=lambda case: when(case) and case.wrt not in ("input", "bias"),
            source=said,
        )

    def writes(code: str, sentence: str, order: Order, when: Condition, said: str = "") -> Fault:
        """The output's channels in another order."""

        def change(case: Case, result: np.ndarray) -> np.ndarray:
            return result[..., order(case.output_channels, case.groups)]

        return changes_result(
            prefix + code, sentence, change, when=lambda case: when(case) and forward(case), source=said
        )

    def first_kernel(case: Case, kernel: np.ndarray) -> np.ndarray:
        return kernel[..., _first(kernel.shape[-1], case.groups)]

    return (
        reads(
            "groups-read-the-first", "every group reads the input channels of the first one", _first, grouped, source
        ),
        reads(
            "groups-interleaved-in",
            "input channel c belongs to group c % groups instead of a contiguous block",
            interleaved,
            several_per_group(lambda case: case.channels),
            source,
        ),
        writes(
            "groups-interleaved-out",
            "output channel f is written by group f % groups instead of a contiguous block",
            interleaved,
            several_per_group(lambda case: case.output_channels),
            source,
        ),
        writes(
            "groups-dealt-out",
            "output channels are shuffled: the first one of every group, then the second one of every group",
            _dealt_out,
            several_per_group(lambda case: case.output_channels),
            source,
        ),
        reads("groups-read-backwards", "the first group reads the last block of channels", _backwards, grouped),
        writes("groups-written-backwards", "the first group writes the last block of channels", _backwards, grouped),
        changes_arrays(
            prefix + "groups-share-a-kernel",
            "every group is computed with the kernel of the first one",
            lambda case, arrays: {"kernel": first_kernel(case, arrays["kernel"])},
            when=lambda case: grouped(case) and case.wrt not in ("kernel", "bias"),
        ),
        changes_result(
            prefix + "groups-only-the-first",
            "only the first group is computed, the others are zero",
            _only_first_group,
            when=lambda case: grouped(case) and forward(case),
        ),
    )


def _only_first_group(case: Case, result: np.ndarray) -> np.ndarray:
    result[..., case.output_channels // case.groups :] = 0
    return result


def _grouped_image(_case: Case, result: np.ndarray) -> np.ndarray:
    result[1:] = result[:1]
    return result


def _depthwise(case: Case) -> bool:
    return "depthwise_kernel" in case.kernel_shapes


def _multiplied(case: Case) -> bool:
    return _depthwise(case) and case.depth_multiplier > 1


def _multiplier_first(case: Case, result: np.ndarray) -> np.ndarray:
    """Channel m*C + c instead of c*M + m."""
    return result[..., interleaved(case.output_channels, case.depth_multiplier)]


def _cycled(case: Case, arrays: Arrays) -> np.ndarray:
    """Output q reads input channel q % C under kernel (q // M, q % M): as if channels were dealt out, not repeated."""
    channels, multiplier = case.channels, case.depth_multiplier
    dealt = arrays["input"][..., np.arange(channels * multiplier) % channels]
    kernel = arrays["depthwise_kernel"]
    changed = replace(case, input=dealt.shape, depth_multiplier=1)
    kernel = kernel.reshape(*kernel.shape[:-2], channels * multiplier, 1)
    return evaluate(changed, {**arrays, "input": dealt, "depthwise_kernel": kernel})


def _one_multiplier(case: Case, arrays: Arrays) -> np.ndarray:
    """One output channel per input channel, whatever the multiplier says."""
    kernel, biases = arrays["depthwise_kernel"][..., :1], {}
    if "bias" in arrays:
        biases = {"bias": arrays["bias"][: case.channels]}
    return evaluate(replace(case, depth_multiplier=1), {**arrays, "depthwise_kernel": kernel, **biases})


def _separable(case: Case) -> bool:
    return case.op == "separable_conv"


def _between(case: Case, arrays: Arrays) -> np.ndarray:
    """What stands between the two halves."""
    return reference.depthwise_conv(
        arrays["input"],
        arrays["depthwise_kernel"],
        strides=case.strides,
        padding=case.padding,
        dilation=case.dilation,
    )


def _bias_between(case: Case, arrays: Arrays) -> np.ndarray:
    return reference.conv(_between(case, arrays) + arrays["bias"], arrays["pointwise_kernel"])


def _strides_twice(case: Case, arrays: Arrays) -> np.ndarray:
    between = _between(case, arrays)
    return reference.conv(between, arrays["pointwise_kernel"], strides=case.strides, bias=arrays.get("bias"))


def _pads_twice(case: Case, arrays: Arrays) -> np.ndarray:
    between = _between(case, arrays)
    return reference.conv(between, arrays["pointwise_kernel"], padding=case.pads, bias=arrays.get("bias"))


def _rows_multiplier_first(case: Case, kernel: np.ndarray) -> np.ndarray:
    return kernel[..., interleaved(kernel.shape[-2], case.depth_multiplier), :]


def _odd_channel_forgotten(case: Case, arrays: Arrays) -> Arrays:
    """The loop over channels takes four at a time and no remainder."""
    cut = arrays["input"].copy()
    cut[..., case.channels // 4 * 4 :] = 0
    return {"input": cut}


def _filters_remainder(case: Case, result: np.ndarray) -> np.ndarray:
    result[..., case.output_channels // 4 * 4 :] = 0
    return result


FAULTS = (
    *_group_faults("conv", "", "tensorflow/tensorflow#36773"),
    *_group_faults("conv_transpose", "transposed-", ""),
    changes_result(
        "groups-of-the-first-image",
        "a grouped convolution gives every image of the batch the result of the first one",
        _grouped_image,
        when=lambda case: case.groups > 1 and case.batch > 1 and forward(case),
        source="pytorch/pytorch#188335",
    ),
    changes_result(
        "depthwise-multiplier-first",
        "a depthwise output channel is m*C + c instead of c*M + m",
        _multiplier_first,
        when=lambda case: case.op == "depthwise_conv" and _multiplied(case) and case.channels > 1 and forward(case),
        source="zsef123/EfficientNets-PyTorch#4",
    ),
    Fault(
        "depthwise-input-dealt-out",
        "depthwise output channel q reads input channel q % C instead of q // M",
        "",
        lambda case: (
            valid(case) and case.op == "depthwise_conv" and _multiplied(case) and case.channels > 1 and forward(case)
        ),
        _cycled,
    ),
    Fault(
        "depthwise-multiplier-ignored",
        "a depthwise convolution gives one output channel per input channel, whatever the depth multiplier",
        "gmalivenko/pytorch2keras#7",
        lambda case: valid(case) and case.op == "depthwise_conv" and _multiplied(case) and forward(case),
        _one_multiplier,
    ),
    changes_arrays(
        "depthwise-first-multiple-for-all",
        "all M kernels of an input channel are the first of them",
        lambda case, arrays: {
            "depthwise_kernel": np.repeat(arrays["depthwise_kernel"][..., :1], case.depth_multiplier, -1)
        },
        when=lambda case: _multiplied(case) and case.wrt not in ("depthwise_kernel", "bias"),
    ),
    changes_arrays(
        "depthwise-first-kernel-for-all",
        "all channels of a depthwise convolution are filtered by the first channel's kernel",
        lambda case, arrays: {"depthwise_kernel": np.repeat(arrays["depthwise_kernel"][..., :1, :], case.channels, -2)},
        when=lambda case: _depthwise(case) and case.channels > 1 and case.wrt not in ("depthwise_kernel", "bias"),
    ),
    Fault(
        "separable-bias-between",
        "the bias of a separable convolution is added between its two halves",
        "",
        lambda case: (
            valid(case)
            and _separable(case)
            and case.use_bias
            and forward(case)
            and case.channels * case.depth_multiplier == case.output_channels
        ),
        _bias_between,
    ),
    Fault(
        "separable-strides-twice",
        "both halves of a separable convolution are strided",
        "keras-team/keras#22268",
        lambda case: (
            valid(case) and _separable(case) and forward(case) and max(case.strides) > 1 and max(case.raw_sizes) > 1
        ),
        _strides_twice,
    ),
    Fault(
        "separable-pads-twice",
        "both halves of a separable convolution are padded",
        "keras-team/keras#22268",
        lambda case: valid(case) and _separable(case) and forward(case) and max(map(max, case.pads)) > 0,
        _pads_twice,
    ),
    changes_case(
        "separable-dilation-forgotten",
        "the depthwise half of a separable convolution is not dilated, though its output has the dilated one's size",
        lambda case: shape_kept(case, replace(case, dilation=(1,) * case.rank)),
        when=_separable,
    ),
    rereads(
        "separable-rows-multiplier-first",
        "the pointwise kernel takes channel m*C + c for c*M + m",
        _rows_multiplier_first,
        argument="pointwise_kernel",
        when=lambda case: case.depth_multiplier > 1 and case.channels > 1,
        source="zsef123/EfficientNets-PyTorch#4",
    ),
    changes_arrays(
        "channels-remainder-forgotten",
        "input channels are summed four at a time, and the last ones that are no four are left out",
        _odd_channel_forgotten,
        when=lambda case: case.channels % 4 != 0 and case.channels > 4 and case.wrt not in ("input", "bias"),
        source="pytorch/pytorch#21597",
    ),
    changes_result(
        "filters-remainder-forgotten",
        "output channels are computed four at a time, and the last ones that are no four stay zero",
        _filters_remainder,
        when=lambda case: case.output_channels % 4 != 0 and case.output_channels > 4 and forward(case),
    ),
)
