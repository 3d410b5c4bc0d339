"""What installed distributions say of themselves, without parsing all of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from importlib.metadata import Distribution
from typing import Final

DISTRIBUTION: Final = "evalkit-ai"
_PACKAGES: Final = ("evalkit", "evalkit_scorers", "evalkit_judges", "evalkit_datasets")
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


def is_ours(thing: object) -> bool:
    """Say whether the class of *thing*, or of what it configures, comes with evalkit.

    Examples:
        >>> is_ours(1)
        False
    """
    thing = getattr(thing, "inner", thing)
    return type(thing).__module__.partition(".")[0] in _PACKAGES


def requirements(extra: str | None = None) -> Iterator[str]:
    """Yield what pip has to install for evalkit, or for one of its extras.

    evalkit itself lies on no index, so that an extra of it cannot be installed by its name.

    Examples:
        >>> list(requirements("polars"))
        ['polars>=1.0']
    """
    for line in metadata.requires(DISTRIBUTION) or ():
        requirement, _, marker = line.partition(";")
        wanted = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", marker)
        if (wanted and wanted[1]) == extra and not requirement.startswith(DISTRIBUTION):
            yield requirement.strip()
