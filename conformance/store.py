"""A run's folder: run.json says what was run, records.jsonl holds a line per record, written as it happens."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import platform
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from .errors import UsageError

SCHEMA_VERSION = 1
ENVIRONMENT_NAMES = (
    "TF_ENABLE_ONEDNN_OPTS", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "ONEDNN_DEFAULT_FPMATH_MODE",
    "DNNL_DEFAULT_FPMATH_MODE", "NVIDIA_TF32_OVERRIDE", "XLA_FLAGS", "OMP_NUM_THREADS", "JAX_ENABLE_X64",
    "JAX_DEFAULT_MATMUL_PRECISION", "OPENBLAS_CORETYPE", "OPENBLAS_NUM_THREADS", "MKL_ENABLE_INSTRUCTIONS",
    "ATEN_CPU_CAPABILITY",
)  # fmt: skip
"""Variables that change which kernel computes and how precisely."""

Record = dict[str, Any]
RUN_KEYS = ("status", "started", "asked", "digest", "cases", "machine")
RECORD_KEYS = ("case", "engine", "form", "verdict", "ok", "status", "family", "op", "input")


def default_folder() -> Path:
    """runs/<time>, in local time."""
    return Path("runs") / datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")


def opening(
    asked: dict[str, Any] | None, digest: str, *, cases: int, forms: Sequence[str], seed: int
) -> dict[str, Any]:
    """What run.json says from the beginning."""
    return {
        "schema_version": SCHEMA_VERSION,
        "status": "running",
        "started": now(),
        "asked": asked or {},
        "digest": digest,
        "cases": cases,
        "forms": list(forms),
        "seed": seed,
        "machine": machine(),
    }


class RunFolder:
    """The folder of one run, open for appending."""

    def __init__(self, path: Path, run: dict[str, Any]) -> None:
        self.path, self.run = path, run
        self._file = (path / "records.jsonl").open("a", encoding="utf-8")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UsageError("another run is writing to this folder", got=path) from error

    @classmethod
    def create(cls, path: Path, run: dict[str, Any]) -> RunFolder:
        """A new run.  Raises `UsageError` where the folder cannot be written or holds a run already."""
        if (path / "run.json").exists() or (path / "records.jsonl").exists():
            raise UsageError("the folder holds a run already", got=path, expected="another --out, or --resume")
        try:
            path.mkdir(parents=True, exist_ok=True)
            _write_json(path / "run.json", run)
            return cls(path, run)
        except OSError as error:
            raise UsageError(f"the run cannot be written: {error.strerror}", got=path) from error

    @classmethod
    def resume(cls, path: Path, run: dict[str, Any]) -> tuple[RunFolder, list[Record]]:
        """A run that stopped, and its whole records; a line that was cut off is dropped.

        Raises `UsageError` where there is none, or where it ran other cases.
        """
        before = read_run(path)
        if before["digest"] != run["digest"]:
            raise UsageError(
                "the cases are not those of the run to resume", got=run["digest"], expected=before["digest"]
            )
        lines = list(_whole_lines(path / "records.jsonl"))
        records, whole = [record for record, _ in lines], lines[-1][1] if lines else 0
        try:
            os.truncate(path / "records.jsonl", whole)
            kept = {name: before[name] for name in ("started", "seconds", "engines") if name in before}
            folder = cls(path, {**run, **kept})
            _write_json(path / "run.json", folder.run)
            return folder, records
        except OSError as error:
            raise UsageError(f"the run cannot be written: {error.strerror}", got=path) from error

    def append(self, record: Record) -> None:
        """Writes one record; it is in the file when this returns.  Raises `UsageError` where it cannot be written."""
        try:
            self._file.write(json.dumps(record, allow_nan=False, ensure_ascii=False) + "\n")
            self._file.flush()
        except OSError as error:
            raise UsageError(f"a record cannot be written: {error.strerror}", got=self.path) from error

    def finish(self, said: dict[str, Any]) -> None:
        """Completes run.json and closes.  Raises `UsageError` where it cannot be written."""
        self.run |= said
        try:
            with contextlib.closing(self._file):
                _write_json(self.path / "run.json", self.run)
        except OSError as error:
            raise UsageError(f"run.json cannot be written: {error.strerror}", got=self.path) from error

    def remove(self) -> None:
        """Takes the run away again, for one in which nothing could run."""
        self._file.close()
        for name in ("run.json", "records.jsonl"):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.path.rmdir()


def _write_json(path: Path, value: dict[str, Any]) -> None:
    """In one step: the old file or the new one, never half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(path)


def read_run(path: Path) -> dict[str, Any]:
    """run.json of a folder.  Raises `UsageError` where there is none."""
    try:
        value: Any = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError("no run is there", got=path, expected="a folder with run.json and records.jsonl") from error
    except ValueError as error:
        raise UsageError("not a run", got=f"{path}/run.json", expected=f"JSON: {error}") from error
    run = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    if run.get("schema_version") != SCHEMA_VERSION:
        raise UsageError("a run of another format", got=path, expected=f"schema_version {SCHEMA_VERSION}")
    if lacking := [name for name in RUN_KEYS if name not in run]:
        raise UsageError("a damaged run", got=f"{path}/run.json without {', '.join(lacking)}")
    return run


def read_records(path: Path) -> list[Record]:
    """The whole records of a run's folder.  Raises `UsageError` where there is none."""
    return list(each_record(path))


def each_record(path: Path) -> Iterator[Record]:
    """The same, one after the other, for runs that are larger than what is to be kept of them."""
    read_run(path)
    yield from (record for record, _ in _whole_lines(path / "records.jsonl"))


def _whole_lines(path: Path) -> Iterator[tuple[Record, int]]:
    """The records, and where the line of each ends; only the last line may be cut off."""
    if not path.exists():
        return
    end = 0
    for number, line in _numbered(path):
        try:
            if not line.endswith(b"\n"):
                raise ValueError("cut off")
            record = json.loads(line)
            if lacking := [name for name in RECORD_KEYS if name not in record]:
                raise ValueError(f"without {', '.join(lacking)}")
        except (ValueError, TypeError) as error:
            if path.stat().st_size > end + len(line):
                raise UsageError(f"not a record: {error}", file=str(path), line=number) from error
            return
        end += len(line)
        yield record, end


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        yield from enumerate(file, 1)


MACHINE = ("cpu", "system", "python", "environment")
"""What of `machine` is told where the machines of two runs differ; their flags are compared one by one."""


def machine() -> dict[str, Any]:
    """What computes: CPU model and flags, cores, memory, system, and the variables that choose kernels."""
    model, flags = platform.processor(), list[str]()
    info = Path("/proc/cpuinfo")
    if info.exists():
        pairs = (line.partition(":") for line in info.read_text().splitlines())
        said = {name.strip(): value.strip() for name, _, value in pairs}
        model, flags = said.get("model name", model), said.get("flags", said.get("Features", "")).split()
    return {
        "cpu": model,
        "cpu_flags": flags,
        "cores": os.cpu_count(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "environment": {name: os.environ[name] for name in ENVIRONMENT_NAMES if name in os.environ},
    }


def now() -> str:
    """The time as run.json writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
