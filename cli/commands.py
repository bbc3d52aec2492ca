"""The commands and their options; what they do stands in the modules of the same subject."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

FORMS = ("literal", "equivalent", "both")


class InOrder(click.Group):
    """Shows the commands in the order in which a user meets them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="convsuite")
def app() -> None:
    """Do the frameworks agree on what a convolution is?

    Runs cases (YAML) on engines (Keras, TensorFlow, PyTorch, JAX, your own), judges what they give against a NumPy
    reference, and keeps a record of every one.
    """


@app.command()
@click.argument("cases", nargs=-1, metavar="[PATH|CASE]...")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME|FILE.py:CLASS",
    help="Which engines; default: the installed ones of six.",
)
@click.option(
    "--engines", "engines_file", metavar="FILE", help="More engines, as YAML in the format of the suite's engines.yaml."
)
@click.option("--tag", "tags", multiple=True, metavar="T", help="Only cases with this tag.")
@click.option(
    "--filter",
    "filter_expression",
    metavar="EXPR",
    help="Only cases where this holds, like \"strides > 1 and padding == 'same'\".",
)
@click.option("--failed", type=click.Path(path_type=Path), metavar="RUN", help="Only what failed in that run.")
@click.option("--form", type=click.Choice(FORMS), default="both", show_default=True, help="How the adapters say it.")
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where the records go; default: runs/<time>."
)
@click.option("--jobs", type=click.IntRange(1, 512), metavar="N", help="Engines side by side; default: the cores.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds per case.",
)
@click.option(
    "--start-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="Seconds for an engine to be ready.",
)
@click.option(
    "--memory",
    default="4G",
    show_default=True,
    metavar="BYTES",
    help="Memory that a case may take, like 500M or 4G.",
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Other random data.")
@click.option("--shard", metavar="I/N", help="The I-th of N parts of the cases.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, with its cases and engines.")
@click.option(
    "--expectations", metavar="FILE", help='Known discrepancies besides the shipped ones; "none" for no one\'s.'
)
@click.option(
    "--fail-on",
    type=click.Choice(["new", "any", "never"]),
    default="new",
    show_default=True,
    help="What makes the status 1.",
)
def run(**options: Any) -> int:
    """Run cases on engines, judge them, and keep the records.

    PATH is a case file or a folder of them; CASE an id, a part of one (conv2d/padding) or a pattern. Without either:
    the corpus that ships with the package. The folder of the run is printed to standard output.
    """
    from .running import run_command

    source = click.get_current_context().get_parameter_source
    given = {name for name in options if source(name) is click.core.ParameterSource.COMMANDLINE}
    return run_command(given, options)


@app.group("list", cls=InOrder)
def list_group() -> None:
    """What there is to run."""


@list_group.command("cases")
@click.argument("cases", nargs=-1, metavar="[PATH|CASE]...")
@click.option("--tag", "tags", multiple=True, metavar="T", help="Only cases with this tag.")
@click.option("--filter", "filter_expression", metavar="EXPR", help="Only cases where this holds.")
@click.option("--count", is_flag=True, help="Numbers per family instead of ids.")
@click.option("--coverage", is_flag=True, help="Which combinations of parameter values the cases have.")
def list_cases(
    cases: tuple[str, ...], tags: tuple[str, ...], filter_expression: str | None, *, count: bool, coverage: bool
) -> None:
    """The ids of cases, one a line."""
    from .looking import print_cases, print_coverage

    if coverage:
        print_coverage(cases, tags, filter_expression)
    else:
        print_cases(cases, tags, filter_expression, count=count)


@list_group.command("engines")
@click.option("--engines", "engines_file", metavar="FILE", help="With those of this file.")
def list_engines(engines_file: str | None) -> None:
    """The engines by name, whether they are installed, and their versions."""
    from .looking import print_engines

    print_engines(engines_file)


@app.command()
def schema() -> None:
    """The JSON Schema of case files, for editors."""
    from .looking import print_schema

    print_schema()


@app.command()
@click.argument("cases", nargs=-1, metavar="[PATH|CASE]...")
@click.option("--fault", "faults", multiple=True, metavar="CODE", help="Only this fault; default: all of them.")
@click.option("--tag", "tags", multiple=True, metavar="T", help="Only cases with this tag.")
@click.option("--filter", "filter_expression", metavar="EXPR", help="Only cases where this holds.")
@click.option("--jobs", type=click.IntRange(1, 512), metavar="N", help="Processes side by side; default: the cores.")
@click.option("--json", "json_file", metavar="FILE", help="Everything that was found, for programs.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Other random data.")
@click.option("--list", "list_faults", is_flag=True, help="The faults, with what they are and where they were seen.")
def selftest(**options: Any) -> int:
    """The suite against engines that are wrong, and others that are right.

    Every fault of the catalogue has to be killed by some case, and no right engine may be accused of anything. Shows
    which cases kill what, and which are not needed.
    """
    from .selftesting import selftest_command

    return selftest_command(options)


@app.command()
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME|FILE.py:CLASS",
    help="Which engines; default: the installed ones of six.",
)
@click.option("--engines", "engines_file", metavar="FILE", help="More engines, as YAML.")
@click.option(
    "--budget", default="60s", show_default=True, metavar="TIME", help="How long, starting up included: 60s, 10m, 1h."
)
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help="Other cases.")
@click.option(
    "--filter",
    "filter_expression",
    metavar="EXPR",
    help="Only cases where this holds, like \"op == 'conv_transpose'\".",
)
@click.option("--form", type=click.Choice(FORMS), default="both", show_default=True, help="How the adapters say it.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Where it goes; default: runs/<time>.")
@click.option("--resume", is_flag=True, help="Go on with the session in --out, for a budget more.")
@click.option("--jobs", type=click.IntRange(1, 512), metavar="N", help="Engines side by side; default: the cores.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="S",
    help="Seconds per case.",
)
@click.option(
    "--start-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="Seconds for an engine to be ready.",
)
@click.option(
    "--memory", default="4G", show_default=True, metavar="BYTES", help="Memory that a case may take, like 500M or 4G."
)
@click.option(
    "--expectations", metavar="FILE", help='Known discrepancies besides the shipped ones; "none" for no one\'s.'
)
def fuzz(**options: Any) -> int:
    """Draw cases that nobody wrote, and keep the smallest one of everything new that engines do wrong.

    found.yaml in the session's folder is a case file with one case per cause; the folder is printed to standard output.
    Status 0: nothing new; 1: something was found; 2: a mistake in the input.
    """
    from .fuzzing import fuzz_command

    source = click.get_current_context().get_parameter_source
    given = {name for name in options if source(name) is click.core.ParameterSource.COMMANDLINE}
    return fuzz_command(given, options)


@app.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("case", metavar="CASE")
@click.option("--engine", "engines", multiple=True, metavar="NAME", help="Only this engine.")
def show(run_folder: Path, case: str, engines: tuple[str, ...]) -> None:
    """What every engine did with a case in a run, and the programs that ran."""
    from .looking import print_records

    print_records(run_folder, case, engines)


@app.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--markdown", metavar="FILE", required=True, help='Where to; "-" is standard output.')
def report(run_folder: Path, markdown: str) -> None:
    """A run as a page: what differs, by engine and parameters."""
    from .reporting import write_markdown

    write_markdown(run_folder, markdown)


@app.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
def expect(run_folder: Path) -> None:
    """Write expectations for what is new in a run, to standard output; the reasons are yours to fill in."""
    from .reporting import print_expectations

    print_expectations(run_folder)
