"""Identity: the ids of cases, and digests of the data and of the outputs."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import compress
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, content_hash, parse_json
from evalkit._internal.exact import WRITTEN_MARK, parse_exact
from evalkit.data.fields import JSON_FIELDS

ID_BYTES: Final = 8
"""Bytes of an id's hash: 16 hexadecimal digits, so that two of a million different cases share one
with a chance of about 3 in 100 million (and are then told apart by their occurrence)."""

_WHOLE_FLOAT: Final = re.compile(rb"\.0(?:[,}\]]|\Z)")
_INFINITE: Final = re.compile(rb'\{"\$evalkit":\["float",("-?inf")\]\}')
_EXACT: Final = 2.0**53
_EMPTY: Final = frozenset({b"{}", b"null"})


def normal_forms(cells: Sequence[bytes | None]) -> list[bytes]:
    r"""Return what is hashed of canonical JSON cells, shape ``(n,)``; empty where missing.

    Members that are null are left out and whole floats below 2**53 are written as integers, since
    formats differ in both: a frame fills a missing member with null, and turns a column of
    integers with a missing one into floats.

    Examples:
        >>> normal_forms([b'{"a":1.0,"b":null}', b'"v1.0, null"', None])
        [b'{"a":1}', b'"v1.0, null"', b'']
    """
    filled = [cell or b"" for cell in cells]
    joined = b"\n".join(filled)
    if b"null" not in joined and b".0" not in joined and WRITTEN_MARK not in joined:
        return filled
    return [_normal(cell) if _suspect(cell) else cell for cell in filled]


def _suspect(cell: bytes) -> bool:
    # Looking for bytes is far quicker than an expression, and most cells have neither.
    if b"null" in cell or WRITTEN_MARK in cell:
        return True
    return b".0" in cell and _WHOLE_FLOAT.search(cell) is not None


def _normal(cell: bytes) -> bytes:
    if WRITTEN_MARK in cell:  # the types of values have no part in an identity
        cell = canonical_json(parse_exact(_INFINITE.sub(rb"\1", cell)))
    form = canonical_json(_without_formats(parse_json(cell)))
    return b"" if form in _EMPTY else form


def _without_formats(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_formats(item) for k, item in value.items() if item is not None}
    if isinstance(value, list):
        return [_without_formats(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return int(value)
    return value


def case_digests(inputs: Sequence[str | None], expectations: Sequence[str | None]) -> list[str]:
    """Return a digest of what each case asks and expects, from canonical JSON, shape ``(n,)``."""
    forms = (
        normal_forms([b"" if cell is None else cell.encode() for cell in field])
        for field in (inputs, expectations)
    )
    rows = zip(*forms, strict=True)
    return [content_hash(b"\x1f".join(row), size=ID_BYTES) for row in rows]


class Occurrences:
    """Numbers the cases of equal inputs, across the chunks of one pass.

    Examples:
        >>> seen = Occurrences()
        >>> first, second, again = seen.ids([b'{"q":1}', b'{"q":2}', b'{"q":1}'], None)
        >>> again == first + ".2", second == first
        (True, False)
    """

    def __init__(self) -> None:
        """Start without cases."""
        self._seen: set[bytes] = set()
        self._again: Counter[bytes] = Counter()

    def ids(self, inputs: Sequence[bytes], repeats: Sequence[int] | None) -> list[str]:
        """Return an id for each case, shape ``(n,)``.

        Args:
            inputs: Normal forms of the inputs, shape ``(n,)``.
            repeats: Repeat of each row, if the data has them: the repeats of a case share its id.
        """
        blake2b = hashlib.blake2b
        hashes = [blake2b(form, digest_size=ID_BYTES).digest() for form in inputs]
        digits = b"".join(hashes).hex()
        width = 2 * ID_BYTES
        ids = [digits[i : i + width] for i in range(0, len(digits), width)]
        keys = hashes
        if repeats is not None:
            keys = [h + b"%d" % r for h, r in zip(hashes, repeats, strict=True)]
        fresh = set(keys)
        if len(fresh) == len(keys) and self._seen.isdisjoint(fresh):
            self._seen |= fresh
            return ids
        for row, key in enumerate(keys):
            if key in self._seen:
                self._again[key] += 1
                ids[row] = f"{ids[row]}.{self._again[key] + 1}"
            else:
                self._seen.add(key)
        return ids


class IdSet:
    """The cases seen so far, as 128-bit hashes of their ids.

    Examples:
        >>> ids = IdSet()
        >>> ids.add(["a", "b", "a"]), ids.add(["b", "c"])
        ([True, True, False], [False, True])
    """

    def __init__(self) -> None:
        """Start without cases."""
        self._seen: set[bytes] = set()

    def add(self, ids: Sequence[str]) -> list[bool]:
        """Add cases and say of each whether it is new, shape ``(n,)``."""
        seen = self._seen
        new: list[bool] = []
        for name in ids:
            digest = hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=16).digest()
            new.append(digest not in seen)
            seen.add(digest)
        return new


DATASET_FIELDS: Final = ("inputs", "expectations", "retrieved_context", "tags", "group", "session")
"""What the digest of the data covers, beside the ids."""

OUTPUT_FIELDS: Final = ("outputs", "tool_calls", "error")
"""What the digest of the outputs covers, beside ids and repeats."""


def hashed_forms(cells: Mapping[str, Sequence[Any]]) -> dict[str, list[bytes]]:
    """Return what is hashed of the fields that have a part in an identity, shape ``(n,)`` each."""
    return {
        field: normal_forms(cells[field])
        if field in JSON_FIELDS
        else [b"" if text is None else canonical_json(text) for text in cells[field]]
        for field in (*DATASET_FIELDS, *OUTPUT_FIELDS)
        if field in cells
    }


def _escaped(ids: Sequence[str]) -> list[bytes]:
    """Return ids as JSON texts without their quotes, shape ``(n,)``: no control character is left.

    One call writes them all; a quote and a comma cannot meet like this inside a JSON text.
    """
    return canonical_json(ids)[2:-2].split(b'","')


class Digests:
    """Hashes a data set row by row; order matters, chunks do not."""

    def __init__(self) -> None:
        """Start without rows."""
        self._dataset = hashlib.blake2b(digest_size=16)
        self._outputs = hashlib.blake2b(digest_size=16)
        self._has_outputs = False

    def add(
        self,
        ids: Sequence[str],
        forms: Mapping[str, Sequence[bytes]],
        repeats: Sequence[int] | None,
        new: Sequence[bool],
    ) -> None:
        """Add rows.

        Args:
            ids: Ids of the cases, shape ``(n,)``.
            forms: What `hashed_forms` gave for these rows.
            repeats: Repeat of each row, if the data has them.
            new: Whether each row is the first of its case: a case counts once in the data set.
        """
        nothing = [b""] * len(ids)
        names = _escaped(ids)
        parts = [forms.get(field, nothing) for field in DATASET_FIELDS]
        rows = [b"\x1f".join(row) for row in zip(names, *parts, strict=True)]
        self._dataset.update(b"\x1e".join([*compress(rows, new), b""]))
        made = [forms.get(field, nothing) for field in OUTPUT_FIELDS]
        self._has_outputs = self._has_outputs or any(map(any, made))
        if repeats is not None:
            made.append([b"%d" % repeat if repeat else b"" for repeat in repeats])
        else:
            made.append(nothing)
        answers = [b"\x1f".join(row) for row in zip(names, *made, strict=True)]
        self._outputs.update(b"\x1e".join([*answers, b""]))

    @property
    def dataset(self) -> str:
        """Digest of ids, inputs, expectations, retrieved context, tags, group and session."""
        return self._dataset.hexdigest()

    @property
    def outputs(self) -> str | None:
        """Digest of the answers, by id and repeat; ``None`` where there are none."""
        return self._outputs.hexdigest() if self._has_outputs else None
