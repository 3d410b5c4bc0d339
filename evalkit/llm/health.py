"""Whether a provider answers at all: a run stops where each further call would only be lost.

The first refusal of the key, or of the model's name, stops it where nothing was ever answered; and
so many failures in a row do, of the connection or of the server itself, at any time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from evalkit.errors import OutageError, TargetError

FAILURES_IN_A_ROW: Final = 10
"""Calls that fail one after the other, each after its retries, before a run stops."""

_KEY_REFUSED: Final = frozenset({401, 403})
_NOT_THERE: Final = 404
_SERVER: Final = 500
_UNKNOWN_MODEL: Final = re.compile(
    r"model[ _-]not[ _-]found|unknown model|no such model|invalid model|not a valid model"
    r"|model\b.{0,80}?(?:does not exist|doesn.t exist|not exist|not found|is not supported)",
    re.IGNORECASE | re.DOTALL,
)
_TELLS_NOTHING: Final = frozenset({"timeout", "rate_limited"})


@dataclass(slots=True)
class _Place:
    """What is known of one provider."""

    answered: bool = False
    in_a_row: int = 0
    outage: str | None = None


@dataclass(slots=True)
class Health:
    """What one session has learnt of the providers that it asks.

    Examples:
        >>> health = Health()
        >>> health.failed("openai/m", TargetError("provider_error", "status 401", status=401))
        >>> health.check("openai/m")
        Traceback (most recent call last):
        evalkit.errors.OutageError: openai/m answers nothing: status 401. Nothing more was asked; \
mend it, then resume or run again.
    """

    active: bool = True
    """Whether calls are refused at all: one that is made by hand gets its own error."""

    _places: dict[str, _Place] = field(default_factory=dict[str, _Place])

    def check(self, place: str) -> None:
        """Refuse a call that would only be lost.

        Raises:
            OutageError: If so, naming *place* and why.
        """
        state = self._places.get(place)
        if self.active and state is not None and state.outage is not None:
            raise OutageError(place, state.outage)

    def answered(self, place: str) -> None:
        """Note that a call was answered, well or badly."""
        state = self._places.setdefault(place, _Place())
        state.answered, state.in_a_row = True, 0

    def learn(self, place: str, error: BaseException | None) -> None:
        """Learn from how a call of a target of the user's own has ended.

        Raises:
            OutageError: If *place* will answer no call.
        """
        if error is None:
            self.answered(place)
            return
        status = getattr(error, "status", None) or getattr(error, "status_code", None)
        status = status if isinstance(status, int) else None
        reason = getattr(error, "reason", None) if isinstance(error, TargetError) else None
        text = error.explanation if isinstance(error, TargetError) else str(error)
        if reason is None:
            reason = "connection" if isinstance(error, ConnectionError) else "target_error"
        self.failed(place, TargetError(reason, text, status=status), plain=False)
        self.check(place)

    def refused(self, place: str, why: str) -> None:
        """Note that *place* refuses whatever it is asked."""
        state = self._places.setdefault(place, _Place())
        state.outage = state.outage or why

    def failed(self, place: str, error: TargetError, *, plain: bool = True) -> None:
        """Learn from a call that failed.

        Args:
            place: Who was asked.
            error: Why there is no answer.
            plain: Whether the question was one that any server takes; else its refusal may be of
                the question.
        """
        state = self._places.setdefault(place, _Place())
        if error.reason in _TELLS_NOTHING:
            return
        key = error.status in _KEY_REFUSED
        unknown = _is_unknown_model(error) or (plain and error.status == _NOT_THERE)
        if (key or unknown) and not state.answered:
            self.refused(place, error.explanation)
        broken = error.reason == "connection" or (error.status or 0) >= _SERVER
        if not (broken or key or unknown):
            state.in_a_row = 0  # it refuses this question, and may take another
            return
        state.in_a_row += 1
        if state.in_a_row >= FAILURES_IN_A_ROW:
            self.refused(
                place, f"{state.in_a_row} failures in a row, the last: {error.explanation}"
            )


def _is_unknown_model(error: TargetError) -> bool:
    refuses = error.reason == "provider_error" and error.status in {None, 400, _NOT_THERE, 422}
    return refuses and _UNKNOWN_MODEL.search(error.explanation) is not None
