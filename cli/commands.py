"""The commands and their options; what they do stands in the modules of the same subject."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
"""An option, as it is put before a command."""

FORMS = ("literal", "equivalent", "both")

CASES = click.argument("cases", nargs=-1, metavar="[PATH|CASE]...")
ENGINE = click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME|FILE.py:CLASS",
    help="Which engines; default: the installed ones of six.",
)
ENGINES_FILE = click.option(
    "--engines", "engines_file", metavar="FILE", help="More engines, as YAML in the format of the suite's engines.yaml."
)
TAG = click.option("--tag", "tags", multiple=True, metavar="T", help="Only cases with this tag.")
FILTER = click.option(
    "--filter",
    "filter_expression",
    metavar="EXPR",
    help="Only cases where this holds, like \"strides > 1 and padding == 'same'\".",
)
FORM = click.option(
    "--form", type=click.Choice(FORMS), default="both", show_default=True, help="How the adapters say it."
)
START_TIMEOUT = click.option(
    "--start-timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="S",
    help="Seconds for an engine to be ready.",
)
MEMORY = click.option(
    "--memory", default="4G", show_default=True, metavar="BYTES", help="Memory that a case may take, like 500M or 4G."
)
EXPECTATIONS = click.option(
    "--expectations", metavar="FILE", help='Known discrepancies besides the shipped ones; "none" for no one\'s.'
)


def _jobs(what: str) -> Decorator:
    return click.option(
        "--jobs", type=click.IntRange(1, 512), metavar="N", help=f"{what} side by side; default: the cores."
    )


def _timeout(default: float) -> Decorator:
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        show_default=True,
        metavar="S",
        help="Seconds per case.",
    )


def _seed(what: str) -> Decorator:
    return click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help=what)


def _out(what: str) -> Decorator:
    return click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help=f"Where {what}; default: runs/<time>."
    )


def _given(options: Iterable[str]) -> set[str]:
    """Those of the options that stand on the command line."""
    source = click.get_current_context().get_parameter_source
    return {name for name in options if source(name) is click.core.ParameterSource.COMMANDLINE}


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
@CASES
@ENGINE
@ENGINES_FILE
@TAG
@FILTER
@click.option("--failed", type=click.Path(path_type=Path), metavar="RUN", help="Only what failed in that run.")
@FORM
@_out("the records go")
@_jobs("Engines")
@_timeout(30.0)
@START_TIMEOUT
@MEMORY
@_seed("Other random data.")
@click.option("--shard", metavar="I/N", help="The I-th of N parts of the cases.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, with its cases and engines.")
@EXPECTATIONS
@click.option("--no-diagnosis", is_flag=True, help="Leave it unasked why engines differ.")
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
    the corpus that ships with the package, but for the layers of networks, which --tag network asks for. The folder of
    the run is printed to standard output.
    """
    from .running import run_command

    return run_command(_given(options), options)


@app.group("list", cls=InOrder)
def list_group() -> None:
    """What there is to run."""


@list_group.command("cases")
@CASES
@TAG
@FILTER
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
@CASES
@click.option("--fault", "faults", multiple=True, metavar="CODE", help="Only this fault; default: all of them.")
@TAG
@FILTER
@_jobs("Processes")
@click.option("--json", "json_file", metavar="FILE", help="Everything that was found, for programs.")
@_seed("Other random data.")
@click.option("--list", "list_faults", is_flag=True, help="The faults, with what they are and where they were seen.")
def selftest(**options: Any) -> int:
    """The suite against engines that are wrong, and others that are right.

    Every fault of the catalogue has to be killed by some case, and no right engine may be accused of anything. Shows
    which cases kill what, and which are not needed.
    """
    from .selftesting import selftest_command

    return selftest_command(options)


@app.command()
@ENGINE
@ENGINES_FILE
@click.option(
    "--budget", default="60s", show_default=True, metavar="TIME", help="How long, starting up included: 60s, 10m, 1h."
)
@_seed("Other cases.")
@FILTER
@FORM
@_out("it goes")
@click.option("--resume", is_flag=True, help="Go on with the session in --out, for a budget more.")
@_jobs("Engines")
@_timeout(10.0)
@START_TIMEOUT
@MEMORY
@EXPECTATIONS
def fuzz(**options: Any) -> int:
    """Draw cases that nobody wrote, and keep the smallest one of everything new that engines do wrong.

    found.yaml in the session's folder is a case file with one case per cause; the folder is printed to standard output.
    Status 0: nothing new; 1: something was found; 2: a mistake in the input.
    """
    from .fuzzing import fuzz_command

    return fuzz_command(_given(options), options)


@app.command()
@CASES
@click.option("--network", "networks", multiple=True, metavar="NAME", help="The layers of this network.")
@click.option(
    "--engine",
    "engines",
    multiple=True,
    metavar="NAME|FILE.py:CLASS",
    help="Which implementations; default: the reference's algorithms and the frameworks.",
)
@click.option(
    "--implementations",
    "implementations_file",
    metavar="FILE",
    help="More implementations, as YAML in the format of the suite's implementations.yaml.",
)
@click.option("--list", "list_implementations", is_flag=True, help="The implementations and their variants.")
@click.option(
    "--threads", multiple=True, type=click.IntRange(min=1), metavar="N", help="How many; default: 1 and all CPUs."
)
@click.option(
    "--rounds",
    type=click.IntRange(1, 10_000),
    metavar="N",
    help="Samples of each layer; default: 30, or what fits into 4 s, but 5 at least.",
)
@click.option("--json", "json_file", metavar="FILE", help='Everything that was found; "-" is standard output.')
@click.option(
    "--pictures",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Bars per layer, and accuracy against speed, as SVG files.",
)
@click.option(
    "--baseline",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Results of an earlier --json: says what has become slower or faster against the frameworks.",
)
@_timeout(60.0)
@START_TIMEOUT
@MEMORY
def bench(**options: Any) -> int:
    """Time layers on implementations, in turn, with the error of each result beside its time.

    PATH is a case file or a folder of them; CASE an id, a part of one or a pattern. Without either, and without
    --network: the network yardstick. Status 0: every result was right; 1: a result was wrong, or --baseline shows a
    regression; 2: a mistake in the input.
    """
    from .benching import bench_command

    return bench_command(options)


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
