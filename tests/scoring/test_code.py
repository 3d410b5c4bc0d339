"""What changes a function's digest: its code and what it holds; not where any of it lies."""

import functools
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from evalkit import scorer
from evalkit.scoring.signature import code_digest, content_text, signature


class Thing:
    """An object with a setting, and with something of its own."""

    def __init__(self, limit: Any) -> None:
        self.limit = limit
        self._seen: list[int] = []

    def __call__(self, outputs: str) -> bool:
        """Note that it was called, which changes no score."""
        self._seen.append(1)
        return len(outputs) > int(self.limit)

    def method(self, outputs: str) -> bool:
        """Return the same."""
        return self(outputs)


@dataclass
class Settings:
    """Settings as a dataclass."""

    limit: Any


def enclosing(held: Any) -> Callable[..., Any]:
    """Return a function that encloses *held*."""
    return lambda outputs: (outputs, held)


def defaulting(held: Any) -> Callable[..., Any]:
    """Return a function with *held* as a default."""

    def function(outputs: str, held: Any = held) -> Any:
        return outputs, held

    return function


def keyword(held: Any) -> Callable[..., Any]:
    """Return a function with *held* as the default of a keyword."""

    def function(outputs: str, *, held: Any = held) -> Any:
        return outputs, held

    return function


def partial(held: Any) -> Callable[..., Any]:
    """Return a function with *held* put in beforehand."""
    return functools.partial(max, held)


HOLDERS = [enclosing, defaulting, keyword, partial]
PAIRS: list[tuple[str, Callable[[], Any], Callable[[], Any]]] = [
    ("number", lambda: 0.5, lambda: 0.9),
    ("list", lambda: [1], lambda: [2]),
    ("set", lambda: {"a", "b"}, lambda: {"a", "c"}),
    ("dataclass", lambda: Settings(1), lambda: Settings(2)),
    ("object", lambda: Thing(1), lambda: Thing(2)),
    ("objects-in-a-list", lambda: [Thing(1)], lambda: [Thing(2)]),
    ("pattern", lambda: re.compile("a"), lambda: re.compile("b")),
    ("function", lambda: enclosing(1), lambda: enclosing(2)),
    ("method", lambda: Thing(1).method, lambda: Thing(2).method),
    ("class", lambda: Thing, lambda: Settings),
    ("module", lambda: re, lambda: sys),
]


@pytest.mark.parametrize("holder", HOLDERS)
@pytest.mark.parametrize(
    ("one", "other"), [pytest.param(one, other, id=name) for name, one, other in PAIRS]
)
def test_what_a_function_holds_counts_by_content(
    holder: Callable[[Any], Callable[..., Any]], one: Callable[[], Any], other: Callable[[], Any]
) -> None:
    assert code_digest(holder(one())) == code_digest(holder(one()))
    assert code_digest(holder(one())) != code_digest(holder(other()))


def test_a_callable_object_counts_with_its_settings() -> None:
    used = Thing(1)
    used("text")

    assert code_digest(used) == code_digest(Thing(1)) != code_digest(Thing(2))


def test_signatures_tell_keyword_defaults_apart() -> None:
    one, other = (scorer(name="s")(keyword(limit)) for limit in (0.5, 0.9))
    assert signature(one) != signature(other)
    assert "0x" not in content_text([object(), Thing(object())])


def test_a_function_that_encloses_itself_has_a_digest() -> None:
    def make(step: int) -> Callable[[int], int]:
        def down(n: int) -> int:
            return n if n < 0 else up(n - step)

        def up(n: int) -> int:
            return down(n)

        return down

    assert code_digest(make(1)) == code_digest(make(1)) != code_digest(make(2))


def test_the_digest_is_the_same_in_another_process() -> None:
    program = (
        "from evalkit.scoring.signature import content_text\n"
        "print(content_text([object(), {'a', 'b', 'c', ('d', 1)}, len, {2: None}]))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program],
            check=True,
            capture_output=True,
            text=True,
            env={"PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in (1, 2)
    }
    assert len(found) == 1
