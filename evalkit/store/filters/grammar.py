"""Read filters and orders: MLflow's grammar, with OR, NOT and parentheses.

filter     := and (OR and)*
and        := term (AND term)*
term       := NOT term | "(" filter ")" | comparison
comparison := field ("=" | "!=" | "<" | "<=" | ">" | ">=" | [NOT] LIKE | [NOT] ILIKE) value
| field [NOT] IN "(" value ("," value)* ")" | field IS [NOT] NULL
field      := [place "."] key        a key with other signs stands in "…" or `…`
value      := number | '…' | "…"     a quote in a text is written twice
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn, cast

from evalkit.errors import FilterSyntaxError
from evalkit.store.filters.searchable import PLACES, Kind, Searchable
from evalkit.store.filters.tree import And, Comparison, Filter, Not, Operator, Or, Order

LONGEST: Final = 4096
"""Characters of a filter."""

MOST_COMPARISONS: Final = 64
DEEPEST: Final = 32
"""Parentheses and NOTs inside each other."""

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<number> [-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?![\w.]) )
      | (?P<text> '(?:[^']|'')*' | "(?:[^"]|"")*" )
      | (?P<quoted> `[^`]+` )
      | (?P<word> [^\W\d]\w*(?:[-/:]\w+)* )
      | (?P<sign> != | <> | <= | >= | == | [=<>(),.] )
    )""",
    re.VERBOSE,
)
_TIME: Final = "a date or time, such as '2026-11-30' or '2026-11-30T08:00:00Z'"
_DATED: Final = ("time", "text")
_RANKED: Final = ("<", "<=", ">", ">=")
_SIGNS: Final = {"==": "=", "<>": "!=", **{sign: sign for sign in ("=", "!=", *_RANKED)}}


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int

    @property
    def upper(self) -> str:
        return self.text.upper() if self.kind == "word" else ""


def parse_filter(text: str, searchable: Searchable) -> Filter | None:
    """Return what *text* says of a noun; ``None`` where it says nothing.

    Raises:
        FilterSyntaxError: If it does not parse, or names a field that the noun does not have;
            points at the character.

    Examples:
        >>> from evalkit.store.filters import RUNS
        >>> parse_filter("metrics.f1 > 0.8 and tags.stage = 'dev'", RUNS)  # doctest: +ELLIPSIS
        And(parts=(Comparison(place='metric', key='f1', operator='>', value=0.8), ...
    """
    if not text.strip():
        return None
    reader = _Reader(text, searchable)
    tree = reader.any_of()
    reader.end()
    return tree


def parse_order(texts: str | Sequence[str], searchable: Searchable) -> tuple[Order, ...]:
    """Return the fields to sort by, such as ``["metrics.f1 DESC", "start_time"]``.

    Raises:
        FilterSyntaxError: As `parse_filter`.

    Examples:
        >>> from evalkit.store.filters import RUNS
        >>> parse_order("metrics.f1 DESC", RUNS)
        (Order(place='metric', key='f1', descending=True),)
    """
    return tuple(
        _Reader(text, searchable).order() for text in ([texts] if isinstance(texts, str) else texts)
    )


