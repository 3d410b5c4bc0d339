"""A comparison as GitHub-flavoured Markdown: the body of a pull request's comment."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.words import percent, plural
from evalkit.report.comparison_document import (
    RANK_HEADS,
    SLICE_HEADS,
    alone,
    comparison_document,
    p_cell,
    rank_rows,
    slice_rows,
)
from evalkit.report.markdown_text import escaped, table
from evalkit.report.texts import ARROWS, limits, one_line, signed, value

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison

_MARKS: Final = {"better": "🟢 better", "worse": "🔴 worse", "different": "different", "": ""}


def comparison_text(comparison: Comparison) -> str:
    """Return *comparison* as Markdown: before and after, intervals, fixed and broken cases."""
    document = comparison_document(comparison)
    blocks = [*_systems(document)]
    for metric, ranks in document["ranks"].items():
        rows = _named(rank_rows(ranks), 1)
        blocks += [f"### {escaped(metric)}, ranked", table(("system", *RANK_HEADS), rows)]
    for tag, differences in document["slices"].items():
        rows = _named(slice_rows(differences), 3)
        content = table((escaped(tag), *SLICE_HEADS), rows, "lllrlrr")
        blocks.append(_folded(f"Differences by {tag}", content))
    blocks += [block for changed in document["cases"] for block in _changed(changed)]
    blocks += [_unmatched(sides) for sides in document["unmatched"].values()]
    blocks += [f"> {escaped(note)}" for note in document["notes"]]
    return "\n\n".join(blocks) + "\n"


def _named(rows: Iterator[tuple[str, ...]], n: int) -> list[tuple[str, ...]]:
    """Return *rows* with the *n* names at their beginnings escaped; the rest are numbers."""
    return [(*(escaped(name, 60) for name in row[:n]), *map(_number, row[n:])) for row in rows]


def _number(cell: str) -> str:
    return cell.replace("<", r"\<")  # as in "< 0.001"


def _systems(document: Mapping[str, Any]) -> Iterator[str]:
    before = escaped(document["baseline"], 60)
    for system in document["systems"]:
        if system["name"] == document["baseline"]:
            continue
        after = escaped(system["name"], 60)
        rows = [row for row in document["rows"] if row["b"] == system["name"]]
        yield f"## {after} against {before}"
        yield _verdict(rows)
        head = ("metric", "before", "after", "difference", f"{percent(document['level'])} interval")
        yield table(
            (*head, "adjusted p", "fixed", "broke", ""), [_row(row) for row in rows], "lrrrlrrrl"
        )
        yield _pairs(rows)


def _verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    sentences: list[str] = []
    for outcome in ("worse", "better"):
        metrics = [escaped(row["metric"]) for row in rows if row["outcome"] == outcome]
        sentences += [f"**{outcome.title()} on {', '.join(metrics)}**"] if metrics else []
    return "; ".join(sentences) + "." if sentences else "No difference can be told apart."


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        f"{escaped(row['metric'])} {ARROWS[row['direction']]}".rstrip(),
        value(row["value_a"]),
        f"**{value(row['value_b'])}**",
        signed(row["difference"]),
        limits(row["low"], row["high"]),
        _number(p_cell(row["p_adjusted"])),
        *("" if row[name] is None else f"{row[name]:,}" for name in ("n_fixed", "n_broke")),
        _MARKS[row["outcome"]],
    )


def _pairs(rows: Sequence[Mapping[str, Any]]) -> str:
    least = min(row["n_pairs"] for row in rows)
    unmatched = max(row["n_unmatched"] for row in rows)
    left = f"; {plural(unmatched, 'case')} of only one side left out" if unmatched else ""
    return f"Paired on {plural(least, 'case')}{left}."


def _changed(changed: Mapping[str, Any]) -> Iterator[str]:
    for what, title in (("broke", "Broken"), ("fixed", "Fixed")):
        cases, count = changed[what], changed[f"n_{what}"]
        if not cases:
            continue
        columns = ("id", "inputs", "output_a", "output_b")
        rows = [tuple(escaped(case[name]) for name in columns) for case in cases]
        more = f", {len(cases)} shown" if len(cases) < count else ""
        head = f"{title} by {changed['b']} on {changed['metric']}: {plural(count, 'case')}{more}"
        yield _folded(head, table(("case", "inputs", "before", "after"), rows, "llll"))


def _unmatched(sides: Mapping[str, Sequence[str]]) -> str:
    lines = [
        f"- only in {escaped(name, 60)} ({n:,}): {escaped(ids, 600)}"
        for name, n, ids in alone(sides)
    ]
    total = plural(sum(map(len, sides.values())), "case")
    return _folded(f"{total} of only one side", "\n".join(lines))


def _folded(title: str, content: str) -> str:
    # Inside the summary nothing is Markdown, but all of it is HTML.
    return f"<details><summary>{html.escape(one_line(title))}</summary>\n\n{content}\n\n</details>"
