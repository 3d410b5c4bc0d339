"""What a language model is asked, what it answers, and the protocol of its clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatRequest:
    """One question to a chat model.

    Examples:
        >>> ChatRequest(messages=[{"role": "user", "content": "1 + 1?"}]).sampling
        {}
    """

    messages: Sequence[Mapping[str, Any]]
    """Messages in order, each with ``role`` and ``content``, as OpenAI's API has them."""

    sampling: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings such as ``temperature``; sent unchanged."""

    tools: Sequence[Mapping[str, Any]] | None = None
    """Tools that the model may call, in OpenAI's form."""

    response_schema: Mapping[str, Any] | None = None
    """JSON Schema that the answer has to follow."""

    stream: bool = False
    """Whether to stream, which times the first token."""

    repeat: int = 0
    """Which repeat this is; equal requests of different repeats are different calls."""

    occurrence: int | str = 0
    """Which draw of its own this is, which makes it a different call, too: how often it was asked
    before, or the case that it is about."""

    seed: int = 0
    """Seed of the jitter between retries; not sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatReply:
    """One answer of a chat model."""

    text: str | None
    """The answer; ``None`` if the model gave no text, which differs from an empty one."""

    tool_calls: Sequence[Mapping[str, Any]] = ()
    """Calls in order, each with ``name``, ``arguments`` (parsed where they are JSON), ``id``."""

    usage: Mapping[str, int] | None = None
    """``input_tokens`` and ``output_tokens``, and of these ``cached_tokens``,
    ``cache_write_tokens``, ``reasoning_tokens``; see `evalkit.llm.tokens.usage_of`."""

    finish_reason: str | None = None
    """``stop``, ``length``, ``tool_calls``, ``content_filter`` or the provider's own word."""

    refusal: str | None = None
    """The provider's refusal, where it marks one as such."""

    logprobs: Sequence[Mapping[str, Any]] | None = None
    """One entry a token, with ``token``, ``logprob`` and ``top_logprobs``, where asked for."""

    cost: float | None = None
    """Price in US dollars; ``None`` means unknown."""

    model: str | None = None
    """Name under which the provider answered, such as a dated version."""

    latency_seconds: float | None = None
    """Seconds that the call took when it was made, waits for its turn left out."""

    time_to_first_token: float | None = None
    """Seconds until the first piece of a streamed answer."""

    raw: Any = None
    """The provider's response as it came; a list of events if it was streamed."""


@runtime_checkable
class ChatModel(Protocol):
    """Answers chat requests.

    A call that gives no answer raises `TargetError` with one of the reasons ``rate_limited``,
    ``connection``, ``provider_error``, ``timeout``, ``invalid_response``.  What a reply says is
    for the caller to judge: an empty, truncated or refused answer is a reply.
    """

    @property
    def name(self) -> str:
        """The model string that the user gave."""
        ...

    @property
    def base_url(self) -> str | None:
        """Address of the server, without credentials; ``None`` for the provider's own."""
        ...

    def check(self) -> None:
        """Refuse to start without what every call needs, such as a key.

        Raises:
            UsageError: Naming the environment variable to set.
        """
        ...

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the answer to *request*; many may be waiting at a time.

        Raises:
            TargetError: If there is no answer.
        """
        ...

    async def aclose(self) -> None:
        """Release connections; called in the loop that used them."""
        ...
