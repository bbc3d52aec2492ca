"""Engines that are wrong in one way, and do not bear to be asked about it: derived cases have an id that says so."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from wrong import KernelFlipped, PaddingOnTheWrongSide


class DiesWhenAsked(KernelFlipped):
    def run(self, case, arrays):
        if "~asked" in case.id:
            os.abort()
        return super().run(case, arrays)


class RefusesToBeAsked(KernelFlipped):
    def run(self, case, arrays):
        if "~asked" in case.id:
            raise RuntimeError("no questions")
        return super().run(case, arrays)


class CountsQuestions(PaddingOnTheWrongSide):
    """Writes down what it is asked, in the file that an environment variable names."""

    def run(self, case, arrays):
        if "~asked" in case.id:
            with Path(os.environ["ASKED"]).open("a") as file:
                print(case.id, file=file)
        return super().run(case, arrays)
