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

_TOKENS_A_MESSAGE: Final = 4
_LIMITS: Final = ("max_completion_tokens", "max_tokens")


@dataclass(slots=True)
class _Usage:
    """Tokens of the answers of a role, and of their questions: estimated, and counted."""

    answers: int = 0
    output: int = 0
    estimate: int = 0
    input: int = 0


@dataclass(slots=True)
class Promises:
    """Calls that were promised and are not paid yet."""

    reserved: dict[str, Reserve] = field(default_factory=dict[str, Reserve])
    """What they are expected to use, by role."""

    _count: int = 0
    _usage: dict[str, _Usage] = field(default_factory=dict[str, _Usage])
    _end: anyio.Event | None = None

    def expected(self, request: ChatRequest, role: str) -> dict[str, int]:
        """Return the tokens that *request* is expected to use.

        Of the answer: the mean of those seen in this role, else its limit, else
        `USUAL_OUTPUT_TOKENS`.  Of the question: an estimate by its length, corrected by how far
        off it was so far.

        Examples:
            >>> request = ChatRequest(messages=[{"role": "user", "content": "x" * 36}])
            >>> Promises().expected(request, "judge")
            {'input_tokens': 13, 'output_tokens': 256}
        """
        estimate = _input_tokens(request)
        usage = self._usage.get(role)
        if usage is None:
            limit = output_limit(request.sampling)
            output = USUAL_OUTPUT_TOKENS if limit is None else limit
            return {"input_tokens": estimate, "output_tokens": output}
        return {
            # Requests without messages have no length to estimate by.
            "input_tokens": math.ceil(estimate * usage.input / max(1, usage.estimate)),
            "output_tokens": math.ceil(usage.output / usage.answers),
        }

    def learn(self, role: str, request: ChatRequest, reply: ChatReply) -> None:
        """Note how long a question and its answer were."""
        tokens = reply.usage or {}
        if {"input_tokens", "output_tokens"} <= tokens.keys():
            usage = self._usage.setdefault(role, _Usage())
            usage.answers += 1
            usage.output += tokens["output_tokens"]
            usage.estimate += _input_tokens(request)
            usage.input += tokens["input_tokens"]

    @contextlib.contextmanager
    def reserve(self, role: str, tokens: float, usd: float) -> Generator[None]:
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
                if self._end is not None:
                    self._end.set()
                    self._end = None

    async def wait(self) -> bool:
        """Wait until nothing is promised any more; ``False`` if nothing was."""
        if self._count == 0:
            return False
        self._end = end = self._end or anyio.Event()
        async with waiting():
            await end.wait()
        return True


def output_limit(sampling: Mapping[str, Any]) -> int | None:
    """Return the most tokens that an answer may have, where the settings say so."""
    return next((sampling[name] for name in _LIMITS if isinstance(sampling.get(name), int)), None)


def _input_tokens(request: ChatRequest) -> int:
    return round(length_of(request) / CHARACTERS_A_TOKEN)


def length_of(request: ChatRequest) -> int:
    """Return how long *request* is, in characters: texts, schema and tools, and 16 a message.

    Examples:
        >>> length_of(ChatRequest(messages=[{"role": "user", "content": "Capital of Peru?"}]))
        32
    """
    parts = [_text(message.get("content")) for message in request.messages]
    parts += [str(part) for part in (request.response_schema, request.tools) if part]
    return sum(map(len, parts)) + _TOKENS_A_MESSAGE * CHARACTERS_A_TOKEN * len(request.messages)


def _text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""
