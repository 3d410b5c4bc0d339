"""What installed distributions say of themselves, without parsing all of it."""

from __future__ import annotations

import re
from importlib.metadata import Distribution
from typing import Final

DISTRIBUTION: Final = "evalkit-ai"
_FIELD: Final = re.compile(r"^(Name|Version):[ \t]*(\S+)", re.MULTILINE)


def named(distribution: Distribution) -> tuple[str, str]:
    """Return name and version of *distribution*.

    The standard library parses the metadata, a long description among it, as a mail, anew for each
    of the two.

    Examples:
        >>> from importlib.metadata import distribution
        >>> named(distribution("numpy"))[0]
        'numpy'
    """
    fields: dict[str, str] = {}
    for field in _FIELD.finditer(distribution.read_text("METADATA") or ""):
        fields.setdefault(field[1], field[2])
        if len(fields) > 1:
            return fields["Name"], fields["Version"]
    return distribution.name, distribution.version
