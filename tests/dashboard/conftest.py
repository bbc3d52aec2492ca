"""A measurement that is made up, so that what the pictures show is known beforehand."""

from __future__ import annotations

import hashlib

import pytest

from convsuite.benchmarks.results import Results

IMPLEMENTATIONS = {  # name -> (GFLOP/s, rms error in units of a GEMM's)
    "naive": (2.0, 1.0),
    "im2col": (90.0, 1.0),
    "auto": (102.0, 1.0),
    "winograd-2": (180.0, 1.6),
    "winograd-4": (290.0, 3.4),
    "winograd-6": (240.0, 14.0),
    "fft": (60.0, 0.9),
    "torch": (116.0, 1.4),
    "tensorflow": (110.0, 1.5),
    "jax": (104.0, 1.4),
}
VENDORS = ("torch", "tensorflow", "jax")
NETWORKS = {  # network -> (channels, extent, occurs) of its 3×3 layers
    "yardstick": [(64, 224, 1), (128, 112, 1), (256, 56, 1)],
    "vgg16": [(3, 224, 1), (64, 224, 1), (512, 14, 3)],
    "crossover": [(channels, extent, 1) for channels in (16, 64, 256) for extent in (7, 14, 56)],
}


def make_row(network, channels, extent, occurs, name, threads):
    gflops, error = IMPLEMENTATIONS[name]
    gflops *= threads
    if network == "crossover" and name.startswith("winograd"):  # loses on small images
        gflops *= extent / 28
    macs = 9 * channels * channels * extent * extent
    layer = f"{network}::c{channels}-e{extent}"
    fastest = max(IMPLEMENTATIONS[vendor][0] for vendor in VENDORS) * threads
    seconds = 2 * macs / gflops / 1e9
    return {
        "layer": layer,
        "network": network,
        "digest": hashlib.sha256(layer.encode()).hexdigest()[:8],
        "occurs": occurs,
        "op": "conv",
        "rank": 2,
        "macs": macs,
        "implementation": name,
        "vendor": name in VENDORS,
        "variant": "channels_last" if name in VENDORS else name,
        "variants": {},
        "threads": threads,
        "seconds": seconds,
        "spread": 0.02,
        "gflops": gflops,
        "sgemm_gflops": 105.0 * threads,
        "copy_gbps": 25.0,
        "peak_fraction": gflops / 105.0 / threads,
        "ratio_to_vendor": gflops / fastest,
        "rms_error_ratio": error,
        "bound_ratio": 0.01 * error,
        "samples": [seconds * (1 + 0.01 * (step % 3)) for step in range(6)],
        "probes": [105.0 * threads] * 6,
        "rounds": 6,
        "thrown_away": 0,
        "input": [1, extent, extent, channels],
        "kernel_size": [3, 3],
        "filters": channels,
        "strides": [1, 1],
        "tags": ["network", "dense3x3"] if network == "yardstick" else ["network"],
    }


@pytest.fixture(scope="session")
def measurement():
    rows = [
        make_row(network, *layer, name, threads)
        for network, layers in NETWORKS.items()
        for threads in (1, 2)
        for layer in layers
        for name in IMPLEMENTATIONS
        if not (network == "vgg16" and name == "winograd-6" and layer[0] == 3)
    ]
    return Results(
        settings={"layers": [], "implementations": [], "threads": [1], "rounds": 6},
        environment={"cpu": "A CPU", "cpu_flags": ["avx2"], "versions": {"numpy": "2.4.6", "torch": "2.13.0"}},
        started="2026-11-24T20:00:00+00:00",
        seconds=12.0,
        machine=[{"threads": threads, "sgemm_gflops": 105.0 * threads, "copy_gbps": 25.0} for threads in (1, 2)],
        rows=rows,
        skipped=[{"layer": "vgg16::c3-e224", "implementation": "winograd-6", "threads": 1, "reason": "made up"}],
    )
