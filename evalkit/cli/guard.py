"""What errors and log lines look like on the command line, and the exit codes of errors."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from typing import Any, Final

import click

from evalkit.errors import EvalkitError
from evalkit.settings import colours

BUG: Final = 70
"""Exit code of an error that is evalkit's own: EX_SOFTWARE of sysexits.h."""

INTERRUPTED: Final = 130
"""Exit code after Ctrl-C: 128 and the number of SIGINT, as shells have it."""

WRONG_USAGE: Final = 2


def guarded(work: Callable[[], Any]) -> int:
    """Return the exit code of *work*; say in one line what went wrong, or show our own bug."""
    try:
        code = work()
    except click.ClickException as error:
        error.show()
        return WRONG_USAGE
    except EvalkitError as error:
        tell_error(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo(
            "Interrupted. An evaluation that had begun is finished by: evalkit resume latest",
            err=True,
        )
        return INTERRUPTED
    except Exception:  # noqa: BLE001  whatever else arrives here is a bug of ours, shown in full
        traceback.print_exc()
        click.echo("This is a bug of evalkit: please report it with the lines above.", err=True)
        return BUG
    return code if isinstance(code, int) else 0


def tell_error(error: EvalkitError) -> None:
    """Write what went wrong to stderr."""
    start = click.style("Error:", fg="red", bold=True)
    click.echo(f"{start} {_in_options(str(error))}", err=True, color=colours())


def _in_options(text: str) -> str:
    from evalkit.cli.flags import in_flags  # start-up: only where there is something to say

    return in_flags(text)


class LogLines(logging.Handler):
    """Shows what evalkit logs as plain lines on stderr, while a command runs."""

    def __enter__(self) -> None:
        log = logging.getLogger("evalkit")
        self._level = log.level
        log.addHandler(self)
        log.setLevel(logging.INFO)

    def __exit__(self, *_: object) -> None:
        log = logging.getLogger("evalkit")
        log.removeHandler(self)
        log.setLevel(self._level)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        style = "yellow" if record.levelno >= logging.WARNING else None
        dim = record.levelno < logging.WARNING
        line = click.style(_in_options(record.getMessage()), fg=style, dim=dim)
        click.echo(line, err=True, color=colours())
