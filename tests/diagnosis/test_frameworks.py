"""What the installed frameworks are known to do otherwise, by the cause that the catalogue has for it."""

from __future__ import annotations

import json

import pytest

from convsuite.conformance import corpus, engines, run

pytestmark = pytest.mark.frameworks

PORTED, MIRRORED = "same-pads-half-a-kernel", "transposed-kernel-mirrored"
KNOWN = {
    "torch": {
        ("conv1d/digits::same-stride-2", "literal"): (PORTED, "pads (1, 1), the case says (0, 1)"),
        ("conv2d/networks::efficientnet-3x3-stride-2-same", "literal"): (
            PORTED,
            "reads 1 row up, 1 column to the left",
        ),
        ("transposed/digits::same", "literal"): ("transposed-same-as-torch-padding", "the window begins 1 sample late"),
        ("transposed/digits::valid-kernel-1-stride-3", "literal"): ("tail-missing", "7 outputs, due are 9"),
    },
    "tensorflow": {
        ("depthwise/two_axes::strides-and-dilation[padding=same,strides=2]", "literal"): (
            "stride-inside-space-to-batch",
            "cutting the input into phases",
        ),
    },
    "keras": {
        ("conv1d/words::as-many-filters-as-samples", "equivalent"): (
            "bias-along-the-width",
            "along the last spatial axis",
        ),
    },
    "jax": {
        ("transposed/digits::same", "literal"): (MIRRORED, "takes its kernel as it stands"),
        ("transposed/digits::no-flip", "literal"): (MIRRORED, "takes its kernel as it stands"),
        ("transposed/digits::crop-1", "literal"): ("transposed-pads-around-the-spread-input", "zeros around the input"),
        ("transposed/numbers::one-axis[padding=0:2,strides=1]", "literal"): (
            "transposed-pads-around-the-spread-input",
            "zeros around the input",
        ),
    },
}
"""(code, words of the sentence) by case and form."""


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=[] if name == "torch" else [pytest.mark.slow]) for name in KNOWN]
)
def test_known_differences_are_named_by_their_cause(engine, tmp_path):
    if engines.known_engines()[engine].missing:
        pytest.skip(f"{engine} is not installed")
    cases = list(dict.fromkeys(case for case, _ in KNOWN[engine]))
    chosen, _ = engines.choose_engines([engine])
    run.run(corpus.load(cases), chosen, tmp_path / "run", run.Options())
    lines = (tmp_path / "run" / "records.jsonl").read_text().splitlines()
    records = {(one["case"], one["form"]): one for one in map(json.loads, lines)}
    assert not [one for one in records.values() if "the diagnosis failed" in str(one["diagnosis"])]
    for place, (code, words) in KNOWN[engine].items():
        assert records[place]["verdict"] in ("differs", "shape")
        assert records[place]["diagnosis"]["code"] == code
        assert words in records[place]["diagnosis"]["sentence"]
        assert records[place]["diagnosis"]["remedy"]
