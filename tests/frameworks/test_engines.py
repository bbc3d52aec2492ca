"""The six engines on a sample of the shipped corpus: as expected, and what is printed is what ran."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from convsuite.conformance import corpus, engines, expectations, run
from convsuite.conformance.data import draw_arrays
from convsuite.conformance.expected import expect
from convsuite.conformance.verdict import judge_array

DEFAULT = [name for name, engine in engines.known_engines().items() if engine.default]
INSTALLED = [name for name in DEFAULT if not engines.known_engines()[name].missing]
EVERY = 97

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not INSTALLED, reason="no framework is installed"),
]


@pytest.fixture(scope="module")
def sample():
    """A case in about a hundred, of every family of cases."""
    return corpus.load()[::EVERY]


@pytest.fixture(scope="module")
def ran(sample, tmp_path_factory):
    """A run of the sample on every installed engine: (summary, records)."""
    out = tmp_path_factory.mktemp("sample") / "run"
    chosen, missing = engines.choose_engines(INSTALLED)
    summary = run.run(sample, chosen, out, run.Options(), expectations=expectations.shipped(), missing=missing)
    return summary, [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]


def test_nothing_is_new_and_nothing_has_vanished(ran):
    summary, records = ran
    odd = [
        (record["engine"], record["form"], record["case"], record["verdict"], record["message"])
        for record in records
        if record["status"] in ("new", "vanished")
    ]
    assert not odd
    assert (summary.new, summary.vanished) == (0, 0)


@pytest.mark.parametrize("engine", INSTALLED)
def test_an_engine_answers_every_case(engine, ran, sample):
    """One equivalent record per case; none only for a bad value that the framework has no parameter for."""
    _, records = ran
    equivalent = {record["case"] for record in records if (record["engine"], record["form"]) == (engine, "equivalent")}
    assert equivalent >= {entry.id for entry in sample if entry.check is None and not entry.case.must_refuse}
    assert ran[0].versions[engine]


@pytest.mark.parametrize("engine", INSTALLED)
def test_the_program_that_is_printed_is_the_program_that_ran(engine, ran, sample, tmp_path):
    """Executed on its own, in a process without the suite's harness, it gives the verdict that the record has."""
    _, records = ran
    entries = {entry.id: entry for entry in sample}
    chosen = [
        record
        for record in records
        if record["engine"] == engine and record["verdict"] in ("exact", "within", "differs") and record["program"]
        if record["case"] in entries  # the parts of a law have data of their own
    ][::20]
    assert {"exact"} <= {record["verdict"] for record in chosen}
    for number, record in enumerate(chosen):
        case = entries[record["case"]].case
        arrays = draw_arrays(case)
        got = _execute(record["program"], case, arrays, engine, tmp_path / str(number))
        assert judge_array(case, expect(case, arrays), got).verdict == record["verdict"], record["case"]


def _execute(program, case, arrays, engine, folder):
    import numpy as np

    from convsuite.adapters.case import to_format

    folder.mkdir()
    for name, array in arrays.items():
        moved = to_format(array, case.data_format) if name in ("input", "output_gradient") else array
        np.save(folder / f"{name}.npy", np.ascontiguousarray(moved).view(f"V{array.itemsize}"))
    loads = "\n".join(f"{name} = np.load({str(folder / name) + '.npy'!r}).view(dtype)" for name in arrays)
    script = (
        f"import numpy as np, ml_dtypes\ndtype = np.dtype({case.dtype!r})\n{loads}\n{program}\n"
        f"np.save({str(folder / 'result.npy')!r}, result.view(f'V{{result.itemsize}}'))\n"
        f"open({str(folder / 'dtype')!r}, 'w').write(result.dtype.name)\n"
    )
    environment = {**os.environ, **engines.known_engines()[engine].variables}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, capture_output=True, timeout=120)
    import ml_dtypes  # noqa: F401  makes NumPy know the name bfloat16

    return np.load(folder / "result.npy").view(np.dtype((folder / "dtype").read_text()))
