"""What a layer's result has to be, and how far an implementation is from it: time without it says nothing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .. import reference
from ..adapters.case import Case, from_format
from ..conformance.answers import answer_to
from ..conformance.expected import Expected, evaluate
from ..conformance.profiles import find_profile
from ..conformance.verdict import finite_max, judge_shape
from .layers import Layer

WRONG_BOUND, WRONG_RMS = 10.0, 1000.0
"""A result is wrong beyond either.  Algorithms that gain speed for accuracy stay below: F(6,3) errs by some dozen times
the GEMM's rms error; a wrong tap, or weights rounded to bfloat16, by thousands."""


class WrongResult(Exception):
    """What was computed is not the layer's result; the message says in what."""


@dataclass(frozen=True)
class Errors:
    """Of one result against the float64 reference.

    ``rms_ratio``: its root-mean-square error over that of one float32 GEMM, None where that has none; ``bound_ratio``:
    the largest |error| / bound.
    """

    rms_ratio: float | None
    bound_ratio: float


class Truth:
    """A layer's arrays, its answer in float64, and what plain arithmetic in the layer's dtype makes of it."""

    def __init__(self, layer: Layer) -> None:
        self._case = layer.case
        self._bounds: dict[int, np.ndarray] = {}

    @property
    def arrays(self) -> dict[str, np.ndarray]:
        """The case's arrays by argument name, channels last."""
        return self._answer[0]

    @cached_property
    def _answer(self) -> tuple[dict[str, np.ndarray], Expected]:
        arrays, expected = answer_to(self._case)
        assert expected is not None, f"{self._case.id} has no result"  # load_layers refuses such a case
        return arrays, expected

    @cached_property
    def _gemm(self) -> float:
        """The rms error of the reference's default, the plain algorithm: im2col or its adjoint, and one product."""
        arrays, expected = self._answer
        return _rms(evaluate(self._case, arrays) - expected.values)

    def judge(self, case: Case, result: np.ndarray, winograd_tile: int | None = None) -> Errors:
        """The errors of a result in the case's data format, by the bound of its algorithm.  Raises `WrongResult`."""
        other = judge_shape(case, result.shape, result.dtype.name)
        if other is not None:
            raise WrongResult(f"{other.verdict}: {other.message}")
        # the two may differ by nothing but the order of the axes
        error = np.abs(from_format(result, case.data_format).astype(np.float64) - self._answer[1].values)
        with np.errstate(all="ignore"):
            bound_ratio = finite_max(np.where(error == 0, 0.0, error / self._bound(winograd_tile)))
            rms_ratio = _rms(error) / self._gemm if self._gemm else None
        if bound_ratio is None:
            raise WrongResult("not finite where the reference is")
        if bound_ratio > WRONG_BOUND:
            raise WrongResult(f"an error of {bound_ratio:.3g} times its bound")
        if rms_ratio is not None and rms_ratio > WRONG_RMS:
            raise WrongResult(f"an rms error of {rms_ratio:.3g} times a GEMM's")
        return Errors(rms_ratio, bound_ratio)

    def _bound(self, tile: int | None) -> np.ndarray:
        if tile is None:
            return self._answer[1].bound
        if tile not in self._bounds:
            self._bounds[tile] = self._winograd_bound(tile)
        return self._bounds[tile]

    def _winograd_bound(self, tile: int) -> np.ndarray:
        case = self._case
        if case.op != "conv" or case.wrt is not None:
            return find_profile(f"winograd-{tile}").loosen(case, self._answer[1]).bound
        return reference.winograd_bound(
            self.arrays["input"],
            self.arrays["kernel"],
            tile=tile,
            strides=case.strides,
            padding=case.padding,
            dilation=case.dilation,
            groups=case.groups,
            bias=self.arrays.get("bias"),
        )


def _rms(error: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(error, dtype=np.float64))))
