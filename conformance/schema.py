"""The case file's format, as pydantic validates it and as `convsuite schema` prints it for editors."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, TypeAdapter

Op = Literal["conv", "conv_transpose", "depthwise_conv", "separable_conv"]
PaddingWord = Literal["valid", "same", "same_lower", "causal"]
DataName = Literal[
    "integers", "positive", "full_range", "normal", "zero_products", "large_exponents", "small_onto_large",
    "small_onto_large_varied", "zeros_mixed", "large_range", "special", "nan", "inf", "zero_weights",
    "infinite_weight", "overflow", "denormal", "negative_zero",
]  # fmt: skip
Dtype = Literal["float16", "bfloat16", "float32", "float64", "int8", "int32"]
Argument = Literal["input", "kernel", "depthwise_kernel", "pointwise_kernel", "bias"]
Law = Literal[
    "linear_in_input", "linear_in_kernel", "linear_in_depthwise_kernel", "linear_in_pointwise_kernel", "shift", "batch",
    "stride", "dilation", "grouped", "adjoint", "gradient", "separable", "padding",
]  # fmt: skip
Int = Annotated[int, Field(ge=-(2**31), lt=2**31)]
Step = Annotated[int, Field(ge=-(2**63), lt=2**63)]
"""Strides and dilations are what C++ calls int64 in the frameworks; sizes of arrays are not that large."""
Integers = Annotated[list[Int], Field(min_length=1, max_length=5)]
PerAxis = Int | Annotated[list[Int], Field(min_length=1, max_length=3)]
StepPerAxis = Step | Annotated[list[Step], Field(min_length=1, max_length=3)]
Pair = Annotated[list[Int], Field(min_length=2, max_length=2)]
Nested = list[Any]


class Strict(BaseModel):
    """Unknown keys and silent conversions are mistakes."""

    model_config = ConfigDict(extra="forbid", strict=True)


class Drawn(Strict):
    """A data set with a seed of its own."""

    form: DataName
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0


class Literals(Strict):
    """Arrays written out, in the reference's layout: (batch, *spatial, channels), (*kernel, in / groups, out)."""

    input: Nested
    kernel: Nested | None = None
    depthwise_kernel: Nested | None = None
    pointwise_kernel: Nested | None = None
    bias: Nested | None = None
    output_gradient: Nested | None = None


class Expect(Strict):
    """What the author of the case knows about its result, (batch, *spatial, channels); or that it must be refused."""

    shape: Annotated[list[Int], Field(max_length=5)] | None = None
    values: Nested | None = None
    error: bool = False


class Finding(Strict):
    """A statement of the seed note and what became of it."""

    section: str
    quote: str
    verdict: Literal["confirmed", "refuted"]
    rule: str


def _data_kind(value: Any) -> str:
    """Which of the ways to give data a value is, so that a mistake is told in the words of that way."""
    return (
        "literals"
        if isinstance(value, dict) and "form" not in value
        else "drawn"
        if isinstance(value, dict)
        else "name"
    )


def _expect_kind(value: Any) -> str:
    return "claims" if isinstance(value, dict) else "word"


Data = Annotated[
    Annotated[DataName, Tag("name")] | Annotated[Drawn, Tag("drawn")] | Annotated[Literals, Tag("literals")],
    Discriminator(_data_kind),
]
Claims = Annotated[
    Annotated[Literal["error"], Tag("word")] | Annotated[Expect, Tag("claims")], Discriminator(_expect_kind)
]


class Fields(Strict):
    """The parameters of a case; `defaults` and `matrix` hold the same."""

    op: Op | None = None
    input: Annotated[list[Int], Field(min_length=3, max_length=5, description="batch, *spatial, channels")] | None = (
        None
    )
    kernel_size: PerAxis | None = None
    filters: Int | None = Field(None, description="output channels; not with depthwise_conv")
    strides: StepPerAxis | None = None
    padding: PaddingWord | Int | Annotated[list[Pair], Field(min_length=1, max_length=3)] | None = None
    dilation: StepPerAxis | None = None
    groups: Int | None = None
    depth_multiplier: Int | None = None
    output_padding: PerAxis | None = None
    use_bias: bool | None = None
    data_format: Literal["channels_last", "channels_first"] | None = None
    dtype: Dtype | None = None
    data: Data | None = None
    layout: Literal["contiguous", "strided", "transposed", "negative"] | None = None
    wrt: Argument | None = Field(None, description="absent: the forward result; else the gradient for this argument")
    kernel_shape: Annotated[list[Int], Field(min_length=2, max_length=5)] | None = Field(
        None, description="a kernel that does not fit; only with expect: error"
    )
    expect: Claims | None = None
    law: Law | None = Field(None, description="a relation between several computations that come from this one")
    check: str | None = Field(None, description="a named check of the reference alone, instead of a computation")
    finding: Finding | None = None
    tags: list[str] | None = None
    about: str | None = None
    source: str | None = None


MATRIX_KEYS = (
    "op", "input", "kernel_size", "filters", "strides", "padding", "dilation", "groups", "depth_multiplier",
    "output_padding", "use_bias", "data_format", "dtype", "data", "layout", "wrt", "kernel_shape", "law",
)  # fmt: skip
"""Keys that may vary within an entry."""


class CaseEntry(Fields):
    """One case, or with a `matrix` one per combination that `exclude` does not name."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    matrix: Annotated[dict[str, Annotated[list[Any], Field(min_length=1)]], Field(min_length=1)] | None = None
    exclude: str | None = None
    occurs: Annotated[int, Field(ge=1)] | None = Field(
        None, description="how often a layer occurs in its network; 1 where nothing is said"
    )


class CaseFile(Strict):
    """A file of cases."""

    about: str | None = None
    source: str | None = None
    defaults: Fields | None = None
    cases: Annotated[list[CaseEntry], Field(min_length=1)]


FILE = TypeAdapter(CaseFile)


def json_schema() -> dict[str, Any]:
    """The JSON Schema of a case file, draft 2020-12."""
    schema = CaseFile.model_json_schema()
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
