"""Registered models and their versions as readers of a registry get them: frozen, as MLflow's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

MODEL_ID_TAG: Final = "evalkit.model_id"
"""Tag of a run whose evaluation has ended: the identity of the model that was evaluated."""


STATUS_TAG: Final = "evalkit.status"
"""Tag of a run whose evaluation has ended: how it ended."""

JUDGES_TAG: Final = "evalkit.judges"
"""Tag of a run whose evaluation has ended: the models of its judges, where it has any."""

WHOLE: Final = frozenset({"complete", "decided"})
"""Ends after which an evaluation says what it was to say; others leave cases out."""


class ModelVersionStatus(StrEnum):
    """Whether a model version can be used."""

    PENDING_REGISTRATION = "PENDING_REGISTRATION"
    FAILED_REGISTRATION = "FAILED_REGISTRATION"
    READY = "READY"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredModel:
    """A name under which versions of one model are kept."""

    name: str
    """Unique in its store; 1 to 256 characters, neither ``/`` nor ``:`` among them."""

    description: str = ""

    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    aliases: Mapping[str, int] = field(default_factory=dict[str, int])
    """Alias -> the one version that it points to."""

    latest_version: int | None = None
    """Number of the newest version; ``None`` while there is none."""

    creation_time: int = 0
    """Milliseconds since the Unix epoch."""

    last_update_time: int = 0
    """Milliseconds since the Unix epoch; versions and aliases count as updates."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelVersion:
    """One version of a registered model: which model it is, and where it comes from."""

    name: str
    """Name of the registered model."""

    version: int
    """Counts up from 1 within the model; a number is never given twice."""

    source: str = ""
    """URI of what was registered, such as ``runs:/RUN_ID``."""

    run_id: str | None = None
    """Run that the version was registered from."""

    model_id: str | None = None
    """Identity of the model, as `EvaluationResult.model_id` has it."""

    user_id: str = ""
    """Who registered it."""

    description: str = ""

    status: ModelVersionStatus = ModelVersionStatus.READY

    tags: Mapping[str, str] = field(default_factory=dict[str, str])

    aliases: tuple[str, ...] = ()
    """Aliases that point to this version, in alphabetical order."""

    creation_time: int = 0
    """Milliseconds since the Unix epoch."""

    last_update_time: int = 0
    """Milliseconds since the Unix epoch."""

    @property
    def uri(self) -> str:
        """The URI that always means this version.

        Examples:
            >>> ModelVersion(name="bot", version=3).uri
            'models:/bot/3'
        """
        return f"models:/{self.name}/{self.version}"
