"""URIs of model versions: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``…/latest``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from evalkit.entities.registered_model import ModelVersion
from evalkit.errors import ModelUriError
from evalkit.store import Store

SCHEME: Final = "models:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUri:
    """The parts of a URI; without version and alias it means the newest version."""

    name: str
    version: int | None = None
    alias: str | None = None


def is_model_uri(source: object) -> bool:
    """Say whether *source* is a text that is meant to name a model version."""
    return isinstance(source, str) and source.startswith(SCHEME)


def parse_model_uri(uri: str) -> ModelUri:
    """Return the parts of a ``models:/`` URI.

    Raises:
        ModelUriError: If it is of none of the three forms.

    Examples:
        >>> parse_model_uri("models:/bot@champion")
        ModelUri(name='bot', version=None, alias='champion')
        >>> parse_model_uri("models:/bot/3").version
        3
        >>> parse_model_uri("models:/bot/latest")
        ModelUri(name='bot', version=None, alias=None)
    """
    name, slash, version = uri.removeprefix(SCHEME).removeprefix("/").partition("/")
    if not uri.startswith(f"{SCHEME}/"):
        raise ModelUriError(uri, f"does not begin with {SCHEME}/")
    if not slash:
        name, at, alias = name.rpartition("@")
        if not at:
            raise ModelUriError(uri, "names no version")
        if not name or not alias:
            raise ModelUriError(uri, "lacks a name or an alias")
        return ModelUri(name=name, alias=alias)
    if not name:
        raise ModelUriError(uri, "lacks a name")
    if version.lower() == "latest":
        return ModelUri(name=name)
    if not (version.isascii() and version.isdigit()):
        hint = f", and aliases follow '@': models:/{name}@{version}" if version else ""
        raise ModelUriError(uri, f"has no number after its name{hint}")
    return ModelUri(name=name, version=int(version))


def find_version(store: Store, uri: str) -> ModelVersion:
    """Return the version that *uri* means now; raises what `evalkit.models.get` raises."""
    parts = parse_model_uri(uri)
    if parts.alias is not None:
        return store.versions.by_alias(parts.name, parts.alias)
    if parts.version is not None:
        return store.versions.get(parts.name, parts.version)
    return store.versions.latest(parts.name)
