"""What a scripted endpoint answers, and how it looks on the wire."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

import orjson

from evalkit._internal.canonical import parse_json
from evalkit._internal.clock import now_milliseconds
from evalkit.errors import UsageError

_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRequest:
    """A request as it arrived."""

    number: int
    """Place in the order of arrival, from 0."""

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Headers by lower-case name."""

    body: bytes = b""

    @property
    def json(self) -> Any:
        """The body's JSON value; the parameters of the address where there is no body."""
        if not self.body:
            return dict(parse_qsl(urlsplit(self.path).query, keep_blank_values=True))
        return parse_json(self.body)

    @property
    def messages(self) -> Sequence[Mapping[str, Any]]:
        """The messages of a chat request; none for any other."""
        value = self.json
        messages = value.get("messages") if isinstance(value, Mapping) else None
        return cast("Sequence[Mapping[str, Any]]", messages) if isinstance(messages, list) else ()

    @property
    def prompt(self) -> str:
        """The last message's text, or the first text among the inputs."""
        if self.messages:
            return _message_text(self.messages[-1].get("content"))
        return _first_text(self.json)


def _message_text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content)
    return content if isinstance(content, str) else ""


def _first_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    parts: list[Any] = []
    if isinstance(value, Mapping):
        parts = list(cast("Mapping[str, Any]", value).values())
    elif isinstance(value, list):
        parts = value
    return next((text for text in map(_first_text, parts) if text), "")


async def read_request(
    reader: asyncio.StreamReader, number: Callable[[], int]
) -> SeenRequest | None:
    """Return the next request of a connection; ``None`` when the client is done.

    *number* is asked once the request is here: many connections wait for one at a time.
    """
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.strip().lower(): value.strip() for name, value in pairs}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = b"".join([chunk async for chunk in _chunks(reader)])
    else:
        body = await reader.readexactly(int(headers.get("content-length", "0")))
    return SeenRequest(number=number(), method=method, path=path, headers=headers, body=body)


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while True:
        size = int((await reader.readline()).split(b";")[0], 16)
        chunk = await reader.readexactly(size + 2)
        if size == 0:
            return
        yield chunk[:-2]


def head(status: int, headers: Mapping[str, str], *, length: int | None) -> bytes:
    r"""Return the first lines of a response; without *length* its body comes in chunks.

    Examples:
        >>> head(204, {}, length=0)
        b'HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n'
    """
    size = ("transfer-encoding", "chunked") if length is None else ("content-length", str(length))
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in (*headers.items(), size)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def chunk(data: bytes) -> bytes:
    r"""Return *data* as one chunk; an empty one ends the body.

    Examples:
        >>> chunk(b"abc")
        b'3\r\nabc\r\n'
    """
    return b"%x\r\n%s\r\n" % (len(data), data)


class Fault(StrEnum):
    """Ways in which an endpoint fails."""

    RESET = "reset"
    """The connection is reset without an answer."""

    CUT_OFF = "cut_off"
    """The connection closes in the middle of the body."""

    TRUNCATED = "truncated"
    """A complete response whose JSON stops in the middle."""

    HANG = "hang"
    """Nothing comes until the client gives up."""

    PROSE = "prose"
    """A web page instead of JSON."""

    RATE_LIMITED = "rate_limited"
    """Status 429, with ``retry-after: 0``."""

    SERVER_ERROR = "server_error"
    """Status 500."""

    UNAVAILABLE = "unavailable"
    """Status 503."""

    EMPTY = "empty"
    """An answer that is an empty text."""

    NULL = "null"
    """An answer that is null."""

    REFUSAL = "refusal"
    """A chat model's refusal, marked as such; a null answer elsewhere."""

    WRONG_SCHEMA = "wrong_schema"
    """JSON, of another shape than any client expects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One scripted answer, for when there is more to say than the answer.

    Examples:
        >>> Reply(value="Paris", latency_seconds=0.05).status
        200
    """

    value: Any = ""
    """The answer: a text, ``None``, or any JSON value (as JSON text for chat)."""

    fault: Fault | None = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | None = None
    """The whole body, as it is, in place of one made from the rest."""

    latency_seconds: float | None = None
    """Time before the answer; the endpoint's own by default."""

    finish_reason: str | None = None
    """``tool_calls`` if there are any, else ``stop``, by default."""

    refusal: str | None = None
    tool_calls: Sequence[Mapping[str, Any]] = ()
    """Calls such as ``{"name": "add", "arguments": {"a": 1}}``; the arguments may be JSON text."""

    logprobs: Sequence[Mapping[str, float]] = ()
    """For each token of the answer its alternatives with their probabilities in (0, 1], no
    logarithms, such as ``[{"yes": 0.9, "no": 0.1}]``; the first of each is the token itself."""

    usage: Mapping[str, int] | None = None
    """Tokens as OpenAI counts them; the words of messages and answer by default."""

    def __post_init__(self) -> None:
        for call in self.tool_calls:
            if "name" not in call:
                raise UsageError(f"tool_calls= are mappings of name and arguments; got {call!r}.")
        for place in self.logprobs:
            if not place or not all(0 < share <= 1 for share in place.values()):
                raise UsageError(
                    "logprobs= are probabilities, in (0, 1], of each token's alternatives, such as "
                    f"{{'yes': 0.9}}; got {place!r}. Of a logarithm x it is math.exp(x)."
                )


