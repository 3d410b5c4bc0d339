"""Advice in the words of Python, put in those of the command line."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

from evalkit.cli.keywords import flag
from evalkit.evaluation.running.request import WORDS

_ABSENT: Final = ("", None)
_VALUE: Final = r"\{[^{}]*\}|\[[^\[\]]*\]|'[^']*'|…|[\w/.:-]*\w|"
# Preceded by a space: what stands in brackets or behind a dot is a piece of Python to be written.
_WORD: Final = re.compile(rf"(?:(?<=\s)|^)({'|'.join(WORDS)})=({_VALUE})(?![\w'(])")
_RUNTIME: Final = re.compile(r"(?<!=)\bRuntime\((\w+=[^()]*)\)")
_OF_SCORERS: Final = ("name", "model")
"""Words that are a scorer's own parameters where advice gives them a value."""


def in_flags(text: str) -> str:
    """Return *text* with the keywords of `evaluate` as options of the command line.

    Examples:
        >>> in_flags("say which: columns={'outputs': 'answer', 'tags': ['a', 'b']}.")
        'say which: --column outputs=answer --column tags=a --column tags=b.'
        >>> in_flags("No scorers: give scorers=['text.exact_match'], say.")
        'No scorers: give --scorer text.exact_match, say.'
        >>> in_flags("run without Runtime(store=False), or leave out stop=.")
        'run without --no-store, or leave out --stop.'
    """
    return _WORD.sub(_option, _RUNTIME.sub(r"\1", text))


def _option(match: re.Match[str]) -> str:
    name, written = match[1], match[2]
    value = _read(written)
    if (name in _OF_SCORERS and written.startswith("'")) or name == "name":
        return f'{{"{name}": "{"…" if value in _ABSENT else value}"}} in its JSON'
    if name == "store" and value is False:
        return "--no-store"
    option = flag(name)
    if isinstance(value, dict) and name == "columns":
        pairs = [
            (field, column)
            for field, columns in value.items()
            for column in (columns if isinstance(columns, list) else [columns])
        ]
        return " ".join(f"{option} {field}={'' if c is None else c}" for field, c in pairs)
    values = value if isinstance(value, list) else [value]
    return " ".join(option if v in _ABSENT else f"{option} {v}" for v in values)


def _read(written: str) -> Any:
    try:
        return ast.literal_eval(written.replace("...", "…").replace("…", "'…'"))
    except (SyntaxError, ValueError):
        return written.strip("'")
