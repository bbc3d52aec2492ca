"""The commands; what they do stands in the modules of the same subject."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from .options import (
    CASES,
    ENGINE,
    ENGINES_FILE,
    EXPECTATIONS,
    FILTER,
    FORM,
    FORMS,
    MEMORY,
    START_TIMEOUT,
    TAG,
    fail_on,
    jobs,
    out,
    parameters,
    seed,
    timeout,
)  # fmt: skip


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
@out("the records go")
@jobs("Engines")
@timeout(30.0)
@START_TIMEOUT
@MEMORY
@seed("Other random data.")
@click.option("--shard", metavar="I/N", help="The I-th of N parts of the cases.")
@click.option("--resume", is_flag=True, help="Go on with the run in --out, with its cases and engines.")
@EXPECTATIONS
@click.option("--no-diagnosis", is_flag=True, help="Leave it unasked why engines differ.")
@click.option("--junit", metavar="FILE", help="JUnit XML of the records, for CI.")
@fail_on("new")
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
@jobs("Processes")
@click.option("--json", "json_file", metavar="FILE", help="Everything that was found, for programs.")
@seed("Other random data.")
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
@seed("Other cases.")
@FILTER
@FORM
@out("it goes")
@click.option("--resume", is_flag=True, help="Go on with the session in --out, for a budget more.")
@jobs("Engines")
@timeout(10.0)
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
    help="Samples of each layer; default: 30, or what fits into 3 s, but 4 at least.",
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
@timeout(60.0)
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
@click.argument("case", metavar="[CASE]", required=False)
@parameters
@ENGINE
@ENGINES_FILE
@click.option("--from", "source", metavar="NAME", help="Convert this engine's kernels …")
@click.option("--to", "target", metavar="NAME", help="… for this one. Without --engine only the two are asked.")
@click.option("--programs", is_flag=True, help="Whole programs instead of the calls in them.")
@click.option("--json", "json_file", metavar="FILE", help='All of it, for programs; "-" is standard output.')
@click.option("--markdown", metavar="FILE", help='The same as a page; "-" is standard output.')
@click.option("--fresh", is_flag=True, help="Run everything, whatever is known from an earlier time.")
@jobs("Processes")
@timeout(30.0)
@START_TIMEOUT
@MEMORY
def explain(**options: Any) -> int:
    """How each engine says a case, with pads, sizes and kernel layouts in numbers; every program runs and is judged.

    CASE is an id, FILE.yaml, or FILE.yaml::ID. Without it the options say a case, as the keys of case files do. Status
    0: whatever has an answer is right; 1: something is wrong; 2: a mistake in the input.
    """
    from .explaining import explain_command

    return explain_command(options)


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
@click.argument("case", metavar="[CASE]", required=False)
@click.option("--engine", "engines", multiple=True, metavar="NAME", help="Whose record.")
@click.option("--form", type=click.Choice(FORMS[:2]), help="In which form, where both are bad.")
@click.option("--issue", is_flag=True, help="The text of an issue, with the script in it.")
@click.option("--run", "execute", is_flag=True, help="Execute it, and show what it prints.")
@click.option("--all", "every", is_flag=True, help="The smallest case of every cause, engine, operation and form.")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="With --all: where scripts and texts go.")
@jobs("With --all --run: engines")
def repro(run_folder: Path, case: str | None, **options: Any) -> int:
    """A bad record as a script of at most 40 lines that needs only NumPy and the framework, on standard output.

    The script ends with status 1 while the discrepancy lives, and with 0 when it is gone. So does --run; 2 is a script
    that did not come to an end of its own, or a mistake in the input.
    """
    from .reproducing import repro_command

    if (case is None) != options["every"]:
        raise click.UsageError("give a CASE, or --all")
    if options["every"] and options["out"] is None and not options["execute"]:
        raise click.UsageError("--all needs --out DIR, or --run")
    if options["every"] and options["issue"]:
        raise click.UsageError("--all writes the texts of issues beside the scripts: leave --issue out")
    return repro_command(run_folder, case, options)


@app.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--html", type=click.Path(path_type=Path), metavar="DIR", help="One page, DIR/index.html.")
@click.option("--markdown", metavar="FILE", help='A long page; "-" is standard output.')
@click.option("--summary", metavar="FILE", help='At most 60 lines of Markdown, for a pull request; "-" as above.')
@click.option("--junit", metavar="FILE", help='JUnit XML for CI; "-" as above.')
@fail_on("never")
@click.option("--no-reproducers", is_flag=True, help="HTML: execute no reproducers, and show none.")
@click.option("--no-pictures", is_flag=True, help="HTML: do not let the engines draw the note's pictures.")
def report(run_folder: Path, **options: Any) -> int:
    """A run as a page to look at, or as Markdown: what differs, by engine and parameters, and why.

    The HTML page holds everything that it shows and asks the network for nothing. The reproducers on it are executed
    when it is made; what they did is kept in the run's folder for the next time.
    """
    from .reporting import report_command

    if not _given({"html", "markdown", "summary", "junit", "fail_on"}):
        raise click.UsageError("nothing to write: give --html DIR, or --markdown, --summary or --junit FILE")
    return report_command(run_folder, options)


@app.command()
@click.argument("before", metavar="RUN", type=click.Path(path_type=Path))
@click.argument("after", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--markdown", metavar="FILE", help='For a pull request; "-" is standard output.')
@click.option("--html", metavar="DIR|FILE", help="One page that holds everything it shows.")
@click.option("--json", "json_file", metavar="FILE", help="Every change, for programs.")
@fail_on("new")
def compare(before: Path, after: Path, **options: Any) -> int:
    """What is new, fixed or changed from one run to another, with the versions of both.

    Compared is what both ran; what could not be compared is told. Status 0: nothing got worse; 1: something is new,
    wrong in another way, or wrong by more than twice as much (--fail-on new: and no expectation of the second run
    knows it); 2: a mistake in the input.
    """
    from .comparing import compare_command

    return compare_command(before, after, options)


@app.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), metavar="DIR", help="Where the whole goes.")
@click.option("--partial", is_flag=True, help="Even where shards are lacking or a run did not end.")
def merge(runs: tuple[Path, ...], out: Path, *, partial: bool) -> None:
    """Make one run of several: shards of the same cases, or other engines on them.

    The folder of the whole, which is one like any other, is printed to standard output. Refused are runs that
    contradict each other, that drew different data, or in which an engine has different versions.
    """
    from .merging import merge_command

    merge_command(runs, out, partial=partial)


@app.command()
@click.argument("run_folder", metavar="RUN", type=click.Path(path_type=Path))
def expect(run_folder: Path) -> None:
    """Write expectations for what is new in a run, to standard output; the reasons are yours to fill in."""
    from .reporting import print_expectations

    print_expectations(run_folder)
