r"""The estimates as a LaTeX table with booktabs rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from evalkit._internal.words import percent
from evalkit.report.texts import interval, limits, one_line, signed, value

if TYPE_CHECKING:
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.result import EvaluationResult

_SPECIAL: Final = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    **{mark: f"\\{mark}" for mark in "{}$&#_%"},
}
_PATTERN: Final = re.compile(r"[\\~^<>|\"{}$&#_%]")
_DIRECTIONS: Final = {"higher": r" $\uparrow$", "lower": r" $\downarrow$", "none": ""}


def text(result: EvaluationResult) -> str:
    """Return the estimates of *result* as a LaTeX table; needs the package booktabs."""
    level = escaped(percent(result.facts.plan.level))
    head = ("Metric", "Value", f"{level} interval", "$n$")
    rows = [
        (
            escaped(key) + _DIRECTIONS[estimate.direction],
            value(estimate.value, "--"),
            # An entry that starts with a bracket would be taken for an option of the line above.
            f"{{{interval(estimate)}}}" if interval(estimate) else "--",
            f"{estimate.n_scored}/{estimate.n_total}",
        )
        for key, estimate in result.estimates.items()
    ]
    return _table(f"{one_line(result.name)}: {len(result)} cases", "lrlr", head, rows)


def comparison_table(comparison: Comparison) -> str:
    """Return the differences as a LaTeX table; needs the package booktabs."""
    level = escaped(percent(comparison[comparison.baseline].facts.plan.level))
    head = ("System", "Metric", "Baseline", "Value", "Difference", f"{level} interval", "$n$")
    rows = [
        (
            escaped(row.b),
            escaped(row.metric) + _DIRECTIONS[row.pairs.metric.facts.direction],
            value(row.value_a, "--"),
            value(row.value_b, "--"),
            _in_mathematics(signed(row.difference.difference)),
            _in_mathematics(limits(row.difference.low, row.difference.high)) or "--",
            f"{row.difference.n}",
        )
        for row in comparison.rows
    ]
    about = f"against {one_line(comparison.baseline)}, paired"
    return _table(about, "llrrrlr", head, rows)


def _table(about: str, sides: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    body = "\n".join(f"{' & '.join(row)} \\\\" for row in rows)
    return (
        f"% {about}; needs \\usepackage{{booktabs}}\n"
        f"\\begin{{tabular}}{{{sides}}}\n\\toprule\n"
        f"{' & '.join(head)} \\\\\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n"
    )


def _in_mathematics(numbers: str) -> str:
    return numbers and f"${numbers.replace('−', '-')}$"


def escaped(text: str) -> str:
    r"""Return *text* on one line as LaTeX shows it.

    Examples:
        >>> escaped("f1_score: 50 % {a}")
        'f1\\_score: 50 \\% \\{a\\}'
    """
    return _PATTERN.sub(lambda match: _SPECIAL[match[0]], one_line(text))
