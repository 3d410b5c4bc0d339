"""YAML as people mean it; importing this module imports PyYAML."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

import yaml

_TRUTH: Final = "tag:yaml.org,2002:bool"


# LibYAML where PyYAML has it: faster, and it reads a question mark inside of braces.
_Safe: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PlainLoader(_Safe):  # type: ignore[misc]  # one of two classes
    """YAML without two of its traps: ``no`` is a text, and a key may stand only once."""

    # Of YAML 1.1's words for truth values only these: "no" is also Norwegian, "on" a preposition.
    yaml_implicit_resolvers = {  # noqa: RUF012  read by PyYAML, which declares no type
        first: [(tag, pattern) for tag, pattern in resolvers if tag != _TRUTH or first in "tTfF"]
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
