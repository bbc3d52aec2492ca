"""The rows of the matrix: what a case's parameters come to, in few values each ("2 and more", "uneven")."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = Mapping[str, Any]
NONE = "none"


def _padding(record: Record) -> str:
    padding = record["padding"]
    if isinstance(padding, str):
        return padding
    if any(side < 0 for pair in padding for side in pair):
        return "explicit, negative"
    return "explicit, alike" if all(lo == hi for lo, hi in padding) else "explicit, uneven"


def _steps(name: str) -> Callable[[Record], str]:
    def facet(record: Record) -> str:
        values: Sequence[int] = record[name]
        if min(values) != max(values):
            return "axes differ"
        return str(values[0]) if values[0] < 3 else "3 and more"

    return facet


def _both(record: Record) -> str:
    strided, dilated = max(record["strides"]) > 1, max(record["dilation"]) > 1
    return {(True, True): "both", (True, False): "stride alone", (False, True): "dilation alone"}.get(
        (strided, dilated), "neither"
    )


def _kernel(record: Record) -> str:
    values: Sequence[int] = record["kernel_size"]
    if max(values) <= 1:
        return "1"
    odd = {value % 2 for value in values}
    return "odd and even" if len(odd) > 1 else "odd" if odd == {1} else "even"


def _groups(record: Record) -> str | None:
    if record["op"] not in ("conv", "conv_transpose"):
        return None
    if record["groups"] == 1:
        return "1"
    return "as many as channels" if record["groups"] == record["input"][-1] else "some"


def _multiplier(record: Record) -> str | None:
    if record["op"] not in ("depthwise_conv", "separable_conv"):
        return None
    return "1" if record["depth_multiplier"] == 1 else "2 and more"


def _output_padding(record: Record) -> str | None:
    if record["op"] != "conv_transpose":
        return None
    value: Sequence[int] | None = record["output_padding"]
    return NONE if value is None else "above 0" if max(value) > 0 else "0"


def _due(record: Record) -> str:
    if record.get("expect") == "error":
        return "an error"
    shape: Sequence[int] | None = record.get("expected_shape")
    return "an empty result" if shape is not None and 0 in shape else "a result"


FACETS: dict[str, Callable[[Record], str | None]] = {
    "padding": _padding,
    "strides": _steps("strides"),
    "dilation": _steps("dilation"),
    "stride and dilation": _both,
    "kernel size": _kernel,
    "groups": _groups,
    "depth multiplier": _multiplier,
    "output padding": _output_padding,
    "gradient of": lambda record: record["wrt"] or "none: forward",
    "dtype": lambda record: record["expected_dtype"],
    "data format": lambda record: record["data_format"],
    "bias": lambda record: "with" if record["use_bias"] else "without",
    "values": lambda record: "written out" if record["data"] == "literal" else record["data"],
    "memory layout": lambda record: record["layout"],
    "what is due": _due,
    "relation": lambda record: record.get("law") or NONE,
}
"""By the parameter's name, its value for a case; None where the operation has no such parameter."""
ORDER = (
    "valid", "same", "same_lower", "causal", "none: forward", NONE, "neither", "1", "2", "3 and more", "some", "0",
    "without", "float32", "float64", "float16", "bfloat16", "integers", "normal", "contiguous", "a result",
)  # fmt: skip
"""Values that come first, in this order; then the others by name."""


def facets(record: Record) -> dict[str, str | None]:
    """All of them for one case."""
    return {name: value(record) for name, value in FACETS.items()}


def in_order(values: Sequence[str]) -> list[str]:
    """The values of a facet as a reader expects them."""
    return sorted(values, key=lambda value: (ORDER.index(value) if value in ORDER else len(ORDER), value))
