"""What a store promises about experiments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from evalkit.entities.run import Experiment, ViewType

DEFAULT_EXPERIMENT_ID: Final = "0"
"""The experiment ``Default``, which every store has from the start."""


class Experiments(Protocol):
    """Named collections of runs; one that is not there is an `ExperimentNotFoundError`."""

    def create(self, name: str, *, tags: Mapping[str, str] | None = None) -> Experiment:
        """Create the experiment *name* and return it.

        Raises:
            AlreadyExistsError: If an experiment has the name, even a deleted one.
        """
        ...

    def get_or_create(self, name: str) -> Experiment:
        """Return the experiment *name*, created if there is none.

        Two processes that ask at once get the same experiment.

        Raises:
            AlreadyExistsError: If a deleted experiment has the name; restore it first.
        """
        ...

    def get(self, experiment_id: str) -> Experiment:
        """Return the experiment of an id, deleted or not."""
        ...

    def find(self, name: str) -> Experiment | None:
        """Return the experiment *name*, deleted or not; ``None`` if there is none."""
        ...

    def search(
        self,
        *,
        view: ViewType = ViewType.ACTIVE_ONLY,
        filter: str = "",  # noqa: A002  MLflow's word
        order_by: str | Sequence[str] = (),
        limit: int = 1000,
        after: str | None = None,
    ) -> list[Experiment]:
        """Return experiments, by default the newest first.

        *filter* is as `Runs.search` has it, by ``name``, ``experiment_id``, ``creation_time``,
        ``last_update_time`` and ``tags.``; *after* is the id of the last one of the page before.
        """
        ...

    def set_tags(self, experiment_id: str, tags: Mapping[str, str]) -> None:
        """Set tags on an experiment; a tag that it has changes its value."""
        ...

    def delete(self, experiment_id: str) -> None:
        """Mark an experiment deleted; its runs stay as they are."""
        ...

    def restore(self, experiment_id: str) -> None:
        """Bring a deleted experiment back."""
        ...
