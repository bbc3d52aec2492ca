"""Threads over blocks of a computation, each kept on a CPU of its own, and the memory they work in.

NumPy releases Python's lock inside its products, so plain threads run side by side. Left to themselves two of them
that wake up together often share one CPU for milliseconds (measured: half the speed on two); pinned they do not.
"""

import os
import threading
from collections.abc import Callable, Generator, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from math import prod
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from .geometry import Array, Size

LARGEST_KEPT = 1 << 24
"""Bytes of one scratch array that a thread keeps for the next call; fresh memory costs a page fault every 4 KiB."""

MOST_KEPT = 64
T = TypeVar("T")

_threads: ContextVar[int] = ContextVar("threads", default=1)
Task = Callable[[], None]


def threads() -> int:
    """How many threads `run` uses."""
    return _threads.get()


@contextmanager
def using(count: int) -> Generator[None]:
    """Lets `run` use so many threads inside; raises ValueError below 1."""
    if count < 1:
        raise ValueError(f"threads: got {count}, expected 1 or more")
    before = _threads.set(count)
    try:
        yield
    finally:
        _threads.reset(before)


def run(tasks: Sequence[Task]) -> None:
    """Does all tasks, in any order; they are taken one by one, so that a slow thread takes fewer."""
    count = min(threads(), len(tasks))
    if count <= 1:
        for task in tasks:
            task()
        return
    shared = iter(tasks)

    def work() -> None:
        for task in shared:  # a list's iterator hands every item out once, whoever asks
            task()

    # each in a copy of this context, of which NumPy's errstate is a part
    for done in [_pool(threads()).submit(copy_context().run, work) for _ in range(count)]:
        done.result()


def scratch(name: str, shape: Size, dtype: npt.DTypeLike) -> Array:
    """An array with anything in it, the same memory whenever this thread asks by this name."""
    dtype = np.dtype(dtype)
    size = prod(shape) * dtype.itemsize
    if size > LARGEST_KEPT:
        return np.empty(shape, dtype)
    memory = _here.memory.get(name)
    if memory is None or len(memory) < size:
        _here.made.clear()  # views of what is now given up
        memory = _here.memory[name] = np.empty(size, np.uint8)
    return memory[:size].view(dtype).reshape(shape)


def kept(key: Hashable, make: Callable[[], T]) -> T:
    """What `make` made when this thread first asked by this key; of `MOST_KEPT` keys, then they are forgotten."""
    made = _here.made.get(key)
    if made is None:
        made = make()
        if len(_here.made) >= MOST_KEPT:
            _here.made.clear()
        _here.made[key] = made
    return made


class _Here(threading.local):
    """What a thread keeps."""

    def __init__(self) -> None:
        self.memory: dict[str, npt.NDArray[np.uint8]] = {}
        self.made: dict[Hashable, Any] = {}


_here = _Here()


@cache
def _pool(count: int) -> ThreadPoolExecutor:
    """As many threads, the i-th on the i-th CPU that this process may use, where the system lets them be kept there."""
    cpus = iter(sorted(os.sched_getaffinity(0))) if hasattr(os, "sched_getaffinity") else iter(())

    def pin() -> None:
        cpu = next(cpus, None)
        if cpu is not None:
            os.sched_setaffinity(0, {cpu})

    return ThreadPoolExecutor(count, "convsuite", pin)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)  # threads do not survive a fork
