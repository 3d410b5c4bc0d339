"""Every provider that litellm knows, by its model string."""

from __future__ import annotations

import dataclasses
import os
from typing import Any, Final, cast

from evalkit._internal.clock import monotonic
from evalkit._internal.optional import require
from evalkit.errors import EvalkitError, UsageError, near_miss
from evalkit.llm.connection import shown
from evalkit.llm.headers import retry_after_seconds
from evalkit.llm.limits import admitted
from evalkit.llm.openai_compatible import response_format
from evalkit.llm.openai_reply import StreamedReply, reply_of
from evalkit.llm.protocol import ChatReply, ChatRequest
from evalkit.llm.retry import Refusal, RetryPolicy, persist
from evalkit.llm.secrets import public_url, redacted
from evalkit.settings import secret, secrets_in_environment

_REASONS: Final = {
    "RateLimitError": "rate_limited",
    "ContextWindowExceededError": "context_length",
    "APIConnectionError": "connection",
    "Timeout": "timeout",
    "APIResponseValidationError": "invalid_response",
}
"""litellm's exceptions whose reason is not ``provider_error``."""

_OK: Final = 200
_TOO_MANY: Final = 429
_AGAIN: Final = frozenset(
    {"RateLimitError", "APIConnectionError", "InternalServerError", "ServiceUnavailableError"}
    | {"BadGatewayError"}
)


def load_litellm() -> Any:
    """Import litellm with the price map that it ships, never one from the network.

    Raises:
        MissingExtraError: If it is not installed.
    """
    # Read by litellm at its import.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")
    litellm = require("litellm", extra="judges")
    litellm.suppress_debug_info = True
    return litellm


class LitellmModel:
    """Asks a model through litellm, which finds provider, address and key by the model string."""

    def __init__(
        self,
        model: str,
        *,
        auth_environment: str | None = None,
        timeout_seconds: float = 600.0,
        policy: RetryPolicy | None = None,
    ) -> None:
        """Import litellm; open nothing yet.

        Args:
            model: litellm's model string, such as ``anthropic/claude-sonnet-4-5``.
            auth_environment: Environment variable of the key; the provider's own by default.
            timeout_seconds: Longest wait for the answer to one attempt.
            policy: When to try again.

        Raises:
            MissingExtraError: If litellm is not installed.
        """
        self._litellm = load_litellm()
        self.name = model
        self._auth_environment = auth_environment
        self._timeout_seconds = timeout_seconds
        self._policy = policy or RetryPolicy()

    @property
    def base_url(self) -> str | None:
        """Return ``None``: the provider's own address."""
        return None

    def __repr__(self) -> str:
        return f"LitellmModel({self.name!r})"

    def check(self) -> None:
        """Refuse to start without the provider's key, as far as litellm knows it.

        Raises:
            UsageError: Naming the environment variables to set.
        """
        if self._auth_environment:
            if not secret(self._auth_environment):
                raise UsageError(f"The environment variable {self._auth_environment} is not set.")
            return
        try:
            self._litellm.get_llm_provider(model=self.name)
        except Exception:  # noqa: BLE001  litellm has a class of its own for every provider
            prefix = self.name.partition("/")[0]
            raise UsageError(
                f"litellm knows no provider of {self.name!r}."
                f"{near_miss(prefix, [*map(str, self._litellm.provider_list), 'openai'])} "
                "A model is PROVIDER/NAME, such as 'openai/gpt-5-mini'; base_url= gives the "
                "address of a server of your own."
            ) from None
        environment = cast("dict[str, Any]", self._litellm.validate_environment(model=self.name))
        if not environment.get("keys_in_environment") and environment.get("missing_keys"):
            missing = ", ".join(environment["missing_keys"])
            raise UsageError(f"{self.name} needs the environment variables {missing}.")

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the provider's answer.

        Raises:
            TargetError: If there is none.
        """

        def explain(text: str) -> str:
            text = shown(redacted(text, secrets_in_environment()))
            return f"{self.name}: {public_text(text)}"

        return await persist(
            lambda again: self._attempt(request, again=again),
            self._policy,
            explain,
            seed=request.seed,
        )

    async def _attempt(self, request: ChatRequest, *, again: bool) -> ChatReply:
        place = self.name.partition("/")[0]
        async with admitted(place, self._auth_environment, again=again) as attempt:
            try:
                reply = await self._exchange(request)
            except EvalkitError:
                raise
            except Exception as error:  # noqa: BLE001  litellm lets its providers' errors through
                kind = _kind(error)
                headers = dict(getattr(getattr(error, "response", None), "headers", None) or {})
                attempt.answered(_TOO_MANY if kind == "RateLimitError" else 0, headers)
                raise Refusal(
                    _REASONS.get(kind, "provider_error"),
                    str(error),
                    again=kind in _AGAIN,
                    retry_after=retry_after_seconds(headers),
                    status=_status(error),
                ) from None
            attempt.answered(_OK, {})
            return reply

    async def _exchange(self, request: ChatRequest) -> ChatReply:
        began = monotonic()
        response = await self._litellm.acompletion(**self._arguments(request))
        if not request.stream:
            raw = response.model_dump()
            return dataclasses.replace(reply_of(raw), cost=self._price(response))
        streamed, first = StreamedReply(), None
        async for event in response:
            if streamed.add(event.model_dump()) and first is None:
                first = monotonic() - began
        return streamed.reply(first)

    def _arguments(self, request: ChatRequest) -> dict[str, Any]:
        arguments: dict[str, Any] = {
            "model": self.name,
            "messages": [dict(message) for message in request.messages],
            **request.sampling,
            "timeout": self._timeout_seconds,
            "num_retries": 0,
        }
        if self._auth_environment:
            arguments["api_key"] = secret(self._auth_environment)
        if request.tools:
            arguments["tools"] = list(request.tools)
        if request.response_schema is not None:
            arguments["response_format"] = response_format(request.response_schema)
        if request.stream:
            arguments |= {"stream": True, "stream_options": {"include_usage": True}}
        return arguments

    def _price(self, response: Any) -> float | None:
        try:
            price: Any = self._litellm.completion_cost(completion_response=response)
        except Exception:  # noqa: BLE001  raised for every model without a price: unknown, not free
            return None
        return float(price) if price else None

    async def aclose(self) -> None:
        """Release nothing: litellm keeps its own clients."""


def public_text(text: str) -> str:
    """Return *text* with the parameters of every address in it hidden.

    Examples:
        >>> public_text("GET https://api.example.com/v1?key=abc failed")
        'GET https://api.example.com/v1?key=*** failed'
    """
    return " ".join(
        public_url(word) if word.startswith(("http://", "https://")) else word
        for word in text.split(" ")
    )


def _status(error: Exception) -> int | None:
    status = getattr(error, "status_code", None)
    return status if isinstance(status, int) else None


def _kind(error: Exception) -> str:
    """Return the first of litellm's names among the classes of *error*."""
    ours = _AGAIN | set(_REASONS)
    names = [kind.__name__ for kind in type(error).__mro__]
    return next((name for name in names if name in ours), names[0])
