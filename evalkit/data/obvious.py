"""The names of columns that speak for themselves, and those that could mean two things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

OBVIOUS: Final[Mapping[str, str]] = {
    "question": "inputs",
    "prompt": "inputs",
    "input": "inputs",
    "output": "outputs",
    "prediction": "outputs",
    "response": "outputs",
    "expected": "expectations",
    "target": "expectations",
    "label": "expectations",
    "reference": "expectations",
    "ground_truth": "expectations",
    "context": "retrieved_context",
    "contexts": "retrieved_context",
}
"""Column of a flat table, in lower case, to the field that it fills."""

EXPECTED: Final = frozenset(
    {"expected_response", "expected_facts", "expected_context", "expected_tool_calls"}
)
"""Columns of a flat table that are expectations under their own name, as scorers read them."""

AMBIGUOUS: Final[Mapping[str, tuple[str, str]]] = {"answer": ("outputs", "expectations")}
"""Columns that could be either of two fields; never guessed."""


def two_columns(field: str, names: Sequence[str]) -> str:
    """Return the problem that several columns could be one field.

    Examples:
        >>> print(two_columns("outputs", ["output", "response"]))
        'output' and 'response' could each be the outputs; say which: columns={'outputs': 'output'}
    """
    listed = " and ".join(repr(name) for name in names)
    return f"{listed} could each be the {field}; say which: columns={{{field!r}: {names[0]!r}}}"


def two_fields(name: str) -> str:
    """Return the problem that one column could be several fields.

    Examples:
        >>> print(two_fields("answer"))
        it could be outputs or expectations; say which: columns={'outputs': 'answer'} or \
columns={'expectations': 'answer'} (or keep it as a tag: columns={'tags': ['answer']})
    """
    fields = AMBIGUOUS[name.casefold()]
    choices = " or ".join(f"columns={{{field!r}: {name!r}}}" for field in fields)
    return (
        f"it could be {' or '.join(fields)}; say which: {choices} "
        f"(or keep it as a tag: columns={{'tags': [{name!r}]}})"
    )
