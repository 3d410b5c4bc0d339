r"""The estimates as a LaTeX table with booktabs rules."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from evalkit.gates.verdict import number
from evalkit.report.texts import interval, one_line, percent
from evalkit.report.writing import write_text

if TYPE_CHECKING:
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


class TexReport:
    """Writes the estimates as a booktabs table."""

    name = "tex"
    extensions = (".tex",)

    def write(self, result: EvaluationResult, path: Path) -> None:
        """Write *result* to *path*.

        Raises:
            OSError: If the file cannot be written.
        """
        write_text(path, text(result))


def text(result: EvaluationResult) -> str:
    """Return the estimates of *result* as a LaTeX table; needs the package booktabs."""
    level = escaped(percent(result.facts.plan["level"]))
    head = ("Metric", "Value", f"{level} interval", "$n$")
    rows = [
        (
            escaped(key) + _DIRECTIONS[estimate.direction],
            "--" if estimate.value is None else number(estimate.value),
            # An entry that starts with a bracket would be taken for an option of the line above.
            f"{{{interval(estimate)}}}" if interval(estimate) else "--",
            f"{estimate.n_scored}/{estimate.n_total}",
        )
        for key, estimate in result.estimates.items()
    ]
    body = "\n".join(f"{' & '.join(row)} \\\\" for row in rows)
    return (
        f"% {one_line(result.name)}: {len(result)} cases; needs \\usepackage{{booktabs}}\n"
        "\\begin{tabular}{lrlr}\n\\toprule\n"
        f"{' & '.join(head)} \\\\\n\\midrule\n{body}\n"
        "\\bottomrule\n\\end{tabular}\n"
    )


def escaped(value: str) -> str:
    r"""Return *value* on one line as LaTeX shows it.

    Examples:
        >>> escaped("f1_score: 50 % {a}")
        'f1\\_score: 50 \\% \\{a\\}'
    """
    return _PATTERN.sub(lambda match: _SPECIAL[match[0]], one_line(value))
