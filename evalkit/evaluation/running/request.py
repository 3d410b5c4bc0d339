"""What is asked of an evaluation: nothing is looked at or loaded before it starts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from evalkit.evaluation.running.runtime import Runtime
from evalkit.scoring.protocol import Scorer

ScorerLike = str | Scorer | Callable[..., Any] | Mapping[str, Mapping[str, Any] | None]
"""A registered name, a scorer, a plain function, or ``{name: parameters}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The arguments of `evaluate`, as they were given."""

    model: Any = None
    data: Any = None
    scorers: ScorerLike | Iterable[ScorerLike] = ()
    name: str | None = None
    experiment: str | None = None
    tags: Mapping[str, str] | None = None
    run: str | None = None
    columns: Mapping[str, Any] | None = None
    limit: int | None = None
    sample: float | None = None
    split: str | None = None
    repeats: int = 1
    reducer: str | Iterable[str] = "mean"
    gates: str | Iterable[str] = ()
    baseline: Any = None
    stop: str | None = None
    level: float = 0.95
    seed: int = 0
    judge_model: str | None = None
    runtime: Runtime = field(default_factory=Runtime)
