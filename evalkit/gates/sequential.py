"""Deciding a condition while its cases come in, so that one may look after every case."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from evalkit._internal.words import percent
from evalkit.gates.comparing import interval_level, region_of
from evalkit.gates.condition import Condition
from evalkit.gates.verdict import Verdict, number

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

ORDERED: Final = frozenset({">=", ">", "<=", "<"})
"""Comparisons that a confidence sequence can settle."""

_ROUNDING: Final = 1e-9
_LARGE: Final = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked of a mean while the values behind it come in."""

    condition: Condition
    bounds: tuple[float, float]
    """Smallest and largest value possible; of a condition that compares, of a case's gain."""

    level: float
    """Confidence level of the two-sided sequence."""

    margin: float = 0.0
    """Of a condition that compares."""

    wins: bool = False
    """Whether only the sign of each gain counts: an e-process of wins and losses."""

    def thresholds(self) -> tuple[float, ...]:
        """Return the values between which the answer changes."""
        if not self.condition.compares:
            return (self.condition.threshold,)
        return tuple(filter(math.isfinite, region_of(self.condition.kind, self.margin)))

    def scaled(self, value: float) -> float:
        """Return *value* as a share of the range."""
        least, most = self.bounds
        return (value - least) / (most - least)

    def answer(self, low: Floats, high: Floats) -> tuple[Mask, Mask]:
        """Return whether each interval, in shares of the range, is all met, or all missed."""
        first, *more = map(self.scaled, self.thresholds())
        above, below = low > first, high < first
        if more:
            return above & (high < more[0]), below | (low > more[0])
        compares = self.condition.kind != "metric"
        operator = ">" if compares else self.condition.op
        if operator == ">=":
            return above | (first <= 0), below | (first > 1)
        if operator == ">":
            return above | (first < 0), below | (first >= 1)
        if operator == "<=":
            return below | (first >= 1), above | (first < 0)
        return below | (first > 1), above | (first <= 0)


class SequentialTest:
    """Takes the values of cases in random order until the question is answered.

    The chance of a wrong PASS, and that of a wrong FAIL, is at most one minus the level, however
    often one looks.

    Examples:
        >>> from evalkit.gates.grammar import parse_gates
        >>> gate = parse_gates("m >= 0.6")[0]
        >>> test = SequentialTest(Question(condition=gate, bounds=(0.0, 1.0), level=0.95))
        >>> test.take([1.0] * 100)
        >>> test.verdict.value, test.n
        ('PASS', 13)

    References:
        Waudby-Smith and Ramdas (2024), JRSS B 86:1, for the betting confidence sequence; Ramdas,
        Grünwald, Vovk and Shafer (2023), *Statistical Science* 38:576, for the e-process.
    """

    def __init__(self, question: Question, *, grid: int = 1000) -> None:
        """Ask *question* of values that have not come yet."""
        from evalkit.stats.sequential import BettingSequence  # start-up: brings numpy

        self.question = question
        self.verdict: Verdict | None = None
        """PASS or FAIL once the question is answered."""

        self.n = 0
        """Values taken, up to the answer."""

        self.low, self.high = question.bounds
        self.wins = self.losses = 0
        inside = [t for t in map(question.scaled, question.thresholds()) if 0 <= t <= 1]
        self._sequence = BettingSequence(level=question.level, grid=grid, including=inside)

    def take(self, values: npt.ArrayLike, shares: npt.ArrayLike | None = None) -> None:
        """Take the next values; what comes after the answer is left aside.

        Args:
            values: Values in the order of drawing, shape ``(n,)``.
            shares: As in `BettingSequence.update`.

        Raises:
            ValueError: If a value lies outside the bounds.
        """
        import numpy as np

        came = np.asarray(values, dtype=np.float64)
        if self.verdict is not None or not came.size:
            return
        least, most = self.question.bounds
        scaled = (came - least) / (most - least)
        near = np.abs(scaled - 0.5) <= 0.5 + _ROUNDING
        low, high = self._sequence.follow(np.where(near, np.clip(scaled, 0, 1), scaled), shares)
        met, missed = self._by_wins(came) if self.question.wins else self.question.answer(low, high)
        answered = np.flatnonzero(met | missed)
        last = int(answered[0]) if answered.size else came.size - 1
        if answered.size:
            self.verdict = Verdict.PASS if met[last] else Verdict.FAIL
        self.n += last + 1
        self.low = least + float(low[last]) * (most - least)
        self.high = least + float(high[last]) * (most - least)
        gains = came[: last + 1]  # of a condition that compares
        self.wins += int((gains > 0).sum())
        self.losses += int((gains < 0).sum())

    def _by_wins(self, gains: Floats) -> tuple[Mask, Mask]:
        import numpy as np

        from evalkit.stats.sequential import wins_e_value  # start-up: brings numpy

        wins, losses = self.wins + np.cumsum(gains > 0), self.losses + np.cumsum(gains < 0)
        enough = wins_e_value(wins, losses) >= 1 / (1 - self.question.level) * (1 - _ROUNDING)
        return enough & (wins > losses), enough & (wins < losses)

    @property
    def e_value(self) -> float:
        """Evidence of the wins and losses against even chances."""
        from evalkit.stats.sequential import wins_e_value  # start-up: brings numpy

        return float(wins_e_value(self.wins, self.losses))

    def describe(self) -> str:
        """Say by what the question was, or was not yet, answered."""
        level = percent(self.question.level, 2)
        if not self.question.wins:
            return f"betting confidence sequence at {level}"
        evidence = number(self.e_value) if self.e_value < _LARGE else f"{self.e_value:.1e}"
        counts = f"{self.wins:,} won, {self.losses:,} lost, e-value {evidence}"
        return f"e-process of paired wins at {level}: {counts}"


def question_of(
    condition: Condition,
    *,
    bounds: tuple[float, float],
    level: float,
    margin: float = 0.0,
    binary: bool = False,
) -> Question:
    """Return the question that *condition* asks.

    Args:
        condition: A metric's, or one that compares.
        bounds: Range of the metric.
        level: The evaluation's confidence level, where the condition names none.
        margin: Of a condition that compares, in the metric's unit.
        binary: Whether both systems' values are declared yes or no, once a case, and all cases
            count alike; `improves` then goes by wins where no margin is asked for.
    """
    if condition.kind == "metric":
        return Question(condition=condition, bounds=bounds, level=condition.level or level)
    reach = bounds[1] - bounds[0]
    return Question(
        condition=condition,
        bounds=(-reach, reach),
        level=interval_level(condition, level),
        margin=margin,
        wins=binary and condition.kind == "improves" and margin == 0,
    )
