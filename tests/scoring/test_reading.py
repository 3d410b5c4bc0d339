"""How scorers find the part of a value that a dotted path names."""

import datetime as dt
import decimal
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest

from evalkit.entities.case import Case
from evalkit.scoring.reading import follow


class Pair(NamedTuple):
    """A tuple whose places have names."""

    first: int
    second: int


@dataclass
class Answer:
    """An answer of a user's own class."""

    text: str
    _hidden: str = "h"

    @property
    def length(self) -> int:
        """Characters."""
        return len(self.text)

    def upper(self) -> str:
        """What no path reaches."""
        return self.text.upper()


@pytest.mark.parametrize(
    ("value", "path", "part"),
    [
        pytest.param({"a": {"b": ["x", "y"]}}, "a.b.-1", "y", id="mapping-and-list"),
        pytest.param({"a": ("x",)}, "a.0", "x", id="tuple"),
        pytest.param({"title": "T"}, "title", "T", id="a-key-named-as-a-method"),
        pytest.param(Answer("Hi"), "text", "Hi", id="dataclass"),
        pytest.param(Answer("Hi"), "length", 2, id="property"),
        pytest.param(SimpleNamespace(a=Answer("Hi")), "a.text", "Hi", id="object"),
        pytest.param(Pair(1, 2), "second", 2, id="named-tuple"),
        pytest.param(Pair(1, 2), "1", 2, id="named-tuple-by-place"),
        pytest.param({"on": dt.date(2026, 5, 1)}, "on.year", 2026, id="date"),
        pytest.param(Case(outputs={"a": 1}), "outputs.a", 1, id="case"),
    ],
)
def test_a_path_leads_to_a_part(value: Any, path: str, part: Any) -> None:
    assert follow(value, path) == part


@pytest.mark.parametrize(
    ("value", "path"),
    [
        pytest.param({"answer": "Hello"}, "answer.title", id="text"),
        pytest.param({"answer": b"Hello"}, "answer.title", id="bytes"),
        pytest.param({"n": 3}, "n.real", id="int"),
        pytest.param({"n": True}, "n.real", id="bool"),
        pytest.param({"n": 0.5}, "n.real", id="float"),
        pytest.param({"n": decimal.Decimal("1.5")}, "n.real", id="decimal"),
        pytest.param({"n": np.float32(1)}, "n.T", id="numpy"),
        pytest.param({"a": ["x"]}, "a.count", id="method-of-a-list"),
        pytest.param({"a": ["x"]}, "a.5", id="place-past-the-end"),
        pytest.param(Pair(1, 2), "index", id="method-of-a-tuple"),
        pytest.param({}, "items", id="method-of-a-mapping"),
        pytest.param(Answer("Hi"), "upper", id="method"),
        pytest.param(Answer("Hi"), "_hidden", id="private"),
        pytest.param(Answer("Hi"), "absent", id="absent"),
        pytest.param(None, "a", id="nothing"),
    ],
)
def test_what_is_no_part_is_missing(value: Any, path: str) -> None:
    assert follow(value, path) is None
