"""Keeping secrets out of everything that is shown or stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

HIDDEN: Final = "[secret]"
SHORTEST: Final = 4
"""Shorter values are not searched for: they would blot out ordinary text."""

_TELLING: Final = re.compile(
    r"key|token|secret|passw|credential|signature|auth|\bsig\b|\bcode\b", re.IGNORECASE
)


def redacted(text: str, secrets: Iterable[str]) -> str:
    """Return *text* with every one of *secrets* replaced.

    Examples:
        >>> redacted("Wrong key sk-123456", ["sk-123456"])
        'Wrong key [secret]'
    """
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= SHORTEST:
            text = text.replace(secret, HIDDEN)
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
        (name, "***" if _TELLING.search(name) else value)
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    ]
    return urlunsplit((parts.scheme, host, parts.path, urlencode(query, safe="*"), ""))


def secrets_in_url(url: str) -> list[str]:
    """Return the parts of *url* that `public_url` leaves out.

    Examples:
        >>> secrets_in_url("https://me:pw@api.example.com/v1?api_key=abc")
        ['pw', 'abc']
    """
    parts = urlsplit(url)
    found = [word for word in (parts.password,) if word]
    found += [value for name, value in parse_qsl(parts.query) if _TELLING.search(name)]
    return found


def names_secret(name: str) -> bool:
    """Say whether a setting of this name is likely to hold a secret.

    Examples:
        >>> names_secret("api_key"), names_secret("max_tokens"), names_secret("temperature")
        (True, False, False)
    """
    return bool(_TELLING.search(name)) and not name.lower().endswith("_tokens")
