"""How reports write numbers, shares and texts of unknown origin."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from evalkit._internal.canonical import canonical_json
from evalkit._internal.surrogates import without_surrogates
from evalkit._internal.words import percent
from evalkit.entities.estimate import Direction, Estimate
from evalkit.gates.verdict import Verdict, number

if TYPE_CHECKING:
    from evalkit.entities.calibration import PopulationMean
    from evalkit.evaluation.agreement.corrected import CorrectedEstimate

ARROWS: Final[dict[Direction, str]] = {"higher": "↑", "lower": "↓", "none": ""}
"""Which way is better."""

STYLES: Final[dict[Verdict, str]] = {
    Verdict.PASS: "bold green",
    Verdict.FAIL: "bold red",
    Verdict.INCONCLUSIVE: "bold yellow",
    Verdict.INFRA: "bold magenta",
    Verdict.BUDGET: "bold blue",
    Verdict.NONE: "dim",
}
"""How terminals show a verdict."""

# Control characters, lone surrogates, and marks that reorder or hide what stands beside them.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_SMALLEST_P: Final = 0.001


def one_line(text: str, limit: int = 160) -> str:
    r"""Return *text* on one line, at most *limit* characters, unable to steer a terminal.

    Examples:
        >>> one_line("two\n  lines")
        'two lines'
        >>> one_line("red: \x1b[31m!", limit=8)
        'red: �[…'
    """
    flat = " ".join(_UNSEEN.sub("�", " ".join(text[: 4 * limit].split())).split())
    return flat if len(flat) <= limit and len(text) <= 4 * limit else flat[: limit - 1] + "…"


def as_shown(value: Any) -> str:
    """Return any value of a case as a text: texts as they are, anything else as JSON.

    Examples:
        >>> as_shown("Paris"), as_shown({"a": [1, None]}), as_shown(None)
        ('Paris', '{"a":[1,null]}', '')
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return without_surrogates(value)
    try:
        return canonical_json(value).decode("utf-8")
    except TypeError:
        return without_surrogates(repr(value))


def signed(value: float) -> str:
    """Return a difference with its sign.

    Examples:
        >>> signed(0.1512), signed(-0.0312), signed(0.0)
        ('+0.151', '−0.031', '0.00')
    """
    digits = number(abs(value))
    return digits if not value else f"{'+' if value > 0 else '−'}{digits}"


def p_value(value: float) -> str:
    """Return a p-value as sentences have it.

    Examples:
        >>> p_value(0.00002), p_value(0.0312)
        ('p < 0.001', 'p = 0.031')
    """
    return "p < 0.001" if value < _SMALLEST_P else f"p = {value:.2g}"


def value(number_or_none: float | None, none: str = "no value") -> str:
    """Return a value, or that there is none.

    Examples:
        >>> value(0.5), value(None)
        ('0.500', 'no value')
    """
    return none if number_or_none is None else number(number_or_none)


def limits(low: float | None, high: float | None) -> str:
    """Return the limits of a difference in brackets, or an empty text.

    Examples:
        >>> limits(-0.25, 0.5), limits(None, None)
        ('[−0.250, 0.500]', '')
    """
    if low is None or high is None:
        return ""
    return "[{}, {}]".format(*(number(end).replace("-", "−") for end in (low, high)))


def interval(estimate: Estimate | CorrectedEstimate | PopulationMean) -> str:
    """Return the interval of *estimate* in brackets, or an empty text.

    Examples:
        >>> interval(Estimate(key="m", value=0.5, low=0.25, high=0.75))
        '[0.250, 0.750]'
    """
    if estimate.low is None or estimate.high is None:
        return ""
    return f"[{number(estimate.low)}, {number(estimate.high)}]"


def with_interval(estimate: Estimate | CorrectedEstimate, none: str = "no value") -> str:
    """Return value and interval of *estimate*; *none* where there is no value.

    Examples:
        >>> with_interval(Estimate(key="kappa", value=0.5, low=0.25, high=0.75))
        '0.500 [0.250, 0.750]'
    """
    return f"{value(estimate.value, none)} {interval(estimate)}".rstrip()


def shortfalls(estimate: Estimate) -> list[str]:
    """Return what is missing from *estimate*, in words: coverage and counts.

    Examples:
        >>> shortfalls(Estimate(key="m", value=1.0, n_total=500, n_scored=1, n_failed=499))
        ['coverage 0.2 %', '499 failed']
    """
    missing: list[str] = []
    coverage = estimate.coverage
    if coverage is not None and coverage < 1.0:
        missing.append(f"coverage {percent(coverage)}")
    counts = (
        (estimate.n_failed, "failed"),
        (estimate.n_skipped, "skipped"),
        (estimate.n_not_run, "not run"),
    )
    return missing + [f"{count:,} {word}" for count, word in counts if count > 0]


def listed(ids: Sequence[str], most: int = 20) -> list[str]:
    """Return the first of *ids*, each on one line, and how many more there are.

    Examples:
        >>> listed(["a", "b", "c"], most=2)
        ['a', 'b', 'and 1 more']
    """
    more = len(ids) - most
    rest = [f"and {more:,} more"] if more > 0 else []
    return [one_line(name, 24) for name in ids[:most]] + rest


def estimate_cells(estimate: Estimate) -> tuple[str, str, str, str, str]:
    """Return what tables have of *estimate*: metric, value, interval, cases, and remarks.

    Examples:
        >>> estimate_cells(Estimate(key="m", value=0.5, n_total=4, n_scored=3, n_skipped=1))
        ('m ↑', '0.500', '', '3/4', '1 skipped')
    """
    remarks = [estimate.unit or "", *shortfalls(estimate), estimate.note or ""]
    return (
        f"{one_line(estimate.key)} {ARROWS[estimate.direction]}".rstrip(),
        value(estimate.value),
        interval(estimate),
        f"{estimate.n_scored}/{estimate.n_total}",
        " · ".join(one_line(part) for part in remarks if part),
    )
