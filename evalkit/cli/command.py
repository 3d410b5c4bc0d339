"""Commands whose help has headings, and an example at its end."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import click

_WIDEST_OPTION: Final = 32
"""Columns from which an option stands on a line of its own."""


class Command(click.Command):
    """A command whose help ends with an example; its options may stand under headings.

    With *own_modules*, modules of the current directory may be imported, as ``python -m`` has it:
    for commands that meet a user's own targets and scorers.
    """

    def __init__(
        self, *arguments: Any, example: str, own_modules: bool = False, **settings: Any
    ) -> None:
        super().__init__(*arguments, **settings)
        self.example = example
        self.own_modules = own_modules

    def make_parser(self, ctx: click.Context) -> Any:
        """Return click's parser, which refuses an option of one value that is given twice."""
        parser: Any = super().make_parser(ctx)
        parse = parser.parse_args

        def checked(args: list[str]) -> Any:
            options, rest, order = parse(args)
            single = [one for one in order if isinstance(one, click.Option) and not one.is_flag]
            for option in single:
                if not option.multiple and not option.count and single.count(option) > 1:
                    problem = f"{option.opts[-1]} is given more than once; give it once."
                    raise click.UsageError(problem, ctx)
            return options, rest, order

        parser.parse_args = checked
        return parser

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        if self.own_modules and str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, those without a heading last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for option in self.get_params(ctx):
            record = option.get_help_record(ctx)
            if isinstance(option, click.Option) and record is not None:
                section = getattr(option, "section", "Options")
                row = (click.style(record[0], fg="cyan"), record[1])
                sections.setdefault(section, []).append(row)
        last = sections.pop("Options", [])
        for section, rows in [*sections.items(), ("Options", last)]:
            if rows:
                with heading(formatter, section):
                    formatter.write_dl(rows, col_max=_WIDEST_OPTION)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the example."""
        with heading(formatter, "Example"):
            for line in self.example.splitlines():
                formatter.write(f"{'':>{formatter.current_indent}}{line}\n")


class Option(click.Option):
    """An option under a heading, *section*, of its command's help."""

    def __init__(self, *arguments: Any, section: str = "Options", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.section = section


@contextlib.contextmanager
def heading(formatter: click.HelpFormatter, name: str) -> Generator[None]:
    """Write *name* in bold, and what is written in the block below it, moved in."""
    formatter.write_paragraph()
    formatter.write(click.style(f"{name}:", bold=True) + "\n")
    with formatter.indentation():
        yield


class Group(click.Group):
    """A noun with its verbs; verbs stand in the order in which they were added."""

    command_class = Command

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the verbs, unsorted."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the verbs with their summaries."""
        rows = [
            (click.style(name, fg="cyan"), command.get_short_help_str(200))
            for name, command in self.commands.items()
        ]
        with heading(formatter, "Commands"):
            formatter.write_dl(rows)
