"""How ``evalkit models`` describes registered models."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evalkit.cli.output import facts_grid, listing, show

if TYPE_CHECKING:
    from evalkit.entities.registered_model import ModelVersion, RegisteredModel

_ID_SHOWN = 12


def model_facts(model: RegisteredModel) -> dict[str, Any]:
    """Return what lists and pages show of *model*, as plain values."""
    return dataclasses.asdict(model)


def version_facts(version: ModelVersion) -> dict[str, Any]:
    """Return what lists and pages show of *version*, as plain values."""
    return {"uri": version.uri, **dataclasses.asdict(version)}


def show_models(found: Sequence[dict[str, Any]]) -> None:
    """Print a line a model: its newest version, its aliases, and what it is."""
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.cli.runs_shown import ago
    from evalkit.report.texts import one_line

    now, table = now_milliseconds(), listing()
    for column in ("model", "latest", "aliases", "changed", "description"):
        table.add_column(column, no_wrap=column != "description", overflow="fold")
    for facts in found:
        aliases = ", ".join(f"{alias} {number}" for alias, number in facts["aliases"].items())
        cells = [
            facts["name"],
            "" if facts["latest_version"] is None else str(facts["latest_version"]),
            aliases,
            ago(now - facts["last_update_time"]),
            one_line(facts["description"], 60),
        ]
        table.add_row(*map(Text, cells))
    show(table)


def show_model(facts: dict[str, Any]) -> None:
    """Print a model, and a line a version, the newest first."""
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.cli.runs_shown import ago
    from evalkit.report.texts import one_line

    parts: list[Any] = [Text(facts["name"], "bold")]
    if facts["description"]:
        parts.append(Text(facts["description"]))
    if facts["tags"]:
        parts.append(Text(_pairs(facts["tags"]), "dim"))
    now, table = now_milliseconds(), listing()
    for column in ("version", "aliases", "run", "model id", "registered", "description"):
        table.add_column(column, no_wrap=column != "description", overflow="fold")
    for version in facts["versions"]:
        cells = [
            str(version["version"]),
            ", ".join(version["aliases"]),
            (version["run_id"] or "")[:_ID_SHOWN],
            (version["model_id"] or "")[:_ID_SHOWN],
            ago(now - version["creation_time"]),
            one_line(version["description"], 60),
        ]
        table.add_row(*map(Text, cells))
    show(*parts, *([Text(), table] if facts["versions"] else [Text("It has no version yet.")]))


def show_version(facts: dict[str, Any]) -> None:
    """Print everything about one version."""
    from rich.text import Text

    from evalkit._internal.clock import now_milliseconds
    from evalkit.cli.runs_shown import ago

    grid = facts_grid()
    rows = {
        "aliases": ", ".join(facts["aliases"]),
        "run": facts["run_id"],
        "model id": facts["model_id"],
        "source": facts["source"],
        "status": str(facts["status"]).lower(),
        "registered": f"{ago(now_milliseconds() - facts['creation_time'])} by "
        f"{facts['user_id'] or 'somebody'}",
        "tags": _pairs(facts["tags"]),
        "description": facts["description"],
    }
    for name, value in rows.items():
        if value:
            grid.add_row(name, Text(value))
    show(Text(facts["uri"], "bold"), grid)


def _pairs(tags: dict[str, str]) -> str:
    from evalkit.report.texts import one_line

    return ", ".join(f"{one_line(key)} = {one_line(value, 60)}" for key, value in tags.items())
