"""The command line: a thin face on the harness and the reports.

Everything but click is imported inside the commands, so that ``--help`` answers at once; click itself only where
there is a command line, since pytest loads a module of this package as a plugin.
"""

from __future__ import annotations

import sys

STATUS_NEW, STATUS_WRONG, STATUS_INTERRUPTED = 1, 2, 130


def main() -> None:
    """The entry point: 0 as expected, 1 a discrepancy that nobody expected, 2 a mistake, 130 interrupted."""
    import click

    from ..conformance.errors import UsageError
    from .commands import app

    try:
        status = app.main(standalone_mode=False)
    except click.exceptions.Abort:
        status = STATUS_INTERRUPTED
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except UsageError as error:
        click.echo(f"convsuite: {error}", err=True)
        status = STATUS_WRONG
    except KeyboardInterrupt:
        click.echo("convsuite: interrupted", err=True)
        status = STATUS_INTERRUPTED
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        status = 0
    sys.exit(status if isinstance(status, int) else 0)
