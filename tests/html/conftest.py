"""Runs that are made up, so that what the page shows is known beforehand, and the page in a browser."""

from __future__ import annotations

import pytest

from convsuite.adapters.base import FORMS
from convsuite.reports.html import evidence, page, pictures
from convsuite.reports.html.cache import Cache

PHONE, DESKTOP = {"width": 360, "height": 740}, {"width": 1200, "height": 900}
ENGINES = ("keras", "torch", "jax")
HALF = {"code": "same-pads-half-a-kernel", "sentence": "SAME pads half a kernel on both sides", "remedy": "Pad first."}
HOSTILE = "</script><script>document.title='taken'</script> & \"quoted\" 'too' <b>bold</b>"


def record(case, engine="torch", form="equivalent", verdict="exact", **changes):
    """A record of a convolution in rank 2."""
    ok = verdict in ("exact", "within", "refused")
    made = {
        "case": case, "engine": engine, "form": form, "verdict": verdict, "ok": ok,
        "status": "as usual" if ok else "new", "expected_verdict": None, "known": None, "shape": [1, 4, 3, 2],
        "expected_shape": [1, 4, 3, 2], "dtype": "float32", "expected_dtype": "float32", "max_error": 0.0,
        "bound_ratio": 0.0, "seconds": 0.001, "message": "" if ok else "12 of 24 elements differ", "error_map": None,
        "diagnosis": None, "program": f"# run\ny = {engine}.conv2d(x, w)  # {form}\n", "op": "conv",
        "input": [1, 8, 6, 3], "kernel_size": [3, 3], "filters": 2, "strides": [2, 2], "padding": "same",
        "dilation": [1, 1], "groups": 1, "depth_multiplier": 1, "output_padding": None, "use_bias": False,
        "data_format": "channels_last", "data": "integers", "seed": 0, "layout": "contiguous", "wrt": None,
        "kernel_shape": None, "tags": [], "expect": None, "check": None, "law": None, "part_of": None,
        "finding": None, "family": case.split("/")[0], "about": "Where the extra column goes",
    }  # fmt: skip
    return {**made, **changes}


def error_map():
    return {
        "unit": "bound", "axes": ["row", "column"], "extents": [4, 3], "over": ["batch", "channel"],
        "cells": [[0, 0, 2.5], [0, 0, 3.5], [0, 0, None], [0, 0, 1e6]],
    }  # fmt: skip


def run_json(**changes):
    engines = {
        name: {"versions": {name: "1.0"}, "starts": 1, "seconds": {"startup": 1.5, "engine": 2.5}} for name in ENGINES
    }
    machine = {
        "cpu": "A CPU", "cpu_flags": ["avx2"], "cores": 2, "memory_bytes": 1 << 34, "system": "Linux",
        "python": "3.11.7", "environment": {"OMP_NUM_THREADS": "1"},
    }  # fmt: skip
    made = {
        "schema_version": 1, "status": "complete", "started": "2026-11-24T20:00:00+00:00", "asked": {},
        "digest": "0123456789abcdef", "cases": 6, "forms": list(FORMS), "seed": 0, "machine": machine,
        "engines": engines, "missing": {"tensorflow": "tensorflow"}, "broken": {},
        "seconds": {"startup": 4.5, "engine": 7.5, "harness": 1.0, "wall": 9.0},
    }  # fmt: skip
    return {**made, **changes}


@pytest.fixture(scope="session")
def records():
    """Six cases: a trap, a defect that is hostile, a refusal, a crash, a law with a part, one that all agree on."""
    found = [record("conv2d/plain::all-agree", engine, padding="valid") for engine in ENGINES]
    found += [record("conv2d/padding::stride-2", engine) for engine in ENGINES]
    found.append(
        record("conv2d/padding::stride-2", "torch", "literal", "differs", status="known", diagnosis=HALF,
               known="The usual port of SAME is SAME at stride 1 only. And more.", error_map=error_map(),
               max_error=9.0, bound_ratio=1e6, message="24 of 24 elements differ")
    )  # fmt: skip
    told = {"op": "conv_transpose", "strides": [1, 1], "padding": [[1, 0], [0, 1]]}
    found += [record("conv_transpose2d/odd::grouped", engine, **told) for engine in ENGINES[:2]]
    found.append(
        record("conv_transpose2d/odd::grouped", "jax", verdict="differs", message=HOSTILE, about=HOSTILE, **told)
    )
    refused = {"expect": "error", "shape": None, "dtype": None, "max_error": None, "bound_ratio": None}
    found += [
        record("refuse/conv::stride-0", engine, verdict="refused", strides=[0, 0], **refused) for engine in ENGINES
    ]
    found += [
        record("conv3d/large::crash", "keras", verdict="crash", status="known", known="It dies.", input=[1, 4, 4, 4, 1],
               kernel_size=[1, 1, 1], strides=[1, 1, 1], dilation=[1, 1, 1], message="killed by SIGSEGV", shape=None)
    ]  # fmt: skip
    found.append(record("laws/shift::one", "torch", law="shift", program=None, verdict="within", bound_ratio=0.2))
    found.append(
        record("laws/shift::one/shifted", "torch", part_of="laws/shift::one", verdict="within", bound_ratio=0.3)
    )
    finding = {"section": "1.3.2 Conv2d", "quote": "每个 kernel", "verdict": "refuted", "rule": "It is mirrored."}
    found.append(record("notes/code::naive", "reference", check="naive", finding=finding, program=None))
    return found


@pytest.fixture(scope="session")
def executed():
    """One reproducer, of the trap."""
    return [
        evidence.Evidence("conv2d/padding::stride-2", "torch", "literal", HALF["code"], "torch: SAME at stride 2",
                          "import sys\nsys.exit(1)", "# torch: SAME at stride 2\n", "lives", "expected 21")
    ]  # fmt: skip


@pytest.fixture(scope="session")
def page_file(records, executed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    drawn = [picture for picture in pictures.draw({}, Cache(folder), print) if "naive" in picture.who]
    missing = pictures.Picture("tensorflow", "edges", None, None, "not drawn", "not installed: tensorflow")
    file = folder / "index.html"
    file.write_text(page.render(run_json(), records, [*drawn, missing], executed), encoding="utf-8")
    return file


@pytest.fixture
def open_page(listened, page_file):
    """Opens the page at an address and waits until it is drawn."""

    def open_it(address="", viewport=DESKTOP, scheme="light", file=page_file):
        page = listened(file.as_uri() + address, viewport, scheme)
        page.wait_for_selector("html[data-shown]", state="attached")
        if "view=" not in address or "view=matrix" in address:
            page.wait_for_selector("html[data-listed]", state="attached")
        return page

    return open_it
