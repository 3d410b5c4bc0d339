"""The metamorphic battery: a degraded case must not get a better score than the good one."""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.engine.score import is_vectorised
from evalkit.engine.verdicts import PLAIN, cells_of, columns_of
from evalkit.entities.case import Case
from evalkit.entities.estimate import Direction
from evalkit.errors import UsageError
from evalkit.judging.degradations import ANSWER_DEGRADATIONS, check_degradations, degraded
from evalkit.scoring.column import ScoreColumn
from evalkit.scoring.protocol import Scorer
from evalkit.testing.trial import columns_for


@dataclass(frozen=True, slots=True, kw_only=True)
class MetamorphicRow:
    """One case, made worse in one way."""

    case: Case
    degraded: Case
    degradation: str
    before: float | None
    """Score of the good case; ``None`` where it has none."""

    after: float | None
    """Score of the degraded case; ``None`` where it has none."""

    gain: float | None
    """How much better the degraded case scored, in the scorer's direction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetamorphicReport:
    """What a scorer said of good and degraded cases; printed, it is a table by degradation."""

    scorer: str
    tolerance: float
    rows: tuple[MetamorphicRow, ...]

    @property
    def violations(self) -> tuple[MetamorphicRow, ...]:
        """The rows in which the degraded case scored better."""
        return tuple(row for row in self.rows if (row.gain or 0.0) > self.tolerance)

    def __str__(self) -> str:
        lines = [f"{self.scorer}: {'degradation':<18} cases  fell  same  rose  no score"]
        indent = " " * (len(self.scorer) + 2)
        for name in dict.fromkeys(row.degradation for row in self.rows):
            gains = [row.gain for row in self.rows if row.degradation == name]
            measured = [gain for gain in gains if gain is not None]
            rose = sum(gain > self.tolerance for gain in measured)
            fell = sum(gain < -self.tolerance for gain in measured)
            same, missing = len(measured) - rose - fell, len(gains) - len(measured)
            counts = f"{len(gains):>5} {fell:>5} {same:>5} {rose:>5} {missing:>9}"
            lines.append(f"{indent}{name:<18} {counts}")
        return "\n".join(lines)


def metamorphic(
    scorer: Scorer,
    cases: Iterable[Case],
    *,
    degradations: Iterable[str] = ANSWER_DEGRADATIONS,
    tolerance: float = 0.0,
) -> MetamorphicReport:
    """Score *cases* and worse versions of them.

    Args:
        scorer: The scorer, configured; a judge with its model.
        cases: Good cases, which deserve about the best score; two at least where answers are
            exchanged between them.
        degradations: Names in `DEGRADATIONS`; those that do not apply to a case are left out.
        tolerance: Gain that still counts as none, in the unit of the score.

    Raises:
        UsageError: If there is no such degradation, neither direction of the score is better, or
            the scorer has several metrics.

    Examples:
        >>> from evalkit.hooks.catalog import get_scorer
        >>> good = Case(outputs="Paris is large.", expectations={"target": "Paris is large."})
        >>> report = metamorphic(get_scorer("text.token_f1"), [good], degradations=["negate"])
        >>> round(report.rows[0].after, 2), report.violations
        (0.86, ())
    """
    chosen = check_degradations(degradations)
    if scorer.facts.direction == "none":
        raise UsageError(f"Of scorer {scorer.name!r} neither direction is better.")
    good = list(cases)
    worse = [(place, name, case) for name in chosen for place, case in degraded(good, name)]
    column = _scored(scorer, [*good, *(case for _, _, case in worse)])
    values = [None if math.isnan(value) else float(value) for value in column.values]
    rows = (
        MetamorphicRow(
            case=good[place],
            degraded=case,
            degradation=name,
            before=values[place],
            after=after,
            gain=_gain(values[place], after, scorer.facts.direction),
        )
        for (place, name, case), after in zip(worse, values[len(good) :], strict=True)
    )
    return MetamorphicReport(scorer=scorer.name, tolerance=tolerance, rows=tuple(rows))


def check_metamorphic(scorer: Scorer, cases: Iterable[Case], **settings: Any) -> MetamorphicReport:
    """Check that no degraded case scores better; takes the settings of `metamorphic`.

    Raises:
        AssertionError: If one does, or if there was nothing to compare; shows the table and the
            first such case.

    Examples:
        >>> from evalkit.hooks.catalog import get_scorer
        >>> good = Case(outputs="It is so.", expectations={"target": "It is so."})
        >>> len(check_metamorphic(get_scorer("text.token_f1"), [good]).violations)
        0
    """
    report = metamorphic(scorer, cases, **settings)
    if all(row.gain is None for row in report.rows):
        raise AssertionError(f"No pair of scores could be compared.\n{report}")
    for row in report.violations:
        raise AssertionError(
            f"{scorer.name} rewards {row.degradation!r}: {row.before:g} became {row.after:g} for "
            f"{row.degraded.outputs!r} in place of {row.case.outputs!r}.\n{report}"
        )
    return report


def _scored(scorer: Scorer, cases: Sequence[Case]) -> ScoreColumn:
    called: Any = scorer
    if is_vectorised(scorer) or not inspect.iscoroutinefunction(called.score):
        columns = columns_for(scorer, cases)
        if PLAIN not in columns:
            raise UsageError(f"Scorer {scorer.name!r} has several metrics: {', '.join(columns)}.")
        return columns[PLAIN]

    async def together() -> list[Any]:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(called.score(case)) for case in cases]
        return [task.result() for task in tasks]

    return columns_of([cells_of(verdict) for verdict in asyncio.run(together())])[PLAIN]


def _gain(before: float | None, after: float | None, direction: Direction) -> float | None:
    if before is None or after is None:
        return None
    return before - after if direction == "lower" else after - before
