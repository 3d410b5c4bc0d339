"""A comparison as one HTML file: forest plots, and the answers that changed, side by side.

The page reaches no network, and folds by HTML alone; its one script is the text filter.  Texts of
unknown origin are escaped by the template.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.surrogates import without_surrogates
from evalkit._internal.words import percent, plural
from evalkit.gates.verdict import number
from evalkit.report.comparison_document import alone, comparison_document
from evalkit.report.page import assets, content_policy, template
from evalkit.report.texts import ARROWS, limits, one_line, p_value, signed, value

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison

CASES: Final = 20
_LONGEST_DIFF: Final = 600
"""Words of an answer from which it is shown whole, without marks: a diff grows with the square."""

_HEAVIEST: Final = 1_900_000
"""Bytes above which a page shows fewer cases."""

_MOST_SLICES: Final = 1_000
"""Rows of all tags together."""

_WIDTH: Final = 400.0
_MARGIN: Final = 8.0

Piece = tuple[str, str]
"""``same``, ``gone`` or ``new``, and the text."""


def comparison_page(comparison: Comparison) -> str:
    """Return *comparison* as an HTML page below 2 MB: with fewer cases where these are long."""
    n_cases = CASES
    page = _page(comparison, n_cases)
    while len(page.encode("utf-8", "replace")) > _HEAVIEST and n_cases > 1:
        n_cases //= 2
        page = _page(comparison, n_cases)
    return page


def _page(comparison: Comparison, n_cases: int) -> str:
    document = comparison_document(comparison, cases=n_cases)
    style, script = "\n" + assets("page.css", "comparison.css"), "\n" + assets("comparison.js")
    most = max(1, _MOST_SLICES // max(1, len(document["slices"])))
    page: str = template("comparison.html").render(
        title=one_line(f"{', '.join(comparison.others)} against {comparison.baseline}"),
        policy=content_policy(style, script),
        style=style,
        script=script,
        document=document,
        subtitle=_subtitle(document),
        runs=[_run(comparison, name) for name in comparison],
        several=len(comparison.others) > 1,
        rows=_plotted(document["rows"]),
        slices={
            tag: {"rows": _plotted(rows[:most]), "left": len(rows[most:])}
            for tag, rows in document["slices"].items()
        },
        changed=[
            part | {what: _with_pieces(part[what]) for what in ("fixed", "broke")}
            for part in document["cases"]
        ],
        level=percent(document["level"]),
        number=value,
        fact=lambda fact: "" if fact is None else number(fact).replace("-", "−"),
        signed=signed,
        limits=lambda row: limits(row["low"], row["high"]),
        p_value=lambda p: "" if p is None else p_value(p),
        arrows=ARROWS,
        unmatched=[
            {"name": name, "n": n, "ids": ids}
            for sides in document["unmatched"].values()
            for name, n, ids in alone(sides)
        ],
    )
    return page


def _run(comparison: Comparison, name: str) -> dict[str, str | None]:
    """Return a system's run, and where its folder lies."""
    result = comparison[name]
    folder = result.folder.path if result.run_id else None
    href = folder.absolute().as_uri() if folder is not None and folder.is_dir() else None
    return {"name": name, "id": result.run_id and result.run_id[:12], "href": href}


def _subtitle(document: Mapping[str, Any]) -> str:
    rows = document["rows"]
    pairs = min(row["n_pairs"] for row in rows)
    adjusted = {"holm": "Holm", "benjamini-hochberg": "Benjamini and Hochberg"}
    return (
        f"{plural(pairs, 'pair')} of answers to the same cases; "
        f"p-values adjusted by {adjusted[document['adjusted_by']]} for {plural(len(rows), 'row')}"
    )


def _plotted(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return rows with what is drawn of them: one scale for each metric, 0 in the middle."""
    reach: dict[str, float] = {}
    for row in rows:
        ends = (abs(row[end] or 0.0) for end in ("low", "high", "difference"))
        reach[row["metric"]] = max(reach.get(row["metric"], 0.0), *ends)
    return [{**row, "drawn": _drawn(row, reach[row["metric"]] * 1.05 or 1.0)} for row in rows]


def _drawn(row: Mapping[str, Any], reach: float) -> dict[str, str | None]:
    """Return where the parts of a row stand, in units of the drawing."""
    half = _WIDTH / 2 - _MARGIN

    def at(value: float | None) -> str | None:
        return None if value is None else f"{_WIDTH / 2 + half * value / reach:.2f}"

    return {
        "low": at(row["low"]),
        "high": at(row["high"]),
        "value": at(row["difference"]),
        "style": row.get("outcome") or "",
    }


def _with_pieces(cases: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [{**case, "pieces": pieces(case["output_a"], case["output_b"])} for case in cases]


def pieces(before: str, after: str) -> list[Piece]:
    """Return the word by word difference of two texts.

    Examples:
        >>> pieces("a red car", "a blue car")
        [('same', 'a '), ('gone', 'red'), ('new', 'blue'), ('same', ' car')]
    """
    old, new = (
        re.findall(r"\s+|\w+|[^\w\s]", without_surrogates(text)) for text in (before, after)
    )
    if max(len(old), len(new)) > _LONGEST_DIFF:
        return [("gone", "".join(old)), ("new", "".join(new))]
    parts: list[Piece] = []
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    for kind, first, last, start, stop in matcher.get_opcodes():
        same = kind == "equal"
        parts.append(("same" if same else "gone", "".join(old[first:last])))
        parts.append(("new", "" if same else "".join(new[start:stop])))
    return [(kind, text) for kind, text in parts if text]
