"""What engines are told that are wrong in ways which the catalogue names, and in ways which it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from convsuite.conformance import make_case
from convsuite.conformance.answers import answer_to
from convsuite.conformance.diagnosis import Seen, diagnose
from convsuite.conformance.expected import evaluate
from convsuite.conformance.faults.fault import framed, shape_kept

from .conftest import Engine, faulty

STRIDED = make_case(op="conv", input=[2, 11, 10, 3], kernel_size=[3, 2], filters=4, strides=2, padding="same")
TRANSPOSED = make_case(
    op="conv_transpose", input=[2, 5, 6, 3], kernel_size=[3, 2], filters=4, strides=2, padding="same"
)


def begun_later(by):
    """Reads, or returns, every window so many samples later, axis by axis."""

    def answer(case, arrays):
        sign = 1 if case.transposed else -1
        begins = tuple(lo + sign * step for (lo, _), step in zip(case.pads, by, strict=True))
        return evaluate(framed(case, begins, case.raw_sizes), arrays)

    return answer


def other_steps(name, steps):
    """Another stride or dilation, wherever the case has one above one; as many outputs as are due."""

    def answer(case, arrays):
        wrong = steps if max(getattr(case, name)) > 1 else (1,) * case.rank
        return evaluate(shape_kept(case, replace(case, **{name: wrong})), arrays)

    return answer


def test_a_port_of_same_is_named_with_its_pads_and_the_way_out(diagnosed):
    case = make_case(op="conv", input=[1, 6, 2], kernel_size=3, filters=3, strides=2, padding="same")
    found = diagnosed(case, faulty("same-pads-half-a-kernel"))
    assert found.code == "same-pads-half-a-kernel"
    assert "reads 1 sample early" in found.sentence
    assert "pads (1, 1), the case says (0, 1)" in found.sentence
    assert "(0, 1) before and after" in found.remedy


@pytest.mark.parametrize(
    "code",
    ["same-extra-at-begin", "same-pads-half-a-kernel", "same-pads-of-stride-one", "reads-one-early"],
)
def test_rules_with_the_same_effect_are_told_apart_by_asking(code):
    """Four rules that pad (1, 1) instead of (0, 1) here."""
    case = make_case(op="conv", input=[2, 6, 2], kernel_size=3, filters=3, strides=2, padding="same")
    arrays, expected = answer_to(case)
    engine = Engine(faulty(code))
    seen = Seen.of(case, arrays, faulty(code)(case, arrays), expected)
    assert diagnose(seen, engine).code == code
    assert 0 < len(engine.asked) <= 40


def test_a_rule_that_only_this_case_obeys_is_told_as_an_effect(diagnosed):
    """Wrong at this size alone: no rule of the catalogue is proven, but what is read here is."""

    def answer(case, arrays):
        return begun_later((0, -1))(case, arrays) if case.input[1:3] == (11, 10) else evaluate(case, arrays)

    found = diagnosed(STRIDED, answer)
    assert found.code == "shifted"
    assert "reads 1 column to the left" in found.sentence


def smallest_for_all(name):
    """The smallest stride, or dilation, for all axes."""
    return lambda case, arrays: evaluate(replace(case, **{name: (min(getattr(case, name)),) * case.rank}), arrays)


def halved(case, arrays):
    """Explicit pads are halved between both ends."""
    pads = tuple((sum(pair) // 2, -(-sum(pair) // 2)) for pair in case.pads)
    return evaluate(case if isinstance(case.padding, str) else replace(case, padding=pads), arrays)


@pytest.mark.parametrize(
    ("answer", "changes", "code"),
    [
        (smallest_for_all("strides"), {"strides": (1, 2), "padding": "valid"}, "other-strides"),
        (smallest_for_all("dilation"), {"strides": (1, 1), "dilation": (1, 2), "padding": "valid"}, "other-dilation"),
        (halved, {"strides": (1, 1), "padding": ((2, 0), (1, 1))}, "shifted"),
        (halved, {"strides": (1, 1), "padding": ((1, 4), (1, 0))}, "shifted"),
    ],
)
def test_a_rule_that_comes_to_the_same_in_this_case_is_not_named(diagnosed, answer, changes, code):
    """The catalogue has a rule for each of these cases that reproduces it; what the engine does elsewhere denies it."""
    assert diagnosed(replace(STRIDED, **changes), answer).code == code


def test_the_way_out_is_that_of_the_axis_that_is_mirrored(diagnosed):
    case = make_case(op="conv", input=[2, 6, 5, 4, 2], kernel_size=[2, 3, 2], filters=3, strides=2, padding="valid")
    found = diagnosed(case, lambda case, arrays: evaluate(case, {**arrays, "kernel": np.flip(arrays["kernel"], 1)}))
    assert found.code == "kernel-mirrored-on-some-axes"
    assert found.sentence == "the kernel is mirrored on spatial axis 1"
    assert "numpy.flip(kernel, axis)" in found.remedy


def test_a_shorter_result_is_called_shorter(diagnosed):
    found = diagnosed(STRIDED, lambda case, arrays: evaluate(case, arrays)[:, :-1])
    assert found.code == "shorter"


def test_a_window_further_off_than_any_rule_moves_it(diagnosed):
    found = diagnosed(STRIDED, begun_later((0, 4)))
    assert found.code == "shifted"
    assert "reads 4 columns to the right" in found.sentence
    cropped = diagnosed(TRANSPOSED, begun_later((-3, 0)))
    assert cropped.code == "shifted"
    assert "the window begins 3 rows up" in cropped.sentence


def test_steps_that_no_rule_names_are_read_off_the_map_of_taps(diagnosed):
    strides = diagnosed(STRIDED, other_steps("strides", (3, 2)))
    assert strides.code == "other-strides"
    assert "strides (3, 2), the case says (2, 2)" in strides.sentence
    dilated = replace(STRIDED, strides=(1, 1), dilation=(2, 2))
    dilation = diagnosed(dilated, other_steps("dilation", (2, 4)))
    assert dilation.code == "other-dilation"
    assert "dilation (2, 4), the case says (2, 2)" in dilation.sentence


def test_two_faults_at_once_are_read_off_the_map_of_taps(diagnosed):
    def answer(case, arrays):
        return begun_later((0, 1))(case, {**arrays, "kernel": np.flip(arrays["kernel"], 1)})

    found = diagnosed(STRIDED, answer)
    assert found.code == "mirrored-and-moved"
    assert "mirrored on spatial axis 1" in found.sentence
    assert "reads 1 column to the right" in found.sentence


@pytest.mark.parametrize(
    "answer",
    [
        lambda case, arrays: np.maximum(evaluate(case, arrays), 0),
        lambda case, arrays: evaluate(case, arrays) + 1,
        lambda case, arrays: evaluate(case, arrays) * 2,
        lambda _case, _arrays: np.zeros((1, 2, 3), np.float32),
        lambda case, _arrays: np.random.RandomState(case.seed).randint(-9, 9, case.result_shape),
    ],
    ids=["clipped", "one-more", "doubled", "another-shape", "noise"],
)
def test_what_fits_nothing_is_unexplained(diagnosed, answer):
    found = diagnosed(STRIDED, lambda case, arrays: answer(case, arrays).astype(np.float32))
    assert found.code == "unexplained"
    assert found.remedy == ""


def test_a_coincidence_is_not_a_cause(diagnosed):
    """An output that a meaning reproduces by chance is not explained by it: elsewhere it does something else."""
    case = make_case(op="conv", input=[1, 4, 1], kernel_size=2, filters=1, padding="valid")
    mirrored = faulty("kernel-mirrored")

    def answer(asked, arrays):
        right = evaluate(asked, arrays)
        return mirrored(asked, arrays) if asked.id == case.id else np.minimum(right, 3)

    assert diagnosed(case, answer).code == "unexplained"


def test_an_engine_that_cannot_be_asked_is_not_guessed_at():
    arrays, expected = answer_to(STRIDED)
    seen = Seen.of(STRIDED, arrays, faulty("kernel-mirrored")(STRIDED, arrays), expected)
    assert diagnose(seen, lambda _case, _arrays: None).code == "unexplained"


def test_a_large_case_is_diagnosed_by_a_small_one():
    case = make_case(op="conv", input=[4, 90, 88, 16], kernel_size=3, filters=16, strides=2, padding="same")
    arrays, expected = answer_to(case)
    engine = Engine(faulty("same-pads-half-a-kernel"))
    seen = Seen.of(case, arrays, engine.answer(case, arrays), expected)
    found = diagnose(seen, engine)
    assert found.code == "same-pads-half-a-kernel"
    assert "pads ((1, 1), (1, 1)), the case says ((0, 1), (0, 1))" in found.sentence
    assert max(np.prod(one.input) for one in engine.asked) < np.prod(case.input) / 10


def test_gradients_are_diagnosed_too(diagnosed):
    case = replace(STRIDED, input=(2, 12, 10, 3), wrt="input")
    assert diagnosed(case, faulty("input-gradient-one-late")).code == "input-gradient-one-late"
    assert diagnosed(case, faulty("same-extra-at-begin")).code == "same-extra-at-begin"


def test_channels_of_a_depthwise_convolution(diagnosed):
    case = make_case(op="depthwise_conv", input=[2, 7, 6, 3], kernel_size=3, depth_multiplier=2, data="normal")
    found = diagnosed(case, faulty("depthwise-multiplier-first"))
    assert found.code == "depthwise-multiplier-first"
    assert "M = 2" in found.remedy


def test_an_empty_result_of_another_shape(diagnosed):
    """TensorFlow's: the input comes back where the batch is empty."""
    case = make_case(op="conv", input=[0, 7, 3], kernel_size=2, filters=5)
    answer = faulty("strides-dropped")

    def input_back(asked, arrays):
        return evaluate(asked, arrays) if np.prod(asked.result_shape) else arrays["input"]

    found = diagnosed(case, input_back)
    assert found.code == "empty-result-of-the-inputs-shape"
    assert "the shape of the input" in found.sentence
    assert diagnosed(replace(case, strides=(2,)), answer).code == "strides-dropped"


def test_an_axis_without_samples(diagnosed):
    """JAX's: no samples are spread to none, so that a stride less is missing."""
    case = make_case(op="conv_transpose", input=[1, 0, 2], kernel_size=1, filters=4, strides=3, padding="valid")
    found = diagnosed(case, lambda asked, _arrays: np.zeros((1, 2, asked.filters), np.float32))
    assert found.code == "axis-without-samples"
    assert "2 outputs on spatial axis 0, due are 0" in found.sentence
