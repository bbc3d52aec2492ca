"""What makes a result agree, by the code of the cause: a sentence with the case's own numbers, from remedies.yaml.

It says how to ask for what the case means in other words, which is also the way around a defect of the framework.
"""

from __future__ import annotations

import math
from functools import cache
from importlib import resources
from typing import Any

import yaml

from ...adapters.case import Case
from ..faults import SUBJECTS
from . import numbers

WIDER = {"float16": "float32", "bfloat16": "float32", "float32": "float64"}


def remedy(code: str, case: Case) -> str:
    """The change that makes it agree, for a cause that has been proven."""
    by_code, by_subject = templates()
    template = by_code.get(code) or by_subject.get(_subject(code, case), "")
    return template.format_map(_facts(case))


def _subject(code: str, case: Case) -> str:
    """What the cause is about, by which there is a remedy; nothing where no parameter of the call could help."""
    if case.wrt is not None:
        return "gradients"
    named = next((name for name, faults in SUBJECTS.items() if any(one.code == code for one in faults)), None)
    if named is None and case.transposed:
        return "transposed"
    if named in (None, "padding", "strides and dilation") and not any(map(any, case.pads)):
        return "unpadded strides" if max(case.strides) > 1 else ""
    return named or "padding"


@cache
def templates() -> tuple[dict[str, str], dict[str, str]]:
    """Remedies by the cause's code, and by the fault's subject for the others."""
    file = resources.files("convsuite.conformance.diagnosis") / "remedies.yaml"
    said: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {code: one["remedy"] for one in said["causes"] for code in one["for"]}, said["subjects"]


def _facts(case: Case) -> dict[str, object]:
    """The numbers that remedies speak of."""
    reach = tuple((k - 1) * d for k, d in zip(case.kernel_size, case.dilation, strict=True))
    spread = tuple((ke - lo, ke - hi) for ke, (lo, hi) in zip(reach, case.pads, strict=True))
    return {
        "pads": numbers.pairs(case.pads),
        "spread_pads": numbers.pairs(spread),
        "begins_ends": [lo for lo, _ in case.pads] + [hi for _, hi in case.pads],
        "cut": numbers.cut(case),
        "full": numbers.per_axis(case.full),
        "strides": numbers.per_axis(case.strides),
        "dilation": numbers.per_axis(case.dilation),
        "mirror": ", ".join(["::-1"] * case.rank),
        "mirror_last": ", ".join([":"] * (case.rank - 1) + ["::-1"]),
        "groups": case.channels if case.op in ("depthwise_conv", "separable_conv") else case.groups,
        "channels": case.channels,
        "multiplier": case.depth_multiplier,
        "filters": case.output_channels,
        "batch": case.batch,
        "terms": math.prod(case.output_shape[:-1]),
        "dtype": case.dtype,
        "wider": WIDER.get(case.dtype, "int64"),
        "shape": list(case.result_shape),
    }
