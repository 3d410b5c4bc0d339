"""What a word of `evaluate` says of itself, once for the command line, schemas and files."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Final

WHAT: Final = "What to evaluate"
CHAT: Final = "Chat models"
DATA: Final = "Which data"
NUMBERS: Final = "Numbers and conditions"
RECORD: Final = "Where it is kept"
HOW: Final = "How it runs"
SECTIONS: Final = (WHAT, CHAT, DATA, NUMBERS, RECORD, HOW)
"""Headings of the help, in its order."""

_KEY: Final = "word"


@dataclass(frozen=True, slots=True)
class Word:
    """What a keyword of `evaluate`, or a field of `Runtime`, means."""

    help: str
    section: str
    """The heading under which it stands."""

    metavar: str | None = None
    """What its value is called: ``None`` for yes or no, in brackets where it may be left out."""

    many: bool = False
    """Whether the command line takes it several times."""

    annotation: str = "str | None"
    """Its type in Python."""

    default: Any = None


def word(
    default: Any, text: str, section: str, metavar: str | None = None, *, many: bool = False
) -> Any:
    """Make the field of a dataclass that is a word; takes what `Word` has."""
    return dataclasses.field(default=default, metadata={_KEY: Word(text, section, metavar, many)})


def words_of(kind: type) -> dict[str, Word]:
    """Read the words among the fields of the dataclass *kind*, each with its type."""
    return {
        one.name: dataclasses.replace(
            one.metadata[_KEY], annotation=str(one.type), default=one.default
        )
        for one in dataclasses.fields(kind)
        if _KEY in one.metadata
    }
