"""From the keys of a file to a `Case`: tuples of the rank's length, defaults filled in, impossible values found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, cast

import numpy as np

from ..adapters.case import Case, Pads, Shape, numpy_dtype
from ..reference import geometry
from ..reference.bounds import PRECISIONS
from .data import INTEGER_DATA

MOST_ELEMENTS = 1 << 28
"""In one array: two gigabytes of float64, which the reference computes in."""

DEFAULTS: dict[str, Any] = {
    "strides": 1, "padding": "valid", "dilation": 1, "groups": 1, "depth_multiplier": 1, "use_bias": False,
    "data_format": "channels_last", "dtype": "float32", "layout": "contiguous", "data": "integers",
}  # fmt: skip
"""What keys are that a case file leaves out; the others have no value then."""

SPEAKS_OF = {
    "filters": ("conv", "conv_transpose", "separable_conv"),
    "groups": ("conv", "conv_transpose"),
    "depth_multiplier": ("depthwise_conv", "separable_conv"),
    "output_padding": ("conv_transpose",),
}
"""Keys that have a meaning for some operations only."""

Problem = tuple[str, str]
"""(key, what is wrong with it)."""


class Wrong(Exception):
    """A case that cannot be: the key at fault and a sentence."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


def build(case_id: str, keys: Mapping[str, Any]) -> Case:
    """The `Case` of a set of YAML keys whose types have been validated.  Raises `Wrong`."""
    op, shape = keys.get("op"), keys.get("input")
    if op is None or shape is None:
        raise Wrong("op" if op is None else "input", f"{'op' if op is None else 'input'} is missing")
    if keys.get("kernel_size") is None:
        raise Wrong("kernel_size", "kernel_size is missing")
    if op != "depthwise_conv" and keys.get("filters") is None:
        raise Wrong("filters", "filters is missing")
    for key, ops in SPEAKS_OF.items():
        if keys.get(key) is not None and op not in ops:
            raise Wrong(key, f"{key} has no meaning for {op}, only for {', '.join(ops)}")
    rank = len(shape) - 2
    data, seed, literal = _data(keys.get("data"))
    expect = keys.get("expect")
    output_padding = keys.get("output_padding")
    return Case(
        id=case_id,
        op=op,
        input=tuple(shape),
        kernel_size=_per_axis(keys, "kernel_size", rank),
        filters=keys.get("filters"),
        strides=_per_axis(keys, "strides", rank),
        padding=_padding(keys.get("padding", "valid"), rank),
        dilation=_per_axis(keys, "dilation", rank),
        groups=1 if keys.get("groups") is None else keys["groups"],
        depth_multiplier=1 if keys.get("depth_multiplier") is None else keys["depth_multiplier"],
        output_padding=None if output_padding is None else _per_axis(keys, "output_padding", rank),
        use_bias=bool(keys.get("use_bias")),
        data_format=keys.get("data_format") or "channels_last",
        dtype=keys.get("dtype") or "float32",
        data=data,
        seed=seed,
        layout=keys.get("layout") or "contiguous",
        wrt=keys.get("wrt"),
        kernel_shape=None if keys.get("kernel_shape") is None else tuple(keys["kernel_shape"]),
        must_refuse=expect == "error" or (isinstance(expect, Mapping) and bool(expect.get("error"))),  # pyright: ignore[reportUnknownArgumentType,reportUnknownMemberType]
        tags=tuple(keys.get("tags") or ()),
        literal=literal,
    )


def _per_axis(keys: Mapping[str, Any], key: str, rank: int) -> Shape:
    value = 1 if keys.get(key) is None else keys[key]
    if isinstance(value, int):
        return (value,) * rank
    if len(value) != rank:
        raise Wrong(key, f"{key} has {len(value)} numbers for {rank} spatial axes")
    return tuple(value)


def _padding(value: Any, rank: int) -> str | Pads:
    if value is None:
        return "valid"
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return ((value, value),) * rank
    if len(value) != rank:
        raise Wrong("padding", f"padding has {len(value)} pairs for {rank} spatial axes")
    return tuple((lo, hi) for lo, hi in value)


def _data(value: Any) -> tuple[str, int, dict[str, Any] | None]:
    if value is None or isinstance(value, str):
        return value or "integers", 0, None
    if "form" in value:
        return value["form"], value.get("seed", 0), None
    return "literal", 0, {name: array for name, array in value.items() if array is not None}


def problems(case: Case) -> Iterator[Problem]:
    """Why no framework should compute this: what only a case with ``expect: error`` may hold."""
    for key in ("kernel_size", "strides", "dilation"):
        if min(getattr(case, key)) < 1:
            yield key, f"{key} {list(getattr(case, key))} is not at least 1 on every axis"
    for key in ("filters", "groups", "depth_multiplier"):
        value = getattr(case, key)
        if value is not None and value < 1:
            yield key, f"{key} {value} is not at least 1"
    if min(case.input) < 0:
        yield "input", f"input {list(case.input)} has a negative size"
    if case.channels < 1:
        yield "input", f"input {list(case.input)} has no channels"
    if case.groups > 0 and case.channels % case.groups:
        yield "groups", f"groups {case.groups} does not divide the {case.channels} input channels"
    if case.groups > 0 and case.op in ("conv", "conv_transpose") and (case.filters or 0) % case.groups:
        yield "groups", f"groups {case.groups} does not divide the {case.filters} filters"
    if case.padding == "causal" and (case.rank > 1 or case.transposed):
        yield "padding", "causal padding is for convolutions of rank 1"
    yield from _geometry_problems(case)


