"""The small language of conditions: what it says, and that it says nothing else."""

from __future__ import annotations

import pytest

from convsuite.conformance import UsageError, make_case
from convsuite.conformance.entry import NAMES, Entry
from convsuite.conformance.expressions import Expression

VALUES = Entry(
    make_case(
        op="conv", input=[2, 9, 8, 6], kernel_size=[3, 2], filters=4, strides=[1, 2], padding=[[1, 0], [0, 0]], groups=2
    ),
    "a.yaml",
    1,
).values

TRUE = [
    "strides > 1",
    "not all(strides > 1)",
    "all(kernel_size > 1)",
    "strides == (1, 2)",
    "strides == 2",
    "max(strides) == 2 and min(strides) == 1",
    "rank == 2",
    "padding != 'same'",
    "padding > 0",
    "padding == ((1, 0), (0, 0))",
    "op in ('conv', 'depthwise_conv')",
    "'slow' not in tags",
    "output_padding is None",
    "not output_padding > 0",
    "input[0] == 2 and input[-1] % groups == 0",
    "1 < groups <= 2",
    "channels // groups == 3",
    "pads == ((1, 0), (0, 0))",
    "raw_sizes == (8, 4)",
    "output_shape == (2, 8, 4, 4)",
    "len(strides) == 2",
    "-groups == 0 - 2",
    "any(dilation == 1)",
    "kernel_size in (1, 2)",
    "not kernel_size in (5, 7)",
    "all(kernel_size in (2, 3))",
    "not 1 < strides < 2",
    "strides > 1 and kernel_size > 2",
    "strides < kernel_size",
    "not all(strides < kernel_size)",
    "padding not in ('same', 'valid')",
    "not op + 1 == 2",
    "not max(op) > 0",
    "strides[7] is None",
    "groups % 0 is None",
    "wrt is None and wrt not in ('input',)",
]


@pytest.mark.parametrize("text", TRUE)
def test_what_holds(text):
    assert Expression(text, NAMES)(VALUES)
    assert not Expression(f"not ({text})", NAMES)(VALUES)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "strides >",
        "stride > 1",
        "__import__('os').system('true')",
        "().__class__",
        "[x for x in strides]",
        "(lambda: 1)()",
        "strides.count(1)",
        "open('x')",
        "max(strides, key=len)",
        "2 ** 10 ** 10",
        "'a' f'{strides}'",
        "groups := 3",
        "1 if groups else 2",
        "strides[::2]",
        "op in 'conv_transpose'",
        "op is 'conv'",
        "strides is strides",
        "all(strides > 1 and kernel_size > 1)",
        "(" * 500 + "1" + ")" * 500,
        "groups + " * 1000 + "1",
    ],
)
def test_what_is_not_part_of_it(text):
    with pytest.raises(UsageError, match="condition"):
        Expression(text, NAMES, file="x.yaml", line=3)


def test_a_bad_value_derives_nothing():
    case = make_case(op="conv", input=[2, 9, 3], kernel_size=2, filters=4, strides=0, expect="error")
    values = Entry(case, "a.yaml", 1).values
    assert Expression("pads is None and strides == 0 and must_refuse", NAMES)(values)
