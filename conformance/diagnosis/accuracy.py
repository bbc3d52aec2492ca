"""How good the diagnoses are: of engines whose fault is known, how many get its cause, and which get another one.

    python -m convsuite.conformance.diagnosis.accuracy [FAULT …]

Every fault of the self-test is diagnosed on some of the shipped cases that kill it with the verdict `differs` or
`shape`, as if it were an engine that can be asked.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

import numpy as np

from ...adapters.case import Case, from_format
from ..answers import Answers
from ..corpus import load
from ..entry import Entry
from ..expected import Arrays
from ..faults import Fault, choose
from ..faults.engine import handed
from ..selftest import REFERENCE, outcome
from ..verdict import UNEXPLAINED, judge
from .diagnose import diagnose
from .meanings import SAME_CAUSE
from .questions import beyond_measure
from .seen import Ask, Seen
from .words import Diagnosis

DIAGNOSED = ("differs", "shape")
MOST_TRIED = 800
"""Cases that a fault is tried on."""
LEAST_SHARE = 0.95
"""Of the diagnoses, those that have to name the cause."""
LARGEST = 1 << 15
"""Elements of a case that is used."""


@dataclass(frozen=True)
class Row:
    """One diagnosis: the fault's cause, what was said, and whether that is it."""

    fault: str
    case: str
    verdict: str
    diagnosis: Diagnosis

    @property
    def right(self) -> bool:
        return self.diagnosis.code == cause_of(self.fault)

    @property
    def unexplained(self) -> bool:
        return self.diagnosis.code == UNEXPLAINED


@dataclass
class Report:
    """All of them."""

    rows: list[Row] = field(default_factory=list[Row])
    unshown: list[str] = field(default_factory=list[str])
    """Faults that no case kills with such a verdict."""

    @property
    def wrong(self) -> list[Row]:
        return [row for row in self.rows if not row.right and not row.unexplained]

    @property
    def share(self) -> float:
        """Of the diagnoses, those that name the cause."""
        return sum(row.right for row in self.rows) / max(len(self.rows), 1)

    @property
    def confusions(self) -> Counter[tuple[str, str]]:
        """(cause, what was said instead) and how often."""
        return Counter((row.fault, row.diagnosis.code) for row in self.rows if not row.right)


def cause_of(fault: str) -> str:
    """The code under which the fault ought to be diagnosed."""
    return SAME_CAUSE.get(fault, fault)


def measure(
    entries: Iterable[Entry], faults: Sequence[Fault], *, each: int = 3, told: Callable[[Row], None] | None = None
) -> Report:
    """Diagnoses ``each`` killing cases of every fault, the smallest and others spread over all sizes."""
    report, answers = Report(), Answers()
    computing = [
        entry
        for entry in entries
        if entry.computations == (entry,) and not entry.case.must_refuse and not beyond_measure(entry.case)
    ]
    ordered = sorted(computing, key=lambda entry: _size(entry.case))
    small = [entry for entry in ordered if _size(entry.case) <= LARGEST]
    for fault in faults:
        shown = list(_killing([entry for entry in small if fault.applies(entry.case)], fault, answers, each))
        if not shown:
            report.unshown.append(fault.code)
        for entry, verdict, seen in shown:
            row = Row(fault.code, entry.id, verdict, diagnose(seen, asking(fault)))
            report.rows.append(row)
            if told is not None:
                told(row)
    return report


def asking(fault: Fault) -> Ask:
    """Puts questions to a fault as if it were an engine."""

    def ask(case: Case, arrays: Arrays) -> np.ndarray | None:
        did = outcome(case, handed(case, dict(arrays)), fault if fault.applies(case) else REFERENCE)
        if did.result is None or did.dtype != np.asarray(next(iter(arrays.values()))).dtype.name:
            return None
        return from_format(did.result, case.data_format) if case.result_has_channels else did.result

    return ask


def _killing(entries: list[Entry], fault: Fault, answers: Answers, each: int) -> Iterator[tuple[Entry, str, Seen]]:
    """Cases that kill the fault with a verdict that is diagnosed: the smallest, and the next from equal steps on."""
    starts, found = [len(entries) * number // each for number in range(each)], set[str]()
    for start in starts:
        for entry in entries[start : start + MOST_TRIED]:
            if entry.id in found:
                continue
            arrays, expected = answers.of(entry)
            did = outcome(entry.case, handed(entry.case, dict(arrays)), fault)
            judgement = judge(entry.case, expected, did)
            if judgement.verdict in DIAGNOSED and did.result is not None and expected is not None:
                result = (
                    from_format(did.result, entry.case.data_format) if entry.case.result_has_channels else did.result
                )
                found.add(entry.id)
                yield entry, judgement.verdict, Seen.of(entry.case, arrays, result, expected)
                break


def _size(case: Case) -> int:
    return sum(prod(shape) for shape in case.array_shapes.values())


def main(codes: Sequence[str]) -> int:
    """Prints what was wrong or not explained, and the sums; 1 where a cause is wrong or too few are right."""
    faults = [fault for fault in choose(codes) if not fault.process]
    report = measure(load(), faults, told=_tell)
    for (fault, code), count in report.confusions.most_common():
        print(f"{count:4} {fault} -> {code}")
    print(
        f"{len(report.rows)} diagnoses of {len(faults) - len(report.unshown)} faults: {100 * report.share:.1f} % "
        f"right, {len(report.wrong)} wrong; {len(report.unshown)} faults show otherwise"
    )
    return 1 if report.wrong or report.share < LEAST_SHARE else 0


def _tell(row: Row) -> None:
    if not row.right:
        print(f"{row.fault}: {row.diagnosis.code} on {row.case} ({row.verdict}): {row.diagnosis.sentence}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
