"""Faults of the kernel's layout: which number is which tap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...adapters.case import Case
from ..expected import Arrays, evaluate
from .fault import Condition, Fault, changes_case, kernel_name, valid

Reading = Callable[[Case, np.ndarray], np.ndarray]
"""A kernel as the fault reads it: the same numbers in other places."""


def rereads(
    code: str, sentence: str, reading: Reading, *, when: Condition, source: str = "", argument: str | None = None
) -> Fault:
    """A fault that reads one kernel (by default the spatial one) in another order, in its gradients too.

    With w'[i] = w[p(i)] the gradient in w is that in w', its entry i going to p(i).
    """

    def name(case: Case) -> str:
        return argument or kernel_name(case)

    def applies(case: Case) -> bool:
        return valid(case) and case.wrt != "bias" and name(case) in case.kernel_shapes and when(case)

    def answer(case: Case, arrays: Arrays) -> np.ndarray:
        kernel = arrays[name(case)]
        result = evaluate(case, {**arrays, name(case): reading(case, kernel)})
        if case.wrt != name(case):
            return result
        places = reading(case, np.arange(kernel.size).reshape(kernel.shape))
        gradient = np.empty_like(result)
        gradient.reshape(-1)[places.reshape(-1)] = result.reshape(-1)
        return gradient

    return Fault(code, sentence, source, applies, answer)


def mirrored(*axes: int) -> Reading:
    """The kernel backwards on these spatial axes, on all without any."""
    return lambda case, kernel: np.flip(kernel, axes or tuple(range(case.rank)))


def _axis(axis: int) -> Reading:
    """The kernel backwards on one spatial axis; -1 is the last of them."""
    return lambda case, kernel: np.flip(kernel, axis % case.rank)


def has_taps(case: Case) -> bool:
    """Whether the kernel has more than one tap, so that their order matters."""
    return max(case.kernel_size) > 1


def _square(case: Case) -> bool:
    return case.rank > 1 and max(case.kernel_size) > 1 and len(set(case.kernel_size)) == 1


def _axes_reversed(case: Case, kernel: np.ndarray) -> np.ndarray:
    return kernel.transpose(*range(case.rank)[::-1], case.rank, case.rank + 1)


def _channels_exchanged(_case: Case, kernel: np.ndarray) -> np.ndarray:
    return kernel.swapaxes(-1, -2)


def _equal_channels(case: Case) -> bool:
    *_, first, second = case.kernel_shapes[kernel_name(case)]
    return first == second > 1


def _out_in_first(case: Case, kernel: np.ndarray) -> np.ndarray:
    """The memory of (*kernel, in, out) read as (out, in, *kernel), which is PyTorch's order."""
    *taps, first, second = kernel.shape
    return np.ascontiguousarray(kernel).reshape(second, first, *taps).transpose(*range(2, case.rank + 2), 1, 0)


def _last_two_reread(_case: Case, kernel: np.ndarray) -> np.ndarray:
    """The memory of (*kernel, a, b) read as (*kernel, b, a)."""
    *taps, first, second = kernel.shape
    return np.ascontiguousarray(kernel).reshape(*taps, second, first).swapaxes(-1, -2)


def _exchanged_and_reread(_case: Case, kernel: np.ndarray) -> np.ndarray:
    """(*kernel, a, b) with its last two axes exchanged, and the memory of that read as (*kernel, a, b)."""
    return kernel.swapaxes(-1, -2).reshape(kernel.shape)


def _two_channel_axes(case: Case) -> bool:
    """Whether the kernel's last two axes are both more than one long, and so can be taken for each other."""
    return min(case.kernel_shapes[kernel_name(case)][-2:]) > 1


def _size_exchanged(case: Case) -> Case:
    return replace(case, kernel_size=case.kernel_size[::-1])


