"""``evalkit models``: registered models, their versions and aliases."""

from __future__ import annotations

import click

from evalkit.cli.command import Command, Group
from evalkit.cli.options import json_option, store_option
from evalkit.cli.output import tell, write, write_json
from evalkit.cli.words import tags_of


@click.group("models", cls=Group)
def command() -> None:
    """List, show and register models, and move their aliases."""


@command.command("list", cls=Command, example="evalkit models list")
@click.argument("contains", default="", metavar="[TEXT]")
@click.option("--limit", type=click.IntRange(min=1), default=100, metavar="N", help="Most; 100.")
@json_option
@store_option
def list_models(contains: str, limit: int, as_json: bool) -> None:
    """List the registered models whose names have TEXT in them, or all."""
    from evalkit.cli.models_shown import model_facts, show_models
    from evalkit.registry import models
    from evalkit.tracking.place import get_tracking_uri

    found = [model_facts(model) for model in models.search(contains, limit=limit)]
    if as_json:
        write_json(found)
    elif found:
        show_models(found)
    else:
        called = f" whose name has {contains!r} in it" if contains else ""
        tell(f"There is no registered model{called} in {get_tracking_uri()}.")


@command.command(
    "show", cls=Command, example="evalkit models show bot\nevalkit models show models:/bot@champion"
)
@click.argument("model", metavar="NAME|URI")
@json_option
@store_option
def show(model: str, as_json: bool) -> None:
    """Show a registered model with its versions, or one version.

    URI is models:/NAME/VERSION, models:/NAME@ALIAS or models:/NAME/latest.
    """
    from evalkit.cli.models_shown import model_facts, show_model, show_version, version_facts
    from evalkit.registry import models
    from evalkit.registry.uri import is_model_uri
    from evalkit.tracking.place import current_store

    if is_model_uri(model):
        facts = version_facts(models.get(model))
        shown = show_version
    else:
        facts = model_facts(current_store().models.get(model))
        facts["versions"] = [version_facts(version) for version in models.versions(model)]
        shown = show_model
    if as_json:
        write_json(facts)
    else:
        shown(facts)


@command.command(
    "register", cls=Command, example="evalkit models register bot latest --alias champion"
)
@click.argument("name", metavar="NAME")
@click.argument("run", metavar="RUN")
@click.option("--alias", metavar="ALIAS", help="Alias to point at the new version.")
@click.option("--description", default="", metavar="TEXT", help="What is new in the version.")
@click.option(
    "--tag",
    "tags",
    multiple=True,
    metavar="KEY=VALUE",
    callback=tags_of,
    help="Tag of the version.",
)
@json_option
@store_option
def register(
    *, name: str, run: str, alias: str | None, description: str, tags: dict[str, str], as_json: bool
) -> None:
    """Register the model that RUN evaluated as the next version of NAME."""
    from evalkit.cli.models_shown import version_facts
    from evalkit.registry import models

    made = models.register(name, run, alias=alias, description=description, tags=tags)
    if as_json:
        write_json(version_facts(made))
        return
    pointed = f", now {name}@{alias}" if alias else ""
    write(f"Registered {made.uri} from run {made.run_id}{pointed}.")


@command.command(
    "alias",
    cls=Command,
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
    from evalkit.cli.models_shown import model_facts
    from evalkit.registry import models
    from evalkit.tracking.place import current_store

    if delete is (version is not None):
        raise click.UsageError("Give the version that the alias is to point to, or --delete.")
    before = current_store().models.get(name).aliases.get(alias)
    if version is None:
        models.delete_alias(name, alias)
        told = f"{name}@{alias} is gone; it was version {before}."
        told = told if before is not None else f"{name} has no alias {alias}."
    else:
        number = models.get(f"models:/{name}/{version}").version
        models.set_alias(name, alias, number)
        was = "" if before in {None, number} else f"; it was version {before}"
        told = f"{name}@{alias} is version {number}{was}."
    if as_json:
        write_json(model_facts(current_store().models.get(name)))
    else:
        write(told)
