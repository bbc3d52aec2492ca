"""The text of an issue, in Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import words
from .origin import case_of

Record = dict[str, Any]
ISA = ("sse4_2", "avx", "avx2", "fma", "f16c", "avx512", "avx_vnni", "amx", "asimd", "sve", "bf16", "neon")
"""Beginnings of the CPU flags that choose kernels."""
PORTED = (
    "This is what somebody porting a convolution writes: the option of the same name with the same numbers, or the "
    "usual idiom. The framework does what it documents; it means something else."
)
SCRIPT = "The script needs {}. It ends with status 1 while this is so, and with 0 when it is not."


def text(
    record: Record,
    due: tuple[str, str],
    run: Mapping[str, Any],
    title: str,
    script: str,
    variables: Mapping[str, str],
    needs: str | None = None,
) -> str:
    """Title, expected and got, cause and remedy, script, environment.

    ``needs``: what the script needs that is not the framework.
    """
    literal = record["form"] == "literal"
    lines = [f"# {title}", ""]
    if literal:
        lines += [PORTED, ""]
    lines += [f"**Expected:** {due[0]}. {due[1]}", ""]
    lines += [f"**Got:** {_quoted(words.outcome(record, case_of(record)))}", ""]
    why = record.get("diagnosis")
    if why and why["code"] != "unexplained":
        lines += [f"**Cause:** {why['sentence']}.", ""]
        if why["remedy"]:
            lines += [f"**{'Instead' if literal else 'Workaround'}:** {why['remedy']}", ""]
    if record.get("known"):
        lines += [f"**Known:** {record['known']}", ""]
    lines += [SCRIPT.format(needs or "NumPy and the framework"), ""]
    lines += ["```python", script.rstrip(), "```", "", "## Environment", ""]
    lines += [f"- {said}" for said in environment(record, run, variables)]
    return "\n".join(lines) + "\n"


def environment(record: Record, run: Mapping[str, Any], variables: Mapping[str, str]) -> list[str]:
    """Versions, processor and variables, a line each."""
    machine: dict[str, Any] = run["machine"]
    known = record["engine"] in run.get("engines", {})
    unknown = f"{record['engine']}, without versions" if known else "versions are not known: the run was interrupted"
    flags = [flag for flag in machine.get("cpu_flags", ()) if flag.startswith(ISA)]
    said = [
        words.versions(record, dict(run)) or unknown,
        f"Python {machine['python']}, {machine['system']}",
        f"CPU: {machine['cpu'] or 'unknown'}, {machine['cores']} cores" + (f" ({' '.join(flags)})" if flags else ""),
    ]
    if variables:
        said.append("environment: " + " ".join(f"`{name}={value}`" for name, value in variables.items()))
    return said


def _quoted(message: str) -> str:
    """A message on one line; as code where it is the framework's."""
    plain = " ".join(message.split())
    return f"`{plain.replace('`', chr(39))}`"
