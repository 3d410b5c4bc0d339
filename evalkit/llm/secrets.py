"""Keeping secrets out of everything that is shown or stored."""

from __future__ import annotations

import functools
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from evalkit._internal.canonical import canonical_json
from evalkit.settings import n_variables, secrets_in_environment

HIDDEN: Final = "[secret]"
SHORTEST: Final = 4
"""Shorter values are not searched for: they would blot out ordinary text."""

_SECRET_NAME: Final = re.compile(
    r"key|token|secret|passw|credential|signature|auth|\bsig\b|\bcode\b", re.IGNORECASE
)
"""Parameters of an address: one hidden too many costs nothing."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORDS: Final = frozenset(
    {"apikey", "secret", "secrets", "password", "passwd", "passphrase", "credential"}
    | {"credentials", "auth", "authorization", "bearer", "signature", "sig", "jwt", "assertion"}
)
_HARMLESS: Final = frozenset(
    {"cache", "sort", "partition", "primary", "foreign", "routing", "idempotency", "group"}
    | {"next", "page", "continuation"}
    | {"bos", "eos", "stop", "pad", "unk", "sep", "cls", "mask", "start", "end", "special"}
)
"""Words before a last ``key`` or ``token`` that is no secret."""


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with every one of *secrets* replaced, also where a cut (``…``) goes through it.

    Examples:
        >>> redacted("Wrong key sk-123456", ["sk-123456"])
        'Wrong key [secret]'
    """
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
            for length in range(len(secret) - 1, SHORTEST - 1, -1):
                text = text.replace(f"{secret[:length]}…", f"{HIDDEN}…")
    return text


def public_url(url: str) -> str:
    """Return *url* without user, password, and values of parameters that name a secret.

    Examples:
        >>> public_url("https://me:pw@api.example.com/v1?api_key=abc&version=2")
        'https://api.example.com/v1?api_key=***&version=2'
    """
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    query = [
        (name, "***" if _SECRET_NAME.search(name) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))


def secrets_in_url(url: str) -> list[str]:
    """Return what `public_url` leaves out of *url*, also in the form that a header gives it.

    Examples:
        >>> secrets_in_url("https://me:pw@api.example.com/v1?api_key=abc")
        ['pw', 'bWU6cHc=', 'abc']
    """
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    secrets = [value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name)]
    if user or password:
        pair = f"{user}:{password}".encode()
        secrets = [password or user, b64encode(pair).decode("ascii"), *secrets]
    return secrets


@functools.lru_cache(maxsize=1024)
def names_secret(name: str) -> bool:
    """Say whether a setting of this name is likely to hold a secret; whole words count.

    Examples:
        >>> names_secret("api_key"), names_secret("max_tokens"), names_secret("stop_token_ids")
        (True, False, False)
    """
    words = [word.lower() for word in _WORD.findall(name)]
    if _SECRET_WORDS.intersection(words):
        return True
    before, last = (words[-2] if len(words) > 1 else "", words[-1]) if words else ("", "")
    if last in {"token", "key"} or (last in {"keys", "tokens", "id"} and before in {"api", "key"}):
        return before not in _HARMLESS
    return False


def secret_setting(settings: Mapping[str, Any]) -> str | None:
    """Return the name of the first of *settings*, or of what they hold, that may be a secret.

    Examples:
        >>> secret_setting({"temperature": 0, "extra_body": {"api_key": "sk-1"}})
        'extra_body.api_key'
    """
    for name, value in settings.items():
        if names_secret(name) or name.endswith("headers"):
            return name
        inner = secret_setting(value) if isinstance(value, Mapping) else None
        if inner is not None:
            return f"{name}.{inner}"
    return None


class _Masks:
    """The secrets of the environment, as they stand in texts and in JSON."""

    def __init__(self) -> None:
        self._count = -1
        self.written: list[tuple[bytes, str]] = []

    def refresh(self) -> None:
        """Read the environment again, at the next use."""
        self._count = -1

    def current(self) -> list[tuple[bytes, str]]:
        """Return each secret, the longest first, as it stands in JSON, and plain."""
        count = n_variables()
        if count != self._count:  # reading all of them for each text would take longer than masking
            self._count = count
            longest = sorted(secrets_in_environment(), key=len, reverse=True)
            self.written = [(canonical_json(secret)[1:-1], secret) for secret in longest]
        return self.written


_MASKS: Final = _Masks()


def read_secrets() -> None:
    """Have the secrets of the environment read anew, as an evaluation does when it begins."""
    _MASKS.refresh()


def masked(text: str) -> str:
    """Return *text*, which is about to be kept, without any secret of the environment."""
    for _, secret in _MASKS.current():
        if secret in text:
            text = text.replace(secret, HIDDEN)
    return text


def masked_json(written: bytes) -> bytes:
    """Return the JSON *written*, which is about to be kept, without secrets of the environment."""
    for secret, _ in _MASKS.current():
        if secret in written:
            written = written.replace(secret, HIDDEN.encode())
    return written


def masked_cells(cells: Sequence[Any]) -> Sequence[Any]:
    """Return texts, and JSON as bytes, without secrets of the environment; others as they are."""
    written = b"\0".join(cell for cell in cells if isinstance(cell, bytes))
    if masked_json(written) is not written:  # one look at all of them
        cells = [masked_json(cell) if isinstance(cell, bytes) else cell for cell in cells]
    return [masked(cell) if isinstance(cell, str) else cell for cell in cells]
