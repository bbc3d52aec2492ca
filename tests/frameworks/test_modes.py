"""Each engine's mode is what its name says: oneDNN tells what it computed, the frameworks what they compiled."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from convsuite.conformance import corpus, engines, expectations, run
from convsuite.conformance.data import draw_arrays
from convsuite.conformance.expected import expect
from convsuite.conformance.verdict import judge_array

KNOWN = engines.known_engines()
MODES = [name for name, engine in KNOWN.items() if not engine.default and name.split("-")[0] in KNOWN]
EVERY = 17
CASES = """
cases:
  - {id: plane, op: conv, input: [2, 9, 8, 16], kernel_size: 3, filters: 32}
  - {id: gradient, op: conv, input: [2, 9, 8, 16], kernel_size: 3, filters: 32, wrt: kernel}
  - {id: cube, op: conv, input: [2, 5, 6, 7, 16], kernel_size: 3, filters: 32}
  - {id: wide, op: conv, input: [2, 9, 4], kernel_size: 3, filters: 3, dtype: float64}
"""
SCRIPT = """
import json, sys
import numpy as np
told = []
for source, arrays, question in json.load(open("asked.json")):
    names = dict(np.load(arrays))
    exec(source, names)
    told.append(eval(question, names))
    names["np"].save(f"{len(told)}.npy", names["result"])
json.dump(told, open("told.json", "w"))
"""

pytestmark = pytest.mark.frameworks


def adapter(name, **options):
    """An engine's adapter, with other options than the engine's if there are any."""
    module, _, maker = KNOWN[name].adapter.rpartition(":")
    return getattr(importlib.import_module(module), maker)(**(options or KNOWN[name].options))


@pytest.fixture
def cases(tmp_path):
    """A few cases, large enough for oneDNN to take them."""
    file = tmp_path / "modes.yaml"
    file.write_text(CASES)
    return {entry.id.partition("::")[2]: entry.case for entry in corpus.load([str(file)])}


@pytest.fixture
def ask(cases, tmp_path):
    """Runs an engine's programs in one process and asks each a question in its own names: answers, what was printed.

    Each of them has to end in the verdict; ``before`` is run before them.
    """

    def ask_it(name, *questions, form="equivalent", verdict="exact", before=""):
        engine = KNOWN[name]
        if engine.missing:
            pytest.skip(f"{engine.missing} is not installed")
        for case_name, case in cases.items():
            np.savez(tmp_path / f"{case_name}.npz", **draw_arrays(case))  # pyright: ignore[reportArgumentType]
        sources = [adapter(name).translate(cases[case], form).source for case, _ in questions]
        asked = [(source, f"{case}.npz", question) for source, (case, question) in zip(sources, questions, strict=True)]
        (tmp_path / "asked.json").write_text(json.dumps(asked))
        environment = {**os.environ, **engine.variables, "ONEDNN_VERBOSE": "1", "TMPDIR": str(tmp_path)}
        command = [sys.executable, "-P", "-c", before + SCRIPT]
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
        for number, (case, _) in enumerate(questions, 1):
            got = np.load(tmp_path / f"{number}.npy")
            assert judge_array(cases[case], expect(cases[case], draw_arrays(cases[case])), got).verdict == verdict
        return json.loads((tmp_path / "told.json").read_text()), done.stdout

    return ask_it


def convolutions(printed):
    """Implementation and source format of every convolution that oneDNN has computed."""
    pattern = r"^onednn_verbose.*,exec,cpu,convolution,([^,]+),forward_\w+,src:[^:]*:[^:]*:\w+:(\w+):"
    return re.findall(pattern, printed, re.MULTILINE)


GRAPH = "[bool(compiled.function_def.attr['_XlaMustCompile'].b), [op.type for op in compiled.graph.get_operations()]]"


@pytest.mark.slow
def test_tensorflow_graph(ask):
    """A graph of operations for the case's shapes, the gradient's within it."""
    (plane, gradient), printed = ask("tensorflow-graph", ("plane", GRAPH), ("gradient", GRAPH))
    assert plane == [False, ["Placeholder", "Placeholder", "Conv2D", "Identity"]]
    assert "Conv2DBackpropFilter" in gradient[1]
    assert convolutions(printed)


@pytest.mark.slow
def test_tensorflow_xla(ask):
    """XLA has to compile the function, and oneDNN's operations get nothing to do."""
    told, printed = ask("tensorflow-xla", ("plane", GRAPH), ("gradient", GRAPH))
    assert [must_compile for must_compile, _ in told] == [True, True]
    assert not convolutions(printed)


@pytest.mark.slow
def test_tensorflow_without_onednn(ask):
    _, printed = ask("tensorflow-no-onednn", ("plane", "None"), ("cube", "None"))
    assert "onednn_verbose" in printed
    assert not convolutions(printed)


