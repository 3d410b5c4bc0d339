"""A real HTTP server on loopback that answers, and fails, as a test scripts it."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import functools
import math
import socket
import struct
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Self, cast

import orjson

from evalkit._internal.clock import monotonic
from evalkit.testing.batches import ScriptedBatches, batch_route
from evalkit.testing.replies import (
    FAULTS,
    Fault,
    Reply,
    SeenRequest,
    body_of,
    chunk,
    events,
    head,
    problem,
    read_request,
)

Answers = str | Reply | Sequence[Any] | Mapping[str, Any] | Callable[[SeenRequest], Any]

_JSON: Final = {"content-type": "application/json"}
_STARTED_SECONDS: Final = 10.0


class RateLimit:
    """A bucket of requests that fills with time."""

    def __init__(self, per_second: float | Callable[[float], float], *, burst: int = 1) -> None:
        """Allow *per_second* requests (a function of the seconds since the start), and *burst*."""
        self._per_second = per_second
        self.burst = burst
        self._level = float(burst)
        self._began = self._last = monotonic()

    def take(self) -> tuple[bool, dict[str, str]]:
        """Take one request if there is one left; return that, and headers that tell of the rest."""
        now = monotonic()
        per_second = self._per_second
        rate = per_second(now - self._began) if callable(per_second) else per_second
        self._level = min(self.burst, self._level + (now - self._last) * rate)
        self._last = now
        allowed = self._level >= 1.0
        self._level -= allowed
        headers = {
            "x-ratelimit-limit-requests": str(self.burst),
            "x-ratelimit-remaining-requests": str(math.floor(self._level)),
        }
        if not allowed:
            wait = (1.0 - self._level) / rate if rate > 0 else 60.0
            headers["retry-after"] = f"{wait:.3f}"
        return allowed, headers


class ScriptedEndpoint:
    """Speaks OpenAI's chat completions, MLflow's ``/invocations`` and plain JSON.

    Any path ending in ``/chat/completions`` answers as a chat model, streamed where the request
    asks for it; one ending in ``/invocations`` gives ``predictions``; ``/v1/files`` and
    ``/v1/batches`` are a batch endpoint, where one is given; any other path gives the scripted
    mapping, or ``{"output": answer}``.

    Examples:
        >>> import urllib.request
        >>> with ScriptedEndpoint({"1 + 1?": "2"}) as endpoint:
        ...     request = urllib.request.Request(endpoint.url, b'{"question": "1 + 1?"}')
        ...     answer = urllib.request.urlopen(request).read()
        >>> answer, endpoint.calls
        (b'{"output":"2"}', 1)
    """

    def __init__(
        self,
        answers: Answers = "ok",
        *,
        latency_seconds: float = 0.0,
        rate_limit: RateLimit | None = None,
        key: str | None = None,
        batches: ScriptedBatches | None = None,
    ) -> None:
        """Script the answers; the server starts with the ``with`` block.

        Args:
            answers: One text, `Fault` or `Reply` for all; a list, in order of arrival; a mapping
                from prompt to answer, where ``"*"`` stands for the rest; or a function of the
                `SeenRequest`: its ``prompt``, ``messages``, ``json`` (values) and ``body`` (bytes).
                Each answer is a JSON value, a `Fault`, or a `Reply`.
            latency_seconds: Time before each answer.
            rate_limit: What is above it gets status 429 with the headers that providers send.
            key: Bearer token that every request has to carry; others get status 401.
            batches: The batch endpoint, whose requests get the scripted answers too; without it
                there is none (status 404).
        """
        self._answers = answers
        self._latency_seconds = latency_seconds
        self._rate_limit = rate_limit
        self._key = key
        self.batches = batches
        """The batch endpoint, if there is one."""
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._started = threading.Event()
        self._connections: set[asyncio.Task[None]] = set()
        self._port = 0
        self._in_flight = 0
        self.peak_in_flight = 0
        """Highest number of requests that were being answered at a time."""
        self.requests: list[SeenRequest] = []
        """Every request, in order of arrival."""

    @property
    def url(self) -> str:
        """Address of the plain JSON route."""
        return f"http://127.0.0.1:{self._port}/"

    @property
    def base_url(self) -> str:
        """Address of the OpenAI-compatible routes, for ``base_url=``."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def calls(self) -> int:
        """How many requests have come."""
        return len(self.requests)

    @property
    def in_flight(self) -> int:
        """How many requests are being answered now."""
        return self._in_flight

    def __enter__(self) -> Self:
        serve = functools.partial(asyncio.run, self._run())
        self._thread = threading.Thread(target=serve, name="scripted-endpoint", daemon=True)
        self._thread.start()
        if not self._started.wait(_STARTED_SECONDS):
            raise RuntimeError("The scripted endpoint did not start.")
        return self

    def __exit__(self, *_: object) -> None:
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0, backlog=1024)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        self._connections.add(task)
        try:
            # A client that goes away is none of the server's business.
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                while (request := await read_request(reader, lambda: self.calls)) is not None:
                    if not await self._exchanged(request, reader, writer):
                        break
        except asyncio.CancelledError:
            pass
        finally:
            self._connections.discard(task)
            writer.close()

    async def _exchanged(
        self, request: SeenRequest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Answer one request; say whether the connection can carry another."""
        self.requests.append(request)
        self._in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self._in_flight)
        try:
            return await self._answered(request, self._reply(request), reader, writer)
        finally:
            self._in_flight -= 1

    async def _answered(
        self,
        request: SeenRequest,
        reply: Reply,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        latency = reply.latency_seconds
        await asyncio.sleep(self._latency_seconds if latency is None else latency)
        if reply.fault is Fault.HANG:
            await reader.read(1)  # returns when the client gives up
            return False
        if reply.fault is Fault.RESET:
            _reset(writer)
            return False
        if _streamed(request, reply):
            return await _stream(request, reply, writer)
        body = body_of(reply, request)
        length = len(body)
        if reply.fault in {Fault.CUT_OFF, Fault.TRUNCATED}:
            body = body[: length // 2]
        declared = length if reply.fault is Fault.CUT_OFF else len(body)
        writer.write(head(reply.status, {**_JSON, **reply.headers}, length=declared) + body)
        await writer.drain()
        return reply.fault is not Fault.CUT_OFF

    def _reply(self, request: SeenRequest) -> Reply:
        """Return what the script says to *request*, after key and rate limit."""
        given = request.headers.get("authorization", "")
        if self._key is not None and given != f"Bearer {self._key}":
            # Some servers show the key that they refuse; a client must not hand that on.
            return problem(401, f"Incorrect API key provided: {given.removeprefix('Bearer ')}")
        headers: dict[str, str] = {}
        if self._rate_limit is not None:
            allowed, headers = self._rate_limit.take()
            if not allowed:
                return dataclasses.replace(FAULTS[Fault.RATE_LIMITED], headers=headers)
        routed = batch_route(request)
        if routed is not None:
            if self.batches is None:
                return problem(404, f"Invalid URL ({request.method} {request.path})")
            reply = self.batches.reply(routed, request, self._scripted_reply)
        else:
            reply = self._scripted_reply(request)
        return dataclasses.replace(reply, headers={**headers, **reply.headers})

    def _scripted_reply(self, request: SeenRequest) -> Reply:
        return _as_reply(self._scripted(request))

    def _scripted(self, request: SeenRequest) -> Any:
        answers = self._answers
        if isinstance(answers, (str, Fault, Reply)):
            return answers
        if callable(answers):
            try:
                return answers(request)
            except Exception as error:  # noqa: BLE001  the script is the test author's code
                return problem(400, f"the script raised {type(error).__name__}: {error}")
        if isinstance(answers, Mapping):
            other = answers.get("*", problem(400, f"the script lacks {request.prompt!r}"))
            return answers.get(request.prompt, other)
        if request.number < len(answers):
            return answers[request.number]
        return problem(400, f"the script has {len(answers)} answers and no more")


def _as_reply(answer: Any) -> Reply:
    if isinstance(answer, Reply):
        if answer.fault is None or answer.fault not in FAULTS:
            return answer
        return dataclasses.replace(FAULTS[answer.fault], latency_seconds=answer.latency_seconds)
    if isinstance(answer, Fault):
        return FAULTS.get(answer, Reply(value="an answer that will not arrive", fault=answer))
    return Reply(value=answer)


def _streamed(request: SeenRequest, reply: Reply) -> bool:
    if reply.body is not None or reply.fault is Fault.TRUNCATED:
        return False
    sent = request.json
    wanted = isinstance(sent, Mapping) and cast("Mapping[str, Any]", sent).get("stream") is True
    return wanted and request.path.endswith("/chat/completions")


async def _stream(request: SeenRequest, reply: Reply, writer: asyncio.StreamWriter) -> bool:
    """Send the answer event by event; say whether the connection can carry another request."""
    headers = {"content-type": "text/event-stream", **reply.headers}
    writer.write(head(reply.status, headers, length=None))
    sent = list(events(reply, request))
    if reply.fault is Fault.CUT_OFF:
        sent = sent[: len(sent) // 2]
    for event in sent:
        writer.write(chunk(b"data: " + orjson.dumps(event) + b"\n\n"))
        await writer.drain()
    if reply.fault is Fault.CUT_OFF:
        return False
    writer.write(chunk(b"data: [DONE]\n\n") + chunk(b""))
    await writer.drain()
    return True


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close at once, so that the client sees a reset and no orderly end."""
    open_socket = writer.get_extra_info("socket")
    open_socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
