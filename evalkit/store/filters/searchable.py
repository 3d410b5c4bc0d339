"""What each noun can be searched by, in MLflow's names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from evalkit.entities.run import RunStatus

Kind = Literal["text", "number", "time"]

PLACES: Final[Mapping[str, str]] = {
    **dict.fromkeys(("attribute", "attributes", "attr", "run"), "attribute"),
    **dict.fromkeys(("tag", "tags"), "tag"),
    **dict.fromkeys(("param", "params", "parameter", "parameters"), "param"),
    **dict.fromkeys(("metric", "metrics"), "metric"),
}
"""The places of fields, by all words for them."""


@dataclass(frozen=True, slots=True)
class Searchable:
    """A noun and its fields."""

    noun: str
    """As messages say it, in the plural."""

    attributes: Mapping[str, Kind]
    """Fields that each has by itself, and what they hold."""

    collections: Mapping[str, Kind] = field(default_factory=dict[str, Kind])
    """Places whose keys are the user's own: ``tag``, ``param``, ``metric``."""

    other_names: Mapping[str, str] = field(default_factory=dict[str, str])
    """Second names of attributes."""

    choices: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    """All values of an attribute that has few, in capitals."""


RUNS: Final = Searchable(
    "runs",
    attributes={
        "run_id": "text",
        "run_name": "text",
        "status": "text",
        "user_id": "text",
        "start_time": "time",
        "end_time": "time",
    },
    collections={"tag": "text", "param": "text", "metric": "number"},
    other_names={"created": "start_time", "run name": "run_name", "name": "run_name"},
    choices={"status": tuple(RunStatus)},
)

EXPERIMENTS: Final = Searchable(
    "experiments",
    attributes={
        "experiment_id": "number",
        "name": "text",
        "creation_time": "time",
        "last_update_time": "time",
    },
    collections={"tag": "text"},
)

MODELS: Final = Searchable(
    "registered models",
    attributes={"name": "text", "creation_time": "time", "last_update_time": "time"},
    collections={"tag": "text"},
    other_names={
        "creation_timestamp": "creation_time",
        "last_updated_timestamp": "last_update_time",
    },
)
