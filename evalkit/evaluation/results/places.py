"""Where evaluations are kept: the store, the experiment's folder, a run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from evalkit.entities.run import Run
from evalkit.store import Store, open_store
from evalkit.store.artifacts import open_repository

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
    """Where a new evaluation is to be kept."""

    store: Store
    closes: bool
    experiment_id: str

    @property
    def beside(self) -> Path:
        """Folder of this machine, on the disk where the evaluation is made."""
        location = self.store.experiments.get(self.experiment_id).artifact_location
        return open_repository(location).work


def place_of(setting: str | bool | None, experiment: str | None) -> Place | None:
    """Say where to keep an evaluation; ``None`` where nothing is to be kept."""
    from evalkit.tracking.place import current_place

    opened = store_of(setting)
    if opened is None:
        return None
    store, closes = opened
    if experiment is not None:
        experiment_id = store.experiments.get_or_create(experiment).experiment_id
    elif closes:
        experiment_id = "0"
    else:
        experiment_id = current_place().experiment_id(store)
    return Place(store, closes, experiment_id)


def evaluation_folder(run: Run) -> Path:
    """Return the folder of a run's newest evaluation, which need not exist.

    What is kept elsewhere is fetched, unless it lies here, as it does while it is being made.
    """
    name = run.data.tags.get(PLACE_TAG, "evaluation")
    repository = open_repository(run.info.artifact_uri)
    here = repository.work / name
    if (here / "plan.json").is_file():
        return here
    try:
        return repository.get(name)
    except FileNotFoundError:
        return here