@pytest.mark.slow
def test_tensorflow_on_a_cpu_without_avx512(ask):
    _, printed = ask("tensorflow-avx2", ("plane", "None"))
    assert "isa:Intel AVX2\n" in printed
    assert [name for name, _ in convolutions(printed) if "avx512" not in name]


def test_torch(ask):
    (contiguous,), printed = ask("torch", ("plane", "x.is_contiguous() and w.is_contiguous()"))
    assert contiguous
    assert len(convolutions(printed)) == 1


@pytest.mark.slow
def test_torch_channels_last(ask):
    """Input, kernel and output gradient lie so, and what is computed from them."""
    plane = "[t.is_contiguous(memory_format=torch.channels_last) and not t.is_contiguous() for t in ({})]"
    cube = "[t.is_contiguous(memory_format=torch.channels_last_3d) and not t.is_contiguous() for t in ({})]"
    told, printed = ask(
        "torch-channels-last",
        ("plane", plane.format("x, w, y")),
        ("gradient", plane.format("x, w, g")),
        ("cube", cube.format("x, w, y")),
    )
    assert told == [[True] * 3] * 3
    assert {layout for _, layout in convolutions(printed)} == {"acdb", "acdeb"}


@pytest.mark.slow
def test_torch_without_mkldnn(ask):
    _, printed = ask("torch-no-mkldnn", ("plane", "None"), ("cube", "None"))
    assert not convolutions(printed)


@pytest.mark.slow
def test_torch_compile(ask):
    """One whole graph per program, compiled once although it runs twice and differentiates, by the default backend."""
    counted = "[torch._dynamo.utils.counters[name][key] for name, key in {}]"
    counted = counted.format([("stats", "unique_graphs"), ("aot_autograd", "ok"), ("inductor", "fxgraph_cache_miss")])
    (plane, gradient), _ = ask("torch-compile", ("plane", counted), ("gradient", counted))
    assert plane[:2] == [1, 1]
    assert gradient[:2] == [2, 2]
    assert 1 <= plane[2] < gradient[2]


def test_jax_x64(ask):
    """Both forms compute float64; plain JAX makes it float32 unless it is told."""
    question = ("wide", "[str(y.dtype), str(jnp.arange(3.0).dtype)]")
    assert ask("jax-x64", question, form="literal")[0] == [["float64", "float64"]]


@pytest.mark.slow
def test_jax_eager(ask):
    """Every operation by itself: the forward function is no compiled one."""
    names = "[callable(globals().get(name)) for name in ('forward', 'compiled')]"
    assert ask("jax-eager", ("plane", names), ("gradient", names))[0] == [[True, False]] * 2


@pytest.mark.parametrize("engine", ["keras-ops", "keras-ops-jax", "keras-ops-torch"])
def test_keras_operations_use_no_layer(engine, cases):
    for case in cases.values():
        said = adapter(engine).translate(case, "equivalent").source
        assert "keras.ops.conv(x, w" in said
        assert "keras.layers" not in said


LIE = """
import keras
told_truth = keras.layers.Conv2D.compute_output_shape
keras.layers.Conv2D.compute_output_shape = lambda layer, shape: (*told_truth(layer, shape)[:-1], 31)
"""


@pytest.mark.slow
def test_a_wrong_promise_of_keras_is_a_wrong_shape(ask):
    """The answer has the promised shape: Conv2D promises 31 channels where it gives 32."""
    honest, _ = ask("keras-symbolic-torch", ("plane", "symbolic"), ("cube", "symbolic"))
    assert honest == [[2, 7, 6, 32], [2, 3, 4, 5, 32]]
    lied, _ = ask("keras-symbolic-torch", ("plane", "symbolic"), verdict="shape", before=LIE)
    assert lied == [[2, 7, 6, 31]]


def test_keras_promises_forward_results_of_one_call_alone(cases):
    """No promise of a gradient's shape, nor of what is composed from several calls."""
    symbolic = adapter("keras-symbolic")
    assert symbolic.translate(cases["plane"], "equivalent") is not None
    assert symbolic.translate(cases["gradient"], "equivalent") is None
    assert symbolic.translate(replace(cases["plane"], padding=((1, 2), (0, 3))), "equivalent") is None


@pytest.mark.parametrize("options", [{"mode": "grahp"}, {"mode": "eager", "colour": "red"}])
@pytest.mark.parametrize("name", ["tensorflow", "torch", "jax"])
def test_an_unknown_mode_is_a_mistake(name, options):
    with pytest.raises((ValueError, TypeError), match=r"grahp|colour"):
        adapter(name, **options)


@pytest.mark.slow
@pytest.mark.parametrize("engine", MODES)
def test_nothing_is_new_in_any_mode(engine, shipped_entries, tmp_path):
    chosen, missing = engines.choose_engines([engine])
    summary = run.run(
        shipped_entries[::EVERY], chosen, tmp_path, run.Options(), expectations=expectations.shipped(), missing=missing
    )
    assert (summary.new, summary.vanished) == (0, 0)
