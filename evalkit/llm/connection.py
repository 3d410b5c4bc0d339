"""One connection to an HTTP server that answers JSON: pooled, retried, classified.

Each attempt asks `admitted` for its turn, and shows it the response's status and headers.
"""

from __future__ import annotations

import asyncio
import io
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import orjson

from evalkit._internal.canonical import canonical_json
from evalkit.errors import UsageError
from evalkit.llm.headers import retry_after_seconds
from evalkit.llm.limits import Attempt, admitted
from evalkit.llm.retry import Refusal, RetryPolicy, persist
from evalkit.llm.secrets import public_url, redacted, secrets_in_url
from evalkit.settings import secret

if TYPE_CHECKING:
    import aiohttp

T = TypeVar("T")

SHOWN: Final = 300
"""Characters of a server's answer that an error shows."""

_LARGE_BYTES: Final = 1 << 20
_TOO_MANY: Final = 429
_OK: Final = range(200, 300)
_REDIRECTS: Final = range(300, 400)
_RETRIED: Final = frozenset({408, _TOO_MANY, *range(500, 600)})
_OPTIONS: Final = orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a server."""

    url: str
    body: bytes | None = None
    parameters: Mapping[str, str] | None = None
    method: str = "POST"
    seed: int = 0
    """Seed of the jitter between retries."""

    headers: Mapping[str, str] | None = None
    """Headers beside, or in place of, those of the connection."""

    once: bool = False
    """Whether to try only once, as for what must not be done twice."""


class Connection:
    """A pool of connections to one server, opened in the loop of the first call.

    Keys are read from the environment at each call and held nowhere; no error, ``repr`` or
    identity shows them, nor the values of headers.
    """

    def __init__(
        self,
        *,
        headers: Mapping[str, str] | None = None,
        auth_environment: str | None = None,
        timeout_seconds: float = 600.0,
        policy: RetryPolicy | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            headers: Headers of each request.
            auth_environment: Environment variable that holds a bearer token.
            timeout_seconds: Longest wait for the answer to one attempt; above 0.
            policy: How often to try again, and how long to wait before.

        Raises:
            UsageError: If *timeout_seconds* is not above 0.
        """
        if timeout_seconds <= 0:
            raise UsageError(f"timeout_seconds= is above 0; got {timeout_seconds}.")
        self._headers = dict(headers or {})
        self._auth_environment = auth_environment
        self._timeout_seconds = timeout_seconds
        self._policy = policy or RetryPolicy()
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def send(self, call: Call, read: Callable[[aiohttp.ClientResponse], Awaitable[T]]) -> T:
        """Return what *read* makes of the answer; tried again where that can help.

        Connections that fail and the statuses 408, 429 and 5xx are tried again, anything else is
        not: neither a wait that took too long, since the server may have done its work.

        Raises:
            TargetError: With reason ``rate_limited``, ``connection``, ``timeout`` or
                ``provider_error``, or the one that *read* raises; its text shows no secret.
        """

        async def attempt(again: bool) -> T:
            async with admitted(_server(call.url), self._key(), again=again) as turn:
                return await self._exchange(call, read, turn)

        return await persist(
            attempt,
            self._policy,
            lambda text: f"{public_url(call.url)}: {self.redacted(text, call.url)}",
            seed=call.seed,
            once=call.once,
        )

    def redacted(self, text: str, url: str) -> str:
        """Return *text*, which the server of *url* has sent, without what no error may show."""
        secrets = [*self._headers.values(), *secrets_in_url(url), self._key() or ""]
        return redacted(text, secrets)

    def _key(self) -> str | None:
        key = secret(self._auth_environment) if self._auth_environment else None
        return key.strip() if key else None

    def check(self) -> None:
        """Refuse to start without the key that every call needs.

        Raises:
            UsageError: Naming the environment variable to set.
        """
        if self._auth_environment and not self._key():
            raise UsageError(f"The environment variable {self._auth_environment} is not set.")

    async def _exchange(
        self, call: Call, read: Callable[[aiohttp.ClientResponse], Awaitable[T]], attempt: Attempt
    ) -> T:
        import aiohttp

        session = self._opened(call.url)
        key, body = self._key(), call.body
        try:
            async with session.request(
                call.method,
                call.url,
                # A large one is sent in pieces, and others get their turn between.
                data=io.BytesIO(body) if body and len(body) > _LARGE_BYTES else body,
                params=call.parameters,
                headers={
                    **(call.headers or {}),
                    **({"Authorization": f"Bearer {key}"} if key else {}),
                },
                allow_redirects=False,
                proxy=self._proxy,
            ) as response:
                attempt.answered(response.status, response.headers)
                if response.status not in _OK:
                    raise _refusal(
                        response.status, response.headers, await response.text(errors="replace")
                    )
                return await read(response)
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
            raise Refusal("connection", f"no valid URL: {error}", again=False) from None
        except TimeoutError as error:
            if not isinstance(error, aiohttp.ConnectionTimeoutError):
                waited = f"no answer within {self._timeout_seconds:g} s"
                raise Refusal("timeout", waited, again=False) from None
            raise Refusal("connection", _text(error), again=True) from None
        except (aiohttp.ClientError, OSError) as error:
            again = not isinstance(error, aiohttp.ClientSSLError)
            raise Refusal("connection", _text(error), again=again) from None

    def _opened(self, url: str) -> aiohttp.ClientSession:
        import aiohttp

        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            self._proxy = _proxy(url)
            self._session = aiohttp.ClientSession(
                # How many calls are in flight is the engine's to say.
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30),
                timeout=aiohttp.ClientTimeout(total=self._timeout_seconds, sock_connect=30),
                headers={"Content-Type": "application/json", **self._headers},
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session

    async def aclose(self) -> None:
        """Close the pool; the next call opens another."""
        session, self._session = self._session, None
        if session is not None and self._loop is asyncio.get_running_loop():
            await session.close()


