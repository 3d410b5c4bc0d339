"""Where evaluations are kept: the store, the experiment's folder, a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalkit.entities.run import Run
from evalkit.store import Store, open_store
from evalkit.store.artifacts import local_folder

PLACE_TAG = "evalkit.evaluation"
"""Tag of a run that holds an evaluation: the folder's name among its artifacts."""


def store_of(setting: str | bool | None) -> tuple[Store, bool] | None:
    """Return the store that ``Runtime(store=)`` means, and whether it was opened here."""
    if setting is False:
        return None
    if isinstance(setting, str):
        return open_store(setting), True
    from evalkit.tracking.place import current_store

    return current_store(), False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a new evaluation's folder is to be."""

    store: Store
    closes: bool
    experiment_id: str
    root: Path
    """Folder of the experiment's runs, on the same disk as the folder to be."""


def place_of(setting: str | bool | None, experiment: str | None) -> Place | None:
    """Return where to keep an evaluation; ``None`` where nothing is to be kept."""
    from evalkit.tracking.place import current_experiment_id

    found = store_of(setting)
    if found is None:
        return None
    store, closes = found
    if experiment is not None:
        experiment_id = store.experiments.get_or_create(experiment).experiment_id
    elif closes:
        experiment_id = "0"
    else:
        experiment_id = current_experiment_id(store)
    root = local_folder(store.experiments.get(experiment_id).artifact_location)
    return Place(store, closes, experiment_id, root)


def evaluation_folder(run: Run) -> Path:
    """Return the folder of a run's newest evaluation, which need not exist."""
    return local_folder(run.info.artifact_uri) / run.data.tags.get(PLACE_TAG, "evaluation")
