"""Texts and tables as Markdown has them, with nothing in them that it would act on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from evalkit.report.texts import one_line

# Everything that begins markup, a mention, an autolink or HTML somewhere in a line.
_SPECIAL: Final = re.compile(r"([\\`*_{}\[\]<>()#+\-.!|~^&@$:])")


_UNMARKED: Final = re.compile(r"[^\w./ -]")


def escaped(value: str, limit: int = 300) -> str:
    r"""Return *value* on one line, with nothing in it that Markdown would act on.

    Examples:
        >>> escaped("a|b *c* <img>\n# d")
        'a\\|b \\*c\\* \\<img\\> \\# d'
    """
    return _SPECIAL.sub(r"\\\1", one_line(value, limit))


def marked(name: str, text: str) -> str:
    r"""Return *text* below a marker, by which a comment is found again and replaced.

    Examples:
        >>> marked("qa>", "all is well")
        '<!-- evalkit: qa -->\nall is well'
    """
    return f"<!-- evalkit: {_UNMARKED.sub('', name)} -->\n{text}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]], sides: str | None = None) -> str:
    """Return a table; *sides* has ``l`` or ``r`` for each column: the first left, others right."""
    marks = {"l": ":--", "r": "--:"}
    wanted = sides or "l" + "r" * (len(head) - 1)
    lines = [head, [marks[side] for side in wanted], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
