"""HTTP of an application's own code: recorded, and answered from recordings while the code runs.

vcrpy stands in for the clients, once and for good in a process; outside a taped call they work as
ever.  Cases run side by side, so which of them an exchange belongs to is in a context variable.
"""

from __future__ import annotations

import contextlib
import functools
import io
import re
import threading
from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Mapping
from contextvars import ContextVar, copy_context
from importlib import import_module
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit._internal.clock import monotonic
from evalkit._internal.optional import require
from evalkit.errors import NotRecordedError
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import Recording, recording_of
from evalkit.llm.secrets import HIDDEN, masked_json, names_secret

_BOUNDARY: Final = re.compile(r"boundary=\"?([^\";]+)")
_PART: Final = re.compile(
    rb'(name="([^"]*)"[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)(.*?)(?=\r\n--boundary)', re.DOTALL
)
_PARAMETER: Final = re.compile(r"([?&]([^=&#]+)=)([^&#]*)")
"""Part of an address, such as the one that a header redirects to."""

_TOKEN: Final = re.compile(r'("(?:access|refresh|id)_token"\s*:\s*)"[^"]*"')
"""What OAuth 2 and OpenID Connect call the secrets that they hand out."""

_UNKEPT_HEADERS: Final = frozenset(
    {"set-cookie", "content-length", "transfer-encoding", "connection", "date"}
)
_AMBIGUOUS: Final = frozenset({"key", "token", "sig", "assertion"})
"""Fields of a body that may be no secret, such as the key of what is looked up."""

_GUARD: Final = threading.Lock()


class Tape:
    """What one call of a target asks by HTTP, and gets; to vcrpy's stubs, a cassette."""

    write_protected = False
    """What only a recording may answer is refused where it is looked up."""

    def __init__(self, recorder: Recorder, case: str, repeat: int) -> None:
        """Ask nothing yet."""
        self._recorder = recorder
        self._call = {"case": case, "repeat": repeat}
        self._answered: Counter[bytes] = Counter()
        self._missing: list[NotRecordedError] = []
        self.replayed_seconds = 0.0
        """What the replayed exchanges took when they were made."""

    @contextlib.contextmanager
    def running(self) -> Generator[None]:
        """Record and replay what this block asks, also in tasks and pools that it gives work to.

        Raises:
            NotRecordedError: If only recordings may answer, and one was missing, whatever the code
                that asked has made of that.
        """
        try:
            with _tape_is(self):
                yield
        except Exception:
            self._check_complete()
            raise
        self._check_complete()

    def _check_complete(self) -> None:
        if self._missing:
            raise self._missing[0] from None

    def can_play_response_for(self, request: Any) -> bool:
        """Look for the recorded reply to *request*; each of them answers once.

        Raises:
            NotRecordedError: If only recordings may answer, and none does.
        """
        request.began, request.reply = monotonic(), None
        # Once: what is sent may be gone when it has been.
        asked = request.asked = _asked(request)
        with _GUARD:
            try:
                kept = self._recorder.find(self._recording(asked))
            except NotRecordedError as error:
                missing = NotRecordedError(asked["request"], error.cause)
                self._missing.append(missing)
                raise missing from None
            if kept is None:
                return False
            self._count(asked)
            self._recorder.note_replay("http", kept)
            self.replayed_seconds += kept["latency_seconds"]
        content = kept["text"].encode() if "text" in kept else b64decode(kept["base64"])
        request.reply = {
            "status": {"code": kept["http"], "message": kept["reason"]},
            "headers": kept["headers"],
            "body": {"string": content},
        }
        return True

    def play_response(self, request: Any) -> Any:
        """Return the reply that was looked up."""
        return request.reply

    def filter_request(self, request: Any) -> Any:
        """Leave out no request."""
        return request

    def find_requests_with_most_matches(self, request: Any) -> list[Any]:
        """Return the *request* itself, as where a recorded reply redirects to."""
        return [(request,)]

    def append(self, request: Any, response: Any) -> None:
        """Record *response*, unless it says that the server could not answer."""
        with contextlib.suppress(Exception):  # aiohttp decodes, and leaves the header
            response = _vcr("filters").decode_response(response)
        status = response["status"]["code"]
        if status in {401, 408, 429} or status >= 500:  # noqa: PLR2004  which `retry` asks anew
            return
        reply = {
            "http": status,
            "reason": response["status"]["message"] or "",
            "headers": {
                name: [_PARAMETER.sub(_masked, value) for value in values]
                for name, values in response["headers"].items()
                if name.lower() not in _UNKEPT_HEADERS and not names_secret(name)
            },
            **_content(response["body"].get("string") or b""),
            "latency_seconds": monotonic() - getattr(request, "began", monotonic()),
        }
        asked = getattr(request, "asked", None) or _asked(request)
        with _GUARD:
            recording = self._recording(asked)
            self._count(asked)
            self._recorder.keep(recording, parse_json(masked_json(canonical_json(reply))))

    def _recording(self, asked: Mapping[str, Any]) -> Recording:
        """Return the recording of *asked*; equal requests of one call are told by their number."""
        numbered = {**asked, **self._call, "occurrence": self._answered[canonical_json(asked)]}
        host = urlsplit(asked["request"].partition(" ")[2]).netloc
        return recording_of(numbered, label=host, subject=asked["request"])

    def _count(self, asked: Mapping[str, Any]) -> None:
        self._answered[canonical_json(asked)] += 1


