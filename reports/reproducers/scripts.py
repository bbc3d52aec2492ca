"""The scripts, by what is wrong: the program that ran, in a frame that ends with status 1 while it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ...adapters.base import Program
from ...conformance.verdict import may_refuse
from . import arrays, words
from .layout import Draft, Paragraph, indent, sentences
from .making import Making, ones, same_numbers
from .origin import NoReproducer, Question, case_of
from .values import judges

Record = dict[str, Any]
GLIBC = {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
FRESH_MEMORY = [
    'if "GLIBC_TUNABLES" not in os.environ:  # without its cache of blocks, glibc fills all fresh memory as it is told',
    f'    os.environ.update(GLIBC_TUNABLES="{GLIBC["GLIBC_TUNABLES"]}")',
    "    os.execv(sys.executable, sys.orig_argv)",
]
_NAME = re.compile(r"^(?:import [\w.]+ as (\w+)|import (\w+)|from [\w.]+ import (\w+))")


PATIENCE = 60
"""Seconds that a call gets besides its time, for the framework to be imported."""
NUMBERLESS = ("unsupported", "accepted", "shape", "dtype")
"""Verdicts that do not depend on the numbers in the arrays."""


def drafts(record: Record, asked: Question, program: Program, variables: Mapping[str, str]) -> Iterator[Draft]:
    """The script as paragraphs, the most telling draft first; shorter ones follow.

    ``variables``: of the environment, set before the framework is imported.
    """
    verdict = record["verdict"]
    body = [*program.prepare.splitlines(), *program.run.splitlines(), *program.result.splitlines()]
    if verdict == "differs":
        for making, judge in judges(record, asked, program):
            before = imports(program, variables, [*making.lines, *judge.before, *body])
            yield [*before, [*making.helpers, *making.lines], judge.before, [*making.handing, *body], judge.after]
        return
    if verdict not in NUMBERLESS or asked.case.data == "literal":
        yield _draft(record, asked, program, variables, same_numbers(asked, program))
    yield _draft(record, asked, program, variables, ones(asked.case, program))


def _draft(
    record: Record, asked: Question, program: Program, variables: Mapping[str, str], making: Making
) -> list[Paragraph]:
    """The script where no values are compared."""
    body = [*program.prepare.splitlines(), *program.run.splitlines(), *program.result.splitlines()]
    match record["verdict"]:
        case "crash" | "timeout":
            standard, first, framed = ["subprocess"], [_in_a_child(record, asked)], [body]
        case "unstable":
            standard, first, framed = ["ctypes", "os"], [FRESH_MEMORY], _twice(program)
        case _:
            standard, first, framed = [], [], _framed(record, asked, body)
    if record["message"].startswith("memory limit"):
        standard.append("resource")
        framed[0] = [*_limited(record), *framed[0]]
    before = imports(program, variables, [*making.lines, *body], standard=standard, first=first)
    return [*before, [*making.helpers, *making.lines, *making.handing], *framed]


def imports(
    program: Program,
    variables: Mapping[str, str],
    used: Sequence[str],
    *,
    standard: Sequence[str] = (),
    first: Sequence[Paragraph] = (),
) -> list[Paragraph]:
    """The imports that are ``used``; ``first``: paragraphs that come before the framework's."""
    names = sorted({"sys", *standard, *(["os"] if variables else [])})
    text = "\n".join(used)
    own: list[str] = []
    lines = [
        line
        for line in program.imports.splitlines()
        if line not in ("import numpy as np", "import os") and not line.startswith("os.environ[")
    ]
    text = "\n".join([text, *(line for line in lines if not _NAME.match(line))])
    for line in lines:
        name = next(filter(None, found.groups())) if (found := _NAME.match(line)) else None
        if name is None or arrays.mentions(text, name):
            own.append(line)
    if "ml_dtypes" in text:
        own.insert(0, "import ml_dtypes")
    setting = []
    if variables:
        said = ", ".join(f"{name}={json.dumps(value)}" for name, value in variables.items())
        setting = [f"os.environ.update({said})"]
    return [[f"import {name}" for name in names], *first, [*setting, "import numpy as np", *own]]


