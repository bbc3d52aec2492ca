"""The options that several commands have, and those that say a case."""

from __future__ import annotations

from collections.abc import Callable
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


def fail_on(default: str) -> Decorator:
    """When the status is 1."""
    return click.option(
        "--fail-on",
        type=click.Choice(["new", "any", "never"]),
        default=default,
        show_default=True,
        help="What makes the status 1.",
    )


def jobs(what: str) -> Decorator:
    """How many of what run side by side."""
    return click.option(
        "--jobs", type=click.IntRange(1, 512), metavar="N", help=f"{what} side by side; default: the cores."
    )


def timeout(default: float) -> Decorator:
    """How long a case may take."""
    return click.option(
        "--timeout",
        type=click.FloatRange(min=0, min_open=True),
        default=default,
        show_default=True,
        metavar="S",
        help="Seconds per case.",
    )


def seed(what: str) -> Decorator:
    """What another seed changes."""
    return click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, metavar="N", help=what)


def out(what: str) -> Decorator:
    """Where what is written goes."""
    return click.option(
        "--out", type=click.Path(path_type=Path), metavar="DIR", help=f"Where {what}; default: runs/<time>."
    )


PARAMETERS = {
    "op": "conv, conv_transpose, depthwise_conv or separable_conv.",
    "input": "batch, spatial sizes, channels: 2,15,14,3.",
    "kernel_size": "One number, or one per axis: 4,2.",
    "filters": "Output channels; not with depthwise_conv.",
    "strides": "As the kernel size; default: 1.",
    "padding": "valid, same, same_lower, causal, a number, or pairs: 1:2,0:1.",
    "dilation": "As the kernel size; default: 1.",
    "groups": "Of channels.",
    "depth_multiplier": "Of depthwise_conv and separable_conv.",
    "output_padding": "Of conv_transpose.",
    "use_bias": "With a bias.",
    "data_format": "channels_last or channels_first.",
    "dtype": "float32 by default.",
    "data": "integers by default.",
    "layout": "Of the arrays in memory: contiguous, strided, transposed, negative.",
    "wrt": "The argument for which the gradient is asked.",
    "kernel_shape": "One that does not fit, with --expect error.",
    "expect": "error, where every engine has to refuse.",
}
"""Options that say a case, by its key, with their help."""


def parameters(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with an option for every parameter of a case; their values are validated where cases are."""
    for key, said in reversed(PARAMETERS.items()):
        flag: dict[str, Any] = {"is_flag": True, "default": None} if key == "use_bias" else {"metavar": "VALUE"}
        command = click.option(f"--{key.replace('_', '-')}", key, help=said, **flag)(command)
    return command
