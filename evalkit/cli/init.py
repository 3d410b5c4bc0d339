"""``evalkit init``: a small example that runs, to be edited."""

from __future__ import annotations

import importlib.resources
from pathlib import Path
from typing import Final

import click

from evalkit.cli.command import Command
from evalkit.cli.output import write
from evalkit.errors import UsageError

_EXAMPLES: Final = "examples"
_BOTH: Final = {"bot.py": "bot.py.txt", "questions.jsonl": "questions.jsonl"}
FILES: Final = {
    "yaml": {"evaluation.yaml": "evaluation.yaml", **_BOTH},
    "pytest": {"test_bot.py": "test_bot.py.txt", **_BOTH},
}
"""Kind of example -> file to write -> file in the package."""

NEXT: Final = {"yaml": "evalkit evaluate evaluation.yaml", "pytest": "python -m pytest test_bot.py"}


@click.command(cls=Command, example="evalkit init pytest")
@click.argument("kind", type=click.Choice(list(FILES)), default="yaml", metavar="[pytest|yaml]")
def command(kind: str) -> None:
    """Write a small working example into the current directory.

    `yaml`, the default, writes a specification for `evalkit evaluate`, `pytest` a test module.
    A file that is there already is never overwritten.
    """
    package = importlib.resources.files("evalkit.cli") / _EXAMPLES
    contents = {
        Path(name): (package / source).read_text("utf-8") for name, source in FILES[kind].items()
    }
    taken = [
        str(path)
        for path, text in contents.items()
        if path.exists() and path.read_text("utf-8", errors="replace") != text
    ]
    if taken:
        raise UsageError(
            f"Nothing was written: {', '.join(taken)} would be overwritten. Run evalkit init in "
            "another folder."
        )
    for path, text in contents.items():
        write(f"{'kept ' if path.exists() else 'wrote'}  {path}")
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise UsageError(f"Cannot write {path}: {error.strerror or error}.") from error
    write(f"\nNow run it:  {NEXT[kind]}")
