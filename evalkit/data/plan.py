"""Which column of the data fills which field of a case."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, Final, Literal

from evalkit.data.fields import (
    ALL_FIELDS,
    JSON_FIELDS,
    MAPPING_FIELDS,
    PROBABILITIES,
    RECORDED_FIELDS,
)
from evalkit.data.table import Table
from evalkit.errors import DataError, MissingColumnError, UsageError, near_miss

_log = logging.getLogger("evalkit.data")

Leftover = Literal["inputs", "tags"]
"""Where columns go that no field claims: inputs of an estimator, else tags."""

_OBVIOUS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("question", "prompt", "input"), "inputs"),
    **dict.fromkeys(("output", "prediction", "response", "y_pred"), "outputs"),
    **dict.fromkeys(("y_proba", "y_prob"), PROBABILITIES),
    **dict.fromkeys(
        ("expected", "target", "label", "reference", "ground_truth", "y_true"), "expectations"
    ),
    **dict.fromkeys(("context", "contexts"), "retrieved_context"),
}
"""Column of a flat table, in lower case, to the field that it fills."""

_KEYED: Final = MAPPING_FIELDS | {PROBABILITIES}

_EXPECTED: Final = frozenset(
    {"expected_response", "expected_facts", "expected_context", "expected_tool_calls"}
)
"""Columns of a flat table that are expectations under their own name, as scorers read them."""

_AMBIGUOUS: Final[Mapping[str, tuple[str, str]]] = {"answer": ("outputs", "expectations")}
"""Columns that could be either of two fields; never guessed."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One column and the place that it fills."""

    field: str
    key: str | None
    """Key inside a field that is a mapping; ``None`` where the column is the whole field."""

    column: str
    path: str | None = None
    """Dotted path into the column."""

    asked: bool = False
    """Whether ``columns`` names it, rather than its name being an obvious one."""

    @property
    def name(self) -> str:
        """The end of what is read: the column, or the last step of the path."""
        return (self.path or self.column).rpartition(".")[2]

    def __str__(self) -> str:
        return self.column if self.path is None else f"{self.column}.{self.path}"


