"""Name models, number their versions, and point aliases such as ``champion`` at them.

Examples:
    >>> import evalkit
    >>> from evalkit import models, tracking
    >>> tracking.set_tracking_uri("sqlite://")
    >>> rows = [{"question": "1+1?", "expected": "2", "output": "2"}]
    >>> result = evalkit.evaluate(data=rows, scorers="text.exact_match")
    >>> models.register("calculator", result, alias="champion").uri
    'models:/calculator/1'
    >>> models.get("models:/calculator@champion").run_id == result.run_id
    True
    >>> tracking.set_tracking_uri(None)
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

from evalkit.entities.registered_model import (
    MODEL_ID_TAG,
    STATUS_TAG,
    WHOLE,
    ModelVersion,
    RegisteredModel,
)
from evalkit.entities.run import Run
from evalkit.errors import RunNotFoundError, UsageError
from evalkit.registry.uri import find_version
from evalkit.store import Store
from evalkit.tracking.active import user_name
from evalkit.tracking.place import current_store

__all__ = ["delete_alias", "get", "register", "search", "set_alias", "set_tags", "versions"]


_log = logging.getLogger("evalkit.registry")


@runtime_checkable
class _Evaluated(Protocol):
    """What is read of a result: the classes of results are above this room."""

    @property
    def run_id(self) -> str | None: ...

    @property
    def model_id(self) -> str | None: ...


def register(
    name: str,
    source: object,
    *,
    alias: str | None = None,
    tags: Mapping[str, str] | None = None,
    description: str = "",
) -> ModelVersion:
    """Register the model that was evaluated as the next version of *name*, and return it.

    The registered model is made if there is none of the name.

    Args:
        name: Name of the registered model: up to 256 characters without ``/`` and ``:``.
        source: A finished evaluation: its result, its run (`Run`, id or unique beginning, name,
            ``latest``), or the ``model_id`` of a result, which means the newest run of that model.
        alias: Alias to point at the new version, such as ``champion``; it moves here.
        tags: Tags of the version.
        description: What is new in the version.

    Raises:
        RunNotFoundError: If the store in use has no such run.
        UsageError: If the run holds no evaluation that has ended, or the name or alias cannot be
            one.
    """
    store = current_store()
    run = _evaluated_run(store, source)
    model_id = run.data.tags.get(MODEL_ID_TAG)
    if model_id is not None and isinstance(source, _Evaluated):
        model_id = source.model_id  # a run may have evaluated several models, one after another
    if model_id is None:
        raise UsageError(
            f"Run {run.run_id} ({run.run_name}) holds no evaluation that has ended, so it tells no "
            "model to register."
        )
    version = store.versions.create(
        name,
        source=f"runs:/{run.run_id}",
        run_id=run.run_id,
        model_id=model_id,
        user=user_name(),
        description=description,
        tags=tags,
        aliases=() if alias is None else (alias,),
        create_model=True,
    )
    ended = run.data.tags.get(STATUS_TAG, "complete")
    if ended not in WHOLE:
        _log.warning(
            "%s rests on a part of the cases: the evaluation of run %s (%s) is %s.",
            version.uri,
            run.run_id,
            run.run_name,
            ended,
        )
    return version


def get(uri: str) -> ModelVersion:
    """Return the version that *uri* means now.

    Args:
        uri: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, or ``models:/NAME/latest``.

    Raises:
        ModelUriError: If *uri* is of no such form.
        RegisteredModelNotFoundError: If there is no such model; suggests a close name.
        ModelVersionNotFoundError: If it has no such version or alias; suggests a close one.
    """
    return find_version(current_store(), uri)


def search(
    contains: str = "",
    *,
    tags: Mapping[str, str] | None = None,
    filter: str | None = None,  # noqa: A002  MLflow's word
    order_by: str | Sequence[str] | None = None,
    limit: int = 1000,
    after: str | None = None,
) -> list[RegisteredModel]:
    """Return registered models, by default in the order of their names.

    Args:
        contains: Only models whose name has this in it, in upper or lower case.
        tags: Only models that have all these tags with these values.
        filter: As `evalkit.tracking.search_runs` takes it, by ``name``, ``creation_time``,
            ``last_update_time`` and ``tags.KEY``.
        order_by: Such as ``"last_update_time DESC"``.
        limit: At most this many.
        after: Name of the last model of the page before.

    Raises:
        FilterSyntaxError: If *filter* or *order_by* does not parse; points at the character.
    """
    return current_store().models.search(
        contains=contains,
        tags=tags,
        filter=filter or "",
        order_by=order_by or (),
        limit=limit,
        after=after,
    )


def versions(
    name: str | None = None, *, tags: Mapping[str, str] | None = None, limit: int = 1000
) -> list[ModelVersion]:
    """Return the versions of a model, or of all models; the newest of each first.

    Raises:
        RegisteredModelNotFoundError: If there is no model *name*; suggests a close name.
    """
    return current_store().versions.search(name, tags=tags, limit=limit)


def set_alias(name: str, alias: str, version: int) -> None:
    """Point *alias* at a version of the model *name*; from another version it moves away.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
        ModelVersionNotFoundError: If it has no such version.
        UsageError: If *alias* cannot be one: ``latest`` and ``v3`` read as versions.
    """
    current_store().models.set_alias(name, alias, version)


def delete_alias(name: str, alias: str) -> None:
    """Take *alias* from the model *name*; one that it does not have is no error.

    Raises:
        RegisteredModelNotFoundError: If there is no such model.
    """
    current_store().models.delete_alias(name, alias)


def set_tags(uri: str, tags: Mapping[str, str]) -> None:
    """Set tags on the version that *uri* means; a tag that it has changes its value.

    Raises:
        ModelUriError: If *uri* is of no form that is read.
        ModelVersionNotFoundError: If there is no such version.
    """
    store = current_store()
    version = find_version(store, uri)
    store.versions.set_tags(version.name, version.version, tags)


def _evaluated_run(store: Store, source: object) -> Run:
    if isinstance(source, Run):
        return source
    if isinstance(source, str):
        try:
            return store.runs.resolve(source)
        except RunNotFoundError:
            newest = store.runs.search(tags={MODEL_ID_TAG: source}, limit=1)
            if not newest:
                raise
            return newest[0]
    if not isinstance(source, _Evaluated):
        raise UsageError(
            f"A {type(source).__name__} cannot be registered: give a result, a run, or a model_id."
        )
    if source.run_id is None:
        raise UsageError("The result is in no store; evaluate without Runtime(store=False) first.")
    return store.runs.get(source.run_id)
