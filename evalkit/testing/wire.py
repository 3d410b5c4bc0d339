"""HTTP/1.1 as a scripted server needs it: requests in, responses out, on asyncio's streams."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, cast
from urllib.parse import parse_qsl, urlsplit

from evalkit._internal.canonical import parse_json

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
        found = value.get("messages") if isinstance(value, Mapping) else None
        return cast("Sequence[Mapping[str, Any]]", found) if isinstance(found, list) else ()

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
