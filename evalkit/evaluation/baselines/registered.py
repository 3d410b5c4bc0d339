"""The evaluation that stands for a version of a registered model, to be compared with."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final, TypeVar

from evalkit.entities.registered_model import MODEL_ID_TAG, ModelVersion
from evalkit.entities.run import Run
from evalkit.errors import DataError, EvalkitError
from evalkit.evaluation.results.loading import load_result
from evalkit.evaluation.results.places import evaluation_folder, store_of
from evalkit.evaluation.results.result import Result
from evalkit.registry.uri import find_version, parse_model_uri
from evalkit.store import Store

R = TypeVar("R", bound=Result)
_log = logging.getLogger("evalkit.registry")
_ENDED: Final = ("complete", "decided")
_MOST_RUNS: Final = 200
_TOLD_BY_THEIR_PARAMETERS: Final = ("stored", "chat")
"""Kinds of targets whose identity covers everything that their answers come from."""


def registered_result(
    uri: str,
    *,
    kind: type[R],
    store: str | None = None,
    like: Result | None = None,
    dataset: str | None = None,
) -> R:
    """Return the evaluation of the model version that *uri* means now.

    It is the newest finished one of that very model on the same cases, if there is one, else the
    run that the version was registered from.  A function, an estimator or an endpoint without
    ``version=`` has the same ``model_id`` before and after a change, so of these only the
    registering run is known to be the version.

    Args:
        uri: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS`` or ``models:/NAME/latest``.
        kind: Class of the result.
        store: Store's URI; the one in use by default.
        like: What is compared with it: its cases are meant, and its own run is not.
        dataset: Digest of the cases that are meant, where there is no result yet.

    Raises:
        EvalkitError: If there is no such version, or it comes from no evaluation that can be read.
    """
    opened = store_of(store)
    assert opened is not None  # noqa: S101  only False means no store
    kept, closes = opened
    try:
        version = find_version(kept, uri)
        own = _registering(kept, version, kind)
        wanted = like.dataset["digest"] if like is not None else dataset
        found = own
        if wanted is not None:
            newest = _newest(kept, version, own, wanted, None if like is None else like.run_id)
            found = own if newest is None else load_result(newest.run_id, kind=kind, store=store)
            if found.dataset["digest"] != wanted:
                _log.warning(_stands_in(uri, version, own))
    finally:
        if closes:
            kept.close()
    return found.with_name(_name(uri, version))


def _registering(store: Store, version: ModelVersion, kind: type[R]) -> R:
    """Return the newest evaluation of the version's model in the run that registered it."""
    if version.run_id is None:
        raise DataError(f"{version.uri} was registered without a run, so it has no scores.")
    try:
        found = load_result(evaluation_folder(store.runs.resolve(version.run_id)), kind=kind)
        if version.model_id not in {None, found.model_id}:  # the run went on with another model
            found = _earlier(found.folder.path, version, kind)
    except (EvalkitError, OSError) as error:
        raise DataError(f"{version.uri} comes from a run that cannot be read: {error}") from error
    return found


def _earlier(newest: Path, version: ModelVersion, kind: type[R]) -> R:
    folders = [path for path in newest.parent.iterdir() if (path / "result.json").is_file()]
    results = [load_result(path, kind=kind) for path in folders]
    own = [result for result in results if result.model_id == version.model_id]
    if not own:
        raise DataError(f"run {version.run_id} holds evaluations of other models alone.")
    return max(own, key=lambda result: int(result.facts.plan.created))


def _newest(
    store: Store,
    version: ModelVersion,
    own: Result,
    dataset: str,
    but: str | None,
) -> Run | None:
    """Return the newest finished run of the same model on the same cases."""
    target = own.facts.plan.target
    if version.model_id is None or (
        target.version is None and target.kind not in _TOLD_BY_THEIR_PARAMETERS
    ):
        return None
    tags = {MODEL_ID_TAG: version.model_id, "evalkit.dataset_digest": dataset}
    runs = store.runs.search(tags=tags, limit=_MOST_RUNS)
    ended = [run for run in runs if run.data.tags.get("evalkit.status") in _ENDED]
    return next((run for run in ended if run.run_id != but), None)


def _stands_in(uri: str, version: ModelVersion, own: Result) -> str:
    return (
        f"{uri} is version {version.version}, which has no finished evaluation on these cases; the "
        f"run that registered it, {own.run_id}, stands for it, on other cases "
        f"({own.dataset['name']})."
    )


def _name(uri: str, version: ModelVersion) -> str:
    """Return what tables call the version: its number, and the alias if it was meant by one."""
    alias = parse_model_uri(uri).alias
    return f"{version.name} {version.version}" + ("" if alias is None else f" ({alias})")
