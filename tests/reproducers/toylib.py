"""A framework with one function and many defects, for scripts that need no real one.

With TOYLIB=fixed in the environment every defect is gone.
"""

from __future__ import annotations

import itertools
import os
import signal
import sys
import time

import numpy as np

FIXED = os.environ.get("TOYLIB") == "fixed"
_calls = itertools.count()


def conv1d(x, w, b=None, *, defect="", strides=1):
    """x (batch, n, channels), w (taps, channels, filters): the convolution without padding."""
    if strides < 1 and not (defect == "accepted" and not FIXED):
        raise ValueError(f"strides must be positive, not {strides}")
    strides = max(strides, 1)
    windows = np.lib.stride_tricks.sliding_window_view(x, len(w), axis=1)[:, ::strides]  # (batch, o, channels, taps)
    y = np.einsum("noct,tcf->nof", windows.astype(np.float64), w.astype(np.float64))
    if b is not None:
        y += b.astype(np.float64)
    y = y.astype(x.dtype)
    return y if FIXED else _spoilt(y, x, defect)


def _spoilt(y, x, defect):
    match defect:
        case "differs":
            return y[:, ::-1].copy()
        case "batch" if len(x) > 1:
            return y[::-1].copy()
        case "shape":
            return y[:, :-1].copy()
        case "dtype":
            return y.astype(np.float16)
        case "unsupported":
            raise NotImplementedError('no kernel for this "convolution"')
        case "unstable":
            return y + next(_calls)
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            sys.stdout.flush()
            os._exit(3)
        case "timeout":
            time.sleep(600)
        case "memory":
            np.ones(1 << 31)
        case "imprecise":
            return (y * 1.0001).astype(y.dtype)
        case "half":  # within the bound of any single element, but as if the inputs had fewer bits
            return (y * (1 + 1.4e-6)).astype(y.dtype)
    return y
