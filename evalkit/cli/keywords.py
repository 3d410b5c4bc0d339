"""Every keyword of `evaluate` and field of `Runtime` as an option, spelt once for all commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from evalkit.cli.command import Option
from evalkit.cli.values import (
    budget_of,
    columns_of,
    data_of,
    prices_of,
    sample_of,
    sampling_of,
    tags_of,
)
from evalkit.evaluation.running.request import WORDS
from evalkit.evaluation.running.words import RECORD, Word

F = TypeVar("F", bound=Callable[..., Any])

_WORDS: Final = {**WORDS, "no_store": Word("Keep nothing.", RECORD)}

_READERS: Final[dict[str, Callable[..., Any]]] = {
    "data": data_of,
    "sampling": sampling_of,
    "columns": columns_of,
    "sample": sample_of,
    "tags": tags_of,
    "budget": budget_of,
    "prices": prices_of,
}
"""What makes the value of Python from the texts that were given."""

_FLAGS: Final = {"sampling": "--set", "no_store": "--no-store", "budget": "--budget"}
"""Names of options that are not those of their words, in the singular."""

_REPEATED: Final = frozenset({"data"})
"""Words of one value that may be given more than once."""

_TYPES: Final = {"int": int, "float": float}


def keyword(name: str, help: str | None = None, **settings: Any) -> Callable[[F], F]:  # noqa: A002
    """Return what adds the option of a word; *settings* of click stand above the word's own.

    Args:
        name: A word, which is the name of the command's parameter too.
        help: What the word means to the command, where it is not what it means to `evaluate`.
        **settings: As `click.option` takes them, and the heading ``section``.
    """
    word = _WORDS[name]
    own: dict[str, Any] = {"help": help or word.help}
    if word.metavar is None:
        own |= {"is_flag": True, "default": None}
    else:
        reader = _READERS.get(name)
        kind = str if reader else _TYPES.get(word.annotation.removesuffix(" | None"), str)
        own |= {
            "metavar": word.metavar,
            "type": kind,
            "multiple": word.many or name in _REPEATED,
            "callback": reader,
        }
    if word.metavar and word.metavar.startswith("["):
        own |= {"is_flag": False, "flag_value": "all"}
    return click.option(_flags(name), name, cls=Option, **(own | settings))


def keywords(function: F) -> F:
    """Add the options of all words, each under its heading."""
    for name in reversed(_WORDS):
        function = keyword(name, section=_WORDS[name].section)(function)
    return function


def flag(name: str) -> str:
    """Return the option of a word.

    Examples:
        >>> flag("gates"), flag("sampling")
        ('--gate', '--set')
    """
    return _FLAGS.get(name) or f"--{spelling(name)}"


def _flags(name: str) -> str:
    either = name not in _FLAGS and _WORDS[name].metavar is None
    return f"{flag(name)}/--no-{spelling(name)}" if either else flag(name)


def spelling(name: str) -> str:
    """Return the name of an option also for the words of Python.

    Examples:
        >>> spelling("timeout_seconds"), spelling("gates")
        ('timeout-seconds', 'gate')
    """
    many = name in _WORDS and _WORDS[name].many and name not in _FLAGS
    return (name.removesuffix("s") if many else name).replace("_", "-")