def _framed(record: Record, asked: Question, body: Sequence[str]) -> list[Paragraph]:
    """The program and what follows it, where no values are compared."""
    case = asked.case
    due = words.handed(case.result_shape, case) if not case.must_refuse else ()
    by_shape = [
        f'print(f"shape: got {{result.shape}}, expected {due}")',
        f"sys.exit(1 if result.shape != {due} else 0)",
    ]
    match record["verdict"]:
        case "shape":
            return [body, by_shape]
        case "dtype":
            dtype = arrays.dtype_text(case.dtype)
            return [
                body,
                [
                    f'print(f"dtype: got {{result.dtype}}, expected {case.dtype}")',
                    f"sys.exit(1 if result.dtype != {dtype} else 0)",
                ],
            ]
        case "accepted":
            refused = ["except Exception as error:", '    print(f"refused, as it should be: {error}")']
            answered = ["else:", '    sys.exit(f"expected an error, got {result.dtype} {result.shape}")']
            return [["try:", *indent(body), *refused, *answered]]
        case "unsupported":
            raised = [
                "except Exception as error:",
                f'    sys.exit(f"expected {case.dtype} {due}, got {{type(error).__name__}}: {{error}}")',
            ]
            return [["try:", *indent(body), *raised], by_shape]
        case other:
            raise NoReproducer(f"no script shows a verdict like this: {other}")


def _in_a_child(record: Record, asked: Question) -> Paragraph:
    """Lines before the framework's imports that run the same file in a process of its own and look how it ends.

    What ends in another way than the discrepancy or the right one, a missing module for example, is status 2.
    """
    begin = 'if sys.argv[1:] != ["child"]:  # the call takes its process with it: it is made in another one'
    command, message = '[sys.executable, __file__, "child"]', record["message"]
    # where an error is a right answer, one that is raised is neither a crash nor a mistake
    otherwise = "0" if may_refuse(asked.case) else "2 if status else 0"
    if record["verdict"] == "timeout":
        found = re.search(r"within ([\d.]+) s", message)
        seconds = (float(found[1]) if found else 30.0) + PATIENCE
        return [
            begin,
            "    try:",
            f"        status = subprocess.run({command}, timeout={seconds:g}, check=False).returncode",
            "    except subprocess.TimeoutExpired:",
            f'        sys.exit("no answer within {seconds:g} s, the import included")',
            f"    sys.exit({otherwise})",
        ]
    exited = re.match(r"exited with status (\d+)", message)
    dead = f"status == {exited[1]}" if exited else "status" if message.startswith("memory limit") else "status < 0"
    return [
        begin,
        f"    status = subprocess.run({command}, check=False).returncode",
        '    print(f"exit status: got {status}, expected 0 (negative: the number of a signal)")',
        f"    sys.exit(1 if {dead} else {otherwise})",
    ]


def _limited(record: Record) -> list[str]:
    """Lines that let the process's memory grow by no more than in the run."""
    found = re.search(r"memory limit of ([\d,]+) bytes", record["message"])
    size = int(found[1].replace(",", "")) if found else 4 << 30
    return [
        'pages = int(open("/proc/self/statm").read().split()[0])',
        f"resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + {size}, -1))  # for the call",
    ]


def _twice(program: Program) -> list[Paragraph]:
    """The call, repeated under another fill of fresh memory."""
    repeated = [*program.run.splitlines(), *program.result.splitlines()]
    return [
        program.prepare.splitlines(),
        [
            "results = []",
            "for byte in (0x55, 0xAA):  # what glibc fills fresh memory with, complemented (mallopt's M_PERTURB)",
            "    ctypes.CDLL(None).mallopt(-6, byte)",
            *indent(repeated),
            "    results.append(np.array(result))",
        ],
        [
            'print("the same call twice: got", *(one.ravel()[:4] for one in results))',
            "sys.exit(0 if np.array_equal(*results, equal_nan=True) else 1)",
        ],
    ]


def heading(
    record: Record, due: tuple[str, str], run: Mapping[str, Any], title: str, most: int, needs: str | None = None
) -> list[str]:
    """The docstring: title, expected and got, the cause, none of them longer than ``most`` lines.

    ``due``: what is expected, and the rule that says so; ``needs``: what a script that needs more than NumPy and the
    framework says first.
    """
    case, versions = case_of(record), words.versions(record, dict(run))
    said = [
        f"Expected: {due[0]}." if most == 1 else f"Expected: {due[0]}. {due[1]}",
        f"Got: {words.outcome(record, case)}{f' ({versions})' if versions else ''}",
    ]
    if record.get("diagnosis") and record["diagnosis"]["code"] != "unexplained":
        said.append(f"Cause: {record['diagnosis']['sentence']}.")
    quoted = [text.replace("\\", "\\\\").replace('"""', "'''") for text in said]
    first = [] if needs is None else [f"# needs {needs}"]
    return [*first, *sentences(f'"""{title}', most=min(most, 2)), *sentences(*quoted, most=most), '"""']
