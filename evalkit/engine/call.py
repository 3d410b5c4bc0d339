"""What one call of a target gave: an answer, or why there is none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from evalkit._internal.exact import restored, tagged
from evalkit.entities.infrastructure import INFRASTRUCTURE, LOST_TURN, NOT_RECORDED
from evalkit.entities.score import Status
from evalkit.entities.target import Failure, Output

NOT_MADE = frozenset({"earlier_turn", LOST_TURN, NOT_RECORDED})
"""Reasons of a call that was not made: an earlier turn had failed, or nothing was recorded."""


def _wrong_field(output: Output) -> str | None:
    """Return what is wrong with what a user's target put into an `Output`, or ``None``."""
    for name in ("cost", "time_to_first_token"):
        value: Any = getattr(output, name)
        if value is None:
            continue
        if not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            return f"Output({name}=) must be a finite number of at least 0, got {value!r}."
    for name in ("usage", "metadata"):
        mapping: Any = getattr(output, name)
        if mapping is not None and not isinstance(mapping, Mapping):
            return f"Output({name}=) must be a mapping, got {type(mapping).__name__}."
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One finished call of a target, for one case and repeat."""

    status: Status = Status.OK
    output: Any = None
    reason: str | None = None
    explanation: str | None = None
    latency_seconds: float | None = None
    time_to_first_token: float | None = None
    usage: Mapping[str, int] | None = None
    cost: float | None = None
    retrieved_context: Any = None
    tool_calls: Sequence[Mapping[str, Any]] | None = None
    metadata: Mapping[str, Any] | None = None
    cached: bool = False
    """Whether it was answered from a recording, and so cost nothing."""

    @classmethod
    def answered(cls, output: Output | Failure, seconds: float | None) -> Call:
        """Return the call that gave *output* after *seconds*; ``None`` if that tells nothing."""
        if isinstance(output, Failure):
            return cls.failed(output.reason, output.explanation, seconds)
        if not isinstance(output, Output):  # pyright: ignore[reportUnnecessaryIsInstance]
            why = f"The target returned {type(output).__name__}, and an Output is due."
            return cls.failed("target_error", why, seconds)
        if output.value is None:
            return cls.failed("empty", "The target returned nothing.", seconds)
        if isinstance(output.value, float) and not math.isfinite(output.value):
            why = f"The target returned {output.value}, which is no finite number."
            return cls.failed("empty", why, seconds)
        wrong = _wrong_field(output)
        if wrong is not None:
            return cls.failed("invalid_response", wrong, seconds)
        return cls(
            output=output.value,
            latency_seconds=seconds,
            time_to_first_token=output.time_to_first_token,
            usage=output.usage,
            cost=output.cost,
            retrieved_context=output.retrieved_context,
            tool_calls=output.tool_calls,
            metadata=output.metadata,
        )

    @classmethod
    def failed(cls, reason: str, explanation: str, seconds: float | None = None) -> Call:
        """Return the call that failed; *reason* is a code."""
        return cls(
            status=Status.FAILED, reason=reason, explanation=explanation, latency_seconds=seconds
        )

    @classmethod
    def after(cls, earlier: Call) -> Call:
        """Return the call that is not made after an *earlier* one failed, whose fault it has."""
        reason = LOST_TURN if earlier.reason in INFRASTRUCTURE else "earlier_turn"
        if earlier.reason == NOT_RECORDED:
            reason = NOT_RECORDED
        return cls.failed(reason, f"An earlier turn of the session failed: {earlier.explanation}")

    def to_json(self) -> dict[str, Any]:
        """Return the fields that are set, as JSON values; `from_json` reverses it.

        Raises:
            TypeError: If JSON has no form for a value; the text names its type.
        """
        fields = ((name, getattr(self, name)) for name in FIELDS)
        written = {name: tagged(value) for name, value in fields if value is not None}
        cached = {"cached": True} if self.cached else {}
        return {"status": int(self.status), **written, **cached}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Call:
        """Return the call that `to_json` wrote."""
        return cls(
            status=Status(content["status"]),
            cached=bool(content.get("cached")),
            **{name: restored(content.get(name)) for name in FIELDS},
        )


FIELDS = tuple(one.name for one in fields(Call) if one.name not in {"status", "cached"})
"""What a call may have come to, in the order of its columns."""