def encoded(value: Any) -> bytes:
    """Return *value* as JSON, keys in their order: models read a schema from top to bottom.

    Examples:
        >>> encoded({"b": 1, "a": [True]})
        b'{"b":1,"a":[true]}'
    """
    try:
        return orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return canonical_json(value)


def shown(text: str) -> str:
    """Return the beginning of *text*, on one line, for an error."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def is_web_url(url: str) -> bool:
    """Say whether *url* has the form of an HTTP address.

    Examples:
        >>> is_web_url("http://127.0.0.1:8000/v1"), is_web_url("127.0.0.1:8000")
        (True, False)
    """
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port != 0)
    except ValueError:
        return False


_WRONG: Final = frozenset({400, 413, 422})
_TOO_LONG: Final = re.compile(
    r"context[ _-]?(length|size|window)|maximum context|prompt is too long|too many tokens",
    re.IGNORECASE,
)
"""How OpenAI, Anthropic, vLLM, llama.cpp and others say that a prompt is longer than they take."""


def refusal_of(status: int, body: str) -> Refusal:
    """Return what *status* means, with the beginning of the *body* that came with it.

    Examples:
        >>> refusal_of(429, "slow down").text
        'status 429: slow down'
        >>> refusal_of(400, '{"error": {"code": "context_length_exceeded"}}').reason
        'context_length'
    """
    again = status in _RETRIED
    if status == _TOO_MANY:
        # No money left does not come back by waiting.
        again = "insufficient_quota" not in body
    reason = "rate_limited" if status == _TOO_MANY else "provider_error"
    if status in _WRONG and _TOO_LONG.search(body):
        reason = "context_length"  # the case's own fault: no other hour, and no other try, helps
    text = f"status {status}: {shown(body)}" if body.strip() else f"status {status}"
    return Refusal(reason, text, again=again)


def _refusal(status: int, headers: Mapping[str, str], body: str) -> Refusal:
    refusal = refusal_of(status, body)
    if status in _REDIRECTS:
        place = public_url(headers.get("Location", ""))
        refusal.text = f"status {status}: moved to {place}; use that URL"
    refusal.retry_after, refusal.status = retry_after_seconds(headers), status
    return refusal


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _proxy(url: str) -> str | None:
    """Return the proxy that the system names for *url*; none for this machine itself."""
    from urllib.request import getproxies, proxy_bypass

    parts = urlsplit(url)
    if _is_loopback(url) or proxy_bypass(parts.hostname or ""):
        return None
    return getproxies().get(parts.scheme)


def _server(url: str) -> str:
    """Return scheme, host and port of *url*: what a limit belongs to, with the key."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def _is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
