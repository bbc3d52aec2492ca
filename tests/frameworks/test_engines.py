"""The six engines on a sample of the shipped corpus: as expected, and what is printed is what ran."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from convsuite.conformance import engines, expectations, run
from convsuite.conformance.data import draw_arrays
from convsuite.conformance.expected import expect
from convsuite.conformance.verdict import judge_array

DEFAULT = [name for name, engine in engines.known_engines().items() if engine.default]
INSTALLED = [name for name in DEFAULT if not engines.known_engines()[name].missing]
EVERY = 397

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.skipif(not INSTALLED, reason="no framework is installed"),
]


@pytest.fixture(scope="module")
def sample(shipped_entries):
    """A case in about a hundred, of every family of cases."""
    return shipped_entries[::EVERY]


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


@pytest.mark.parametrize(
    "engine", [pytest.param(name, marks=[pytest.mark.slow] if name.startswith("keras") else []) for name in INSTALLED]
)
def test_the_program_that_is_printed_is_the_program_that_ran(engine, ran, sample, tmp_path):
    """Executed on its own, in a process without the suite's harness, it gives the verdict that the record has."""
    _, records = ran
    entries = {entry.id: entry for entry in sample}
    chosen = [
        record
        for record in records
        if record["engine"] == engine and record["verdict"] in ("exact", "within", "differs") and record["program"]
        if record["case"] in entries  # the parts of a law have data of their own
    ][::8]
    assert {"exact"} <= {record["verdict"] for record in chosen}
    cases = [entries[record["case"]].case for record in chosen]
    given = [draw_arrays(case) for case in cases]
    results = _execute([record["program"] for record in chosen], cases, given, engine, tmp_path)
    for record, case, arrays, got in zip(chosen, cases, given, results, strict=True):
        assert judge_array(case, expect(case, arrays), got).verdict == record["verdict"], record["case"]


EXECUTE = """
import json, ml_dtypes
import numpy as np
for folder, program, dtype, arrays in json.load(open("asked.json")):
    names = {name: np.load(f"{folder}/{name}.npy").view(np.dtype(dtype)) for name in arrays}
    exec(program, names)
    result = names["result"]
    np.save(f"{folder}/result.npy", result.view(f"V{result.itemsize}"))
    open(f"{folder}/dtype", "w").write(result.dtype.name)
"""


def _execute(programs, cases, given, engine, folder):
    """What the programs leave, one after the other in a process that has the names of their arrays and no others."""
    import ml_dtypes  # noqa: F401  makes NumPy know the name bfloat16
    import numpy as np

    from convsuite.adapters.case import to_format

    asked = []
    for number, (program, case, arrays) in enumerate(zip(programs, cases, given, strict=True)):
        (folder / str(number)).mkdir()
        for name, array in arrays.items():
            moved = to_format(array, case.data_format) if name in ("input", "output_gradient") else array
            np.save(folder / str(number) / f"{name}.npy", np.ascontiguousarray(moved).view(f"V{array.itemsize}"))
        asked.append((str(number), program, case.dtype, list(arrays)))
    (folder / "asked.json").write_text(json.dumps(asked))
    environment = {**os.environ, **engines.known_engines()[engine].variables}
    command = [sys.executable, "-P", "-c", EXECUTE]
    subprocess.run(command, cwd=folder, check=True, env=environment, capture_output=True, timeout=300)
    return [
        np.load(folder / str(number) / "result.npy").view(np.dtype((folder / str(number) / "dtype").read_text()))
        for number in range(len(asked))
    ]
