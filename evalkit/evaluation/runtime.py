"""How an evaluation runs, apart from what it computes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalkit.engine.plan import Limits
from evalkit.errors import UsageError, near_miss

_UNITS: Final = ("usd", "tokens", "calls", "seconds")
_LATER: Final = {
    "tokens_per_minute": "tokens_per_minute= needs the model client's limits",
    "recordings": "recordings= needs the recording of model calls",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How to run an evaluation: none of it changes a score.

    Examples:
        >>> Runtime(concurrency=32, timeout_seconds=60).concurrency
        32
    """

    concurrency: int = 8
    """Calls of the target, or of an asynchronous scorer, in flight at once; at least 1."""

    timeout_seconds: float | None = None
    """Seconds after which one call or score is given up and counted as failed."""

    requests_per_minute: float | None = None
    """Most starts of target calls in a minute."""

    tokens_per_minute: float | None = None
    """Not available yet: it comes with the model client's limits."""

    mode: str = "auto"
    """``auto`` or ``live``; ``replay`` and ``none`` come with recordings."""

    recordings: str | None = None
    """Not available yet: folder of recordings."""

    budget: float | Mapping[str, float] | None = None
    """Most to spend on the target: US dollars, or a mapping of ``usd``, ``tokens``, ``calls``,
    ``seconds``.  When it is reached, no new call starts, and the verdict is BUDGET."""

    backend: str = "local"
    """Where shards run; ``local`` is the only backend yet."""

    progress: bool | None = None
    """Whether to draw a progress bar on stderr; by default, if that is a terminal."""

    store: str | bool | None = None
    """Store's URI; ``None`` means the configured one, ``False`` keeps nothing."""

    resume: str | None = None
    """Interrupted run to finish: its id, name, ``latest`` or folder."""

    durable: bool = False
    """Whether each record is forced to disk, which survives a power cut."""

    def __post_init__(self) -> None:
        if self.concurrency < 1:
            raise UsageError(f"concurrency must be at least 1, got {self.concurrency}.")
        for name in ("timeout_seconds", "requests_per_minute"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise UsageError(f"{name} must be above 0, got {value}.")
        if self.backend != "local":
            raise UsageError(f"backend={self.backend!r}: the only backend yet is 'local'.")
        if self.mode not in {"auto", "live"}:
            raise UsageError(f"mode={self.mode!r}: only 'auto' and 'live' work yet.")
        for name, why in _LATER.items():
            if getattr(self, name) is not None:
                raise UsageError(f"{why}, which is not part of this release yet.")
        self.limits()

    def limits(self) -> Limits:
        """Return the limits that the engine keeps.

        Raises:
            UsageError: If the budget has an unknown unit or is below 0.
        """
        budget: dict[str, float] = {}
        if isinstance(self.budget, Mapping):
            budget = {str(unit): float(limit) for unit, limit in self.budget.items()}
        elif self.budget is not None:
            budget = {"usd": float(self.budget)}
        for unit, limit in budget.items():
            if unit not in _UNITS:
                listed = ", ".join(_UNITS)
                raise UsageError(
                    f"budget= has no unit {unit!r}.{near_miss(unit, _UNITS)} It has: {listed}."
                )
            if not limit >= 0:
                raise UsageError(f"budget= of {unit} must be at least 0, got {limit}.")
        return Limits(
            concurrency=self.concurrency,
            timeout_seconds=self.timeout_seconds,
            requests_per_minute=self.requests_per_minute,
            budget=budget,
        )


def shown(runtime: Runtime) -> dict[str, Any]:
    """Return the settings of *runtime* that are worth recording."""
    return {
        "concurrency": runtime.concurrency,
        "timeout_seconds": runtime.timeout_seconds,
        "requests_per_minute": runtime.requests_per_minute,
        "budget": dict(runtime.limits().budget),
        "backend": runtime.backend,
        "durable": runtime.durable,
    }
