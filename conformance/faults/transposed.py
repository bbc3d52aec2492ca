"""Faults of the transposed convolution: which window of the full result is returned, and what stands in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ...adapters.case import Case, Pads, Shape
from ..expected import Arrays, evaluate
from ..porting import begins, half_kernels, ported_sizes
from .fault import Condition, Fault, changes_case, changes_result, forward, framed, on_axis, shape_kept, valid
from .kernel import mirrored, rereads

Begins = Callable[[Case], Shape]


def _transposed(case: Case) -> bool:
    return case.transposed


def _several_axes(case: Case) -> bool:
    return case.transposed and case.rank > 1


def _word(*words: str) -> Condition:
    return lambda case: case.transposed and case.padding in words


def _pairs(case: Case) -> bool:
    return case.transposed and not isinstance(case.padding, str)


def _extended(case: Case) -> bool:
    """Whether there is output padding to get wrong."""
    return case.transposed and case.output_padding is not None and max(case.output_padding) > 0


def _output_padding(case: Case) -> Shape:
    return case.output_padding or (0,) * case.rank


def _window(code: str, sentence: str, where: Begins, when: Condition, source: str = "") -> Fault:
    """A window of the right size that begins somewhere else."""
    return changes_case(
        code, sentence, lambda case: framed(case, where(case), case.raw_sizes), when=when, source=source
    )


def _moved(by: int) -> Begins:
    return lambda case: tuple(begin + by for begin in begins(case))


def _moved_on(axis: int) -> Begins:
    return lambda case: on_axis(axis, _moved(1)(case), begins(case))


def _unclamped(case: Case) -> Shape:
    """With begin = (full - size) // 2, which is negative where the stride is larger than the kernel."""
    return tuple((full - size) // 2 for full, size in zip(case.full, case.raw_sizes, strict=True))


def _before_the_begin(case: Case) -> Shape:
    return tuple(begin - op for begin, op in zip(begins(case), _output_padding(case), strict=True))


def _without_output_padding(case: Case) -> Case:
    sizes = tuple(size - op for size, op in zip(case.raw_sizes, _output_padding(case), strict=True))
    return framed(case, begins(case), sizes)


def _zeros_revealed(case: Case, result: np.ndarray) -> np.ndarray:
    """Nothing but the bias in what output padding adds."""
    return _emptied(case, result, tuple(s - op for s, op in zip(case.raw_sizes, _output_padding(case), strict=True)))


def _emptied(_case: Case, result: np.ndarray, sizes: Shape) -> np.ndarray:
    for axis, size in enumerate(sizes, 1):
        np.moveaxis(result, axis, 0)[max(size, 0) :] = 0
    return result


def _inside(case: Case) -> Shape:
    """How much of the window lies before the end of `full`."""
    return tuple(
        min(full - begin, size) for full, begin, size in zip(case.full, begins(case), case.raw_sizes, strict=True)
    )


def _tail(case: Case) -> bool:
    """Whether the window goes beyond `full`: there it holds zeros, and the bias."""
    return case.transposed and forward(case) and any(a < b for a, b in zip(_inside(case), case.raw_sizes, strict=True))


def _tail_repeats(case: Case, result: np.ndarray) -> np.ndarray:
    for axis, size in enumerate(_inside(case), 1):
        if size > 0:
            moved = np.moveaxis(result, axis, 0)
            moved[size:] = moved[size - 1]
    return result


def _padded_input(case: Case, arrays: Arrays) -> np.ndarray:
    """padding=p adds p zeros around the input, where it ought to crop p from the result."""
    pads = [(0, 0), *((max(lo, 0), max(hi, 0)) for lo, hi in case.pads), (0, 0)]
    padded = np.pad(arrays["input"], pads)
    changed = replace(case, input=padded.shape, padding=((0, 0),) * case.rank, output_padding=None)
    return evaluate(changed, {**arrays, "input": padded})


def _on_the_spread_input(case: Case) -> Case:
    """padding=(lo, hi) as zeros around the input once zeros stand between its samples: (k-1)*d of them at both ends
    would give the whole result.
    """
    around = tuple((k - 1) * d for k, d in zip(case.kernel_size, case.dilation, strict=True))
    pads = tuple((ke - lo, ke - hi) for ke, (lo, hi) in zip(around, _given_pads(case), strict=True))
    return replace(case, padding=pads, output_padding=None)


_UNMIRRORED = rereads("", "", mirrored(), when=lambda _: True)
_SPREAD = changes_case("", "", _on_the_spread_input)


def _spread_and_padded(case: Case, arrays: Arrays) -> np.ndarray:
    return _UNMIRRORED.answer(_on_the_spread_input(case), arrays)


def _pads_the_spread_input(case: Case) -> bool:
    """Whether it makes a difference: in the window, or by the kernel's mirroring alone where the window is the same."""
    if case.must_refuse or not _pairs(case) or _extended(case) or case.wrt == "bias":
        return False
    mirrored_alone = _on_the_spread_input(case).pads == case.pads and max(case.kernel_size) > 1
    return _SPREAD.applies(case) or (mirrored_alone and valid(case))


def _repadded(case: Case, pads: Pads) -> Case:
    """Other pairs, the same output padding: the size is what comes of it."""
    return replace(case, padding=pads)


def _pairs_of_several_axes(case: Case) -> bool:
    return _pairs(case) and case.rank > 1


def _given_pads(case: Case) -> Pads:
    """The pairs as they are written, output padding not counted in."""
    return () if isinstance(case.padding, str) else case.padding


def _ones(case: Case) -> Shape:
    return (1,) * case.rank


FAULTS = (
    _window(
        "crop-one-late",
        "the window of the full result begins one sample late",
        _moved(1),
        _transposed,
        "keras-team/keras#22876",
    ),
    _window("crop-one-early", "the window of the full result begins one sample early", _moved(-1), _transposed),
    _window(
        "crop-one-late-first-axis", "the window begins one sample late on the first axis", _moved_on(0), _several_axes
    ),
    _window(
        "crop-one-late-last-axis",
        "the window begins one sample late on the last axis",
        _moved_on(-1),
        _several_axes,
    ),
    changes_case(
        "transposed-same-begin-rounded-up",
        "SAME crops the larger half of an odd total at the begin",
        lambda case: replace(case, padding="same_lower"),
        when=_word("same"),
        source="microsoft/onnxruntime#9370",
    ),
    changes_case(
        "transposed-same-lower-begin-rounded-down",
        "SAME_LOWER crops the smaller half of an odd total at the begin",
        lambda case: replace(case, padding="same"),
        when=_word("same_lower"),
        source="microsoft/onnxruntime#9370",
    ),
    changes_case(
        "transposed-same-as-torch-padding",
        "SAME crops dilation * (kernel_size // 2) at both ends and extends the end by stride - 1, as a port to PyTorch",
        lambda case: framed(case, half_kernels(case), ported_sizes(case) or case.raw_sizes),
        when=_word("same"),
        source="keras-team/keras#22876",
    ),
    _window(
        "transposed-same-not-clamped",
        "SAME begins before the full result where that is shorter than the output, instead of with it",
        _unclamped,
        _word("same"),
        "tensorflow/tensorflow#11092",
    ),
    changes_case(
        "transposed-same-taken-for-valid",
        "SAME crops nothing",
        lambda case: replace(case, padding="valid"),
        when=_word("same", "same_lower"),
        source="microsoft/onnxruntime#4086",
    ),
    _window(
        "output-padding-at-begin",
        "output padding extends the window at its begin instead of its end",
        _before_the_begin,
        _extended,
    ),
    changes_case(
        "output-padding-ignored",
        "output padding does not extend the window",
        _without_output_padding,
        when=_extended,
        source="gmalivenko/onnx2keras#89",
    ),
    changes_result(
        "output-padding-of-zeros",
        "output padding adds zeros instead of showing more of the full result",
        _zeros_revealed,
        when=lambda case: _extended(case) and forward(case),
        source="https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose2d.html",
    ),
    changes_case(
        "output-padding-counted-twice",
        "output padding extends the window at both ends",
        lambda case: framed(
            case,
            _before_the_begin(case),
            tuple(size + op for size, op in zip(case.raw_sizes, _output_padding(case), strict=True)),
        ),
        when=_extended,
    ),
    changes_case(
        "tail-missing",
        "the result ends where the kernel's last copy does, though the output is due to be larger",
        lambda case: framed(case, begins(case), _inside(case)),
        when=_transposed,
    ),
    changes_result(
        "tail-repeats",
        "past the kernel's last copy the last value goes on, instead of zeros",
        _tail_repeats,
        when=lambda case: _tail(case) and min(_inside(case)) > 0,
    ),
    changes_result(
        "tail-without-bias",
        "the bias is not added past the kernel's last copy",
        lambda case, result: _emptied(case, result, _inside(case)),
        when=lambda case: _tail(case) and case.use_bias,
    ),
    changes_case(
        "transposed-dilation-dropped",
        "the kernel of a transposed convolution is not dilated",
        lambda case: replace(case, dilation=_ones(case)),
        when=_transposed,
        source="keras-team/keras#8159",
    ),
    changes_case(
        "transposed-dilation-dropped-shape-kept",
        "the output has the size of the dilated transposed convolution, the kernel is not dilated",
        lambda case: shape_kept(case, replace(case, dilation=_ones(case))),
        when=_transposed,
        source="tensorflow/tensorflow#21598",
    ),
    changes_case(
        "transposed-dilation-axes-swapped",
        "the dilations of a transposed convolution are read from the last axis on",
        lambda case: shape_kept(case, replace(case, dilation=case.dilation[::-1])),
        when=_several_axes,
    ),
    changes_case(
        "transposed-strides-axes-swapped",
        "the strides of a transposed convolution are read from the last axis on",
        lambda case: shape_kept(case, replace(case, strides=case.strides[::-1])),
        when=_several_axes,
    ),
    changes_case(
        "transposed-strides-dropped",
        "a transposed convolution puts the kernel's copies one sample apart, whatever the strides",
        lambda case: shape_kept(case, replace(case, strides=_ones(case))),
        when=_transposed,
    ),
    changes_case(
        "transposed-strides-and-dilation-exchanged",
        "the arguments for strides and for dilation are given in the wrong order",
        lambda case: shape_kept(case, replace(case, strides=case.dilation, dilation=case.strides)),
        when=_transposed,
        source="IntelLabs/bayesian-torch#34",
    ),
    Fault(
        "transposed-pads-around-the-input",
        "explicit pads are zeros around the input instead of a crop of the result",
        "Samsung/TICO#420",
        lambda case: valid(case) and _pairs(case) and forward(case) and max(map(max, case.pads)) > 0,
        _padded_input,
    ),
    Fault(
        "transposed-pads-around-the-spread-input",
        "explicit pads are zeros around the input, once the strides have spread it, and the kernel is not mirrored",
        "jax-ml/jax#32267",
        _pads_the_spread_input,
        _spread_and_padded,
    ),
    changes_case(
        "transposed-crops-ends-swapped",
        "explicit pads crop the other end of their axis",
        lambda case: _repadded(case, tuple((hi, lo) for lo, hi in _given_pads(case))),
        when=_pairs,
    ),
    changes_case(
        "transposed-crops-axes-swapped",
        "explicit pads of a transposed convolution are read from the last axis on",
        lambda case: _repadded(case, _given_pads(case)[::-1]),
        when=_pairs_of_several_axes,
        source="tensorflow/tensorflow#68319",
    ),
    changes_case(
        "transposed-crops-ignored",
        "explicit pads crop nothing",
        lambda case: _repadded(case, ((0, 0),) * case.rank),
        when=_pairs,
    ),
    changes_case(
        "transposed-negative-crops-ignored",
        "a negative pad of a transposed convolution adds nothing",
        lambda case: _repadded(case, tuple((max(lo, 0), max(hi, 0)) for lo, hi in _given_pads(case))),
        when=_pairs,
    ),
)
