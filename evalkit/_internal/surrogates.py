"""Halves of characters, which no file and no database can hold."""

from __future__ import annotations

import re
from typing import Final

_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def without_surrogates(text: str) -> str:
    r"""Return *text* with U+FFFD for each lone surrogate, as a cut emoji leaves one.

    Examples:
        >>> without_surrogates("a\ud800b")
        'a�b'
    """
    return text if text.isascii() else _SURROGATES.sub("�", text)
