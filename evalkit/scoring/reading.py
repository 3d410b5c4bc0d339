"""How scorers read a case: texts, references and targets, wherever the data keeps them."""

from __future__ import annotations

import inspect
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from numbers import Number
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import CASE_FIELDS, Case
from evalkit.errors import UsageError


def as_text(value: Any) -> str | None:
    """Return *value* as a text scorer sees it: texts as they are, ``None`` for nothing.

    Numbers and truth values are written as Python writes them, and a decimal or a number of a CSV
    as it was written; dates as ISO 8601, members of an enum as their value, lists and mappings as
    JSON.

    Examples:
        >>> as_text("x"), as_text(None), as_text(3), as_text({"a": 1})
        ('x', None, '3', '{"a":1}')
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (bool, int, float, Decimal)) and not isinstance(value, Enum):
        return str(value)
    text = canonical_json(value).decode()
    return parse_json(text) if text.startswith('"') else text


def message_text(value: Any) -> str | None:
    """Return the text of a message, or of the last of a list that has any; ``None`` without one.

    Messages are OpenAI's (``content`` a text or a list of parts) or OpenTelemetry's (``parts``).

    Examples:
        >>> message_text([{"role": "assistant", "parts": [{"type": "text", "content": "Hi"}]}])
        'Hi'
        >>> message_text({"role": "assistant", "content": [{"type": "text", "text": "Hi"}]})
        'Hi'
        >>> message_text({"answer": "Hi"}) is None
        True
    """
    if isinstance(value, (list, tuple)):
        if not all(isinstance(item, Mapping) and "role" in item for item in value):
            return None
        return next((text for item in reversed(value) if (text := message_text(item))), None)
    if not isinstance(value, Mapping) or "role" not in value:
        return None
    content = value.get("content", value.get("parts"))
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, (list, tuple)) else ()
    texts = [
        part.get("text", part.get("content"))
        for part in parts
        if isinstance(part, Mapping) and part.get("type") in {"text", "output_text"}
    ]
    return "".join(text for text in texts if isinstance(text, str)) or None


_PASSAGE_TEXTS: Final = ("page_content", "content", "text")


def passage_text(passage: Any) -> str | None:
    """Return the text of a retrieved passage; ``None`` where it is no text, nor holds one.

    Examples:
        >>> passage_text({"page_content": "Lima", "metadata": {"score": 9.2}})
        'Lima'
    """
    if isinstance(passage, str):
        return passage
    if isinstance(passage, Mapping):
        held = (passage.get(key) for key in _PASSAGE_TEXTS)
    else:
        held = (getattr(passage, key, None) for key in _PASSAGE_TEXTS)
    return next((text for text in held if isinstance(text, str)), None)


def as_references(value: Any) -> list[str] | None:
    """Return *value* as a list of reference texts; ``None`` where there is none.

    Examples:
        >>> as_references("a"), as_references(["a", "b"]), as_references([])
        (['a'], ['a', 'b'], None)
    """
    if value is None:
        return None
    if isinstance(value, (list, tuple)):
        texts = [text for text in map(as_text, value) if text is not None]
        return texts or None
    text = as_text(value)
    return None if text is None else [text]


def output_texts(batch: CaseBatch) -> list[str | None]:
    """Return the outputs of *batch* as texts, shape ``(n,)``; of messages, the last one's text."""
    return [
        value if type(value) is str else message_text(value) or as_text(value)
        for value in batch.column("outputs")
    ]


def expected_values(batch: CaseBatch, name: str) -> list[Any]:
    """Return one expectation of each case, shape ``(n,)``: *name*, else the sole one, else None."""
    # Most cases hold the name itself: no call for these, since this runs once a row and scorer.
    return [
        expectations[name] if name in expectations else _sole(expectations)
        for expectations in batch.column("expectations")
    ]


def _sole(expectations: Mapping[str, Any]) -> Any:
    """Return the sole expectation, which may stand under its column's name and as ``target``."""
    if len(expectations) == 1:
        return next(iter(expectations.values()))
    if len(expectations) == 2 and "target" in expectations:  # noqa: PLR2004
        one, other = expectations.values()
        return one if type(one) is type(other) and _equal(one, other) else None
    return None


