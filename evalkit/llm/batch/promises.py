"""What calls in batches will use, set aside in the budget before they are sent."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import anyio

from evalkit.llm.batch.census import waiting
from evalkit.llm.budget import Reserve
from evalkit.llm.protocol import ChatReply, ChatRequest

CHARACTERS_A_TOKEN: Final = 4
"""English text has about four characters a token, with the vocabularies in use."""

USUAL_OUTPUT_TOKENS: Final = 256
"""Expected of an answer while nothing is known of its like."""

_LIMITS: Final = ("max_completion_tokens", "max_tokens")


@dataclass(slots=True)
class _Seen:
    answers: int = 0
    told: int = 0
    """Tokens of the answers."""

    guessed: int = 0
    asked: int = 0
    """Tokens of the questions, as they were estimated and as they were counted."""


@dataclass(slots=True)
class Promises:
    """Calls that were promised and are not paid yet."""

    reserved: dict[str, Reserve] = field(default_factory=dict[str, Reserve])
    """What they are expected to use, by role."""

    _count: int = 0
    _seen: dict[str, _Seen] = field(default_factory=dict[str, _Seen])
    _none_left: anyio.Event | None = None

    def expected(self, request: ChatRequest, role: str) -> dict[str, int]:
        """Return the tokens that *request* is expected to use.

        Of the answer: the mean of those seen in this role, else its limit, else
        `USUAL_OUTPUT_TOKENS`.  Of the question: an estimate by its characters, corrected by how
        far off it was so far.

        Examples:
            >>> asked = ChatRequest(messages=[{"role": "user", "content": "x" * 36}])
            >>> Promises().expected(asked, "judge")
            {'input_tokens': 13, 'output_tokens': 256}
        """
        guessed = input_tokens(request)
        seen = self._seen.get(role)
        if seen is None:
            limit = output_limit(request.sampling)
            answered = USUAL_OUTPUT_TOKENS if limit is None else limit
            return {"input_tokens": guessed, "output_tokens": answered}
        asked = math.ceil(guessed * seen.asked / seen.guessed)
        return {"input_tokens": asked, "output_tokens": math.ceil(seen.told / seen.answers)}

    def learn(self, role: str, request: ChatRequest, reply: ChatReply) -> None:
        """Note how long a question and its answer were."""
        usage = reply.usage or {}
        if {"input_tokens", "output_tokens"} <= usage.keys():
            seen = self._seen.setdefault(role, _Seen())
            seen.answers += 1
            seen.told += usage["output_tokens"]
            seen.guessed += input_tokens(request)
            seen.asked += usage["input_tokens"]

    @contextlib.contextmanager
    def made(self, role: str, tokens: float, usd: float) -> Generator[None]:
        """Set *tokens* and *usd* aside for a call, until it has ended."""
        reserve = self.reserved.setdefault(role, Reserve())
        reserve.tokens += tokens
        reserve.usd += usd
        self._count += 1
        try:
            yield
        finally:
            reserve.tokens -= tokens
            reserve.usd -= usd
            self._count -= 1
            if self._count == 0:
                self.reserved.clear()  # so that nothing is left of sums of floats
                if self._none_left is not None:
                    self._none_left.set()
                    self._none_left = None

    async def kept(self) -> bool:
        """Wait until nothing is promised any more; ``False`` if nothing was."""
        if self._count == 0:
            return False
        if self._none_left is None:
            self._none_left = anyio.Event()
        event = self._none_left
        async with waiting():
            await event.wait()
        return True


def output_limit(sampling: Mapping[str, Any]) -> int | None:
    """Return the most tokens that an answer may have, where the settings say so."""
    return next((sampling[name] for name in _LIMITS if isinstance(sampling.get(name), int)), None)


def input_tokens(request: ChatRequest, characters_a_token: float = CHARACTERS_A_TOKEN) -> int:
    """Return about how many tokens *request* has: its characters, and four for each message.

    Examples:
        >>> input_tokens(ChatRequest(messages=[{"role": "user", "content": "Capital of Peru?"}]))
        8
    """
    return round(characters(request) / characters_a_token) + 4 * len(request.messages)


def characters(request: ChatRequest) -> int:
    """Return how many characters *request* sends, schema and tools included."""
    texts = [_text(message.get("content")) for message in request.messages]
    extra = [str(part) for part in (request.response_schema, request.tools) if part]
    return sum(map(len, [*texts, *extra]))


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""
