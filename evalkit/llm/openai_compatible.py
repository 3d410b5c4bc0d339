"""A lean client for servers that speak OpenAI's chat completions."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from evalkit._internal.canonical import parse_json
from evalkit._internal.clock import monotonic
from evalkit.errors import TargetError
from evalkit.llm.batch.api import BatchApi, Place
from evalkit.llm.connection import Call, Connection, encoded, shown
from evalkit.llm.openai_reply import StreamedReply, read_reply
from evalkit.llm.protocol import ChatReply, ChatRequest
from evalkit.llm.retry import RetryPolicy
from evalkit.llm.secrets import public_url

if TYPE_CHECKING:
    import aiohttp


class OpenAICompatibleModel:
    """Asks one model of one server.

    Examples:
        >>> model = OpenAICompatibleModel("qwen3", name="ollama/qwen3",
        ...                               base_url="http://127.0.0.1:11434/v1/")
        >>> model.name, model.base_url
        ('ollama/qwen3', 'http://127.0.0.1:11434/v1')
    """

    def __init__(
        self,
        model: str,
        *,
        name: str,
        base_url: str,
        auth_environment: str | None = None,
        key_required: bool = False,
        timeout_seconds: float = 600.0,
        policy: RetryPolicy | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            model: Name that the server knows.
            name: Model string that the user gave.
            base_url: Address up to ``/v1``.
            auth_environment: Environment variable of the key.
            key_required: Whether the server refuses calls without a key.
            timeout_seconds: Longest wait for the answer to one attempt.
            policy: When to try again.
        """
        self.name = name
        self.model = model
        self._root = base_url.rstrip("/")
        self._url = f"{self._root}/chat/completions"
        self._public_url = public_url(base_url.rstrip("/"))
        self._key_required = key_required
        self._auth_environment = auth_environment
        self._open: Callable[[], Connection] = functools.partial(
            Connection,
            auth_environment=auth_environment,
            timeout_seconds=timeout_seconds,
            policy=policy,
        )
        self._connection = self._open()

    @property
    def base_url(self) -> str | None:
        """Address up to ``/v1``, without credentials."""
        return self._public_url

    def __repr__(self) -> str:
        return f"OpenAICompatibleModel({self.name!r}, base_url={self.base_url!r})"

    def check(self) -> None:
        """Refuse to start without a key where the server needs one.

        Raises:
            UsageError: Naming the environment variable to set.
        """
        if self._key_required:
            self._connection.check()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Return the server's answer.

        Raises:
            TargetError: If there is none.
        """
        call = Call(url=self._url, body=encoded(self._payload(request)), seed=request.seed)
        began = monotonic()

        async def read(response: aiohttp.ClientResponse) -> ChatReply:
            if request.stream and "json" not in response.content_type:
                return await _streamed(response, began)
            return read_reply(await response.read())

        return await self._connection.send(call, read)

    @property
    def batch_place(self) -> Place:
        """Server, model and variable of the key: what the requests of a batch share."""
        return self._public_url, self.model, self._auth_environment

    def batch_api(self) -> BatchApi:
        """Return the server's batch endpoint, over connections of its own."""
        return BatchApi(self._root, place=self.batch_place, connection=self._open())

    def batch_body(self, request: ChatRequest) -> bytes:
        """Return what a line of a batch asks for *request*; nothing in a batch is streamed."""
        body = encoded(self._payload(dataclasses.replace(request, stream=False)))
        return bytes(memoryview(body))  # without the room that the encoder has kept for more

    def _payload(self, request: ChatRequest) -> dict[str, Any]:
        payload: dict[str, Any] = {"model": self.model, "messages": request.messages}
        payload |= request.sampling
        if request.tools:
            payload["tools"] = request.tools
        if request.response_schema is not None:
            payload["response_format"] = response_format(request.response_schema)
        if request.stream:
            payload["stream"] = True
            # Without it a streamed answer tells nothing of its tokens.
            payload.setdefault("stream_options", {"include_usage": True})
        return payload

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connection.aclose()


def response_format(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the ``response_format`` that asks for *schema*.

    Strict where the schema closes its object, as OpenAI's strict mode demands.

    Examples:
        >>> response_format({"title": "Verdict", "type": "object"})["json_schema"]["name"]
        'Verdict'
    """
    title = "".join(c if c.isalnum() or c in "_-" else "_" for c in str(schema.get("title", "")))
    return {
        "type": "json_schema",
        "json_schema": {
            "name": title or "answer",
            "schema": schema,
            "strict": schema.get("additionalProperties") is False,
        },
    }


async def _streamed(response: aiohttp.ClientResponse, began: float) -> ChatReply:
    """Read a stream of server-sent events until it says that it is done."""
    import aiohttp

    streamed = StreamedReply()
    first: float | None = None
    async for data in _events(response):
        if data == b"[DONE]":
            return streamed.reply(first)
        try:
            event = parse_json(data)
        except ValueError:
            text = shown(data.decode("utf-8", "replace"))
            raise TargetError("invalid_response", f"an event is not JSON: {text}") from None
        if streamed.add(event) and first is None:
            first = monotonic() - began
    if not streamed.complete:
        # Cut off on the way: what a broken connection is, and tried again as one.
        raise aiohttp.ServerDisconnectedError("the stream ended before the answer did")
    return streamed.reply(first)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the data of each event; comments and other fields are left out."""
    rest = b""
    async for chunk in response.content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
    if rest.startswith(b"data:"):
        yield rest[5:].strip()
