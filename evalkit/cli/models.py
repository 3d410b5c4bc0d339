"""``evalkit models``: registered models, their versions and aliases."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from evalkit.cli.command import Group
from evalkit.cli.keywords import keyword
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import ago, emit
from evalkit.registry import models
from evalkit.registry.uri import is_model_uri
from evalkit.report.console import Part, fields, listing, styled
from evalkit.report.texts import one_line
from evalkit.tracking.place import current_store, get_tracking_uri

if TYPE_CHECKING:
    from evalkit.entities.registered_model import ModelVersion

_ID_LENGTH = 12


@click.group("models", cls=Group)
def command() -> None:
    """List, show and register models, and move their aliases."""


@command.command("list", example="evalkit models list")
@click.argument("contains", default="", metavar="[TEXT]")
@click.option("--limit", type=click.IntRange(min=1), default=100, metavar="N", help="Most; 100.")
@json_option
@store_option
def list_models(contains: str, limit: int, as_json: bool) -> None:
    """List the registered models whose names have TEXT in them, or all."""
    registered = [dataclasses.asdict(model) for model in models.search(contains, limit=limit)]
    called = f" whose name has {contains!r} in it" if contains else ""
    nothing = f"There is no registered model{called} in {get_tracking_uri()}."
    emit(registered, _models, as_json=as_json, empty=nothing)


def _models(registered: Sequence[Mapping[str, Any]]) -> Iterator[Part]:
    rows = [
        (
            model["name"],
            "" if model["latest_version"] is None else str(model["latest_version"]),
            ", ".join(f"{alias} {number}" for alias, number in model["aliases"].items()),
            ago(model["last_update_time"]),
            one_line(model["description"], 60),
        )
        for model in registered
    ]
    yield listing(("model", "latest", "aliases", "changed", "description"), rows, "llllf")


@command.command(
    "show", example="evalkit models show bot\nevalkit models show models:/bot@champion"
)
@click.argument("model", metavar="NAME|URI")
@json_option
@store_option
def show(model: str, as_json: bool) -> None:
    """Show a registered model with its versions, or one version.

    URI is models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/latest.
    """
    if is_model_uri(model):
        emit(_version_facts(models.get(model)), _version, as_json=as_json)
        return
    facts = dataclasses.asdict(current_store().models.get(model))
    facts["versions"] = [_version_facts(version) for version in models.versions(model)]
    emit(facts, _model, as_json=as_json)


def _version_facts(version: ModelVersion) -> dict[str, Any]:
    return {"uri": version.uri, **dataclasses.asdict(version)}


def _model(facts: Mapping[str, Any]) -> Iterator[Part]:
    yield styled(facts["name"])
    if facts["description"]:
        yield facts["description"]
    if facts["tags"]:
        yield styled(_pairs(facts["tags"]), "dim")
    if not facts["versions"]:
        yield "It has no version yet."
        return
    rows = [
        (
            str(version["version"]),
            ", ".join(version["aliases"]),
            (version["run_id"] or "")[:_ID_LENGTH],
            (version["model_id"] or "")[:_ID_LENGTH],
            ago(version["creation_time"]),
            one_line(version["description"], 60),
        )
        for version in facts["versions"]
    ]
    heads = ("version", "aliases", "run", "model id", "registered", "description")
    yield from ("", listing(heads, rows, "lllllf"))


def _version(facts: Mapping[str, Any]) -> Iterator[Part]:
    pairs = {
        "aliases": ", ".join(facts["aliases"]),
        "run": facts["run_id"],
        "model id": facts["model_id"],
        "source": facts["source"],
        "status": str(facts["status"]).lower(),
        "registered": f"{ago(facts['creation_time'])} by {facts['user_id'] or 'somebody'}",
        "tags": _pairs(facts["tags"]),
        "description": facts["description"],
    }
    yield styled(facts["uri"])
    yield fields((name, value) for name, value in pairs.items() if value)


def _pairs(tags: Mapping[str, str]) -> str:
    return ", ".join(f"{one_line(key)} = {one_line(value, 60)}" for key, value in tags.items())


@command.command("register", example="evalkit models register bot latest --alias champion")
@click.argument("name", metavar="NAME")
@click.argument("run", metavar="RUN")
@click.option("--alias", metavar="ALIAS", help="Alias to point at the new version.")
@click.option("--description", default="", metavar="TEXT", help="What is new in the version.")
@keyword("tags", "Tag of the version.")
@json_option
@store_option
def register(name: str, run: str, *, alias: str | None, as_json: bool, **options: Any) -> None:
    """Register the model that RUN evaluated as the next version of NAME."""
    made = models.register(name, run, alias=alias, **options)
    pointed = f", now {name}@{alias}" if alias else ""
    line = f"Registered {made.uri} from run {made.run_id}{pointed}."
    emit(_version_facts(made), line, as_json=as_json)


@command.command(
    "alias",
    example="evalkit models alias bot champion 3\nevalkit models alias bot champion --delete",
)
@click.argument("name", metavar="NAME")
@click.argument("alias", metavar="ALIAS")
@click.argument("version", metavar="[VERSION|latest]", required=False)
@click.option("--delete", is_flag=True, help="Take the alias away.")
@json_option
@store_option
def move_alias(name: str, alias: str, version: str | None, delete: bool, as_json: bool) -> None:
    """Point ALIAS at a version of NAME; from another version it moves away."""
    if delete is (version is not None):
        raise click.UsageError("Give the version that the alias is to point to, or --delete.")
    store = current_store()
    before = store.models.get(name).aliases.get(alias)
    if version is None:
        models.delete_alias(name, alias)
        line = f"{name}@{alias} is gone; it was version {before}."
        line = line if before is not None else f"{name} has no alias {alias}."
    else:
        number = models.get(f"models:/{name}/{version}").version
        models.set_alias(name, alias, number)
        was = "" if before in {None, number} else f"; it was version {before}"
        line = f"{name}@{alias} is version {number}{was}."
    facts = dataclasses.asdict(store.models.get(name))
    emit(facts, line, as_json=as_json)
