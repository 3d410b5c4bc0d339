"""Comparisons on stdout, and the exit code that their gates come to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from evalkit.cli.exits import gravest
from evalkit.cli.output import drawing_board, show, write, write_json
from evalkit.gates.verdict import EXIT_CODES, GateVerdict, Verdict

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison

Verdicts = Mapping[str, GateVerdict]


def gate_verdicts(comparison: Comparison, gates: Iterable[str]) -> Verdicts:
    """Return the verdict on *gates* of each system against the baseline; none without gates."""
    listed = list(gates)
    baseline = comparison[comparison.baseline]
    return {
        name: comparison[name].check(listed, baseline=baseline)
        for name in comparison.others
        if listed
    }


def show_comparison(
    comparison: Comparison,
    verdicts: Verdicts,
    *,
    adjust: str = "benjamini-hochberg",
    cases: int = 0,
    tags: Iterable[str] = (),
    as_json: bool = False,
) -> None:
    """Print *comparison*, and the verdicts on its gates."""
    from evalkit.report.comparison_table import WIDEST, render_systems

    if as_json:
        write_json(as_object(comparison, verdicts, adjust=adjust, cases=cases, tags=tags))
        return
    width = min(drawing_board().width, WIDEST)
    show(render_systems(comparison, width=width, adjust=adjust, cases=cases, tags=list(tags)))
    for name, verdict in verdicts.items():
        write(f"\n{name}")
        _show_verdict(verdict)


def as_object(comparison: Comparison, verdicts: Verdicts, **options: Any) -> dict[str, Any]:
    """Return *comparison* as the JSON report has it, with the verdicts on its gates."""
    from evalkit.report.comparison_document import comparison_document
    from evalkit.report.json import conditions

    told = comparison_document(comparison, **options)
    told["verdict"] = str(gravest(verdict.status for verdict in verdicts.values()))
    told["verdicts"] = {
        name: {"verdict": str(verdict.status), "conditions": conditions(verdict)}
        for name, verdict in verdicts.items()
    }
    return told


def exit_code_of(comparison: Comparison, verdicts: Verdicts) -> int:
    """Return the exit code: that of the gravest verdict, or INFRA where nothing was measured."""
    statuses = [verdict.status for verdict in verdicts.values()]
    if not any(row.value_a is not None and row.value_b is not None for row in comparison.rows):
        statuses.append(Verdict.INFRA)
    return EXIT_CODES[gravest(statuses)]


def _show_verdict(verdict: GateVerdict) -> None:
    from evalkit.cli.gate import show_verdict

    show_verdict(verdict)
