"""Faults of strides and dilation: how far it is to the next window, and to the next tap."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...adapters.case import Case, Shape
from ..expected import Arrays, evaluate
from ..porting import begins
from .fault import Fault, changes_case, forward, framed, on_axis, shape_kept, valid


def _reads(case: Case) -> bool:
    """Whether it is a convolution; those that write have their own faults in `transposed`."""
    return not case.transposed


def _several_axes(case: Case) -> bool:
    return case.rank > 1 and not case.transposed


def _strided_and_dilated(case: Case) -> bool:
    return not case.transposed and max(case.strides) > 1 and max(case.dilation) > 1


def _dilated(case: Case, dilation: Shape) -> Case:
    return shape_kept(case, replace(case, dilation=dilation))


def _strided(case: Case, strides: Shape) -> Case:
    return shape_kept(case, replace(case, strides=strides))


def _ones(case: Case) -> Shape:
    return (1,) * case.rank


def _shifted(case: Case, by: int) -> Case:
    return framed(case, tuple(begin - by for begin in begins(case)), case.raw_sizes)


def _strided_phases(case: Case) -> tuple[Case, list[np.ndarray]]:
    """Dilation d by cutting the padded input into d phases, striding inside each of them: the convolution at stride 1
    and, per axis, which of its positions come out.

    Output q is that at (q // d)*s*d + q % d.  The input is padded as at stride 1, then to N, a multiple of d, whose
    surplus is cut off the d*((N/d - k) // s + 1) outputs, as at stride 1.
    """
    dense = replace(case, strides=_ones(case))
    pads = dense.pads
    places: list[np.ndarray] = []
    for n, (lo, hi), k, s, d in zip(case.spatial, pads, case.kernel_size, case.strides, case.dilation, strict=True):
        surplus = -(n + lo + hi) % d
        outputs = max(d * (((n + lo + hi + surplus) // d - k) // s + 1) - surplus, 0)
        q = np.arange(outputs)
        places.append(q // d * s * d + q % d)
    return framed(dense, begins(dense), tuple(int(at.max(initial=-1)) + 1 for at in places)), places


def _inside_space_to_batch(case: Case, arrays: Arrays) -> np.ndarray:
    dense, places = _strided_phases(case)
    if case.wrt is None:
        return evaluate(dense, arrays)[:, *np.ix_(*places)]
    gradient = np.zeros(dense.output_shape, arrays["output_gradient"].dtype)
    gradient[:, *np.ix_(*places)] = arrays["output_gradient"]
    return evaluate(dense, {**arrays, "output_gradient": gradient})


def _strides_meet_dilation(case: Case) -> bool:
    """Whether there is an axis with both and with windows in different phases, or another number of them."""
    axes = zip(case.strides, case.dilation, strict=True)
    if case.must_refuse or case.transposed or case.wrt == "bias" or not any(s > 1 and d > 1 for s, d in axes):
        return False
    _, places = _strided_phases(case)
    sizes = tuple(map(len, places))
    if sizes != case.raw_sizes:
        return forward(case) and min(sizes) > 0
    if not valid(case):
        return False
    return any(s > 1 and d > 1 and out > 1 for s, d, out in zip(case.strides, case.dilation, sizes, strict=True))


FAULTS = (
    changes_case(
        "dilation-dropped",
        "the kernel is not dilated",
        lambda case: replace(case, dilation=_ones(case)),
        when=_reads,
        source="deeplearning4j/deeplearning4j#8320",
    ),
    changes_case(
        "dilation-dropped-shape-kept",
        "the output has the size of the dilated convolution and the values of the one that is not dilated",
        lambda case: _dilated(case, _ones(case)),
        when=_reads,
        source="tensorflow/tensorflow#18454",
    ),
    changes_case(
        "dilation-dropped-first-axis",
        "the first axis is not dilated",
        lambda case: _dilated(case, on_axis(0, _ones(case), case.dilation)),
        when=_several_axes,
    ),
    changes_case(
        "dilation-dropped-last-axis",
        "the last axis is not dilated",
        lambda case: _dilated(case, on_axis(-1, _ones(case), case.dilation)),
        when=_several_axes,
    ),
    changes_case(
        "dilation-axes-swapped",
        "the dilations of the axes are read from the last axis on",
        lambda case: _dilated(case, case.dilation[::-1]),
        when=_several_axes,
    ),
    changes_case(
        "dilation-of-first-axis-for-all",
        "every axis is dilated like the first one",
        lambda case: _dilated(case, case.dilation[:1] * case.rank),
        when=_several_axes,
    ),
    changes_case(
        "dilation-counts-holes",
        "dilation d leaves d holes between the taps instead of d - 1, as oneDNN counts",
        lambda case: replace(case, dilation=tuple(d + 1 if d > 1 else 1 for d in case.dilation)),
        when=_reads,
        source="https://uxlfoundation.github.io/oneDNN/dev_guide_convolution.html",
    ),
    changes_case(
        "stride-dropped-when-dilated",
        "a convolution that is strided and dilated is dilated only",
        lambda case: replace(case, strides=_ones(case)),
        when=_strided_and_dilated,
    ),
    changes_case(
        "dilation-dropped-when-strided",
        "a convolution that is strided and dilated is strided only",
        lambda case: _dilated(case, _ones(case)),
        when=_strided_and_dilated,
    ),
    Fault(
        "stride-inside-space-to-batch",
        "dilation is done by cutting the input into phases, and the stride is taken inside each of them",
        "tensorflow/tensorflow#57128",
        _strides_meet_dilation,
        _inside_space_to_batch,
    ),
    changes_case(
        "strides-dropped",
        "the window moves by one sample, whatever the strides",
        lambda case: replace(case, strides=_ones(case)),
        when=_reads,
    ),
    changes_case(
        "strides-dropped-shape-kept",
        "as many outputs as the strides give, of windows that move by one sample",
        lambda case: _strided(case, _ones(case)),
        when=_reads,
    ),
    changes_case(
        "stride-dropped-last-axis",
        "the window moves by one sample along the last axis",
        lambda case: _strided(case, on_axis(-1, _ones(case), case.strides)),
        when=_several_axes,
    ),
    changes_case(
        "strides-axes-swapped",
        "the strides of the axes are read from the last axis on",
        lambda case: replace(case, strides=case.strides[::-1]),
        when=_several_axes,
    ),
    changes_case(
        "stride-of-first-axis-for-all",
        "the window moves along every axis by the stride of the first one",
        lambda case: replace(case, strides=case.strides[:1] * case.rank),
        when=_several_axes,
    ),
    changes_case(
        "reads-one-late",
        "every window is read one sample too far to the end",
        lambda case: _shifted(case, 1),
        when=_reads,
        source="keras-team/keras#16363",
    ),
    changes_case(
        "reads-one-early",
        "every window is read one sample too far to the begin",
        lambda case: _shifted(case, -1),
        when=_reads,
    ),
    changes_case(
        "subsampling-from-the-last-of-a-stride",
        "of the outputs at stride 1 every s-th is kept, but from the s-th on instead of the first",
        lambda case: framed(
            case, tuple(b - s + 1 for b, s in zip(begins(case), case.strides, strict=True)), case.raw_sizes
        ),
        when=lambda case: _reads(case) and max(case.strides) > 2,
    ),
    changes_case(
        "pointwise-path-forgets-strides",
        "a kernel of one tap is taken for a matrix product over all positions, without the strides",
        lambda case: _strided(case, _ones(case)),
        when=lambda case: _reads(case) and set(case.kernel_size) == {1},
    ),
    changes_case(
        "pointwise-path-forgets-padding",
        "a kernel of one tap is taken for a matrix product over the input, without its padding",
        lambda case: replace(case, padding="valid"),
        when=lambda case: _reads(case) and set(case.kernel_size) == {1},
    ),
)
