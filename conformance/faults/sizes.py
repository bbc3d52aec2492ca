"""Faults of empty and impossible sizes, and of values that must be refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...adapters.case import Case, numpy_dtype
from ...reference import geometry
from ..expected import Arrays, evaluate
from ..porting import begins
from .fault import Condition, Fault, Refuses, forward, framed, kernel_name


def _nothing_fits(case: Case) -> bool:
    """Whether the size formula gives less than one on some axis."""
    return not case.must_refuse and case.batch > 0 and min(case.raw_sizes) < 1


def _no_images(case: Case) -> bool:
    return not case.must_refuse and case.batch == 0


def _zeros(case: Case, shape: tuple[int, ...]) -> np.ndarray:
    return np.zeros(shape, numpy_dtype(case.dtype))


def _size_one(case: Case, _arrays: Arrays) -> np.ndarray:
    return _zeros(case, (case.batch, *(max(size, 1) for size in case.raw_sizes), case.output_channels))


def _truncated_sizes(case: Case) -> tuple[int, ...]:
    """int((n + lo + hi - ke) / s) + 1, a division that rounds towards zero."""
    extents = geometry.effective_size(case.kernel_size, case.dilation)
    axes = zip(case.spatial, case.pads, extents, case.strides, strict=True)
    return tuple(int((n + lo + hi - ke) / s) + 1 for n, (lo, hi), ke, s in axes)


def _division_truncates(case: Case) -> bool:
    if case.transposed or not forward(case) or not _nothing_fits(case):
        return False
    return min(_truncated_sizes(case)) > 0


def _refused(message: str) -> Callable[[Case, Arrays], np.ndarray]:
    def answer(_case: Case, _arrays: Arrays) -> np.ndarray:
        raise Refuses(message)

    return answer


def _one_image(case: Case, _arrays: Arrays) -> np.ndarray:
    return _zeros(case, (1, *case.result_shape[1:]))


def _channels_last_shape(case: Case, _arrays: Arrays) -> np.ndarray:
    """What turns into a channels-last shape once its channels are moved to the front."""
    return np.moveaxis(_zeros(case, case.result_shape), 1, -1)


def _empty(case: Case) -> bool:
    return not case.must_refuse and 0 in case.result_shape


def _gradient_of_nothing(case: Case) -> bool:
    """Whether a gradient is a sum of no terms: all zeros, and something to write them to."""
    return not case.must_refuse and case.wrt is not None and 0 in case.output_shape and 0 not in case.result_shape


def _garbage(case: Case, _arrays: Arrays) -> np.ndarray:
    return _zeros(case, case.result_shape) + numpy_dtype(case.dtype).type(2.1e-29 if case.dtype != "float16" else 1e-7)


def _at_least_one(values: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(abs(value) or 1 for value in values)


def _accepts(
    code: str,
    sentence: str,
    when: Condition,
    repaired: Callable[[Case], Case],
    *,
    arrays: Callable[[Case, Arrays], Arrays] = lambda _case, arrays: arrays,
    source: str = "",
) -> Fault:
    """Computes from a bad value as if it were a good one; where the case has another mistake too, it still refuses."""

    def answer(case: Case, given: Arrays) -> np.ndarray:
        changed = replace(repaired(case), kernel_shape=None, must_refuse=False)
        return evaluate(changed, arrays(changed, given))

    return Fault(code, sentence, source, lambda case: case.must_refuse and case.wrt is None and when(case), answer)


def _to_shape(case: Case, arrays: Arrays) -> Arrays:
    """Arrays cut, or extended by zeros, to the shapes that the case wants."""
    fitted: Arrays = {}
    for name, shape in case.array_shapes.items():
        array = arrays[name]
        if array.ndim != len(shape):
            raise ValueError(f"{name}: got {array.ndim} axes, expected {len(shape)}")
        there = tuple(slice(min(n, wanted)) for n, wanted in zip(array.shape, shape, strict=True))
        fitted[name] = np.zeros(shape, array.dtype)
        fitted[name][there] = array[there]
    return fitted


def _mismatched(case: Case) -> bool:
    """Whether the kernel has the right axes, for another number of channels."""
    return case.kernel_shape is not None and len(case.kernel_shape) == case.rank + 2


def _as_many_groups(case: Case) -> Case:
    """As many groups as kernels' channels fit into the input's."""
    assert case.kernel_shape is not None  # noqa: S101  _grouped_by_accident has asked
    return replace(case, groups=case.channels // case.kernel_shape[-2])


def _grouped_by_accident(case: Case) -> bool:
    if case.op != "conv" or case.kernel_shape is None or not _mismatched(case):
        return False
    channels, filters = case.kernel_shape[-2:]
    return case.channels % channels == 0 and filters % (case.channels // channels) == 0


def _divided(case: Case) -> Case:
    """Channels and filters that the groups do divide, by leaving the rest out."""
    channels, filters = case.channels // case.groups * case.groups, (case.filters or 0) // case.groups * case.groups
    return replace(case, input=(*case.input[:-1], channels), filters=filters)


def _clamped_output_padding(case: Case) -> Case:
    limits = case.strides if isinstance(case.padding, str) else map(max, case.strides, case.dilation)
    values = zip(case.output_padding or (0,) * case.rank, limits, strict=True)
    return replace(case, output_padding=tuple(min(max(op, 0), limit - 1) for op, limit in values))


def _rank_taken_for_broadcast(case: Case) -> bool:
    return case.kernel_shape is not None and len(case.kernel_shape) != case.rank + 2


def _fitting_axes(case: Case, arrays: Arrays) -> Arrays:
    """A kernel with an axis too few gets one of size one in front; one too many is dropped."""
    name = kernel_name(case)
    kernel, wanted = arrays[name], case.kernel_shapes[name]
    kernel = kernel[None] if kernel.ndim < len(wanted) else kernel[0]
    return _to_shape(case, {**arrays, name: kernel})


def _below_one(key: str) -> Condition:
    return lambda case: min(getattr(case, key)) < 1


def _number_below_one(*keys: str) -> Condition:
    return lambda case: any((getattr(case, key) or 0) < 1 for key in keys if getattr(case, key) is not None)


def _without_extent(case: Case) -> bool:
    filters = 1 if case.filters is None else case.filters
    return min(*case.kernel_size, filters, case.depth_multiplier, case.channels) < 1


def _stepping(key: str) -> Callable[[Case], Case]:
    return lambda case: replace(case, **{key: _at_least_one(getattr(case, key))})


FAULTS = (
    Fault(
        "size-at-least-one",
        "where nothing fits the output has size one",
        "",
        lambda case: _nothing_fits(case) and forward(case),
        _size_one,
    ),
    Fault(
        "size-division-truncates",
        "the size formula divides towards zero, so that a window that nearly fits gives one output",
        "",
        _division_truncates,
        lambda case, arrays: evaluate(framed(case, begins(case), _truncated_sizes(case)), arrays),
    ),
    Fault(
        "empty-channels-last",
        "an empty result has a channels-last shape where channels come first",
        "",
        lambda case: _empty(case) and case.channels_first and case.result_has_channels,
        _channels_last_shape,
    ),
    Fault("batch-of-none-refused", "a batch of no images is an error", "", _no_images, _refused("an empty batch")),
    Fault(
        "batch-of-none-gives-one",
        "a batch of no images gives the result of one, all zeros",
        "",
        lambda case: _no_images(case) and case.wrt in (None, "input"),
        _one_image,
    ),
    Fault(
        "gradient-of-nothing-unwritten",
        "a gradient that is a sum of no terms is never written",
        "tensorflow/tensorflow#126484",
        _gradient_of_nothing,
        _garbage,
    ),
    _accepts(
        "stride-of-none-accepted",
        "a stride below one is taken for its magnitude, or for one",
        _below_one("strides"),
        _stepping("strides"),
        source="onnx/onnx#7764",
    ),
    _accepts(
        "dilation-of-none-accepted",
        "a dilation below one is taken for its magnitude, or for one",
        _below_one("dilation"),
        _stepping("dilation"),
    ),
    _accepts(
        "groups-of-none-accepted",
        "groups below one are taken for one",
        _number_below_one("groups"),
        lambda case: replace(case, groups=1),
    ),
    _accepts(
        "groups-that-do-not-divide-accepted",
        "the channels that are left over by the groups are left out",
        lambda case: case.groups > 1,
        _divided,
        arrays=_to_shape,
    ),
    _accepts(
        "channel-mismatch-accepted",
        "where kernel and input have other numbers of channels, the first ones are used, or zeros added",
        _mismatched,
        lambda case: case,
        arrays=_to_shape,
    ),
    _accepts(
        "channel-mismatch-taken-for-groups",
        "a kernel for fewer channels that divide the input's makes the convolution a grouped one",
        _grouped_by_accident,
        _as_many_groups,
        source="tensorflow/tensorflow#42177",
    ),
    _accepts(
        "kernel-axes-accepted",
        "a kernel with an axis too few or too many is made to fit",
        _rank_taken_for_broadcast,
        lambda case: case,
        arrays=_fitting_axes,
    ),
    _accepts(
        "output-padding-clamped",
        "output padding that is too large, or negative, is taken for the next value that is allowed",
        lambda case: case.transposed and case.output_padding is not None,
        _clamped_output_padding,
        source="keras-team/keras#21852",
    ),
    _accepts(
        "causal-taken-for-same-on-several-axes",
        "causal padding is accepted where there is no time, and means SAME",
        lambda case: case.padding == "causal",
        lambda case: replace(case, padding="same"),
    ),
    Fault(
        "no-kernel-no-channels-accepted",
        "a kernel of no taps, a negative number of filters and the like give zeros",
        "",
        lambda case: case.must_refuse and case.wrt is None and _without_extent(case),
        lambda case, _arrays: _zeros(case, (case.batch, *case.spatial, 1)),
    ),
)