_TAPE: Final[ContextVar[Tape | None]] = ContextVar("evalkit_tape", default=None)


class _InForce:
    """The tape of the call that asks, whichever that is."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_TAPE.get(), name)


@contextlib.contextmanager
def _tape_is(tape: Tape | None) -> Generator[None]:
    token = _TAPE.set(tape)
    try:
        yield
    finally:
        _TAPE.reset(token)


def untaped() -> contextlib.AbstractContextManager[None]:
    """Leave out what a block asks: evalkit's own clients have recordings of their own."""
    return _tape_is(None)


def tape_clients() -> None:
    """Have the clients that are installed ask the tape of the call that they work for, if any.

    Raises:
        MissingExtraError: If vcrpy is not installed.
    """
    with _GUARD:
        _tape_clients()


def _vcr(module: str) -> Any:
    require("vcr", extra="http")
    return import_module(f"vcr.{module}")


@functools.cache
def _tape_clients() -> None:
    from concurrent.futures import ThreadPoolExecutor  # start-up: with record_http alone

    tape: Any = _InForce()
    httpx_stubs, aiohttp_stubs = _vcr("stubs.httpx_stubs"), _vcr("stubs.aiohttp_stubs")
    stub = functools.partial(aiohttp_stubs.vcr_request, tape)
    _divert(aiohttp_stubs.ClientSession, "_request", functools.partial(_send_by_aiohttp, stub))
    _divert(ThreadPoolExecutor, "submit", _submit_in_context)
    for name in ("httpx", "httpx2"):
        with contextlib.suppress(ImportError):
            httpx: Any = import_module(name)
            # What goes to the network alone: an application that is asked in this process runs.
            for kind, method, stub in (
                (httpx.HTTPTransport, "handle_request", httpx_stubs.vcr_handle_request),
                (
                    httpx.AsyncHTTPTransport,
                    "handle_async_request",
                    httpx_stubs.vcr_handle_async_request,
                ),
            ):
                _divert(kind, method, functools.partial(stub, tape, httpx=httpx))
    with contextlib.suppress(ImportError):
        # vcrpy's own stub takes the classes of connections away from all threads at times.
        adapter = import_module("requests.adapters").HTTPAdapter
        _divert(adapter, "send", functools.partial(_send_by_requests, tape))


def _divert(owner: Any, name: str, stub: Callable[[Any], Any]) -> None:
    """Have the method *name* of *owner* go through *stub* where there is a tape."""
    real = getattr(owner, name)
    taped = stub(real)

    @functools.wraps(real)
    def method(*arguments: Any, **keywords: Any) -> Any:
        return (real if _TAPE.get() is None else taped)(*arguments, **keywords)

    setattr(owner, name, method)


def _submit_in_context(real: Any) -> Any:
    """Have what a pool of threads is given belong to the case that gave it."""

    def submit(self: Any, function: Any, /, *arguments: Any, **keywords: Any) -> Any:
        return real(self, copy_context().run, function, *arguments, **keywords)

    return submit


