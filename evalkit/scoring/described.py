"""What each parameter of a scorer means, from where its author wrote it."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final, NamedTuple

from evalkit.scoring.parameters import parameter_types


class Parameter(NamedTuple):
    """A parameter as it is set, and what it means: an empty text where nobody says."""

    value: Any
    meaning: str


def parameters_of_user(scorer: Any) -> dict[str, Parameter]:
    """Return what a user may set of *scorer*, by name.

    Meanings stand below a field (as text), or in a docstring under ``Args:`` or ``Attributes:``:
    that of the class, or of ``described_by``, the function that makes it.  A scorer whose
    parameters are not its fields has ``parameters``, name to value.

    Examples:
        >>> from evalkit.hooks.catalog import get_scorer
        >>> parameters_of_user(get_scorer("text.exact_match"))["ignore_case"]
        Parameter(value=False, meaning='Compare case-folded texts.')
    """
    values = getattr(scorer, "parameters", None)
    if values is None:
        names = parameter_types(scorer) if dataclasses.is_dataclass(scorer) else ()
        values = {name: getattr(scorer, name) for name in names}
    meanings = _meanings(scorer)
    return {name: Parameter(value, meanings.get(name, "")) for name, value in values.items()}


def _meanings(scorer: Any) -> dict[str, str]:
    maker = getattr(scorer, "described_by", None)
    meanings: dict[str, str] = {}
    for kind in reversed(type(scorer).__mro__[:-1]):
        meanings |= dict(_listed(inspect.getdoc(kind) or "")) | dict(_below_fields(kind))
    return meanings | dict(_listed("" if maker is None else inspect.getdoc(maker) or ""))


def _below_fields(kind: type) -> Iterator[tuple[str, str]]:
    """Yield each field of a class that has a text below it, with its first paragraph."""
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):  # made without a file, as in a notebook
        return
    statements = body.body if isinstance(body, ast.ClassDef) else []
    for field, below in pairwise(statements):
        if not isinstance(field, ast.AnnAssign) or not isinstance(field.target, ast.Name):
            continue
        text = below.value if isinstance(below, ast.Expr) else None
        if isinstance(text, ast.Constant) and isinstance(text.value, str):
            yield field.target.id, _first_paragraph(text.value)


_SECTION: Final = re.compile(r"^(?:Args|Attributes|Parameters):?\n(?:-+\n)?", re.MULTILINE)
_ENTRY: Final = re.compile(
    r"^( *)\**(\w+)(?: *\([^)]*\))?(?:: +| : .*\n+)(.*(?:\n(?:\1 +.*)?)*)", re.MULTILINE
)


def _listed(doc: str) -> Iterator[tuple[str, str]]:
    """Yield the entries of a docstring's section of parameters, in Google's or numpy's form."""
    section = _SECTION.search(doc)
    if section is None:
        return
    rest = doc[section.end() :]
    end = re.search(r"^\S.*\n-+$|^[A-Z]\w+:$", rest, re.MULTILINE)
    for entry in _ENTRY.finditer(rest[: end.start()] if end else rest):
        yield entry[2], _first_paragraph(entry[3])


def _first_paragraph(text: str) -> str:
    return " ".join(text.strip().partition("\n\n")[0].split())
