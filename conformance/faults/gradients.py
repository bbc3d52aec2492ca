"""Faults that the forward result does not have: of the gradients alone."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from ...adapters.case import Case
from ...reference import geometry
from ..expected import Arrays, evaluate
from ..porting import begins
from .channels import interleaved
from .fault import (
    Change,
    Condition,
    Fault,
    changes_arrays,
    changes_case,
    changes_result,
    framed,
    kernel_name,
    on_axis,
    shape_kept,
    valid,
)
from .kernel import has_taps, mirrored


def of_input(case: Case) -> bool:
    """Whether the gradient in the input is asked for."""
    return case.wrt == "input"


def of_kernel(case: Case) -> bool:
    """Whether the gradient in the spatial kernel is asked for; a pointwise kernel has no space to go wrong in."""
    return case.wrt is not None and case.wrt == kernel_name(case)


def _both(first: Condition, second: Condition) -> Condition:
    return lambda case: first(case) and second(case)


def _undilated(case: Case) -> Case:
    return shape_kept(case, replace(case, dilation=(1,) * case.rank))


def _unstrided(case: Case) -> Case:
    return shape_kept(case, replace(case, strides=(1,) * case.rank))


def _unpadded(case: Case) -> Case:
    return framed(case, (0,) * case.rank, case.raw_sizes)


def _one_late(case: Case) -> Case:
    return framed(case, tuple(begin + 1 for begin in begins(case)), case.raw_sizes)


def _one_late_on_the_last_axis(case: Case) -> Case:
    return framed(case, on_axis(-1, begins(_one_late(case)), begins(case)), case.raw_sizes)


def _in_both(code: str, sentence: str, change: Change, when: Condition, *sources: str) -> tuple[Fault, Fault]:
    """One slip in the gradient of the input, or in that of the kernel; ``sentence`` has a place for which."""
    kinds = (("input", of_input), ("kernel", of_kernel))
    first, second = (
        changes_case(f"{name}-gradient-{code}", sentence.format(name), change, when=_both(asked, when), source=source)
        for (name, asked), source in zip(kinds, (*sources, "", "")[:2], strict=True)
    )
    return first, second


def _anything(_: Case) -> bool:
    return True


def _mirror(case: Case, arrays: Arrays) -> Arrays:
    return {kernel_name(case): mirrored()(case, arrays[kernel_name(case)])}


def _covered(case: Case) -> tuple[int, ...]:
    """How far into the input the last window reaches."""
    reach = geometry.full_sizes(case.raw_sizes, case.kernel_size, case.strides, case.dilation)
    return tuple(min(whole - lo, n) for whole, lo, n in zip(reach, begins(case), case.spatial, strict=True))


def _has_remainder(case: Case) -> bool:
    return of_input(case) and not case.transposed and valid(case) and _covered(case) != case.spatial


def _without_remainder(case: Case, result: np.ndarray) -> np.ndarray:
    return result[:, *(slice(max(size, 0)) for size in _covered(case))]


def _remainder_repeats(case: Case, result: np.ndarray) -> np.ndarray:
    for axis, size in enumerate(_covered(case), 1):
        if 0 < size < case.input[axis]:
            moved = np.moveaxis(result, axis, 0)
            moved[size:] = moved[size - 1]
    return result


def _border_zero(_case: Case, result: np.ndarray) -> np.ndarray:
    result[:, 0] = 0
    return result


def _grouped(case: Case) -> bool:
    return case.groups > 1


def _gradient_interleaved(case: Case, arrays: Arrays) -> Arrays:
    return {"output_gradient": arrays["output_gradient"][..., interleaved(case.output_channels, case.groups)]}


def _first_group_only(case: Case, result: np.ndarray) -> np.ndarray:
    result[..., case.channels // case.groups :] = 0
    return result


def _channels_exchanged(_case: Case, result: np.ndarray) -> np.ndarray:
    return result.swapaxes(-1, -2)


def _equal_channels(case: Case) -> bool:
    return case.wrt in ("kernel", "pointwise_kernel") and case.result_shape[-2] == case.result_shape[-1] > 1


def _first_image(case: Case, arrays: Arrays) -> np.ndarray:
    one = {name: array[:1] if name in ("input", "output_gradient") else array for name, array in arrays.items()}
    return evaluate(replace(case, input=(1, *case.input[1:])), one)


def _averaged(case: Case, result: np.ndarray) -> np.ndarray:
    return (result / result.dtype.type(case.batch)).astype(result.dtype)


def _sums_over_batch(case: Case) -> bool:
    return case.wrt not in (None, "input") and case.batch > 1


def _mean(case: Case, result: np.ndarray) -> np.ndarray:
    count = prod(case.output_shape[:-1])
    return (result / result.dtype.type(count)).astype(result.dtype)


def _tail_forgotten(case: Case, arrays: Arrays) -> Arrays:
    """What output padding has added has no gradient."""
    gradient = arrays["output_gradient"].copy()
    for axis, (size, op) in enumerate(zip(case.raw_sizes, case.output_padding or (), strict=True), 1):
        np.moveaxis(gradient, axis, 0)[size - op :] = 0
    return {"output_gradient": gradient}


def _extended(case: Case) -> bool:
    return (
        case.transposed
        and case.output_padding is not None
        and max(case.output_padding) > 0
        and case.wrt in ("input", "kernel")
    )


def _batch_not_summed(case: Case, arrays: Arrays) -> np.ndarray:
    """A gradient per image, where their sum is due."""
    images = range(case.batch)
    one = replace(case, input=(1, *case.input[1:]))

    def of_image(n: int) -> Arrays:
        return {name: a[n : n + 1] if name in ("input", "output_gradient") else a for name, a in arrays.items()}

    return np.stack([evaluate(one, of_image(n)) for n in images])


def _mirrored_result(case: Case, result: np.ndarray) -> np.ndarray:
    return mirrored()(case, result)


FAULTS = (
    changes_arrays(
        "input-gradient-kernel-mirrored",
        "the gradient of the input is taken with the kernel the other way round",
        _mirror,
        when=lambda case: of_input(case) and has_taps(case),
    ),
    changes_result(
        "kernel-gradient-mirrored",
        "the gradient of the kernel comes out the other way round",
        _mirrored_result,
        when=lambda case: of_kernel(case) and has_taps(case),
    ),
    changes_result(
        "kernel-gradient-channels-exchanged",
        "the gradient of the kernel comes out with its channels exchanged",
        _channels_exchanged,
        when=_equal_channels,
    ),
    *_in_both("undilated", "the gradient of the {} forgets the dilation", _undilated, _anything, "jax-ml/jax#567"),
    *_in_both(
        "unstrided", "the gradient of the {} forgets the strides", _unstrided, _anything, "pytorch/pytorch#63314"
    ),
    *_in_both(
        "unpadded", "the gradient of the {} forgets the padding", _unpadded, _anything, "tensorflow/tensorflow#11092"
    ),
    *_in_both("one-late", "the gradient of the {} is taken one sample late", _one_late, _anything),
    *_in_both(
        "one-late-last-axis",
        "the gradient of the {} is taken one sample late on the last axis",
        _one_late_on_the_last_axis,
        lambda case: case.rank > 1,
    ),
    changes_result(
        "input-gradient-remainder-cut",
        "the gradient of the input ends with the last window, though the input goes on",
        _without_remainder,
        when=_has_remainder,
    ),
    changes_result(
        "input-gradient-remainder-repeats",
        "behind the last window the gradient of the input goes on with its last value",
        _remainder_repeats,
        when=lambda case: _has_remainder(case) and min(_covered(case)) > 0,
    ),
    changes_result(
        "input-gradient-border-zero",
        "the gradient of the input's first row is zero where there is padding",
        _border_zero,
        when=lambda case: of_input(case) and not case.transposed and case.pads[0][0] > 0,
        source="pytorch/pytorch#25101",
    ),
    changes_arrays(
        "gradient-groups-interleaved",
        "in the gradients, output channel f belongs to group f % groups",
        _gradient_interleaved,
        when=lambda case: _grouped(case) and case.wrt in ("input", "kernel") and case.output_channels > case.groups,
    ),
    changes_result(
        "input-gradient-first-group-only",
        "the gradient of the input is computed for the first group alone",
        _first_group_only,
        when=_both(of_input, _grouped),
    ),
    changes_case(
        "gradient-unstrided-when-grouped",
        "the gradients of a grouped convolution forget the strides",
        _unstrided,
        when=lambda case: _grouped(case) and case.wrt in ("input", "kernel"),
        source="ml-explore/mlx#3800",
    ),
    changes_arrays(
        "gradient-without-output-padding",
        "what output padding has added has no part in the gradients",
        _tail_forgotten,
        when=_extended,
        source="pytorch/xla#2333",
    ),
    Fault(
        "kernel-gradient-of-the-first-image",
        "the gradient of the kernel is that of the first image of the batch",
        "",
        lambda case: valid(case) and _sums_over_batch(case) and case.wrt != "bias",
        _first_image,
    ),
    Fault(
        "kernel-gradient-per-image",
        "the gradient of the kernel is not summed over the batch",
        "",
        lambda case: valid(case) and _sums_over_batch(case) and case.wrt != "bias",
        _batch_not_summed,
    ),
    changes_result(
        "kernel-gradient-averaged",
        "the gradient of the kernel is the mean over the batch instead of the sum",
        _averaged,
        when=lambda case: _sums_over_batch(case) and case.wrt != "bias",
    ),
    Fault(
        "bias-gradient-of-the-first-image",
        "the gradient of the bias is that of the first image of the batch",
        "",
        lambda case: valid(case) and _sums_over_batch(case) and case.wrt == "bias",
        _first_image,
    ),
    changes_result(
        "bias-gradient-averaged",
        "the gradient of the bias is a mean instead of a sum",
        _mean,
        when=lambda case: case.wrt == "bias" and prod(case.output_shape[:-1]) > 1,
    ),
    changes_result(
        "gradient-subtracted",
        "a gradient has the wrong sign",
        lambda _case, result: -result,
        when=lambda case: case.wrt is not None,
    ),
)
