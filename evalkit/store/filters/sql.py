"""A filter as a condition of SQL."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    case,
    false,
    func,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from evalkit.store.filters.grammar import parse_filter, parse_order
from evalkit.store.filters.searchable import Searchable
from evalkit.store.filters.tree import And, Comparison, Filter, Or, Order

Value = ColumnElement[Any]

_TESTS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "IN": lambda value, values: value.in_(values),
    "NOT IN": lambda value, values: value.not_in(values),
    "LIKE": lambda value, pattern: _Like(value, _likes(pattern), _globs(pattern)),
    "ILIKE": lambda value, pattern: _Like(
        func.lower(value), func.lower(_likes(pattern)), func.lower(_globs(pattern))
    ),
}

_WILD: Final = re.compile(r"\\(.)|([%_])|([^\\%_]+)", re.DOTALL)


class _Like(FunctionElement[bool]):
    """Like a pattern, with regard to case; ILIKE gives all three in small letters.

    Which letters are small is the database's to say: SQLite and PostgreSQL know a to z alone.
    """

    type = Boolean()
    inherit_cache = True


@compiles(_Like)
def _as_like(element: _Like, compiler: SQLCompiler, **settings: Any) -> str:
    value, pattern, _ = (compiler.process(part, **settings) for part in element.clauses)
    return f"{value} LIKE {pattern} ESCAPE '/'"


@compiles(_Like, "sqlite")
def _as_glob(element: _Like, compiler: SQLCompiler, **settings: Any) -> str:
    # LIKE of SQLite disregards case.
    value, _, pattern = (compiler.process(part, **settings) for part in element.clauses)
    return f"{value} GLOB {pattern}"


def _likes(pattern: str) -> str:
    """Return *pattern* with ``/`` before what stands for itself, as no database has by default."""
    return _WILD.sub(lambda m: m[2] or re.sub(r"[%_/]", r"/\g<0>", m[1] or m[3]), pattern)


def _globs(pattern: str) -> str:
    wild = {"%": "*", "_": "?"}
    return _WILD.sub(
        lambda m: wild[m[2]] if m[2] else re.sub(r"[*?\[]", r"[\g<0>]", m[1] or m[3]), pattern
    )


@dataclass(frozen=True, slots=True)
class Fields:
    """How the fields of a noun are reached in SQL."""

    attributes: Mapping[str, Value]

    collections: Mapping[str, Callable[[str], tuple[Select[Any], Value]]]
    """By place: given a key, a query for the rows that the noun has of it, at most one, and the
    column of the value, which is null for what is no number."""

    def condition(self, tree: Filter | None) -> ColumnElement[bool]:
        """Return the condition that *tree* says, which is never null."""
        if tree is None:
            return true()
        if isinstance(tree, And | Or):
            parts = [self.condition(part) for part in tree.parts]
            return and_(*parts) if isinstance(tree, And) else or_(*parts)
        if isinstance(tree, Comparison):
            return self._comparison(tree)
        return not_(self.condition(tree.part))

    def order(self, orders: Sequence[Order]) -> list[tuple[Value, bool]]:
        """Return what to sort by, each with whether it descends; what has no value is last."""
        terms: list[tuple[Value, bool]] = []
        for order in orders:
            if order.place == "attribute":
                value = self.attributes[order.key]
            else:
                query, column = self.collections[order.place](order.key)
                value = query.with_only_columns(column).scalar_subquery()
            terms += [(case((value.is_(None), 1), else_=0), False), (value, order.descending)]
        return terms

    def _comparison(self, tree: Comparison) -> ColumnElement[bool]:
        wanted: Any = tree.value
        if tree.place == "attribute":
            column = self.attributes[tree.key]
            if tree.operator == "IS NULL":
                return column.is_(None)
            present = column.is_not(None)
            if tree.operator == "IS NOT NULL":
                return present
            return and_(present, _TESTS[tree.operator](column, wanted))
        query, column = self.collections[tree.place](tree.key)
        if tree.operator in {"IS NULL", "IS NOT NULL"}:
            there = query.exists()
            return there if tree.operator == "IS NOT NULL" else not_(there)
        return query.where(_TESTS[tree.operator](column, wanted)).exists()


Terms = Sequence[tuple[Value, bool]]
"""What rows are sorted by, each with whether it descends."""


@dataclass(frozen=True, slots=True)
class Search:
    """How rows of a noun are found, sorted and paged."""

    searchable: Searchable
    fields: Fields

    order: Terms
    """What sorts the rows that are equal by what was asked for; the last one is unique."""

    def page(
        self,
        connection: Connection,
        query: Select[Any],
        text: str,
        order_by: str | Sequence[str],
        after: ColumnElement[bool] | None,
    ) -> Sequence[Row[Any]]:
        """Return the rows of *query* that a filter keeps, sorted, behind that of *after* if any."""
        terms = [*self.fields.order(parse_order(order_by, self.searchable)), *self.order]
        query = query.where(self.fields.condition(parse_filter(text, self.searchable)))
        if after is not None:
            last = connection.execute(select(*(term for term, _ in terms)).where(after)).one()
            query = query.where(_beyond(terms, last))
        query = query.order_by(*(t.desc() if descends else t for t, descends in terms))
        return connection.execute(query).all()


def _beyond(terms: Terms, last: Sequence[Any]) -> ColumnElement[bool]:
    """Return the condition that a row comes after the one whose terms have the values *last*."""
    condition: ColumnElement[bool] = false()
    for (term, descends), value in reversed(list(zip(terms, last, strict=True))):
        # A null is beside nulls alone: the term before it says whether there is a value.
        if value is None:
            condition = and_(term.is_(None), condition)
            continue
        further = term < value if descends else term > value
        condition = or_(further, and_(term == value, condition))
    return condition