def _equal(one: Any, other: Any) -> bool:
    try:
        return bool(one == other)
    except ValueError:  # arrays
        return False


def references(batch: CaseBatch, name: str = "expected_response") -> list[list[str] | None]:
    """Return the reference texts of each case, shape ``(n,)``; ``None`` where there are none."""
    return [
        [value] if type(value) is str else as_references(value)
        for value in expected_values(batch, name)
    ]


def targets(batch: CaseBatch) -> list[Any]:
    """Return the expected value of each case, shape ``(n,)``: ``target``, or the sole one."""
    return expected_values(batch, "target")


def follow(value: Any, path: str) -> Any:
    """Return the part of *value* at a dotted *path*; ``None`` where a step is missing.

    Steps are keys of mappings, positions in lists (from 0, or from -1 at the end), or attributes
    of objects that do not start with an underscore.  Texts and numbers have no parts, and a method
    is none: the ``title`` of a text is what an answer lacks, not ``str.title``.

    Examples:
        >>> follow({"answer": {"texts": ["a", "b"]}}, "answer.texts.-1")
        'b'
    """
    for step in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, (list, tuple)) and re.fullmatch(r"-?\d+", step):
            position = int(step)
            value = value[position] if -len(value) <= position < len(value) else None
        elif value is None or step.startswith("_") or isinstance(value, (str, bytes, Number)):
            return None
        else:
            value = getattr(value, step, None)
            if inspect.isroutine(value):
                return None
    return value


def read_path(batch: CaseBatch, role: str, path: str) -> list[Any]:
    """Return the values at *path*, which starts at a case field, or else inside field *role*."""
    field, rest = field_and_rest(role, path)
    column = batch.column(field)
    return [follow(value, rest) for value in column] if rest else list(column)


def field_and_rest(role: str, path: str) -> tuple[str, str]:
    """Return the field of a case in which *path* lies, and the path from there.

    Examples:
        >>> field_and_rest("outputs", "metadata.score"), field_and_rest("outputs", "answer.text")
        (('metadata', 'score'), ('outputs', 'answer.text'))
    """
    first, _, rest = path.partition(".")
    return (first, rest) if first in Case.__dataclass_fields__ else (role, path)


def rerouted(batch: CaseBatch, reads: Mapping[str, str]) -> CaseBatch:
    """Return *batch* with fields read from elsewhere, as a scorer's ``reads=`` asks.

    Raises:
        UsageError: If a role is not a field of a case.
    """
    columns: dict[str, Sequence[Any]] = {}
    for role, path in reads.items():
        if role not in CASE_FIELDS:
            raise UsageError(f"reads= names {role!r}; a case has: {', '.join(CASE_FIELDS)}.")
        values = read_path(batch, role, path)
        if role in {"expectations", "inputs", "tags"}:
            values = [
                value if isinstance(value, Mapping) else {} if value is None else {"target": value}
                for value in values
            ]
        columns[role] = values
    return batch.replacing(**columns)


def extractor(extract: str | Callable[[str], str | None]) -> Callable[[str], str | None]:
    r"""Return the function that cuts the answer out of a text.

    A regular expression gives its first group (or whole match) of the *last* match, since answers
    stand at the end; ``None`` where nothing matches.

    Raises:
        UsageError: If the regular expression does not compile.

    Examples:
        >>> extractor(r"Answer: (\w+)")("I think... Answer: no. Answer: yes")
        'yes'
    """
    if not isinstance(extract, str):
        return extract
    try:
        pattern = re.compile(extract)
    except re.error as error:
        raise UsageError(f"extract= is not a regular expression: {error}: {extract!r}") from error

    def last_match(text: str) -> str | None:
        matches = deque(pattern.finditer(text), maxlen=1)
        if not matches:
            return None
        return matches[0].group(1) if pattern.groups else matches[0].group(0)

    return last_match
