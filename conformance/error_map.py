"""Where in an output the error sits: a small map of it, to be drawn."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..adapters.case import Case
from ..reference.bounds import PRECISIONS

MOST = 24
"""Cells along an axis of the map; longer axes are divided, and each cell says the largest error in it."""
DIGITS = 3
"""Significant digits of a cell."""
AXES = {1: ("column",), 2: ("row", "column"), 3: ("depth", "row", "column")}


def error_map(case: Case, error: np.ndarray, ratios: np.ndarray) -> dict[str, Any] | None:
    """The map of a wrong result of the right shape, as JSON; None where the result is empty.

    ``error``: |error| per element, channels last; ``ratios``: the same in units of the bound.  The result: ``unit``,
    ``bound``, or ``one`` where the case's numbers are integers, which have no bound; ``axes``: the names of the map's
    one or two axes; ``extents``: how long the result is along them; ``over``: the axes of which a cell takes the
    largest value; ``cells``: rows of numbers, null where the error is not finite.
    """
    if not error.size:
        return None
    unit, values = ("bound", ratios) if case.dtype in PRECISIONS else ("one", error)
    values = np.where(np.isnan(values), np.inf, values)
    axes = _axes(case)
    shown = [place for place, name in enumerate(axes) if name in ("row", "column", "channel of the bias")]
    over = tuple(place for place in range(len(axes)) if place not in shown)
    plane = np.atleast_2d(values.max(axis=over))
    return {
        "unit": unit,
        "axes": [axes[place] for place in shown],
        "extents": [int(values.shape[place]) for place in shown],
        "over": [axes[place] for place in over],
        "cells": [[_rounded(float(cell)) for cell in row] for row in _reduced(plane)],
    }


def _axes(case: Case) -> tuple[str, ...]:
    """The names of the result's axes, in the reference's layout."""
    spatial = AXES[case.rank]
    if case.wrt == "bias":
        return ("channel of the bias",)
    return ("batch", *spatial, "channel") if case.result_has_channels else (*spatial, "channel in", "channel out")


def _reduced(plane: np.ndarray) -> np.ndarray:
    """The largest value of every tile, in at most `MOST` rows and columns of them."""
    for axis, extent in enumerate(plane.shape):
        count = min(extent, MOST)
        begins = [number * extent // count for number in range(count)]
        plane = np.maximum.reduceat(plane, begins, axis=axis)
    return plane


def _rounded(value: float) -> float | int | None:
    if not math.isfinite(value):
        return None
    rounded = float(f"{value:.{DIGITS}g}")
    return int(rounded) if rounded.is_integer() else rounded
