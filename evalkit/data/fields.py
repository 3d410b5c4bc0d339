"""The fields that data may fill, and how the snapshot keeps each."""

from __future__ import annotations

from typing import Final

from evalkit.entities.case import CASE_FIELDS

MAPPING_FIELDS: Final = frozenset(
    {"inputs", "expectations", "tags", "labels", "scores", "usage", "metadata"}
)
"""Fields that are mappings; each may be gathered from several columns."""

JSON_FIELDS: Final = MAPPING_FIELDS | {
    "outputs",
    "retrieved_context",
    "tool_calls",
    "must",
    "trace",
}
"""Fields that the snapshot keeps as JSON texts."""

PLAIN_FIELDS: Final = frozenset({"tags", "must", "trace"})
"""JSON fields that are kept as plain JSON; values of the others come back as they were given."""

TEXT_FIELDS: Final = frozenset({"id", "session", "group", "split", "error"})
"""Fields that are texts; whole numbers are written as digits."""

INTEGER_FIELDS: Final = frozenset({"turn", "repeat"})
"""Fields that are whole numbers, at least 0."""

NUMBER_FIELDS: Final = frozenset({"weight", "latency_seconds", "cost", "time_to_first_token"})
"""Fields that are finite numbers, at least 0."""

RECORDED_FIELDS: Final = ("repeat", "usage", "error", "time_to_first_token", "metadata")
"""What a record of a target's work adds to a case: claimed by name beside ``inputs`` alone."""

ALL_FIELDS: Final = (*CASE_FIELDS, *RECORDED_FIELDS)
"""Every field, in the order in which they are shown and written."""

PROBABILITIES: Final = "probabilities"
"""What ``columns`` may name besides: it joins the label in ``outputs``."""

BARE_KEYS: Final = {"inputs": "input", "expectations": "target", "tags": "tag"}
"""Key of a value that stands where a mapping is wanted."""
