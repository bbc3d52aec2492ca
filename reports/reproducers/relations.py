"""The script for a law that does not hold: the same framework, asked several times, contradicts itself.

Each part's program becomes a function; parts with the same program share it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ...adapters.base import FORMS, Program
from ...adapters.case import Case
from ...conformance.engines import Engine
from ...conformance.entry import Entry
from ...conformance.expected import expect
from ...conformance.relation import Draws, Relation, draw_twice
from ...reference.bounds import PRECISIONS
from . import arrays, laws, own
from .layout import Draft, indent, split
from .origin import NoReproducer, Record, find
from .rolling import roll
from .scripts import imports

Programs = Mapping[str, Program]
DIFFER = "{wrong.sum()} of {wrong.size} differ: {left[wrong][:3]} and {right[wrong][:3]}"


def programs_of(record: Record, law: Entry, records: Sequence[Record], engine: Engine) -> Programs:
    """The programs of a law's parts, by name, as they stand in the records of the parts.  Raises `NoReproducer`."""
    found: dict[str, Program] = {}
    for part in law.parts:
        forms = [record["form"], FORMS[0]]
        programs = {
            one["form"]: one["program"]
            for one in records
            if one["case"] == part.id and one["engine"] == record["engine"] and one["program"]
        }
        program = next((programs[form] for form in forms if form in programs), None)
        if program is None:
            raise NoReproducer(f"a law's script needs the record of its part {part.id}, which is not in the run")
        name, case = part.id.removeprefix(f"{law.id}~"), replace(part.case, id=law.id)  # alike in all that counts
        found[name] = own.with_engine(split(program), case, engine)
    return found


def law_of(record: Record, run: dict[str, Any]) -> tuple[Entry, Relation]:
    """The law as the case files state it.  Raises `NoReproducer`."""
    law = find(record["case"], run)
    if law.relation is None or law.law is None:
        raise NoReproducer(f"the case's file says something else now than in the run: {record['case']}")
    return law, law.relation


def draft(
    record: Record, law: Entry, relation: Relation, programs: Programs, variables: Mapping[str, str], seed: int
) -> Draft:
    """The script, without its heading.  Raises `NoReproducer`."""
    case, name, first = law.case, str(law.law), next(iter(programs.values()))
    bits, bound = arrays.as_bits(case, first), _tolerance(law, relation, seed)
    if bits and case.data == "normal":
        raise NoReproducer("the numbers of its arrays are rounded to bfloat16 before they are combined")
    if bound and (record["max_error"] or np.inf) <= bound:
        raise NoReproducer("where it is worst, rounding alone may lead as far; reproduce its parts instead")
    left, right = laws.sides(name, case, [part.name for part in relation.parts])
    functions, lines = _called(law, relation, programs, bits=bits)
    making = laws.making(case, seed, [*lines, left, right], cast="{}.astype(np.float64)" if bits else None)
    wrapped = "" if case.dtype in PRECISIONS else f".astype(np.{case.dtype})"  # integers, as they wrap
    compared = [
        f"left, right = np.ravel({left}){wrapped}, np.ravel({right}){wrapped}",
        f"wrong = ~(abs(left - right) <= {bound:.3g})  # what rounding explains" if bound else "wrong = left != right",
        f'sys.exit(f"{DIFFER}" if wrong.any() else 0)',
    ]
    used = [*(line for function in functions for line in function), *making]
    helpers = [arrays.BITS] if bits else []
    return [*imports(first, variables, used), *helpers, *functions, [*making, *lines], compared]


def _called(law: Entry, relation: Relation, programs: Programs, *, bits: bool) -> tuple[list[list[str]], list[str]]:
    """The functions of the parts' programs, and the lines that call them: parts of a series in a loop."""
    alone = len({program.source for program in programs.values()}) == 1
    functions, names = list[list[str]](), dict[str, str]()
    lines, calls = list[str](), dict[str, list[str]]()
    for part in relation.parts:
        program, taken = programs[part.name], list(part.case.array_shapes)
        derived, series = laws.derive(str(law.law), law.case, part.name), laws.series(part.name)
        key = f"{program.source}{taken}"
        if key not in names:
            names[key] = "compute" if alone else series or part.name
            functions.append(_function(names[key], part.case, program, taken, bits=bits))
        given = ", ".join(derived.changed.get(argument, argument) for argument in taken)
        lines += derived.lines
        if series:
            calls.setdefault(series, []).append(f"{names[key]}({given})")
        else:
            lines.append(f"y_{part.name} = {names[key]}({given})")
    lines += [roll(f"y_{series} = [{', '.join(alike)}]") for series, alike in calls.items()]
    return functions, lines


def _function(name: str, case: Case, program: Program, taken: Sequence[str], *, bits: bool) -> list[str]:
    """A program as a function of the arrays, channels last, to its result in float64 or int64."""
    body = arrays.to_format(case, taken)
    if bits:
        body.append(f"{', '.join(taken)} = map(bits, ({', '.join(taken)}))")
    body += program.prepare.splitlines()
    run, result = program.run, program.result
    if result.count("result") == 1 and run.startswith("y = ") and "\n" not in run + result:
        result = re.sub(r"\by\b", lambda _: run.removeprefix("y = "), result.removeprefix("result = "), count=1)
    else:
        body, result = [*body, *run.splitlines(), *result.splitlines()], "result"
    if bits:
        result = f"torch.from_numpy({result}).view(torch.bfloat16).double().numpy()"
    if case.channels_first and case.result_has_channels:
        result = f"np.moveaxis({result}, 1, -1)"
    wide = "float64" if case.dtype in PRECISIONS else "int64"
    return [f"def {name}({', '.join(taken)}):", *indent(body), f"    return {result}.astype(np.{wide})"]


def _tolerance(law: Entry, relation: Relation, seed: int) -> float:
    """How far rounding may lead the sides apart, at the element where it may the most."""
    bounds, exact = dict[str, np.ndarray](), True
    for part in relation.parts:
        right = expect(part.case, part.draw(law.case, seed))
        bounds[part.name] = right.bound
        exact &= right.exact
    if exact:
        return 0.0
    drawn = draw_twice(law.case, seed)
    absolute = Draws(*({name: np.abs(array) for name, array in arrays.items()} for arrays in drawn))
    return float(np.max(np.add(*relation.sides(bounds, absolute))))