class Plan:
    """The mapping of columns to fields; it grows when later rows bring new columns.

    Examples:
        >>> from evalkit.data.plan import read_wishes
        >>> plan = Plan(read_wishes({"tags": ["region"]}))
        >>> plan.extend(Table({"question": ["q"], "region": ["eu"]}, 1, None, [1]))
        >>> {field: [str(slot) for slot in slots] for field, slots in plan.slots.items()}
        {'tags': ['region'], 'inputs': ['question']}
    """

    def __init__(
        self, wishes: Wishes, *, has_model: bool = False, leftover: Leftover = "tags"
    ) -> None:
        """Start with what was asked for."""
        self.wishes = wishes
        self.has_model = has_model
        self.leftover = leftover
        self.slots: dict[str, list[Slot]] = {}
        self.late: dict[str, str] = {}
        """Fields (``field`` or ``field.key``) read from what the target returns, by dotted path."""
        self.listed = {
            wish.field for wish in wishes.wanted if wish.listed and wish.field not in _KEYED
        }
        """Fields that hold the list of their columns' values."""
        self._flat = True
        self._seen: dict[str, None] = {}
        self._obvious: dict[str, str] = {}

    def extend(self, table: Table) -> None:
        """Place the columns of *table* that were not seen before.

        Raises:
            DataError: If a column could be two things, or two columns could be one thing, or the
                data has outputs although a model is given.
            MissingColumnError: If a column that was asked for is not there.
        """
        new = [name for name in table.columns if name not in self._seen]
        if not new:
            return
        first = not self._seen
        self._seen.update(dict.fromkeys(new))
        self._flat = not any(name.partition(".")[0] == "inputs" for name in self._seen)
        if first:
            for wish in self.wishes.wanted:
                self._grant(wish, table)
        claimed = {slot.column for slots in self.slots.values() for slot in slots}
        # A feature of (X, y) that serves another field too is a feature all the same.
        claimed = {name for name in claimed if not name.startswith("inputs.")}
        free = [name for name in new if name not in claimed]
        for name in free:
            self._place(name, table)
        self._check_ambiguous(free, table)
        self._check_outputs(table)
        if first:
            self._check_inputs(table)
            self._tell()

    def _add(
        self,
        field: str,
        key: str | None,
        column: str,
        path: str | None = None,
        *,
        asked: bool = False,
    ) -> None:
        self.slots.setdefault(field, []).append(Slot(field, key, column, path, asked))

    def _grant(self, wish: Wish, table: Table) -> None:
        head, dot, rest = wish.source.partition(".")
        if wish.source in table.columns:
            self._add(wish.field, wish.key, wish.source, asked=True)
        elif head == "outputs" and self.has_model and wish.field != PROBABILITIES:
            place = wish.field if wish.key is None else f"{wish.field}.{wish.key}"
            self.late[place] = rest
        elif dot and head in table.columns:
            self._add(wish.field, wish.key, head, rest, asked=True)
        elif dot and head == "outputs" and wish.field != "outputs":
            column, _, path = self._outputs_column(wish, table).partition(".")
            path = f"{path}.{rest}" if path else rest
            self._add(wish.field, wish.key, column, path, asked=True)
        elif f"inputs.{wish.source}" in table.columns:
            self._add(wish.field, wish.key, f"inputs.{wish.source}", asked=True)
        else:
            raise missing_column(wish.source, table)

    def _outputs_column(self, wish: Wish, table: Table) -> str:
        """Return the column that is the outputs under another name, for a path into it."""
        asked = [other.source for other in self.wishes.wanted if other.field == "outputs"]
        found = asked or [n for n in table.columns if _OBVIOUS.get(n.casefold()) == "outputs"]
        if len(found) != 1 or found[0].partition(".")[0] not in table.columns:
            raise missing_column(wish.source, table)
        return found[0]

    def _place(self, name: str, table: Table) -> None:
        if self._place_by_name(name) or (self._flat and self._place_obvious(name, table)):
            return
        inputs_open = self._flat and not self.wishes.names("inputs")
        if self.leftover == "inputs" and inputs_open:
            self._add("inputs", name, name)
        elif "tags" not in self.wishes.dropped:
            self._add("tags", name, name)

    def _place_by_name(self, name: str) -> bool:
        """Claim *name* if it is a field, or a key of one as in ``labels.grounded``."""
        field, dot, key = name.partition(".")
        if field not in ALL_FIELDS or (dot and (field not in MAPPING_FIELDS or not key)):
            return False
        if field in RECORDED_FIELDS and self._flat:
            return False  # in a flat table these are words like any other
        if field in self.wishes.dropped:
            return True
        if self.wishes.names(field) and field != "tags":
            return False
        self._add(field, key or None, name)
        return True

    def _place_obvious(self, name: str, table: Table) -> bool:
        field = "expectations" if name in _EXPECTED else _OBVIOUS.get(name.casefold())
        if field is None or (field == "inputs" and self.leftover == "inputs"):
            return False  # every column that is left is an input of an estimator
        if field in self.wishes.dropped:
            return True
        if self.wishes.names(field) or field in table.columns:
            return False
        if name in _EXPECTED:
            self._add(field, name, name)
            return True
        other = self._obvious.setdefault(field, name)
        if other != name:
            raise table.error(_two_columns(field, [other, name]), 0, name)
        self._add(field, None, name)
        return True

    def _check_ambiguous(self, names: Sequence[str], table: Table) -> None:
        """Refuse to guess what *names*, which nobody asked for, could mean."""
        for name in names if self._flat else ():
            fields = _AMBIGUOUS.get(name.casefold(), ())
            if any(field not in self.slots for field in fields):
                raise table.error(_two_fields(name), 0, name)

    def _check_outputs(self, table: Table) -> None:
        stored = [*self.slots.get("outputs", ()), *self.slots.get(PROBABILITIES, ())]
        if self.has_model and stored:
            raise DataError(
                "these are outputs, and a model is given too; leave out the model to score them, "
                "or drop them to call it: columns={'outputs': None}",
                file=table.file,
                column=str(stored[0]),
            )

    def _check_inputs(self, table: Table) -> None:
        if self.has_model and "inputs" not in self.slots:
            raise MissingColumnError(
                f"no column is the inputs; say which: columns={{'inputs': [...]}}. "
                f"The data has: {', '.join(table.columns)}",
                file=table.file,
            )

    def _tell(self) -> None:
        """Say in one log line what was read by an obvious name."""
        if self._obvious:
            said = [f"{column!r} as {field}" for field, column in self._obvious.items()]
            tags = [str(slot) for slot in self.slots.get("tags", ()) if slot.key == slot.column]
            rest = f"; as tags: {', '.join(tags)}" if tags else ""
            _log.info("Read column %s%s.", ", ".join(said), rest)

    def describe(self) -> dict[str, object]:
        """Return the mapping as plain values: field to column, path or list of them."""
        return {
            field: str(slots[0]) if len(slots) == 1 else [str(slot) for slot in slots]
            for field, slots in self.slots.items()
        }


def missing_column(name: str, table: Table) -> MissingColumnError:
    """Return the error that *table* has no column or path *name*."""
    return MissingColumnError(
        f"there is no such column.{near_miss(name, table.columns.keys())} "
        f"The data has: {', '.join(table.columns)}",
        file=table.file,
        column=name,
    )


def _two_columns(field: str, names: Sequence[str]) -> str:
    """Return the problem that several columns could be one field.

    Examples:
        >>> print(_two_columns("outputs", ["output", "response"]))
        'output' and 'response' could each be the outputs; say which: columns={'outputs': 'output'}
    """
    listed = " and ".join(repr(name) for name in names)
    return f"{listed} could each be the {field}; say which: columns={{{field!r}: {names[0]!r}}}"


