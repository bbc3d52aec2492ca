"""Explanations by the frameworks themselves, and every conversion of kernels run: one process per framework for all."""

from __future__ import annotations

from itertools import permutations

import pytest

from convsuite.adapters.case import Case
from convsuite.conformance import make_case
from convsuite.conformance.answers import answer_to
from convsuite.conformance.engines import known_engines
from convsuite.conformance.explaining import Asking, Kept, Question, convert
from convsuite.conformance.explaining.conversion import apply, laid_out, reordered
from convsuite.conformance.process import Limits
from convsuite.conformance.verdict import judge

DEFAULT = [engine for engine in known_engines().values() if engine.default]
INSTALLED = [engine for engine in DEFAULT if not engine.missing]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.frameworks,
    pytest.mark.skipif(len(INSTALLED) < len(DEFAULT), reason="not all six engines are installed"),
]

SPATIAL, KERNEL = {1: [9], 2: [9, 8], 3: [5, 6, 4]}, {1: [3], 2: [3, 2], 3: [3, 2, 1]}
VARIANTS = {
    "conv": {"filters": 6, "padding": "same", "strides": 2},
    "conv-groups": {"filters": 6, "groups": 2, "padding": 1},
    "conv_transpose": {"filters": 6, "padding": "same", "strides": 2},
    "conv_transpose-groups": {"filters": 6, "groups": 2, "padding": 1, "strides": 2, "output_padding": 1},
    "depthwise_conv": {"depth_multiplier": 3, "strides": 2},
    "separable_conv": {"filters": 5, "depth_multiplier": 2, "use_bias": True},
}


def cases():
    for rank, spatial in SPATIAL.items():
        for name, keys in VARIANTS.items():
            said = {"op": name.split("-")[0], "input": [2, *spatial, 4], "kernel_size": KERNEL[rank], **keys}
            yield make_case(id=f"{name}-{rank}d", **said)
    first = {"op": "conv_transpose", "input": [2, 9, 8, 3], "kernel_size": [3, 2], "filters": 5}
    yield make_case(id="channels-first", data_format="channels_first", **first)


CASES = [pytest.param(case, id=case.id) for case in cases()]


@pytest.fixture(scope="module")
def asking():
    with Asking(INSTALLED, Limits(seconds=120.0), 2, Kept(None)) as asked:
        yield asked


def asked_about(asking: Asking, case: Case):
    question = Question(case, *answer_to(case))
    rows = {row.engine: row for row in asking.rows(question)}
    assert asking.missing == {}
    return question, rows


@pytest.mark.parametrize("case", CASES)
def test_kernels_of_every_engine_run_in_every_other(asking, case):
    """The function that is printed turns the source's kernels, and the target's program runs with what comes out."""
    question, rows = asked_about(asking, case)
    assert all(row.equivalent.ok for row in rows.values())
    done = set()
    for source, target in permutations(INSTALLED, 2):
        made = convert(rows[source.name], rows[target.name])
        assert made is not None
        assert made.ok, made.code
        there, due = rows[source.name].layouts, rows[target.name].layouts
        assert there is not None
        assert due is not None
        work = (target.name, tuple(one.to(due[name]) for name, one in there.items()))
        if work in done:  # Keras lays kernels out alike on every backend
            continue
        done.add(work)
        kernels = laid_out({name: question.arrays[name] for name in there}, there)
        came = apply(made.code, made.name, kernels)
        assert all(came[name].shape == due[name].shape for name in came)
        back = {name: reordered(array, due[name].back) for name, array in came.items()}
        desk = next(desk for desk in asking._desks if target in desk.engines)
        outcome = desk.run(target, case, question.arrays | back, ("equivalent",))["equivalent"]
        assert judge(case, question.expected, outcome), made.code


def test_how_to_get_same_of_tensorflow_in_torch(asking):
    """One look: the pads in numbers, the call that has them, and what the usual idiom does instead."""
    case = make_case(op="conv", input=[2, 15, 14, 3], kernel_size=[4, 2], filters=5, strides=2, padding="same")
    _, rows = asked_about(asking, case)
    assert {name: row.says for name, row in rows.items() if row.says != "literal"} == {"torch": "composed"}
    torch = rows["torch"]
    assert torch.equivalent.words is not None
    assert "F.conv2d(F.pad(x, (0, 0, 1, 2)), w, stride=(2, 2), padding=(0, 0)" in torch.equivalent.words.call
    assert torch.literal is not None
    assert torch.literal.diagnosis is not None
    assert torch.literal.diagnosis["code"] == "same-pads-half-a-kernel"
    assert "pads ((2, 2), (1, 1)), the case says ((1, 2), (0, 0))" in torch.literal.diagnosis["sentence"]


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        (
            {"op": "conv", "input": [1, 7, 2], "kernel_size": 3, "filters": 2, "padding": "causal"},
            {"keras": "literal", "tensorflow": "composed", "torch": "composed", "jax": "composed"},
        ),
        (
            {"op": "conv", "input": [1, 7, 6, 2], "kernel_size": 2, "filters": 2, "padding": "same_lower"},
            {"keras": "composed", "tensorflow": "composed", "torch": "composed", "jax": "literal"},
        ),
        (
            {"op": "conv", "input": [1, 9, 8, 2], "kernel_size": 3, "filters": 2, "strides": 2, "dilation": 2},
            {"keras": "composed", "torch": "literal", "jax": "literal"},
        ),
    ],
)
def test_who_has_the_word_and_who_has_not(asking, keys, says):
    _, rows = asked_about(asking, make_case(**keys))
    assert all(row.equivalent.ok for row in rows.values())
    assert {name: rows[name].says for name in says} == says


def test_one_that_cannot_gives_the_frameworks_own_refusal(asking):
    """TensorFlow has no integer kernel for this on the CPU; PyTorch has."""
    case = make_case(op="depthwise_conv", input=[1, 5, 4, 2], kernel_size=2, dtype="int32", strides=[2, 1])
    _, rows = asked_about(asking, case)
    assert (rows["tensorflow"].says, rows["tensorflow"].equivalent.verdict) == ("cannot", "unsupported")
    assert rows["tensorflow"].equivalent.message
    assert rows["torch"].equivalent.ok


def test_what_must_be_refused(asking):
    keys = {"op": "conv", "input": [1, 5, 4, 3], "kernel_size": 2, "filters": 4, "groups": 2, "expect": "error"}
    _, rows = asked_about(asking, make_case(**keys))
    assert {row.says for row in rows.values()} == {"refuses"}
