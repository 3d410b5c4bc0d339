"""A group whose commands are imported when they are used, and plug-ins' commands beside ours."""

from __future__ import annotations

import functools
import importlib
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import click

from evalkit._internal.installed import DISTRIBUTION
from evalkit.cli.command import heading
from evalkit.cli.guard import LogLines, guarded
from evalkit.cli.options import STORE
from evalkit.cli.output import write_nowhere
from evalkit.errors import InterruptedRunError, near_miss
from evalkit.settings import colours


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """What the list of commands shows of one before its module is imported."""

    section: str
    summary: str


class LazyGroup(click.Group):
    """Imports ``evalkit.cli.NAME`` when NAME is used; turns errors into lines and exit codes."""

    def __init__(self, name: str, *, lazy: Mapping[str, LazyCommand], **settings: Any) -> None:
        """Offer the commands of *lazy*, in its order."""
        settings.setdefault("context_settings", {"help_option_names": ["-h", "--help"]})
        super().__init__(name, **settings)
        self.lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Return the names of our commands, then those of plug-ins."""
        return [*self.lazy, *sorted(_of_plugins(self.lazy))]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command, imported now; ``None`` if there is none of the name."""
        if cmd_name in self.lazy:
            module = importlib.import_module(f"evalkit.cli.{cmd_name}")
            return cast("click.Command", module.command)
        return _of_plugins(self.lazy).get(cmd_name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that *args* begin with, or suggest a close name."""
        name = args[0]
        command = self.get_command(ctx, name)
        if command is None and not ctx.resilient_parsing and not name.startswith("-"):
            hint = near_miss(name, self.list_commands(ctx))
            raise click.UsageError(f"No command is called {name!r}.{hint}", ctx)
        if command is None:
            return super().resolve_command(ctx, args)
        return name, command, args[1:]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the commands under their headings, without importing them."""
        lines = {name: entry.summary for name, entry in self.lazy.items()}
        strange = sorted(_of_plugins(self.lazy).items())
        lines |= {name: command.get_short_help_str(200) for name, command in strange}
        widest = max(map(len, lines))  # one column for all sections
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, summary in lines.items():
            section = self.lazy[name].section if name in self.lazy else "Plug-ins"
            row = (click.style(name.ljust(widest), fg="cyan"), summary)
            sections.setdefault(section, []).append(row)
        for section, rows in sections.items():
            with heading(formatter, section):
                formatter.write_dl(rows, col_max=40)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the paragraphs that close the page."""
        for paragraph in (self.epilog or "").split("\n\n"):
            formatter.write_paragraph()
            formatter.write_text(paragraph)

    def make_context(self, *arguments: Any, **settings: Any) -> click.Context:
        """Read the arguments; prints the help, whose reader may go away."""
        try:
            return super().make_context(*arguments, **settings)
        except BrokenPipeError:
            write_nowhere()
            raise click.exceptions.Exit(0) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; after Ctrl-C, say how to go on."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            write_nowhere()
        except InterruptedRunError as error:
            store = ctx.meta.get(STORE)
            more = "" if store is None or error.run_id is None else f" --store {shlex.quote(store)}"
            click.echo(f"{error}{more}", err=True)
            ctx.exit(error.exit_code)

    def main(  # type: ignore[override]
        self, *arguments: Any, standalone_mode: bool = True, **settings: Any
    ) -> int:
        """Run the command line and return its exit code, or exit with it in standalone mode."""
        settings.setdefault("color", colours())
        run = functools.partial(super().main, *arguments, standalone_mode=False, **settings)
        with LogLines():
            code = guarded(run)
        if standalone_mode:
            sys.exit(code)
        return code


def _of_plugins(ours: Mapping[str, LazyCommand]) -> dict[str, click.Command]:
    """Return the commands of strangers' plug-ins; loads plug-ins only if there are strangers."""
    from importlib.metadata import entry_points

    points = entry_points(group="evalkit")
    if all(point.dist is not None and point.dist.name == DISTRIBUTION for point in points):
        return {}
    from evalkit.hooks.catalog import catalog

    known = catalog()
    commands: dict[str, click.Command] = {}
    for entry in known.usable(known.commands):
        if entry.name in ours:
            known.plugins.leave_out(entry.provenance, f"{entry.name!r}, which is evalkit's own")
        elif not isinstance(entry.item, click.Command):
            known.plugins.leave_out(entry.provenance, f"{entry.name!r} is no click command")
        else:
            commands[entry.name] = entry.item
    return commands