FAULTS: Mapping[Fault, Reply] = {
    Fault.PROSE: Reply(
        body=b"<html><body>We will be back soon.</body></html>",
        headers={"content-type": "text/html"},
    ),
    Fault.RATE_LIMITED: Reply(
        status=429,
        headers={"retry-after": "0"},
        body=b'{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}',
    ),
    Fault.SERVER_ERROR: Reply(status=500, body=b'{"error":{"message":"Internal error"}}'),
    Fault.UNAVAILABLE: Reply(status=503, body=b'{"error":{"message":"Overloaded"}}'),
    Fault.EMPTY: Reply(value=""),
    Fault.NULL: Reply(value=None),
    Fault.REFUSAL: Reply(value=None, refusal="I cannot help with that."),
    Fault.WRONG_SCHEMA: Reply(value={"unexpected": [1, 2, 3]}, body=b'{"unexpected":[1,2,3]}'),
}
"""Faults that are an ordinary response; the others break the connection or the body."""


def problem(status: int, message: str) -> Reply:
    """Return an error as OpenAI's API words it."""
    return Reply(status=status, body=orjson.dumps({"error": {"message": message}}))


def body_of(reply: Reply, request: SeenRequest) -> bytes:
    """Return the body that answers *request*: chat completion, MLflow's predictions, or JSON."""
    if reply.body is not None:
        return reply.body
    path = request.path.partition("?")[0]
    if path.endswith("/chat/completions"):
        return orjson.dumps(completion(reply, request))
    if path.endswith("/invocations"):
        given = request.json
        records = given.get("dataframe_records") if isinstance(given, Mapping) else None
        return orjson.dumps({"predictions": [reply.value] * len(records or [None])})
    if isinstance(reply.value, Mapping):
        return orjson.dumps(reply.value)
    return orjson.dumps({"output": reply.value})


def text_of(value: Any) -> str | None:
    """Return the answer as a chat model writes it."""
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def completion(reply: Reply, request: SeenRequest) -> dict[str, Any]:
    """Return the chat completion that says *reply*."""
    message: dict[str, Any] = {"role": "assistant", "content": text_of(reply.value)}
    message["refusal"] = reply.refusal
    if reply.tool_calls:
        message["tool_calls"] = _calls(reply, request)
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": _finish(reply),
        "logprobs": {"content": logprobs_of(reply)} if reply.logprobs else None,
    }
    envelope = _envelope(request, "chat.completion")
    return {**envelope, "choices": [choice], "usage": _usage(reply, request)}


def events(reply: Reply, request: SeenRequest) -> Iterator[dict[str, Any]]:
    """Yield the events of *reply* as a stream: a word each, then the reason, then the usage."""
    envelope = _envelope(request, "chat.completion.chunk")

    def event(delta: Mapping[str, Any], **more: Any) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": None, **more}
        return {**envelope, "choices": [choice]}

    text = text_of(reply.value)
    yield event({"role": "assistant", "content": None if text is None else ""})
    if reply.refusal is not None:
        yield event({"refusal": reply.refusal})
    for call in _calls(reply, request):
        arguments = call["function"].pop("arguments")
        yield event({"tool_calls": [{**call, "function": {**call["function"], "arguments": ""}}]})
        for start in range(0, len(arguments), 8):
            function = {"arguments": arguments[start : start + 8]}
            yield event({"tool_calls": [{"index": call["index"], "function": function}]})
    logprobs = {"content": logprobs_of(reply)} if reply.logprobs else None
    for number, word in enumerate(re.findall(r"\s*\S+|\s+$", text or "")):
        yield event({"content": word}, logprobs=logprobs if number == 0 else None)
    yield event({}, finish_reason=_finish(reply))
    yield {**envelope, "choices": [], "usage": _usage(reply, request)}


def logprobs_of(reply: Reply) -> list[dict[str, Any]]:
    """Return the probabilities of the tokens as OpenAI writes them: natural logarithms."""
    tokens: list[dict[str, Any]] = []
    for alternatives in reply.logprobs:
        top = [
            {"token": token, "logprob": math.log(share), "bytes": list(token.encode())}
            for token, share in alternatives.items()
        ]
        tokens.append({**top[0], "top_logprobs": top})
    return tokens


def _calls(reply: Reply, request: SeenRequest) -> list[dict[str, Any]]:
    return [
        {
            "index": index,
            "id": f"call_{request.number}_{index}",
            "type": "function",
            "function": {"name": call["name"], "arguments": text_of(call.get("arguments", {}))},
        }
        for index, call in enumerate(reply.tool_calls)
    ]


def _envelope(request: SeenRequest, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-{request.number}",
        "object": kind,
        "created": now_milliseconds() // 1000,
        "model": request.json.get("model"),
    }


def _finish(reply: Reply) -> str:
    return reply.finish_reason or ("tool_calls" if reply.tool_calls else "stop")


def _usage(reply: Reply, request: SeenRequest) -> Mapping[str, int]:
    if reply.usage is not None:
        return reply.usage
    prompt = sum(len(str(message.get("content", "")).split()) for message in request.messages)
    answered = len((text_of(reply.value) or "").split())
    total = prompt + answered
    return {"prompt_tokens": prompt, "completion_tokens": answered, "total_tokens": total}
