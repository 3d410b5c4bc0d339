"""A result as GitHub-flavoured Markdown, for pull requests and job summaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from evalkit._internal.words import percent
from evalkit.errors import EvalkitError
from evalkit.evaluation.results.view import FailureGroup, Slice, failure_groups, slices
from evalkit.gates.verdict import Verdict
from evalkit.report.comparison_markdown import comparison_text
from evalkit.report.judges import judge_blocks
from evalkit.report.markdown_text import escaped, table
from evalkit.report.remarks import remarks, subtitle
from evalkit.report.texts import estimate_cells, with_interval

if TYPE_CHECKING:
    from evalkit.evaluation.result import EvaluationResult


_MARKS: Final[dict[Verdict, str]] = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.INCONCLUSIVE: "❔",
    Verdict.INFRA: "🔌",
    Verdict.BUDGET: "💰",
    Verdict.NONE: "",
}


def text(result: EvaluationResult) -> str:
    """Return *result* as Markdown."""
    blocks = [f"## {_heading(result)}", escaped(subtitle(result)), _estimates(result)]
    blocks += [
        f"> **{escaped(r.text)}**" if r.alarming else f"> {escaped(r.text)}"
        for r in remarks(result)
    ]
    blocks += judge_blocks(result)
    if result.verdict.conditions:
        blocks += ["### Gates", _gates(result)]
    blocks += _against_baseline(result)
    blocks += [block for part in slices(result) for block in _slice(part)]
    if groups := failure_groups(result):
        blocks += ["### Failures", _failures(groups)]
    return "\n\n".join(blocks) + "\n"


def _against_baseline(result: EvaluationResult) -> list[str]:
    """Return before and after, fixed and broken cases, where the result has a baseline."""
    try:
        baseline = result.open_baseline()
        return (
            []
            if baseline is None
            else [comparison_text(baseline.compare(result, common=True)).rstrip()]
        )
    except EvalkitError as error:
        return [f"> Not compared: {escaped(str(error), 600)}"]


def _heading(result: EvaluationResult) -> str:
    verdict = result.verdict
    mark = f"{_MARKS[verdict.status]} {verdict.status} · " if verdict.conditions else ""
    return f"{mark}{escaped(result.name)}"


def _estimates(result: EvaluationResult) -> str:
    if not result.estimates:
        return "No metrics."
    level = percent(result.facts.plan.level)
    rows = [
        (escaped(key), f"**{number}**", ends, n, escaped(remark))
        for key, number, ends, n, remark in map(estimate_cells, result.estimates.values())
    ]
    return table(("metric", "value", f"{level} interval", "n", "remarks"), rows, "lrlrl")


def _gates(result: EvaluationResult) -> str:
    return "\n".join(
        f"- {_MARKS[condition.status]} **{condition.status}** {escaped(condition.why, 600)}"
        for condition in result.verdict.conditions
    )


def _slice(slice_: Slice) -> Iterator[str]:
    yield f"### By {escaped(slice_.tag)}"
    if slice_.problem is not None:
        yield escaped(slice_.problem)
        return
    keys = list(slice_.parts[0].estimates)
    rows = [
        (escaped(part.value), str(part.n), *map(with_interval, part.estimates.values()))
        for part in slice_.parts
    ]
    yield table((escaped(slice_.tag), "cases", *(escaped(key) for key in keys)), rows)


def _failures(groups: Sequence[FailureGroup]) -> str:
    rows = [
        (
            escaped(group.place),
            escaped(group.reason),
            f"{len(group.cells):,}",
            escaped(group.explanation or ""),
        )
        for group in groups
    ]
    return table(("where", "reason", "cells", "first explanation"), rows, "llrl")