class _Reader:
    def __init__(self, text: str, searchable: Searchable) -> None:
        self._text = text
        self._searchable = searchable
        self._comparisons = self._depth = 0
        if len(text) > LONGEST:
            self._fail(LONGEST, f"at most {LONGEST:,} characters")
        self._tokens: list[_Token] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                position += len(text[position:]) - len(text[position:].lstrip())
                self._fail(position, "a field, a value or an operator")
            kind = match.lastgroup
            self._tokens.append(_Token(kind, match[kind], match.start(kind)))
            position = match.end()
        self._tokens.append(_Token("end", "", end))
        self._next = 0

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def any_of(self) -> Filter:
        return self._joined("OR", lambda: self._joined("AND", self._term, And), Or)

    def order(self) -> Order:
        place, key, _ = self._field()
        descending = bool(self._word("DESC"))
        if not descending:
            self._word("ASC")
        self.end()
        return Order(place, key, descending)

    def end(self) -> None:
        token = self._token
        if token.kind != "end":
            self._fail(token.start, "AND, OR or the end")

    def _joined(
        self, word: str, part: Callable[[], Filter], kind: Callable[[tuple[Filter, ...]], Filter]
    ) -> Filter:
        parts = [part()]
        while self._word(word):
            parts.append(part())
        return parts[0] if len(parts) == 1 else kind(tuple(parts))

    def _term(self) -> Filter:
        start = self._token.start
        self._depth += 1
        if self._depth > DEEPEST:
            self._fail(start, f"at most {DEEPEST} parentheses and NOTs inside each other")
        if self._word("NOT"):
            tree: Filter = Not(self._term())
        elif self._sign("("):
            tree = self.any_of()
            self._sign(")", or_fail=True)
        else:
            tree = self._comparison()
        self._depth -= 1
        return tree

    def _comparison(self) -> Filter:
        start = self._token.start
        self._comparisons += 1
        if self._comparisons > MOST_COMPARISONS:
            self._fail(start, f"at most {MOST_COMPARISONS} comparisons")
        place, key, kind = self._field()
        if self._word("IS"):
            none = not self._word("NOT")
            if not self._word("NULL"):
                self._fail(self._token.start, "NULL")
            return Comparison(place, key, "IS NULL" if none else "IS NOT NULL")
        negated, token = bool(self._word("NOT")), self._token
        if self._word("IN"):
            choices = self._choices(place, key)
            values = self._values(kind, choices)
            return Comparison(place, key, "NOT IN" if negated else "IN", values)
        if kind == "text" and (self._word("LIKE") or self._word("ILIKE")):
            like = Comparison(place, key, cast("Operator", token.upper), self._pattern())
            # What has no such field is not like it, and not unlike it either.
            return And((Comparison(place, key, "IS NOT NULL"), Not(like))) if negated else like
        operator = None if negated or token.kind != "sign" else _SIGNS.get(token.text)
        if operator is None or (kind == "text" and operator in _RANKED):
            own = "=, !=, LIKE, ILIKE" if kind == "text" else "=, !=, <, <=, >, >="
            self._fail(token.start, f"{own}, IN or IS, since {key!r} is a {kind}")
        self._next += 1
        value = self._value(kind, self._choices(place, key))
        return Comparison(place, key, cast("Operator", operator), value)

    def _choices(self, place: str, key: str) -> tuple[str, ...]:
        return self._searchable.choices.get(key, ()) if place == "attribute" else ()

    def _field(self) -> tuple[str, str, Kind]:
        """Read a field: its place, its key and what it holds."""
        token = self._token
        if token.kind not in {"word", "quoted", "text"}:
            self._fail(token.start, "a field")
        self._next += 1
        name = _unquoted(token)
        place = PLACES.get(name.lower()) if token.kind == "word" else None
        if place is not None and self._sign("."):
            key = self._key()
        else:
            place, key = "attribute", name
            while self._sign("."):  # a near miss is told of all of it
                key += f".{self._key()}"
        own = self._searchable
        if place != "attribute":
            if place not in own.collections:
                has = ", ".join(["attributes", *(f"{each}s" for each in own.collections)])
                self._fail(token.start, f"what {own.noun} have: {has}")
            return place, key, own.collections[place]
        key = own.other_names.get(key.lower(), key.lower())
        if key not in own.attributes:
            places = [f"{each}s" for each in own.collections]
            beginning, dot, rest = key.partition(".")
            candidates = places if dot else list(own.attributes)
            near = difflib.get_close_matches(beginning, candidates, 1)
            hint = f"; did you mean {near[0]}{dot}{rest}?" if near else ""
            has = ", ".join([*own.attributes, *(f"{each}.KEY" for each in places)])
            self._fail(token.start, f"a field of {own.noun} ({has}){hint}")
        return "attribute", key, own.attributes[key]

    def _key(self) -> str:
        """Read a key: words joined by dots, or one in quotes."""
        token = self._token
        if token.kind not in {"word", "quoted", "text", "number"}:
            self._fail(token.start, "a key")
        self._next += 1
        key = _unquoted(token)
        if token.kind in {"word", "number"}:
            while self._sign("."):
                key += f".{self._key()}"
        return key

    def _values(self, kind: Kind, choices: tuple[str, ...]) -> tuple[str | float, ...]:
        self._sign("(", or_fail=True)
        values = [self._value(kind, choices)]
        while self._sign(","):
            values.append(self._value(kind, choices))
        self._sign(")", or_fail=True)
        return tuple(values)

    def _value(self, kind: Kind, choices: tuple[str, ...] = ()) -> str | float:
        token = self._token
        expected = {"text": "a text in quotes, such as 'x'", "number": "a number", "time": _TIME}[
            kind
        ]
        if token.kind != ("text" if kind == "text" else "number") and (kind, token.kind) != _DATED:
            self._fail(token.start, expected)
        self._next += 1
        if kind == "text":
            text = _unquoted(token)
            if choices and text.upper() not in choices:
                self._fail(token.start, f"one of {', '.join(choices)}")
            return text.upper() if choices else text
        return self._milliseconds(token) if token.kind == "text" else float(token.text)

    def _pattern(self) -> str:
        start = self._token.start
        pattern = str(self._value("text"))
        if re.fullmatch(r"(?:[^\\]|\\[\\%_])*", pattern, re.DOTALL) is None:
            self._fail(start, r"a pattern in which \ stands before %, _ or \ alone")
        return pattern

    def _milliseconds(self, token: _Token) -> float:
        try:
            moment = dt.datetime.fromisoformat(_unquoted(token))
        except ValueError:
            self._fail(token.start, _TIME)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
        return moment.timestamp() * 1000

    def _word(self, word: str) -> _Token | None:
        token = self._token
        if token.upper != word:
            return None
        self._next += 1
        return token

    def _sign(self, sign: str, *, or_fail: bool = False) -> bool:
        token = self._token
        if token.kind == "sign" and token.text == sign:
            self._next += 1
            return True
        if or_fail:
            self._fail(token.start, f"{sign!r}")
        return False

    def _fail(self, position: int, expected: str) -> NoReturn:
        raise FilterSyntaxError(self._text, position, expected)


def _unquoted(token: _Token) -> str:
    if token.kind not in {"text", "quoted"}:
        return token.text
    quote = token.text[0]
    return token.text[1:-1].replace(quote * 2, quote)
