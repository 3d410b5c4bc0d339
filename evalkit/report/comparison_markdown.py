"""A comparison as GitHub-flavoured Markdown: the body of a pull request's comment."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit.gates.verdict import number
from evalkit.report.comparison_document import comparison_document
from evalkit.report.comparison_table import limits, rank
from evalkit.report.markdown_text import escaped, table
from evalkit.report.texts import ARROWS, listed, one_line, p_value, percent, plural, signed

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison

_MARKS: Final = {"better": "🟢 better", "worse": "🔴 worse", "different": "different", "": ""}


def comparison_text(comparison: Comparison) -> str:
    """Return *comparison* as Markdown: before and after, intervals, fixed and broken cases."""
    told = comparison_document(comparison)
    blocks = [*_systems(told)]
    for metric, found in told["ranks"].items():
        blocks += [f"### {escaped(metric)}, ranked", _ranks(found)]
    for tag, found in told["slices"].items():
        blocks += [_folded(f"Differences by {tag}", _slice(tag, found))]
    blocks += [block for changed in told["cases"] for block in _changed(changed)]
    blocks += [_unmatched(sides) for sides in told["unmatched"].values()]
    blocks += [f"> {escaped(note)}" for note in told["notes"]]
    return "\n\n".join(blocks) + "\n"


def _systems(told: Mapping[str, Any]) -> Iterator[str]:
    before = escaped(told["baseline"], 60)
    for system in told["systems"]:
        if system["name"] == told["baseline"]:
            continue
        after = escaped(system["name"], 60)
        rows = [row for row in told["rows"] if row["b"] == system["name"]]
        yield f"## {after} against {before}"
        yield _verdict(rows)
        head = ("metric", "before", "after", "difference", f"{percent(told['level'])} interval")
        yield table(
            (*head, "adjusted p", "fixed", "broke", ""),
            [_row(row) for row in rows],
            "lrrrlrrrl",
        )
        yield _pairs(rows)


def _verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    found = {
        outcome: [escaped(row["metric"]) for row in rows if row["outcome"] == outcome]
        for outcome in ("better", "worse")
    }
    told = [
        f"**{mark} on {', '.join(found[outcome])}**"
        for outcome, mark in (("worse", "Worse"), ("better", "Better"))
        if found[outcome]
    ]
    return "; ".join(told) + "." if told else "No difference can be told apart."


def _row(row: Mapping[str, Any]) -> tuple[str, ...]:
    p_adjusted = row["p_adjusted"]
    return (
        f"{escaped(row['metric'])} {ARROWS[row['direction']]}".rstrip(),
        _value(row["value_a"]),
        f"**{_value(row['value_b'])}**",
        signed(row["difference"]),
        limits(row),
        "" if p_adjusted is None else escaped(p_value(p_adjusted).removeprefix("p ")),
        f"{row['n_fixed']:,}",
        f"{row['n_broke']:,}",
        _MARKS[row["outcome"]],
    )


def _pairs(rows: Sequence[Mapping[str, Any]]) -> str:
    least = min(row["n_pairs"] for row in rows)
    unmatched = max(row["n_unmatched"] for row in rows)
    left = f"; {plural(unmatched, 'case')} of only one side left out" if unmatched else ""
    return f"Paired on {plural(least, 'case')}{left}."


def _ranks(found: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            escaped(row["system"], 60),
            _value(row["value"]),
            rank(row),
        )
        for row in found
    ]
    return table(("system", "value", "rank"), rows)


def _slice(tag: str, found: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            escaped(str(row["value"]), 60),
            escaped(row["metric"]),
            escaped(row["b"], 60),
            signed(row["difference"]),
            limits(row),
            "" if row["p_adjusted"] is None else escaped(p_value(row["p_adjusted"])),
            f"{row['n_pairs']:,}",
        )
        for row in found
    ]
    head = (escaped(tag), "metric", "system", "difference", "interval", "adjusted p", "pairs")
    return table(head, rows, "lllrlrr")


def _changed(changed: Mapping[str, Any]) -> Iterator[str]:
    for what, title in (("broke", "Broken"), ("fixed", "Fixed")):
        found = changed[what]
        if not found:
            continue
        rows = [
            tuple(escaped(case[name]) for name in ("id", "inputs", "output_a", "output_b"))
            for case in found
        ]
        head = f"{title} by {changed['b']} on {changed['metric']}: "
        more = f", {len(found)} shown" if len(found) < changed[f"n_{what}"] else ""
        told = head + plural(changed[f"n_{what}"], "case") + more
        yield _folded(told, table(("case", "inputs", "before", "after"), rows, "llll"))


def _unmatched(sides: Mapping[str, Sequence[str]]) -> str:
    told = [
        f"- only in {escaped(name, 60)} ({len(ids):,}): {escaped(', '.join(listed(ids)), 600)}"
        for name, ids in sides.items()
        if ids
    ]
    total = plural(sum(map(len, sides.values())), "case")
    return _folded(f"{total} of only one side", "\n".join(told))


def _folded(title: str, content: str) -> str:
    # Inside the summary nothing is Markdown, but all of it is HTML.
    return f"<details><summary>{html.escape(one_line(title))}</summary>\n\n{content}\n\n</details>"


def _value(value: float | None) -> str:
    return "no value" if value is None else number(value)