def _send_by_aiohttp(stub: Any, real: Any) -> Any:
    taped = stub(real)

    def send(self: Any, method: str, url: Any, **keywords: Any) -> Any:
        return taped(self, method, self._build_url(url), **keywords)  # a session may have a base

    return send


def _send_by_requests(tape: Any, real: Any) -> Any:
    request_class, urllib3 = _vcr("request").Request, import_module("urllib3")

    def send(self: Any, request: Any, *arguments: Any, **keywords: Any) -> Any:
        asked = request_class(request.method, request.url, request.body, request.headers)
        request.body = asked.body  # what could be read once has been
        if tape.can_play_response_for(asked):
            reply = tape.play_response(asked)
            raw = urllib3.HTTPResponse(
                io.BytesIO(reply["body"]["string"]),
                urllib3.HTTPHeaderDict(
                    (n, v) for n, values in reply["headers"].items() for v in values
                ),
                reply["status"]["code"],
                reason=reply["status"]["message"],
                preload_content=False,
            )
            return self.build_response(request, raw)
        response = real(self, request, *arguments, **keywords)
        headers = response.raw.headers
        reply = {
            "status": {"code": response.status_code, "message": response.reason},
            "headers": {n: headers.getlist(n) for n in headers if n.lower() != "content-encoding"},
            "body": {"string": response.content},
        }
        tape.append(asked, reply)
        return response

    return send


def _asked(request: Any) -> dict[str, Any]:
    """Return what tells *request* from others on any machine: no secrets, and so no headers."""
    url = urlsplit(request.uri)
    query = urlencode(_pairs(url.query), safe="[]")
    place = urlunsplit((url.scheme, url.netloc.rpartition("@")[2], url.path, query, ""))
    asked = {"request": f"{request.method} {place}", "body": _body(request)}
    masked: dict[str, Any] = parse_json(masked_json(canonical_json(asked)))
    return masked


def _body(request: Any) -> Any:
    """Return the body of *request*: parsed where it is JSON or a form, and without secrets."""
    body = _vcr("util").read_body(request)
    kind = str(request.headers.get("content-type") or "")
    if not isinstance(body, bytes):  # aiohttp is given what it makes a body of
        try:
            return _without_secrets(parse_json(canonical_json(_parts(body))))
        except TypeError:
            return type(body).__name__
    boundary = _BOUNDARY.search(kind)
    if boundary:  # drawn anew for each request
        body = body.replace(boundary[1].encode(), b"boundary")
        body = _PART.sub(
            lambda part: part[1] + _shown(part[2].decode("utf-8", "replace"), part[3]), body
        )
    if "x-www-form-urlencoded" in kind:
        return _pairs(body.decode("utf-8", "replace"))
    try:
        return _without_secrets(parse_json(body))
    except ValueError:
        return _content(body) if body else None


def _pairs(query: str) -> list[tuple[str, str]]:
    pairs: Iterable[tuple[str, str]] = parse_qsl(query, keep_blank_values=True)
    return [(name, _shown(name, value)) for name, value in pairs]


def _parts(body: Any) -> Any:
    """Return the fields of aiohttp's ``FormData``; any other body as it is."""
    fields = getattr(body, "_fields", None)
    if fields is None:
        return body
    return [[dict(facts), _shown(facts["name"], value)] for facts, _, value in fields]


def _masked(parameter: re.Match[str]) -> str:
    return f"{parameter[1]}{_shown(parameter[2], parameter[3])}"


def _shown(name: str, value: Any) -> Any:
    """Return the *value* of a field, unless its *name* is one of secrets."""
    if not names_secret(name):
        return value
    return HIDDEN.encode() if isinstance(value, bytes) else HIDDEN


def _without_secrets(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_secrets(each) for each in value]
    if not isinstance(value, dict):
        return value
    hidden = {n for n in value if names_secret(n) and n.lower() not in _AMBIGUOUS}
    return {
        name: HIDDEN if name in hidden and isinstance(each, str) else _without_secrets(each)
        for name, each in value.items()
    }


def _content(content: bytes) -> dict[str, str]:
    """Return *content* as JSON keeps it, without the tokens that it hands out."""
    try:
        return {"text": _TOKEN.sub(rf'\1"{HIDDEN}"', content.decode("utf-8"))}
    except UnicodeDecodeError:
        return {"base64": b64encode(content).decode("ascii")}