def _two_fields(name: str) -> str:
    """Return the problem that one column could be several fields.

    Examples:
        >>> print(_two_fields("answer"))
        it could be outputs or expectations; say which: columns={'outputs': 'answer'} or \
columns={'expectations': 'answer'} (or keep it as a tag: columns={'tags': ['answer']})
    """
    fields = _AMBIGUOUS[name.casefold()]
    choices = " or ".join(f"columns={{{field!r}: {name!r}}}" for field in fields)
    return (
        f"it could be {' or '.join(fields)}; say which: {choices} "
        f"(or keep it as a tag: columns={{'tags': [{name!r}]}})"
    )


@dataclass(frozen=True, slots=True)
class Wish:
    """One column that was asked for by name."""

    field: str
    """Field of a case to fill."""

    key: str | None
    """Key inside the field, where it is a mapping of several columns."""

    source: str
    """Column, or dotted path into one."""

    listed: bool = False
    """Whether the field is to be a list of its columns' values."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """The whole ``columns`` argument."""

    wanted: Sequence[Wish]
    dropped: frozenset[str]
    """Fields that the data must not fill."""

    def names(self, field: str) -> bool:
        """Say whether the field as a whole was asked for or dropped."""
        return field in self.dropped or any(
            wish.field == field and (wish.key is None or wish.listed) for wish in self.wanted
        )


def read_wishes(columns: Mapping[str, Any] | None) -> Wishes:
    """Return what ``columns`` asks for.

    Raises:
        UsageError: If it names a field that a case does not have, or a list for a single value.

    Examples:
        >>> for wish in read_wishes({"tags": ["region", "age"], "labels.ok": "human"}).wanted:
        ...     print(wish.field, wish.key, wish.source)
        tags region region
        tags age age
        labels ok human
    """
    wanted: list[Wish] = []
    dropped: set[str] = set()
    for name, source in (columns or {}).items():
        field, key = _field_and_key(name)
        if source is None or source == []:
            if key is not None:
                raise UsageError(
                    f"columns={{{name!r}: {source}}}: only a whole field can be dropped."
                )
            dropped |= {field, PROBABILITIES} if field == "outputs" else {field}
        elif isinstance(source, (str, int)):
            wanted.append(Wish(field, key, str(source)))
        else:
            wanted += _several(name, field, key, source)
    return Wishes(wanted, frozenset(dropped))


_NAMED: Final = frozenset({"expectations", PROBABILITIES})
"""Fields in which a list of one column means what its name alone does."""


def _field_and_key(name: str) -> tuple[str, str | None]:
    field, dot, key = name.partition(".")
    if field not in ALL_FIELDS and field != PROBABILITIES:
        raise UsageError(
            f"columns= names {name!r}, which is no field of a case.{near_miss(field, ALL_FIELDS)} "
            f"A case has: {', '.join(ALL_FIELDS)}."
        )
    if not dot:
        return field, None
    if field not in _KEYED or not key:
        raise UsageError(f"columns= names {name!r}, but {field} is not a mapping with keys.")
    return field, key


def _several(name: str, field: str, key: str | None, source: Any) -> list[Wish]:
    if isinstance(source, (list, tuple)):
        source = [str(column) if isinstance(column, int) else column for column in source]
        # A sole column means the same, spelt as a name or as a list of one.
        if len(source) == 1 and field in _NAMED and isinstance(source[0], str) and key is None:
            return [Wish(field, None, source[0])]
    if isinstance(source, Mapping) and key is None and field in _KEYED:
        pairs = list(source.items())
    elif isinstance(source, Sequence) and key is None and field in JSON_FIELDS | _KEYED:
        pairs = _named(source, _start(source) if field == PROBABILITIES else 0)
    else:
        lists = ", or a list of names" if field in JSON_FIELDS and key is None else ""
        raise UsageError(f"columns={{{name!r}: {source!r}}}: give the name of one column{lists}.")
    if not all(isinstance(key, str) and isinstance(column, str) for key, column in pairs):
        raise UsageError(f"columns={{{name!r}: {source!r}}}: columns are named by texts.")
    kept = field in _KEYED
    return [Wish(field, key if kept else None, column, listed=True) for key, column in pairs]


def _start(columns: Sequence[Any]) -> int:
    """Return how long the beginning of words is that columns of classes have in common.

    Examples:
        >>> _start(["proba_no", "proba_north"]), _start(["no", "yes"])
        (6, 0)
    """
    alike = takewhile(lambda some: len(set(some)) == 1, zip(*map(str, columns), strict=False))
    common = "".join(letters[0] for letters in alike)
    return max(map(common.rfind, "_.- ")) + 1


def _named(columns: Sequence[Any], start: int = 0) -> list[tuple[Any, Any]]:
    """Name each column by the end of its dotted path, unless two end alike."""
    ends = [str(column)[start:].rpartition(".")[2] for column in columns]
    if len(set(ends)) < len(ends):
        return [(column, column) for column in columns]
    return [
        (end if isinstance(column, str) else column, column)
        for end, column in zip(ends, columns, strict=True)
    ]
