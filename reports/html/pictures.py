"""The note's pictures (1.3.2), drawn by every implementation from one photograph: sharpened, and its edges."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...adapters.case import Case
from ...conformance.api import make_case
from ...conformance.engines import Engine, find_engine, gather
from ...conformance.errors import UsageError
from ...conformance.expected import expect
from ...conformance.note import code
from ...conformance.process import BrokenEngine, EngineMissing, EngineProcess, Limits
from ...conformance.profiles import find_profile
from ...conformance.verdict import judge_array
from ...reference import conv
from .cache import Cache

PHOTOGRAPH = Path(__file__).with_name("astronaut.npy")
"""uint8 (160, 160), the size of the note's picture; see templates/html/vendor/LICENSES.txt."""
KERNELS = {"sharpened": code.SHARPEN, "edges": code.EDGE}
ALGORITHMS: dict[str, tuple[dict[str, Any], str | None]] = {
    "naive": ({"algorithm": "naive"}, None),
    "im2col": ({"algorithm": "im2col"}, None),
    "Winograd F(2×2, 3×3)": ({"algorithm": "winograd", "tile": 2}, "winograd-2"),
    "FFT": ({"algorithm": "fft"}, "fft"),
}
"""How the reference is asked, and the profile by which a fast algorithm is judged."""
LARGEST_GREY = 255
Draw = Callable[[np.ndarray], np.ndarray]
"""(a kernel of 3 by 3) -> the photograph convolved with it, (160, 160)."""


@dataclass(frozen=True)
class Picture:
    """What one implementation drew: ``image`` is a PNG as a data URI, None where there is nothing to draw."""

    who: str
    what: str
    image: str | None
    largest_difference: float | None
    """From the reference in float64, in grey levels."""
    verdict: str
    """As of a case: exact, within, differs …"""
    message: str = ""


def photograph() -> np.ndarray:
    """The grey levels, uint8 (160, 160)."""
    return np.load(PHOTOGRAPH)


def png(grey: np.ndarray) -> str:
    """A picture of grey levels, uint8 (height, width), as a data URI."""
    height, width = grey.shape
    rows = np.hstack([np.zeros((height, 1), np.uint8), grey]).tobytes()  # each begins with its filter, none
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return "data:image/png;base64," + base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def shown(values: np.ndarray) -> str:
    """A convolved photograph: what is darker than black is black, what is whiter than white is white."""
    return png(np.clip(np.nan_to_num(np.rint(values)), 0, LARGEST_GREY).astype(np.uint8))


def draw(run: Mapping[str, Any], cache: Cache, told: Callable[[str], None]) -> list[Picture]:
    """By the note's own code, the reference's algorithms and the run's engines, kernel by kernel.

    ``told`` hears who is at work.  An engine that is not installed, or that fails, says so in place of its pictures.
    """
    return [*_ours(), *_engines(run, cache, told)]


def _ours() -> Iterator[Picture]:
    image = photograph().astype(np.float32)
    notes: dict[str, Draw] = {
        "the note's convolve2d": partial(code.convolve2d, image),
        "the note's convolve_im2col": partial(code.convolve_im2col, image),
    }
    for who, drawer in notes.items():
        for what, kernel in KERNELS.items():
            yield _judged(who, what, kernel, drawer(kernel)[None, ..., None].astype(np.float32))
    for name, (how, profile) in ALGORITHMS.items():
        for what, kernel in KERNELS.items():
            arrays = _arrays(kernel)
            result = conv(arrays["input"], arrays["kernel"], padding="same", **how)
            yield _judged(f"reference, {name}", what, kernel, result, profile)


def _engines(run: Mapping[str, Any], cache: Cache, told: Callable[[str], None]) -> Iterator[Picture]:
    known = gather(None)
    for name, said in (run.get("engines") or {}).items():
        try:
            engine = find_engine(name, known)
        except UsageError as error:
            yield from _nothing(name, f"not drawn: {error}")
            continue
        if engine.missing:
            yield from _nothing(name, f"not installed: {engine.missing}")
            continue
        depends = ("pictures", name, said.get("versions"), engine.environment, zlib.crc32(photograph().tobytes()))
        found = cache.get(*depends)
        if found is None:
            told(name)
            found = [asdict(picture) for picture in _drawn(engine)]
            cache.put(found, *depends)
        yield from (Picture(**picture) for picture in found)
    for name, lacks in (run.get("missing") or {}).items():
        yield from _nothing(name, f"not installed: {lacks}")


def _drawn(engine: Engine) -> Iterator[Picture]:
    """Both pictures by an engine's process."""
    process = EngineProcess(engine, Limits())
    try:
        for what, kernel in KERNELS.items():
            arrays = _arrays(kernel)
            for outcome in process.run(_case(), arrays, ("equivalent",)):
                if outcome.result is None:
                    yield from _nothing(engine.name, f"{outcome.kind}: {outcome.message}", (what,))
                else:
                    yield _judged(engine.name, what, kernel, outcome.result)
    except (EngineMissing, BrokenEngine, UsageError) as error:
        yield from _nothing(engine.name, f"not drawn: {error}")
    finally:
        process.close()


def _case() -> Case:
    size = [1, *photograph().shape, 1]
    return make_case(id="photograph", op="conv", input=size, kernel_size=3, filters=1, padding="same")


def _arrays(kernel: np.ndarray) -> dict[str, np.ndarray]:
    image = photograph().astype(np.float32)
    return {"input": image[None, ..., None], "kernel": kernel[..., None, None].astype(np.float32)}


def _judged(who: str, what: str, kernel: np.ndarray, result: np.ndarray, profile: str | None = None) -> Picture:
    """``result``: float32 (1, 160, 160, 1); ``profile``: of a fast algorithm."""
    expected = expect(_case(), _arrays(kernel))
    judgement = judge_array(_case(), expected, result, profile=find_profile(profile) if profile else None)
    if judgement.shape != expected.values.shape:
        return Picture(who, what, None, None, judgement.verdict, judgement.message)
    difference = float(np.max(np.abs(result.astype(np.float64) - expected.values)))
    finite = difference if np.isfinite(difference) else None
    return Picture(who, what, shown(result[0, ..., 0]), finite, judgement.verdict, judgement.message)


def _nothing(who: str, why: str, what: Sequence[str] = tuple(KERNELS)) -> Iterator[Picture]:
    for name in what:
        yield Picture(who, name, None, None, "not drawn", why)
