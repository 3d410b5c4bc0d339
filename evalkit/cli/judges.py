"""``evalkit judges``: what judges are worth."""

from __future__ import annotations

import click

from evalkit.cli.command import Group
from evalkit.cli.judges_audit import audit


@click.group("judges", cls=Group)
def command() -> None:
    """Audit judges."""


command.add_command(audit)