def _sizes_exchanged(case: Case, arrays: Arrays) -> np.ndarray:
    """The memory of a kernel of height and width read with width and height exchanged."""
    name = kernel_name(case)
    kernel = np.ascontiguousarray(arrays[name])
    taps = kernel.shape[: case.rank][::-1]
    return evaluate(_size_exchanged(case), {**arrays, name: kernel.reshape(*taps, *kernel.shape[-2:])})


_EXCHANGED = changes_case("", "", _size_exchanged, when=lambda case: case.rank > 1 and case.wrt in (None, "input"))

FAULTS = (
    rereads(
        "kernel-mirrored",
        "the kernel is mirrored on all axes, as a mathematician's convolution has it",
        mirrored(),
        when=lambda case: not case.transposed and has_taps(case),
        source="https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.convolve.html",
    ),
    rereads(
        "kernel-mirrored-first-axis",
        "the kernel is mirrored on the first axis",
        _axis(0),
        when=lambda case: case.rank > 1 and case.kernel_size[0] > 1,
    ),
    rereads(
        "kernel-mirrored-last-axis",
        "the kernel is mirrored on the last axis",
        _axis(-1),
        when=lambda case: case.rank > 1 and case.kernel_size[-1] > 1,
    ),
    rereads(
        "kernel-axes-swapped",
        "the kernel's spatial axes are in the opposite order",
        _axes_reversed,
        when=_square,
    ),
    Fault(
        "kernel-sizes-swapped",
        "height and width of the kernel's memory are exchanged",
        "",
        _EXCHANGED.applies,
        _sizes_exchanged,
    ),
    rereads(
        "kernel-channels-swapped",
        "input and output channels of the kernel are exchanged, which fits where there are as many of either",
        _channels_exchanged,
        when=lambda case: case.op in ("conv", "conv_transpose") and _equal_channels(case),
        source="jax-ml/jax#11252",
    ),
    rereads(
        "kernel-read-as-oihw",
        "the memory of a kernel (*kernel, in, out) is read as (out, in, *kernel)",
        _out_in_first,
        when=lambda case: case.op == "conv" and (_two_channel_axes(case) or has_taps(case)),
        source="tensorflow/tensorflow#36773",
    ),
    rereads(
        "kernel-read-in-out-exchanged",
        "the memory of a kernel (*kernel, in, out) is read as (*kernel, out, in)",
        _last_two_reread,
        when=lambda case: case.op == "conv" and _two_channel_axes(case),
    ),
    rereads(
        "transposed-kernel-read-as-forward",
        "the memory of a transposed kernel (*kernel, out, in) is read as (*kernel, in, out)",
        _last_two_reread,
        when=lambda case: case.transposed and _two_channel_axes(case),
        source="jax-ml/jax#11252",
    ),
    rereads(
        "transposed-kernel-mirrored",
        "the transposed convolution takes its kernel as it stands, without the mirroring that undoes the forward one's",
        mirrored(),
        when=lambda case: case.transposed and has_taps(case),
        source="jax-ml/jax#592",
    ),
    rereads(
        "depthwise-kernel-read-multiplier-first",
        "the memory of a depthwise kernel (*kernel, C, M) is read as (*kernel, M, C)",
        _last_two_reread,
        when=lambda case: "depthwise_kernel" in case.kernel_shapes and _two_channel_axes(case),
        source="gmalivenko/onnx2keras#150",
    ),
    rereads(
        "depthwise-kernel-written-multiplier-first",
        "a depthwise kernel is transposed to (*kernel, M, C), and its memory taken for (*kernel, C, M)",
        _exchanged_and_reread,
        when=lambda case: "depthwise_kernel" in case.kernel_shapes and _two_channel_axes(case),
    ),
    rereads(
        "pointwise-kernel-transposed",
        "the pointwise kernel's channels are exchanged, which fits where there are as many of either",
        _channels_exchanged,
        argument="pointwise_kernel",
        when=lambda case: len(set(case.kernel_shapes["pointwise_kernel"][-2:])) == 1 < case.output_channels,
    ),
)
