"""``evalkit recordings``: the calls that need not be paid again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import click

from evalkit.cli.command import Group
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import emit, tell, write, write_json
from evalkit.llm.inventory import Entry, list_entries, list_stale, prune, recording_at
from evalkit.report.console import Part, listing, styled

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


@command.command("list", example="evalkit recordings list tests/recordings")
@_place_argument
@json_option
@store_option
def list_recordings(folder: str | None, as_json: bool) -> None:
    """List models with their recorded calls, the one used last first."""
    place = _place(folder)
    listed = list_entries(place) if place.exists() else []
    groups: dict[str, list[Entry]] = {}
    for entry in listed:
        groups.setdefault(entry.model, []).append(entry)
    facts: dict[str, Any] = {
        "place": str(place),
        "recordings": len(listed),
        "bytes": sum(entry.bytes for entry in listed),
        "models": [
            {
                "model": model,
                "recordings": len(group),
                "bytes": sum(entry.bytes for entry in group),
                "used": max(
                    (entry.used for entry in group if entry.used is not None), default=None
                ),
            }
            for model, group in groups.items()
        ],
    }
    if not listed and not as_json:
        tell(f"There are no recordings at {place}.")
        return
    emit(facts, _models, as_json=as_json)
    if not as_json:
        write(f"\n{len(listed):,} recordings, {_size(facts['bytes'])}, in {place}")


def _models(facts: Mapping[str, Any]) -> Iterator[Part]:
    rows = [
        (
            styled(model["model"]),
            f"{model['recordings']:,}",
            _size(model["bytes"]),
            _moment(model["used"]),
        )
        for model in facts["models"]
    ]
    yield listing(("model", "recordings", "size", "last used"), rows, "frrr")


@command.command("show", example="evalkit recordings show 3fa94c tests/recordings")
@click.argument("key", metavar="KEY")
@_place_argument
@json_option
@store_option
def show_recording(key: str, folder: str | None, as_json: bool) -> None:
    """Show what was asked and answered in one recording; the beginning of its key will do."""
    recording = recording_at(_place(folder), key)
    emit(recording, "\n".join(_lines(recording)), as_json=as_json)


def _lines(recording: Mapping[str, Any]) -> Iterator[str]:
    yield f"key    {recording['key']}"
    for name, value in recording["asked"].items():
        if name != "messages" and value not in (None, {}, []):
            yield f"{name:<6} {value}"
    for message in recording["asked"].get("messages", ()):
        yield f"--- {message.get('role')}\n{message.get('content')}"
    reply = dict(recording["reply"])
    yield f"--- reply\n{reply.pop('text', reply.pop('output', None))}"
    for name, value in reply.items():
        yield f"{name}: {value}"


@command.command("stale", example="evalkit recordings stale tests/recordings")
@_place_argument
@_days_option
@json_option
@store_option
def list_stale_recordings(folder: str | None, days: float | None, as_json: bool) -> None:
    """List recordings that have fallen out of use."""
    place = _place(folder)
    facts = [asdict(entry) for entry in list_stale(place, days=_days(place, days))]
    emit(facts, _entries, as_json=as_json, empty=f"Every recording at {place} is in use.")


def _entries(facts: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    rows = [
        (styled(fact["key"][:12]), fact["model"], _size(fact["bytes"]), _moment(fact["used"]))
        for fact in facts
    ]
    yield listing(("key", "model", "size", "last used"), rows, "lfrr")


@command.command("prune", example="evalkit recordings prune tests/recordings --yes")
@_place_argument
@_days_option
@click.option("--yes", is_flag=True, help="Delete them; without it, only say what would go.")
@json_option
@store_option
def prune_recordings(folder: str | None, days: float | None, yes: bool, as_json: bool) -> None:
    """Delete recordings that have fallen out of use."""
    place = _place(folder)
    stale = (prune if yes else list_stale)(place, days=_days(place, days))
    size = sum(entry.bytes for entry in stale)
    if as_json:
        write_json({"deleted": yes, "bytes": size, "keys": [entry.key for entry in stale]})
    elif yes:
        tell(f"Deleted {len(stale):,} recordings of {_size(size)} from {place}.")
    else:
        tell(f"{len(stale):,} recordings of {_size(size)} would go from {place}; add --yes.")


def _place(folder: str | None) -> Path:
    if folder is not None:
        return Path(folder)
    from evalkit.evaluation.running.model_session import cache_path

    place = cache_path(None)
    assert place is not None  # noqa: S101  there is always one but for store=False
    return place


def _days(place: Path, days: float | None) -> float:
    if days is not None:
        return days
    return _FOLDER_DAYS if place.is_dir() else _CACHE_DAYS


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