def _geometry_problems(case: Case) -> Iterator[Problem]:
    """What the reference's size rules refuse besides (output padding)."""
    if min(*case.kernel_size, *case.strides, *case.dilation) < 1 or case.padding == "causal":
        return
    if case.output_padding is None:
        return
    try:
        geometry.transpose_window(
            case.spatial, case.kernel_size, case.strides, case.padding, case.dilation, case.output_padding
        )
    except ValueError as error:
        yield "output_padding", str(error)


def validate(case: Case) -> None:
    """Raises `Wrong` unless the case means something: one answer, or an error where it says so."""
    floating = case.dtype in PRECISIONS
    if not floating and case.data not in (*INTEGER_DATA, "literal"):
        raise Wrong("data", f"{case.data} data are not integers, and dtype is {case.dtype}")
    if floating and case.data == "full_range":
        raise Wrong("data", f"full_range data are for integers, and dtype is {case.dtype}")
    if case.data == "overflow" and case.op == "separable_conv":
        raise Wrong("data", "overflow between the two halves of a separable convolution has no one answer")
    found = next(problems(case), None)
    if case.must_refuse:
        _check_refusal(case, found)
    elif found is not None:
        raise Wrong(found[0], f"{found[1]}; a case like this loads only with expect: error")
    elif case.kernel_shape is not None:
        raise Wrong("kernel_shape", "kernel_shape stands only in a case with expect: error")
    if case.wrt is not None:
        arguments = ["input", *case.kernel_shapes, *(["bias"] if case.use_bias else [])]
        if case.wrt not in arguments:
            raise Wrong("wrt", f"{case.op} here has no argument {case.wrt}, only {', '.join(arguments)}")
        if not floating:
            raise Wrong("dtype", f"there is no gradient in {case.dtype}")
    for name, shape in case.array_shapes.items():
        if math.prod(shape) > MOST_ELEMENTS:
            raise Wrong("input", f"the {name} of shape {list(shape)} has more than {MOST_ELEMENTS:,} elements")
    if case.literal is not None:
        _check_literal(case, case.literal)
    if not case.must_refuse:
        if math.prod(case.output_shape) > MOST_ELEMENTS:
            raise Wrong("input", f"the output of shape {list(case.output_shape)} has too many elements")
        whole = case.full if case.transposed else tuple(size for _, size in case.window)
        if math.prod(max(size, 1) for size in whole) * max(case.batch * case.channels, 1) > MOST_ELEMENTS:
            what = "the full result" if case.transposed else "the padded input"
            raise Wrong("padding", f"{what} of sizes {list(whole)} has too many elements")
        _must_prove(case)


def _check_refusal(case: Case, found: Problem | None) -> None:
    """A case that must be refused: something in it is impossible, and it asks for nothing besides."""
    if case.wrt is not None:
        raise Wrong("wrt", "a case that must be refused asks for no gradient")
    if case.kernel_shape is None:
        if found is None:
            raise Wrong("expect", "nothing in this case is impossible, so an error cannot be expected")
        return
    if case.op == "separable_conv":
        raise Wrong("kernel_shape", "kernel_shape is for operations with one kernel")
    if found is None and _kernel_fits(case, case.kernel_shape):
        raise Wrong("kernel_shape", f"a kernel of shape {list(case.kernel_shape)} fits, so an error cannot be expected")


def _kernel_fits(case: Case, shape: Shape) -> bool:
    if len(shape) != case.rank + 2 or min(shape) < 1:
        return False
    if case.op == "depthwise_conv":
        return shape[-2] == case.channels
    if case.transposed:
        return shape[-1] == case.channels
    return shape[-2] * case.groups == case.channels and shape[-1] % case.groups == 0


def _check_literal(case: Case, literal: Mapping[str, Any]) -> None:
    """Arrays that are written out: those of the case, of its shapes, numbers that its dtype holds, not all zero."""
    shapes = case.array_shapes
    if extra := [name for name in literal if name not in shapes]:
        raise Wrong("data", f"data.{extra[0]} is no array of this case, which has {', '.join(shapes)}")
    for name, shape in shapes.items():
        if name not in literal:
            raise Wrong("data", f"data.{name} is missing")
        if not all(isinstance(item, int | float) and not isinstance(item, bool) for item in _leaves(literal[name])):
            raise Wrong("data", f"data.{name} does not hold numbers alone")
        try:
            array = np.asarray(literal[name], dtype=np.float64)
        except (ValueError, TypeError, OverflowError) as error:
            raise Wrong("data", f"data.{name} is not an array of numbers: {error}") from error
        if array.shape != shape:
            raise Wrong("data", f"data.{name} has shape {list(array.shape)}, expected {list(shape)}")
        with np.errstate(all="ignore"):
            rounded = array.astype(numpy_dtype(case.dtype)).astype(np.float64)
        if case.dtype not in PRECISIONS and not np.array_equal(array, rounded):
            raise Wrong("data", f"data.{name} holds a number that {case.dtype} does not")
        if array.size and not rounded.any() and name != "bias":
            raise Wrong("data", f"data.{name} is all zeros in {case.dtype}: the data prove nothing")


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        for item in cast("list[Any]", value):
            yield from _leaves(item)
    else:
        yield value


def _must_prove(case: Case) -> None:
    """Data prove nothing where no tap ever meets a sample: every output would be zero whatever they are."""
    if 0 in case.input or min(case.raw_sizes) < 1:
        return
    for axis, (n, k, s, d, (begin, size)) in enumerate(
        zip(case.spatial, case.kernel_size, case.strides, case.dilation, case.window, strict=True)
    ):
        if case.transposed:
            _, i, _ = geometry.axis_triples(size, k, s, d, begin, n)
        else:
            _, i, _ = geometry.axis_triples(n, k, s, d, -begin, case.raw_sizes[axis])
        if not len(i):
            raise Wrong(
                "padding", f"no tap of the kernel meets a sample on spatial axis {axis}: the data prove nothing"
            )
