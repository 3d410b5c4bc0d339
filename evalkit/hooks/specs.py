"""The hooks that a plug-in may implement; each has a harmless default."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import pluggy

if TYPE_CHECKING:
    from evalkit.entities.dataset import DatasetSource
    from evalkit.entities.exporter import Exporter
    from evalkit.entities.target import Target
    from evalkit.scoring.protocol import Scorer

PROJECT: Final = "evalkit"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def evalkit_scorers() -> Iterable[Scorer] | Mapping[str, Callable[[], Scorer]]:
    """Return the scorers this plug-in offers, configured with their defaults.

    Called once a process, the first time any scorer is looked up.  Keep it cheap: return
    ``{name: make}``, whose makers are called when their scorer is asked for, where the plug-in has
    many, and import a scorer's own dependencies inside its methods.  Raise nothing for an absent
    optional dependency; let the scorer raise it when used.
    """
    return ()


@hookspec
def evalkit_scorer_families() -> Mapping[str, Callable[[str], Scorer]]:
    """Return makers of scorers by name prefix, such as ``{"sklearn.": make}``.

    ``make(name)`` gets the whole name and raises `LookupError` for one that it does not know.
    """
    return {}


@hookspec
def evalkit_judges() -> Iterable[Scorer] | Mapping[str, Callable[[], Scorer]]:
    """Return the judges this plug-in offers, or their makers: scorers that ask a language model."""
    return ()


@hookspec
def evalkit_datasets() -> Iterable[DatasetSource]:
    """Return the data sources this plug-in offers, by extension, scheme or object type."""
    return ()


@hookspec
def evalkit_targets() -> Mapping[str, Callable[[str], Target]]:
    """Return makers of targets by URI scheme, such as ``{"http": make}``; given the whole URI."""
    return {}


@hookspec
def evalkit_reports() -> Iterable[Exporter]:
    """Return what writes reports, by the extension of the file."""
    return ()


@hookspec
def evalkit_calibrators() -> Mapping[str, Callable[..., Any]]:
    """Return what examines judges, by name: ``calibrate(judge, cases, **options)`` is called so.

    It is how `Judge.calibrate` reaches the evaluation, which lies above it.
    """
    return {}


@hookspec
def evalkit_commands() -> Iterable[Any]:
    """Return click commands to add to the command line; called when it starts."""
    return ()


@hookspec
def evalkit_run_started(run_id: str | None, plan: Mapping[str, Any]) -> None:
    """Be told that an evaluation starts; *plan* is its specification.  Must not block."""


@hookspec
def evalkit_batch_scored(run_id: str | None, done: int, total: int) -> None:
    """Be told that *done* of *total* batches are scored, each by one scorer; must not block."""


@hookspec
def evalkit_run_finished(run_id: str | None, result: Any) -> None:
    """Be told that an evaluation is complete; *result* is its `EvaluationResult`."""
