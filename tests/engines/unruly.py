"""Engines that lie, die, hang or take too much, on cases whose id says so (all of them without a mark)."""

import ctypes
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from right import Right

from convsuite.adapters.base import CallProgram


class Unruly(Right):
    """Misbehaves on the cases that are tagged `trouble`, and does right by the others."""

    def run(self, case, arrays):
        result = super().run(case, arrays)
        return self.misbehave(case, result) if "trouble" in case.tags else result

    def misbehave(self, case, result):
        raise NotImplementedError("by intention")


class Aborts(Unruly):
    def misbehave(self, case, result):
        print("last words before the abort", flush=True)
        os.abort()


class Segfaults(Unruly):
    def misbehave(self, case, result):
        ctypes.string_at(0)


class DividesByZero(Unruly):
    def misbehave(self, case, result):
        os.kill(os.getpid(), 8)


class ExitsQuietly(Unruly):
    def misbehave(self, case, result):
        os._exit(0)


class ExitsPolitely(Unruly):
    def misbehave(self, case, result):
        sys.exit(0)


class Hangs(Unruly):
    def misbehave(self, case, result):
        time.sleep(3600)


class HangsInC(Unruly):
    """Holds the interpreter, so that nothing inside the process can end it."""

    def misbehave(self, case, result):
        ctypes.PyDLL(None).sleep(3600)


class LeavesAChild(Unruly):
    """Hangs together with a child of its own."""

    def misbehave(self, case, result):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        Path(os.environ["CHILD_PID_FILE"]).write_text(str(child.pid))
        time.sleep(3600)


class TakesMemory(Unruly):
    def misbehave(self, case, result):
        return np.ones((1 << 40,), np.uint8)


class TakesMemoryBitByBit(Unruly):
    def misbehave(self, case, result):
        kept = []
        while True:
            kept.append(np.ones(1 << 26, np.uint8))


class ClosesEverything(Unruly):
    def misbehave(self, case, result):
        os.closerange(3, 256)
        return result


class ReturnsNothing(Unruly):
    def misbehave(self, case, result):
        return None


class ReturnsWords(Unruly):
    def misbehave(self, case, result):
        return np.full(result.shape, "fine")


class ReturnsFarTooMuch(Unruly):
    def misbehave(self, case, result):
        return np.zeros((1 << 28,), result.dtype)


class WrongShape(Unruly):
    def misbehave(self, case, result):
        return result[:, 1:]


class WrongDtype(Unruly):
    def misbehave(self, case, result):
        return result.astype(np.float64)


class NeverWritten(Unruly):
    """The result's last entries are whatever memory held."""

    def misbehave(self, case, result):
        unwritten = np.empty(result.shape, result.dtype)
        unwritten.reshape(-1)[:-1] = result.reshape(-1)[:-1]
        return unwritten


class Varies(Unruly):
    calls = 0

    def misbehave(self, case, result):
        self.calls += 1
        return result + self.calls % 2


class WritesToItsInput(Unruly):
    """Right once; the second time its input is no longer what it was."""

    def run(self, case, arrays):
        result = super().run(case, arrays)
        if "trouble" in case.tags:
            arrays["input"] += 1
        return result

    def misbehave(self, case, result):
        return result


class Raises(Unruly):
    def misbehave(self, case, result):
        raise RuntimeError("no thank you")


class KnowsNoWay(Unruly):
    def misbehave(self, case, result):
        raise NotImplementedError("not here")


class ReturnsRagged(Unruly):
    def misbehave(self, case, result):
        return [[1], [1, 2]]


class ReturnsBigEndian(Unruly):
    """Right, in another byte order."""

    def misbehave(self, case, result):
        return result.astype(result.dtype.newbyteorder(">"))


class ReturnsRecords(Unruly):
    def misbehave(self, case, result):
        return result.astype([("a", result.dtype)])


class RaisesUnprintably(Unruly):
    def misbehave(self, case, result):
        raise RuntimeError("\udcff")


class SpeaksOfRoom(Unruly):
    """An error that only looks like one about memory."""

    def misbehave(self, case, result):
        raise ValueError("there is no room for the kernel")


class DiesLater(Unruly):
    """Answers, and dies before the next case begins."""

    def misbehave(self, case, result):
        import threading

        threading.Timer(0.05, os._exit, (9,)).start()
        return result


class DiesBetweenForms(CallProgram):
    """Answers one form, and dies before it begins with the other."""

    asked = None

    def __init__(self):
        super().__init__(Right())

    def translate(self, case, form):
        if form == "literal" and "trouble" in case.tags and self.asked == case.id:
            os._exit(9)
        self.asked = case.id
        return super().translate(case, form)


class ForksAndDies(Unruly):
    """Leaves a child that holds the pipes open."""

    def misbehave(self, case, result):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)
        os.abort()


class DoesNotStartAgain(Unruly):
    """Dies of the trouble, and of every start after it."""

    def __init__(self):
        self.mark = Path(os.environ["MARK_FILE"])
        if self.mark.exists():
            os._exit(5)

    def misbehave(self, case, result):
        self.mark.write_text("died")
        os.abort()


class TalksTooMuch(Unruly):
    def misbehave(self, case, result):
        for _ in range(200):
            print("x" * (1 << 20))
        return result
