"""Reproducers of what the installed frameworks are known to do otherwise: each shows it, the port's remedy ends it."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from convsuite.conformance import engines
from convsuite.reports.reproducers import execute, reproducer

pytestmark = [pytest.mark.frameworks, pytest.mark.slow]

EMPTY = "extremes/defects::gradient-where-a-stride-leaves-nothing[input=2x1x2,dtype=float64,wrt=kernel]"
SHOWN = {
    "torch": {
        ("conv1d/digits::same-stride-2", "literal"): "differs",
        ("transposed/digits::valid-kernel-1-stride-3", "literal"): "shape",
        ("covering/conv1d::forward-cd8846dd", "equivalent"): "unsupported",
    },
    "jax": {
        ("transposed/digits::crop-1", "literal"): "differs",
        ("covering/conv1d::forward-1d9a4e35", "literal"): "dtype",
        ("covering/conv1d::forward-139b58d6", "equivalent"): "differs",
        ("refuse/depthwise::multiplier-0", "equivalent"): "accepted",
        ("laws/transposed::grouped-1d[groups=3]", "literal"): "differs",
        ("laws/transposed::grouped-1d[groups=3]~group1", "literal"): "differs",
    },
    "tensorflow": {
        (EMPTY, "equivalent"): "crash",
        ("covering/conv1d::kernel-6859b4f5", "equivalent"): "unstable",
    },
    "keras": {("conv1d/words::as-many-filters-as-samples", "equivalent"): "differs"},
    "keras-torch": {("covering/conv1d::forward-bf1fbf06", "equivalent"): "unsupported"},
    "keras-jax": {("covering/conv_transpose3d::bias-2928f905", "equivalent"): "differs"},
}
"""Verdicts by engine, case and form: kinds of reproducers, gradients, bfloat16, NaN, views and a law among them."""


@pytest.mark.parametrize("engine", SHOWN)
def test_every_script_shows_its_discrepancy_and_its_equivalent_does_not(engine, tmp_path, run_cases, plainly):
    if engines.known_engines()[engine].missing:
        pytest.skip(f"{engine} is not installed")
    cases = list(dict.fromkeys(case.split("~")[0] for case, _ in SHOWN[engine]))
    found = run_cases(tmp_path / "run", cases, [engine])
    made, mended = [], []
    for (case, form), verdict in SHOWN[engine].items():
        record = found.one(case, form=form)
        if record["ok"] and record["expected_dtype"] in ("bfloat16", "float16", "float64"):
            continue  # which kernel computes this dtype depends on the CPU
        assert record["verdict"] == verdict, case
        made.append(reproducer(record, found.said, found.records))
        if form == "literal" and verdict in ("differs", "shape") and not record["law"]:
            program = found.one(case)["program"]
            mended.append(reproducer({**record, "program": program}, found.said, found.records))
    if not made:
        pytest.skip("this CPU shows none of them")
    alone = plainly(made[0].script)
    assert alone.returncode == 1, alone.stderr
    assert "Traceback" not in alone.stderr
    together = [one.status for one in execute([*made[1:], *mended])]
    assert together == ["lives"] * (len(made) - 1) + ["gone"] * len(mended)


ROUND = """
import numpy as np, torch
values = torch.tensor(np.load("values.npy"))
np.save("bits.npy", values.bfloat16().view(torch.int16).numpy())
"""


def test_pytorch_rounds_to_bfloat16_as_the_suite_does(needs, tmp_path):
    needs("torch")
    import ml_dtypes

    values = np.random.RandomState(0).standard_normal(100_000) * 2.0 ** np.arange(-100, 100).repeat(500)
    np.save(tmp_path / "values.npy", values)
    subprocess.run([sys.executable, "-P", "-c", ROUND], cwd=tmp_path, check=True, timeout=120)
    assert np.array_equal(np.load(tmp_path / "bits.npy"), values.astype(ml_dtypes.bfloat16).view(np.int16))
