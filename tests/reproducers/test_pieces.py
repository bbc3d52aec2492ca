"""What scripts are made of, each against what it stands for: the frozen draws, the reference, the laws, the line."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest

from convsuite.adapters.base import Program
from convsuite.conformance import corpus, make_case
from convsuite.conformance.answers import answer_to
from convsuite.conformance.data import DATA, INTEGER_DATA, draw_arrays
from convsuite.conformance.relation import draw_twice
from convsuite.reports.reproducers import arrays, laws
from convsuite.reports.reproducers.definition import define
from convsuite.reports.reproducers.layout import fold, lay_out, split
from convsuite.reports.reproducers.rolling import roll

DTYPES = ("float16", "bfloat16", "float32", "float64", "int8", "int32")
BASE = {"op": "conv", "input": [2, 5, 4], "kernel_size": 3, "filters": 2, "use_bias": True}


DRAWN = [
    (data, dtype)
    for data in DATA
    for dtype in DTYPES
    if ("int" not in dtype and data != "full_range") or ("int" in dtype and data in INTEGER_DATA)
]


@pytest.mark.parametrize(("data", "dtype"), DRAWN)
@pytest.mark.parametrize("seed", [0, 12])
def test_drawing_lines_give_the_very_arrays(data, dtype, seed):
    case = make_case(**BASE, dtype=dtype, data=data)
    assert arrays.give(arrays.drawing(case, seed, case.array_shapes), draw_arrays(case, seed=seed))


@pytest.mark.parametrize("shape", [[0, 5, 4], [2, 0, 4], [1, 1, 1]])
@pytest.mark.parametrize("data", ["special", "zero_weights", "overflow", "small_onto_large"])
def test_so_they_do_where_there_is_next_to_nothing(data, shape):
    case = make_case(**{**BASE, "input": shape, "padding": "same"}, data=data)
    assert arrays.give(arrays.drawing(case, 0, case.array_shapes), draw_arrays(case))


SAID = [
    {},
    {"padding": "same", "strides": 2},
    {"padding": [[-1, 2]], "dilation": 2},
    {"op": "conv_transpose", "strides": 3, "padding": "same"},
    {"op": "conv_transpose", "strides": 2, "padding": [[1, 0]], "output_padding": 1, "groups": 2},
    {"op": "depthwise_conv", "depth_multiplier": 3, "filters": None},
    {"op": "separable_conv", "depth_multiplier": 2},
    {"input": [1, 4, 5, 4], "groups": 2, "dilation": [1, 2]},
    {"input": [0, 5, 4]},
    {"data": "special"},
]
KERNELS = {"depthwise_conv": ["depthwise_kernel"], "separable_conv": ["depthwise_kernel", "pointwise_kernel"]}


@pytest.mark.parametrize("said", SAID)
def test_the_definition_gives_what_the_reference_gives(said):
    said = {name: value for name, value in {**BASE, **said}.items() if value is not None}
    for wrt in (None, "input", "bias", *KERNELS.get(said["op"], ["kernel"])):
        _check_definition(make_case(**said, **({} if wrt is None else {"wrt": wrt})))


def _check_definition(case):
    drawn, expected = answer_to(case)
    definition = define(case)
    assert definition is not None
    if "for o in" in "".join(definition.lines):  # it says of the loop's positions what they are
        inputs = f"for o in np.ndindex{case.spatial}:".replace(",)", ")")
        assert ("over inputs o" in definition.lines[0]) == case.transposed
        assert not case.transposed or inputs in "".join(definition.lines)
    assert expected is not None
    made = {"np": np, **drawn}
    exec("\n".join([*definition.lines, f"y = {definition.call('a.astype(np.float64)')}"]), made)  # noqa: S102  our own
    np.testing.assert_array_equal(made["y"], expected.values)


LAWS = [entry for entry in corpus.load(["laws"]) if entry.law][::4]


@pytest.mark.parametrize("entry", LAWS, ids=lambda entry: entry.id)
def test_the_text_of_a_law_is_the_law(entry):
    outputs = {}
    for part, stands in zip(entry.relation.parts, entry.parts, strict=True):
        lines = laws.part_making(entry.law, entry.case, part.name, part.case.array_shapes, 3)
        assert arrays.give(lines, stands.draw(3)), lines
        outputs[part.name] = np.random.default_rng(len(outputs)).standard_normal(part.case.result_shape)
    draws = draw_twice(entry.case, 3)
    names = {f"y_{name}": array for name, array in outputs.items()} | draws.first
    names |= {f"{laws.OTHER}{name}": array for name, array in draws.second.items()}
    for name in ("group", "item"):
        names[f"y_{name}"] = [array for part, array in outputs.items() if laws.series(part) == name]
    texts = laws.sides(entry.law, entry.case, list(outputs))
    left, right = (np.ravel(eval(text, {"np": np, **names})) for text in texts)  # noqa: S307  our own
    due = np.subtract(*entry.relation.sides(outputs, draws))
    np.testing.assert_allclose(np.sort(left - right), np.sort(np.ravel(due)), rtol=1e-9, atol=1e-9)


def test_every_law_is_among_them():
    from convsuite.conformance.laws import LAWS as NAMES

    assert {entry.law for entry in corpus.load(["laws"]) if entry.law} == set(NAMES)


def test_a_program_is_split_as_it_was_put_together():
    program = Program(
        "import numpy as np", "x = input\n\ndef forward(x):\n    return x", "y = forward(x)", "result = y"
    )
    assert split(program.source) == program
    with pytest.raises(ValueError, match="no program"):
        split("print(1)")


def test_long_lines_are_folded_inside_brackets_and_mean_the_same():
    line = f"    y = f({', '.join(f'g(a{n}, (1, 2, {n}))' for n in range(30))})"
    folded = list(fold(line))
    assert max(map(len, folded)) <= 120
    assert (
        compile(textwrap.dedent("\n".join(folded)), "f", "exec").co_code == compile(line.strip(), "l", "exec").co_code
    )
    assert list(fold("x = 'a, b'")) == ["x = 'a, b'"]


def test_alike_calls_become_a_loop_and_others_stay():
    rolled = roll("    return cat([f(x[:, 0:2], w[..., 0:1], (1, 1)), f(x[:, 2:4], w[..., 1:2], (1, 1))], axis=1) + b")
    assert rolled == "    return cat([f(x[:, 2 * i:2 * i + 2], w[..., i:i + 1], (1, 1)) for i in range(2)], axis=1) + b"
    for same in ("y = f([g(x), h(x)])", "y = f([g(1), g(2), g(4)])", "def f(x):", "y = [1, 2]", 'y = [f("a"), f("b")]'):
        assert roll(same) == same


def test_a_script_without_room_loses_its_empty_lines_first():
    paragraphs = [["import os", "import sys"], ["a = 1", "", "b = 2"], ["c = 3"]]
    assert lay_out(paragraphs, 8) == "import os\nimport sys\n\na = 1\n\nb = 2\n\nc = 3\n"
    assert lay_out(paragraphs, 5) == "import os\nimport sys\na = 1\nb = 2\nc = 3\n"
    assert lay_out(paragraphs, 4) == "import os, sys\na = 1\nb = 2\nc = 3\n"
    assert lay_out(paragraphs, 3) is None
