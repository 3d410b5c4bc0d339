"""YAML as people mean it; importing this module imports PyYAML."""

from __future__ import annotations

import re
from collections.abc import Hashable
from typing import Any, Final

import yaml

from evalkit._internal.exact import written_number

_TAG: Final = "tag:yaml.org,2002:"
_NUMBERS: Final = [
    (f"{_TAG}int", re.compile(r"[-+]?(?:0|[1-9][0-9]*)\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")),
    (
        f"{_TAG}float",
        re.compile(
            r"[-+]?(?:(?:0|[1-9][0-9]*)\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?\Z"
            r"|[-+]?(?:0|[1-9][0-9]*)[eE][-+]?[0-9]+\Z"
            r"|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
        ),
    ),
]
_KEPT: Final = {f"{_TAG}null", f"{_TAG}merge"}


# LibYAML where PyYAML has it: faster, and it reads a question mark inside of braces.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlainLoader(_Safe):  # type: ignore[misc]  # one of two classes
    """YAML 1.2 as people write it: ``no``, ``12:30`` and ``007`` are texts, a key stands once."""

    # Of YAML 1.1's words for truth values only these: "no" is also Norwegian, "on" a preposition.
    # Nor are there its octal and sexagesimal numbers, and its dates, which lose how they stood.
    yaml_implicit_resolvers = {  # noqa: RUF012  read by PyYAML, which declares no type
        first: [
            *(_NUMBERS if first in "-+.0123456789" else ()),
            *(
                (tag, pattern)
                for tag, pattern in resolvers
                if tag in _KEPT or (tag == f"{_TAG}bool" and first in "tTfF")
            ),
        ]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Return the mapping, or refuse a key that stands twice by a `ConstructorError`."""
        seen: set[Any] = set()
        for key, _ in node.value:
            if key.value in seen:
                problem = f"the key {key.value!r} stands here twice"
                raise yaml.constructor.ConstructorError(None, None, problem, key.start_mark)
            seen.add(key.value)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


class RowsLoader(PlainLoader):
    """The same for data, whose numbers remember how they were written."""


def _number(_: RowsLoader, node: yaml.ScalarNode) -> float:
    text = str(node.value)
    if text.strip("+-").lower() in {".inf", ".nan"}:
        return float(text.replace(".", "", 1))
    return written_number(text)


RowsLoader.add_constructor(f"{_TAG}float", _number)
