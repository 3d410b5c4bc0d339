"""A filter as a predicate of Python: for stores that are no databases, and to check the SQL by."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable
from typing import Any, Final

from evalkit.store.filters.tree import And, Comparison, Filter, Or

Reader = Callable[[str, str], Any]
"""Returns the value of a field by place and key; ``None`` where there is none."""


def matches(tree: Filter | None, read: Reader) -> bool:
    """Say whether what *read* reads is what *tree* looks for.

    Examples:
        >>> from evalkit.store.filters import RUNS, parse_filter
        >>> run = {("metric", "f1"): 0.9, ("tag", "stage"): "dev"}
        >>> read = lambda place, key: run.get((place, key))
        >>> matches(parse_filter("metrics.f1 > 0.8 AND NOT tags.stage LIKE 'prod%'", RUNS), read)
        True
    """
    if tree is None:
        return True
    if isinstance(tree, And | Or):
        parts = (matches(part, read) for part in tree.parts)
        return all(parts) if isinstance(tree, And) else any(parts)
    if not isinstance(tree, Comparison):
        return not matches(tree.part, read)
    value = read(tree.place, tree.key)
    if tree.operator in {"IS NULL", "IS NOT NULL"}:
        return (value is None) == (tree.operator == "IS NULL")
    # Of what is no number nothing is true, as of what is not there.
    nothing = value is None or (isinstance(value, float) and math.isnan(value))
    return not nothing and _TESTS[tree.operator](value, tree.value)


def _like(value: str, pattern: str) -> bool:
    parts = re.findall(r"\\.|[^\\]", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    expression = "".join(wild.get(part) or re.escape(part[-1]) for part in parts)
    return re.fullmatch(expression, value, re.DOTALL) is not None


_TESTS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "IN": lambda value, values: value in values,
    "NOT IN": lambda value, values: value not in values,
    "LIKE": _like,
    "ILIKE": lambda value, pattern: _like(value.lower(), pattern.lower()),
}
