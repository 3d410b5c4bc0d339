"""A case: one row under evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One row under evaluation, as a scorer or target sees it.

    Examples:
        >>> case = Case(inputs={"question": "Capital of France?"},
        ...             expectations={"expected_response": "Paris"}, outputs="Paris")
        >>> case.expectations["expected_response"]
        'Paris'
    """

    id: str = ""
    """Identity within the dataset; a hash of the inputs and their occurrence unless given."""

    inputs: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What the target gets, by name."""

    outputs: Any = None
    """What the target answered; ``None`` means no answer, an empty text is an answer."""

    expectations: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """What is known about the right answer, by name."""

    retrieved_context: Any = None
    """Passages that the target retrieved: a text, or a list of texts or mappings."""

    tool_calls: Sequence[Mapping[str, Any]] | None = None
    """Tools that the target called, in order, each with ``name`` and ``arguments``."""

    tags: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Labels to slice by."""

    session: str | None = None
    """Conversation that the case belongs to."""

    turn: int | None = None
    """Place in the session, counted from the data."""

    group: str | None = None
    """Cluster for standard errors; the session unless given."""

    weight: float = 1.0
    """Share in weighted means; at least 0."""

    split: str | None = None
    """Part of the dataset, such as ``test``."""

    must: Sequence[str] = ()
    """Conditions that this case has to meet."""

    latency_seconds: float | None = None
    """Time the target took, in seconds."""

    cost: float | None = None
    """Price of the answer, in US dollars; ``None`` means unknown."""

    trace: Any = None
    """Trace of the answer."""

    labels: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Human labels, by judge."""

    scores: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Scores that came with the data, by metric (from another tool's log)."""

    repeat: int = 0
    """Which repeat of the case this is, from 0."""

    time_to_first_token: float | None = None
    """Seconds until a streaming target's first piece."""

    usage: Mapping[str, int] | None = None
    """Tokens that the answer took, such as ``input_tokens`` and ``output_tokens``."""

    conversation: Sequence[Mapping[str, Any]] | None = None
    """All turns of the session in order, each with ``id, turn, inputs, outputs``, where a scorer
    reads conversations."""

    metadata: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Whatever else the target returned."""

    @property
    def target(self) -> Any:
        """Return the expectation called ``target``, else the sole one, else ``None``."""
        if "target" in self.expectations:
            return self.expectations["target"]
        if len(self.expectations) == 1:
            return next(iter(self.expectations.values()))
        return None


_OF_A_RUN = {"repeat", "time_to_first_token", "usage", "conversation", "metadata"}
CASE_FIELDS = tuple(name for name in Case.__dataclass_fields__ if name not in _OF_A_RUN)
"""Every field that data may fill, in the order in which they are shown."""
