"""How many tokens questions and answers have, from what was recorded of the same model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from evalkit.llm.batch.promises import characters
from evalkit.llm.protocol import ChatRequest
from evalkit.llm.rehearsal import form_of

FEWEST: Final = 5
"""Recorded calls below which nothing is told by them."""


@dataclass(slots=True)
class Seen:
    """Recorded calls of one kind."""

    tokens_a_character: list[float] = field(default_factory=list[float])
    output_tokens: list[float] = field(default_factory=list[float])

    def __len__(self) -> int:
        return len(self.output_tokens)


class KnownUsage:
    """Recorded calls by model and form.

    Examples:
        >>> asked = {"model": "m", "messages": [{"role": "user", "content": "x" * 40}]}
        >>> usage = {"input_tokens": 10, "output_tokens": 3}
        >>> known = KnownUsage([(asked, {"usage": usage})] * 6)
        >>> seen = known.of("m", form_of(None, None))
        >>> len(seen), seen.tokens_a_character[0], seen.output_tokens[0]
        (6, 0.25, 3)
    """

    def __init__(self, recorded: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Take in what calls asked and what came back, as recordings have it."""
        self._seen: dict[tuple[str, str | None], Seen] = {}
        for asked, reply in recorded:
            usage = reply.get("usage") or {}
            if "messages" in asked and {"input_tokens", "output_tokens"} <= usage.keys():
                self._add(asked, usage)

    def _add(self, asked: Mapping[str, Any], usage: Mapping[str, int]) -> None:
        request = ChatRequest(
            messages=cast("list[Any]", asked["messages"]),
            response_schema=asked.get("schema"),
            tools=asked.get("tools"),
        )
        length = max(1, characters(request))
        form = form_of(request.response_schema, request.tools)
        for kind in ((asked["model"], form), (asked["model"], None)):
            seen = self._seen.setdefault(kind, Seen())
            seen.tokens_a_character.append(usage["input_tokens"] / length)
            seen.output_tokens.append(usage["output_tokens"])

    def of(self, model: str, form: str) -> Seen | None:
        """Return recorded calls of this model and form, else of the model, if they are enough."""
        for kind in ((model, form), (model, None)):
            seen = self._seen.get(kind)
            if seen is not None and len(seen) >= FEWEST:
                return seen
        return None
