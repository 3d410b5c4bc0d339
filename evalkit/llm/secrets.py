"""Keeping secrets out of everything that is shown or stored."""

from __future__ import annotations

import functools
import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

HIDDEN: Final = "[secret]"
SHORTEST: Final = 4
"""Shorter values are not searched for: they would blot out ordinary text."""

_SECRET_NAME: Final = re.compile(
    r"key|token|secret|passw|credential|signature|auth|\bsig\b|\bcode\b", re.IGNORECASE
)


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
    """Say whether a setting of this name is likely to hold a secret.

    Examples:
        >>> names_secret("api_key"), names_secret("max_tokens"), names_secret("temperature")
        (True, False, False)
    """
    return bool(_SECRET_NAME.search(name)) and not name.lower().endswith("_tokens")
