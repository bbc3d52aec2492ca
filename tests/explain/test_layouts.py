"""How kernels lie: the text that a layout writes does to an array what the layout's names say."""

from __future__ import annotations

import json
from itertools import permutations

import numpy as np
import pytest

from convsuite.adapters.jax import JaxAdapter
from convsuite.adapters.keras import KerasAdapter
from convsuite.adapters.layout import Layout, layout
from convsuite.adapters.reference import ReferenceAdapter
from convsuite.adapters.tensorflow import TensorFlowAdapter
from convsuite.adapters.torch import TorchAdapter
from convsuite.conformance import make_case
from convsuite.conformance.explaining.conversion import apply, function, laid_out, numbers, reordered

ADAPTERS = {
    "torch": TorchAdapter(),
    "tensorflow": TensorFlowAdapter(),
    "keras": KerasAdapter(),
    "jax": JaxAdapter(),
    "reference": ReferenceAdapter(),
}
SIZES = {1: [9], 2: [9, 8], 3: [5, 6, 4]}
KERNEL = {1: [3], 2: [3, 2], 3: [3, 2, 1]}


def cases():
    for rank, spatial in SIZES.items():
        common = {"kernel_size": KERNEL[rank], "strides": 2}
        for groups in (1, 2):
            for op in ("conv", "conv_transpose"):
                for padding in ("same", 1):
                    keys = {"op": op, "input": [2, *spatial, 4], "filters": 6, "groups": groups, "padding": padding}
                    yield make_case(id=f"{op}{rank}d-{groups}-{padding}", **keys, **common)
        for multiplier in (1, 3):
            keys = {"input": [2, *spatial, 2], "depth_multiplier": multiplier, **common}
            yield make_case(id=f"depthwise{rank}d-{multiplier}", op="depthwise_conv", **keys)
            yield make_case(id=f"separable{rank}d-{multiplier}", op="separable_conv", filters=5, **keys)


CASES = [pytest.param(case, id=case.id) for case in cases()]


def words(name, case):
    program = ADAPTERS[name].translate(case, "equivalent")
    assert program is not None
    assert program.words is not None
    return program, program.words.kernels


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ADAPTERS)
def test_what_is_told_is_what_the_program_does(name, case):
    program, kernels = words(name, case)
    assert set(kernels) == set(case.kernel_shapes)
    for argument, one in kernels.items():
        assert f"{argument}{one.there}" in program.prepare
        given = numbers(one)
        assert given.shape == case.kernel_shapes[argument]
        own = laid_out({argument: given}, kernels)[argument]
        assert own.shape == one.shape
        assert np.array_equal(reordered(own, one.back), given)


@pytest.mark.parametrize("case", CASES)
def test_every_layout_into_every_other(case):
    for source, target in permutations(ADAPTERS, 2):
        there, due = words(source, case)[1], words(target, case)[1]
        given = {name: numbers(one) for name, one in there.items()}
        came = apply(function("turn", there, due), "turn", laid_out(given, there))
        for name, expected in laid_out(given, due).items():
            assert np.array_equal(came[name], expected)
            assert came[name].flags.c_contiguous


def test_the_axes_are_the_ones_that_the_names_say():
    """Element by element, written out: the layouts' own code has no part in it."""
    case = make_case(op="depthwise_conv", input=[1, 5, 6, 3], kernel_size=[3, 2], depth_multiplier=2)
    w = numbers(layout(case, "depthwise_kernel"))
    own = laid_out({"depthwise_kernel": w}, words("torch", case)[1])["depthwise_kernel"]
    assert all(own[c * 2 + m, 0, i, j] == w[i, j, c, m] for i, j, c, m in np.ndindex(*w.shape))

    case = make_case(op="conv_transpose", input=[1, 7, 6], kernel_size=3, filters=4, groups=2, padding=1)
    w = numbers(layout(case, "kernel"))  # (3, 2, 6)
    own = laid_out({"kernel": w}, words("jax", case)[1])["kernel"]
    for t, a, c in np.ndindex(*w.shape):
        group, b = divmod(c, 3)
        assert own[2 - t, b, group * 2 + a] == w[t, a, c]


def test_no_step_is_written_that_changes_nothing():
    case = make_case(op="conv", input=[1, 5, 6, 3], kernel_size=[3, 2], filters=4)
    torch, tensorflow = words("torch", case)[1]["kernel"], words("tensorflow", case)[1]["kernel"]
    assert torch.to(tensorflow) == ".transpose((2, 3, 1, 0))"
    assert tensorflow.there == torch.to(torch) == ""
    case = make_case(op="conv_transpose", input=[1, 7, 4], kernel_size=3, filters=4, padding=1)
    assert words("jax", case)[1]["kernel"].there == "[::-1].transpose((0, 2, 1))"


def test_sizes_of_one_keep_their_axes():
    case = make_case(op="conv_transpose", input=[1, 7, 1], kernel_size=1, filters=1, padding=0)
    torch, jax = words("torch", case)[1]["kernel"], words("jax", case)[1]["kernel"]
    assert torch.there == ".transpose((2, 1, 0))"
    assert torch.to(jax) == "[:, :, ::-1].transpose((2, 0, 1))"


def test_a_layout_survives_json():
    case = make_case(op="conv_transpose", input=[1, 7, 6], kernel_size=3, filters=4, groups=2, padding=1)
    one = words("jax", case)[1]["kernel"]
    again = Layout.from_json(json.loads(json.dumps(one.to_json())))
    assert again == one
    assert again.there == one.there


def test_a_kernel_that_does_not_fit_has_a_layout_as_well():
    """The framework has to be handed it, so that it can refuse."""
    keys = {"input": [2, 9, 5], "kernel_size": 3, "filters": 6, "groups": 2, "expect": "error"}
    program = TorchAdapter().translate(make_case(op="conv_transpose", **keys), "literal")
    assert program is not None
    assert "kernel.transpose((2, 1, 0))" in program.prepare
