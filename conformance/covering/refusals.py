"""Cases that must be refused: every kind of bad value with every pair of what stands around it.

A kind is what makes a good case a bad one, and nothing else in the case is bad: whoever answers has not looked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .library import covering_array
from .model import Family
from .realise import row_id

Change = dict[str, Any] | Callable[[Family], dict[str, Any] | None]
"""The keys that make a family's plain case a bad one; None where the family has no such key."""

SIZES = {1: [17], 2: [11, 13], 3: [7, 8, 9]}
CHANNELS, FILTERS = 6, 9
AROUND: dict[str, tuple[Any, ...]] = {
    "data_format": ("channels_last", "channels_first"),
    "padding": ("valid", "same"),
    "use_bias": (False, True),
    "dtype": ("float32", "float64", "float16"),
    "batch": (1, 2),
}


def _grouped(family: Family) -> bool:
    return family.op in ("conv", "conv_transpose")


def _last_axis(family: Family, value: int, other: int = 1) -> list[int] | None:
    return None if family.rank == 1 else [*[other] * (family.rank - 1), value]


def _some(key: str, value: Any) -> dict[str, Any] | None:
    return None if value is None else {key: value}


def _kernel(family: Family, *, channels: int = CHANNELS, axes: int = 0) -> dict[str, Any] | None:
    """A kernel for so many input channels, with so many axes more or fewer than fit."""
    window = [3] * (family.rank + axes)
    if family.op == "separable_conv" or not 0 < len(window) <= 3:
        return None
    last = {"conv": [channels, FILTERS], "conv_transpose": [FILTERS, channels], "depthwise_conv": [channels, 1]}
    return {"kernel_shape": [*window, *last[family.op]]}


def _transposed(family: Family, **keys: Any) -> dict[str, Any] | None:
    return keys if family.op == "conv_transpose" else None


KINDS: dict[str, Change] = {
    "stride-zero": {"strides": 0},
    "stride-negative": {"strides": -1},
    "stride-zero-on-one-axis": lambda family: _some("strides", _last_axis(family, 0)),
    "dilation-zero": {"dilation": 0},
    "dilation-negative": {"dilation": -2},
    "dilation-zero-on-one-axis": lambda family: _some("dilation", _last_axis(family, 0)),
    "kernel-zero": {"kernel_size": 0},
    "kernel-zero-on-one-axis": lambda family: _some("kernel_size", _last_axis(family, 0, 3)),
    "groups-zero": lambda family: {"groups": 0} if _grouped(family) else None,
    "groups-negative": lambda family: {"groups": -1} if _grouped(family) else None,
    "groups-not-of-channels": lambda family: {"groups": 3, "channels": 7} if _grouped(family) else None,
    # a transposed kernel is (*k, filters / groups, channels): no array could carry this one
    "groups-not-of-filters": lambda family: {"groups": 2} if family.op == "conv" else None,
    "filters-zero": lambda family: None if family.op == "depthwise_conv" else {"filters": 0},
    "channels-zero": {"channels": 0},
    "multiplier-zero": lambda family: None if _grouped(family) else {"depth_multiplier": 0},
    "multiplier-negative": lambda family: None if _grouped(family) else {"depth_multiplier": -1},
    "kernel-channels": lambda family: _kernel(family, channels=5),
    "kernel-axis-too-many": lambda family: _kernel(family, axes=1),
    "kernel-axis-too-few": lambda family: _kernel(family, axes=-1),
    "output-padding-of-the-stride": lambda family: _transposed(family, strides=2, output_padding=2),
    "output-padding-without-stride": lambda family: _transposed(family, output_padding=1),
    "output-padding-negative": lambda family: _transposed(family, strides=2, output_padding=-1),
    "causal": lambda family: {"padding": "causal"} if family.rank > 1 or family.op == "conv_transpose" else None,
}


def cases(family: Family) -> list[dict[str, Any]]:
    """The family's cases as the keys of a case file, ``id`` among them."""
    changes = {name: change(family) if callable(change) else change for name, change in KINDS.items()}
    kinds = {name: change for name, change in changes.items() if change is not None}
    return [_case(family, row, kinds[row["kind"]]) for row in covering_array({"kind": list(kinds), **AROUND}, 2)]


def _case(family: Family, row: dict[str, Any], changed: dict[str, Any]) -> dict[str, Any]:
    said = {name: str(level) for name, level in row.items()}
    channels = changed.get("channels", CHANNELS)
    keys: dict[str, Any] = {"id": f"{row['kind']}-{row_id(family, said)}"}
    keys["input"] = [row["batch"], *SIZES[family.rank], channels]
    keys["kernel_size"] = 3
    if family.op != "depthwise_conv":
        keys["filters"] = FILTERS
    keys |= {name: row[name] for name in ("padding", "use_bias", "data_format", "dtype")}
    return keys | {name: value for name, value in changed.items() if name != "channels"}
