"""``evalkit recordings``: the calls that need not be paid again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import listing, show, tell, write, write_json

if TYPE_CHECKING:
    from evalkit.llm.inventory import Entry

_CACHE_DAYS: Final = 30.0
_FOLDER_DAYS: Final = 1.0

_place_argument = click.argument("folder", required=False, metavar="[FOLDER]")
_days_option = click.option(
    "--days",
    type=click.FloatRange(min=0),
    metavar="N",
    help="Days without use; 30 in the cache, in a folder 1 before its last use.",
)


@click.group("recordings", cls=Group)
def command() -> None:
    """List, show and prune recorded model calls.

    FOLDER is one of `--recordings`, or the file of a cache; the cache beside the store by default.
    """


@command.command("list", cls=Command, example="evalkit recordings list tests/recordings")
@_place_argument
@json_option
@store_option
def list_recordings(folder: str | None, as_json: bool) -> None:
    """List models with their recorded calls, the one used last first."""
    from evalkit.llm.inventory import entries

    place = _place(folder)
    found = entries(place) if place.exists() else []
    groups: dict[str, list[Entry]] = {}
    for entry in found:
        groups.setdefault(entry.label, []).append(entry)
    models = [_group(label, group) for label, group in groups.items()]
    size = sum(entry.bytes for entry in found)
    if as_json:
        facts = {"place": str(place), "recordings": len(found), "bytes": size, "models": models}
        write_json(facts)
    elif found:
        _show_models(models)
        write("")
        write(f"{len(found):,} recordings, {_size(size)}, in {place}")
    else:
        tell(f"There are no recordings at {place}.")


@command.command("show", cls=Command, example="evalkit recordings show 3fa94c tests/recordings")
@click.argument("key", metavar="KEY")
@_place_argument
@json_option
@store_option
def show_recording(key: str, folder: str | None, as_json: bool) -> None:
    """Show what was asked and answered in one recording; the beginning of its key will do."""
    from evalkit.llm.inventory import recording_at

    found = recording_at(_place(folder), key)
    if as_json:
        write_json(found)
        return
    write(f"key    {found['key']}")
    for name, value in found["asked"].items():
        if name != "messages" and value not in (None, {}, []):
            write(f"{name:<6} {value}")
    for message in found["asked"].get("messages", ()):
        write(f"--- {message.get('role')}\n{message.get('content')}")
    reply = dict(found["reply"])
    write(f"--- reply\n{reply.pop('text', reply.pop('output', None))}")
    for name, value in reply.items():
        write(f"{name}: {value}")


@command.command("stale", cls=Command, example="evalkit recordings stale tests/recordings")
@_place_argument
@_days_option
@json_option
@store_option
def list_stale_recordings(folder: str | None, days: float | None, as_json: bool) -> None:
    """List recordings that have fallen out of use."""
    place = _place(folder)
    found = _stale(place, days)
    if as_json:
        write_json([_facts(entry) for entry in found])
    elif found:
        _show_entries(found)
    else:
        tell(f"Every recording at {place} is in use.")


@command.command("prune", cls=Command, example="evalkit recordings prune tests/recordings --yes")
@_place_argument
@_days_option
@click.option("--yes", is_flag=True, help="Delete them; without it, only say what would go.")
@json_option
@store_option
def prune_recordings(folder: str | None, days: float | None, yes: bool, as_json: bool) -> None:
    """Delete recordings that have fallen out of use."""
    from evalkit.llm.recorder import prune

    place = _place(folder)
    found = _stale(place, days)
    if yes:
        gone = set(prune(place, days=_days(place, days)))
        found = [entry for entry in found if entry.key in gone]
    size = sum(entry.bytes for entry in found)
    if as_json:
        write_json({"deleted": yes, "bytes": size, "keys": [entry.key for entry in found]})
    elif yes:
        tell(f"Deleted {len(found):,} recordings of {_size(size)} from {place}.")
    else:
        tell(f"{len(found):,} recordings of {_size(size)} would go from {place}; add --yes.")


def _place(folder: str | None) -> Path:
    if folder is not None:
        return Path(folder)
    from evalkit.evaluation.running.model_session import cache_path

    found = cache_path(None)
    assert found is not None  # noqa: S101  there is always one but for store=False
    return found


def _days(place: Path, days: float | None) -> float:
    if days is not None:
        return days
    return _FOLDER_DAYS if place.is_dir() else _CACHE_DAYS


def _stale(place: Path, days: float | None) -> list[Entry]:
    from evalkit.llm.inventory import entries
    from evalkit.llm.recorder import list_stale

    keys = set(list_stale(place, days=_days(place, days)))
    return [entry for entry in entries(place) if entry.key in keys]


def _facts(entry: Entry) -> dict[str, Any]:
    return {
        "key": entry.key,
        "model": entry.label,
        "bytes": entry.bytes,
        "recorded": entry.recorded,
        "used": entry.used,
    }


def _group(label: str, group: Sequence[Entry]) -> dict[str, Any]:
    used = [entry.used for entry in group if entry.used is not None]
    return {
        "model": label,
        "recordings": len(group),
        "bytes": sum(entry.bytes for entry in group),
        "used": max(used, default=None),
    }


def _show_models(models: Sequence[dict[str, Any]]) -> None:
    from rich.text import Text

    table = listing()
    table.add_column("model", overflow="fold")
    for name in ("recordings", "size", "last used"):
        table.add_column(name, no_wrap=True, justify="right")
    for facts in models:
        size, used = _size(facts["bytes"]), _moment(facts["used"])
        table.add_row(Text(facts["model"], "bold"), f"{facts['recordings']:,}", size, used)
    show(table)


def _show_entries(found: Sequence[Entry]) -> None:
    from rich.text import Text

    table = listing()
    table.add_column("key", no_wrap=True)
    table.add_column("model", overflow="fold")
    for name in ("size", "last used"):
        table.add_column(name, no_wrap=True, justify="right")
    for entry in found:
        size, used = _size(entry.bytes), _moment(entry.used)
        table.add_row(Text(entry.key[:12], "bold"), Text(entry.label), size, used)
    show(table)


def _size(count: int) -> str:
    for unit, share in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if count >= share:
            return f"{count / share:.3g} {unit}"
    return f"{count} B"


def _moment(milliseconds: int | None) -> str:
    from datetime import UTC, datetime

    if milliseconds is None:
        return "unknown"
    return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M")
