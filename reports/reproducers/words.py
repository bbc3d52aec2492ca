"""What a reproducer says in words: the call, the rule with its source, what was expected and got, title and text."""

from __future__ import annotations

import re
from typing import Any

from ...adapters.case import Case, Shape
from ...conformance.child import without_last_words
from ...conformance.normalise import problems
from ...conformance.verdict import may_refuse
from . import own

Record = dict[str, Any]
_CALL = re.compile(r"\b(?:[A-Za-z_]\w*\.)+\w*[cC]onv\w*")
MODULES = {"lax": "jax.lax", "F": "torch.nn.functional"}
TENSORFLOW_SAME = "https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2"
TORCH_CONV = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv{}d.html"
TORCH_TRANSPOSED = "https://docs.pytorch.org/docs/stable/generated/torch.nn.ConvTranspose{}d.html"
KERAS_TRANSPOSED = "https://keras.io/api/layers/convolution_layers/convolution{}d_transpose"
KERAS_CAUSAL = "https://keras.io/api/layers/convolution_layers/convolution1d"
ONNX = "https://onnx.ai/onnx/operators/onnx__Conv.html"
ONNX_TRANSPOSED = "https://onnx.ai/onnx/operators/onnx__ConvTranspose.html"


def call(program: str) -> str:
    """The framework's function or layer that a program is about, with its module."""
    found = _CALL.search(program)
    name = found[0] if found else "a convolution"
    short = name.split(".", maxsplit=1)[0]
    return MODULES.get(short, short) + name.removeprefix(short)


def handed(shape: Shape | list[int], case: Case) -> Shape:
    """A result's shape, channels last, in the order in which the program gives it."""
    if case.result_has_channels and case.channels_first and len(shape) > 1:
        return (shape[0], shape[-1], *shape[1:-1])
    return tuple(shape)


def rule(case: Case) -> str:
    """What decides the result's sizes and values, with the case's numbers and the source."""
    if case.must_refuse:
        return f"An error is due: {reason(case)}."
    if case.wrt is not None:
        shape = handed(case.result_shape, case)
        return f"A gradient has the shape of its argument, the {case.wrt.replace('_', ' ')}: {shape}."
    sizes, pads = _plain(case.output_shape[1:-1]), _pairs(case.pads)
    if case.transposed:
        return _transposed_rule(case, sizes)
    odd = any(before != after for before, after in case.pads)
    if case.padding == "same":
        said = f"SAME gives ceil(n / stride) = {sizes} outputs; zeros at both ends: {pads}"
        return f"{said}{', the odd one after' if odd else ''} ({TENSORFLOW_SAME})."
    if case.padding == "same_lower":
        said = f"SAME_LOWER gives ceil(n / stride) = {sizes} outputs; zeros at both ends: {pads}"
        return f"{said}{', the odd one before' if odd else ''} ({ONNX})."
    if case.padding == "causal":
        zeros = case.pads[0][0]
        return f"Causal padding puts (k - 1) * dilation = {zeros} zeros before the first sample ({KERAS_CAUSAL})."
    formula = "floor((n + before + after - dilation * (k - 1) - 1) / stride) + 1"
    return f"{formula} = {sizes} outputs; zeros at both ends: {pads} ({TORCH_CONV.format(case.rank)})."


def _transposed_rule(case: Case, sizes: str) -> str:
    full = f"(n - 1) * stride + (k - 1) * dilation + 1 = {_plain(case.full)}"
    window = _pairs(tuple((begin, begin + size) for begin, size in case.window))
    if not isinstance(case.padding, str):
        source = TORCH_TRANSPOSED.format(case.rank)
        crops = _pairs(case.padding)
        return f"Of the full {full} outputs, padding crops {crops}: outputs {window} are left ({source})."
    source = ONNX_TRANSPOSED if case.padding == "same_lower" else KERAS_TRANSPOSED.format(case.rank)
    return f"Of the full {full} outputs, {case.padding} takes {sizes}, {window} ({source})."


def reason(case: Case) -> str:
    """Why no framework should compute the case."""
    found = next(problems(case), None)
    if found is not None:
        return found[1]
    return f"a kernel of shape {case.kernel_shape} does not fit an input of {case.channels} channels"


def _plain(values: Shape) -> str:
    return str(values[0]) if len(values) == 1 else str(values)


def _pairs(pairs: tuple[Shape, ...]) -> str:
    return str(pairs[0]) if len(pairs) == 1 else str(pairs)


def setting(case: Case) -> str:
    """What is not plain about the case, for a title."""
    said = [f"padding {case.padding!r}" if isinstance(case.padding, str) else f"padding {_pairs(case.padding)}"]
    said += [
        f"{name} {_plain(getattr(case, name))}" for name in ("strides", "dilation") if max(getattr(case, name)) > 1
    ]
    said += [f"groups {case.groups}"] if case.groups > 1 else []
    said += [f"output_padding {_plain(case.output_padding)}"] if case.output_padding else []
    said += ["channels first"] if case.channels_first else []
    said += [f"{case.layout} input"] if case.layout != "contiguous" else []
    said += [case.dtype] if case.dtype != "float32" else []
    return ", ".join(said)


def summary(record: Record, case: Case) -> str:
    """What is wrong in a few words."""
    message = record["message"]
    match record["verdict"]:
        case "crash":
            return "memory runs out" if message.startswith("memory") else message.split(";")[0]
        case "timeout":
            return message.split(";")[0]
        case "accepted":
            return f"no error where one is due: {reason(case)}"
        case "unsupported":
            return f"{message.split(':')[0]} for a valid convolution"
        case "shape":
            return f"shape {handed(record['shape'], case)} instead of {handed(record['expected_shape'], case)}"
        case "dtype":
            return f"{record['dtype']} instead of {record['expected_dtype']}"
        case "unstable":
            return "the result depends on what memory held before"
        case _ if record.get("law"):
            return "results that have to agree do not"
        case _:
            return "wrong values"


def title(record: Record, case: Case, program: str) -> str:
    """One line for an issue tracker."""
    said = record["engine"] if own.computes_itself(program) else call(program)
    if case.wrt is not None:
        said = f"Gradient of {said} with respect to the {case.wrt.replace('_', ' ')}"
    port = "Port, not a defect: " if record["form"] == "literal" else ""
    return f"{port}{said}: {summary(record, case)} ({setting(case)})"


def expectation(case: Case) -> str:
    """What is expected."""
    if case.must_refuse:
        return "an error"
    due = f"{case.dtype} {handed(case.result_shape, case)}"
    return f"{due}, or an error" if may_refuse(case) else due


def outcome(record: Record, case: Case) -> str:
    """What was got instead."""
    if record.get("law"):
        return record["message"].partition(" does not hold: ")[2]
    if record["verdict"] in ("shape", "accepted"):
        return f"{record['dtype']} {handed(record['shape'] or (), case)}"
    said = re.sub(r"\{\{.*?\}\}\s*", "", record["message"])  # TensorFlow's names of nodes
    said = without_last_words(said)
    return record["dtype"] if record["verdict"] == "dtype" else said


def versions(record: Record, run: dict[str, Any]) -> str:
    """The framework's versions in that run, as "jax 0.10.2, jaxlib 0.10.2"."""
    said = run.get("engines", {}).get(record["engine"], {}).get("versions", {})
    return ", ".join(f"{name} {number}" for name, number in said.items())
