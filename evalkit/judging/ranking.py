"""Rank many systems by votes between two of them: strengths, intervals and the ranks left open."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from evalkit._internal.words import percent
from evalkit.errors import DataError, MissingColumnError, UsageError, near_miss

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.stats.arguments import FloatArray
    from evalkit.stats.ranking import Strengths

_FIRST: Final = frozenset({"a", "first", "model_a", "left", "1"})
_SECOND: Final = frozenset({"b", "second", "model_b", "right", "2"})
_TIE_WORDS: Final = frozenset(
    {
        *("tie", "tied", "tie (bothbad)", "tie (both bad)", "tie (inconsistent)", "draw", "equal"),
        *("both", "both good", "both bad", "both_good", "both_bad", "bothgood", "bothbad"),
        "neither",
    }
)
_SIDES: Final = (1.0, 0.0)

Ties = Literal["davidson", "half", "drop"]

_FEWEST: Final = 2
_FEWEST_GROUPS: Final = 10
"""Groups below which draws of whole groups say too little of how strengths vary."""

_TIE: Final = 0.5
_MOST_UNFITTED: Final = 0.01
_ELO: Final = 400 / math.log(10)
_ANCHOR: Final = 1000.0


@dataclass(frozen=True, slots=True)
class Vote:
    """One comparison of two systems."""

    first: str
    second: str
    value: float
    """1 where the first wins, 0 where the second does, 0.5 for a tie; in [0, 1]."""

    group: str | None = None
    """What votes have in common that are not independent, such as the question."""


def votes_of(
    rows: Any,
    *,
    first: str = "model_a",
    second: str = "model_b",
    winner: str = "winner",
    group: str | None = None,
) -> tuple[Vote, ...]:
    """Return the votes that *rows* hold.

    Rows without a value, such as those whose judge failed, are left out: they are no ties.

    Args:
        rows: Mappings, or a frame, such as an evaluation's ``table()``.
        first: Column with the name of the first system.
        second: Column with that of the second.
        winner: Column with the vote: the preference of a `PairwiseJudge` (1, 0.5, 0), or a word:
            a system's name, ``model_a`` or ``a``, ``model_b`` or ``b``, ``tie``.  A system's name
            goes first: ``a`` is the system called a where there is one.
        group: Column of what votes have in common, such as the question.

    Raises:
        MissingColumnError: If there is no such column.
        DataError: If a vote is none of these; names the row.
        UsageError: If a vote may mean one system as well as the other, or a tie.

    Examples:
        >>> rows = [{"model_a": "x", "model_b": "y", "winner": "model_b", "question": 7}]
        >>> votes_of(rows, group="question")
        (Vote(first='x', second='y', value=0.0, group='7'),)
    """
    votes: list[Vote] = []
    for number, row in enumerate(rows.to_dict("records") if hasattr(rows, "to_dict") else rows, 1):
        for column in (first, second, winner, *([group] if group else [])):
            if column not in row:
                hint = near_miss(column, [str(name) for name in row])
                problem = f"Row {number} of the votes has no column {column!r}.{hint}"
                raise MissingColumnError(problem)
        systems = (str(row[first]), str(row[second]))
        value = _Ballot(number, systems, (first, second)).read(row[winner])
        if value is not None:
            votes.append(Vote(*systems, value, None if group is None else str(row[group])))
    return tuple(votes)


@dataclass(frozen=True, slots=True)
class _Ballot:
    """How the vote of one row may be said."""

    row: int
    systems: tuple[str, str]
    columns: tuple[str, str]

    def read(self, vote: Any) -> float | None:
        if vote is None or (isinstance(vote, float) and math.isnan(vote)):
            return None
        word = _word(vote)
        meant = self._word(word) if isinstance(vote, str) else _number(vote)
        if isinstance(vote, bool) or word not in self.systems:
            if meant is None:
                raise self._unknown(vote, word)
            return meant
        if self.systems[0] == self.systems[1]:
            raise self._ambiguous(vote)
        named = _SIDES[self.systems.index(word)]
        # The name of a system goes before the names of places, but is told from no tie or number.
        clash = meant == _TIE if isinstance(vote, str) else meant not in {None, named}
        if clash:
            raise self._ambiguous(vote)
        return named

    def _word(self, word: str) -> float | None:
        """Return the vote for a place, or a tie."""
        folded = word.casefold()
        if folded in _TIE_WORDS:
            return _TIE
        place = None
        if word in self.columns:
            place = _SIDES[self.columns.index(word)]
        elif folded in _FIRST or folded in _SECOND:
            place = _SIDES[folded in _SECOND]
        # A system's name in another case, which the place contradicts, may be meant as well.
        alike = [_SIDES[n] for n, name in enumerate(self.systems) if name.casefold() == folded]
        if place is not None and word not in self.systems and alike and place not in alike:
            raise self._ambiguous(word)
        return place

    def _ambiguous(self, vote: Any) -> UsageError:
        return UsageError(
            f"Row {self.row} of the votes says {vote!r}, which may mean either of "
            f"{self.systems[0]!r} and {self.systems[1]!r}, or a tie: give the systems other names, "
            f"or say {self.columns[0]}, {self.columns[1]} or tie."
        )

    def _unknown(self, vote: Any, word: str) -> DataError:
        hint = near_miss(word, [*self.systems, *self.columns, *sorted(_TIE_WORDS)])
        return DataError(
            f"Row {self.row} of the votes says {vote!r}, which is neither one of the systems, nor "
            f"a tie, nor a number from 0 to 1.{hint}"
        )


def _word(vote: Any) -> str:
    """Return *vote* as a system of that name would be written: 1.0 is the system 1."""
    whole = isinstance(vote, float) and vote.is_integer()
    return str(int(vote) if whole else vote).strip()


def _number(vote: Any) -> float | None:
    try:
        value = float(vote)
    except (TypeError, ValueError):
        return None
    return value if 0 <= value <= 1 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedSystem:
    """One system among others."""

    name: str
    strength: float
    """Log strength; 0 for the reference."""

    low: float | None
    """Lower limit of the strength; ``None`` where the bootstrap gives none."""

    high: float | None
    best_rank: int
    """Best rank that the votes leave open, from 1."""

    worst_rank: int
    wins: float
    ties: float
    losses: float

    @property
    def elo(self) -> float:
        """The strength on Elo's scale, the reference at 1000."""
        return _ANCHOR + _ELO * self.strength

    @property
    def elo_limits(self) -> tuple[float | None, float | None]:
        """The limits of the strength on Elo's scale."""
        low, high = (None if end is None else _ANCHOR + _ELO * end for end in (self.low, self.high))
        return low, high

    @property
    def win_rate(self) -> float:
        """Share of its votes won, a tie counting half."""
        return (self.wins + self.ties / 2) / (self.wins + self.ties + self.losses)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranking:
    """Systems by strength, the strongest first; printed, it is a table."""

    systems: tuple[RankedSystem, ...]
    reference: str
    model: str
    """``davidson``, or ``bradley-terry``."""

    tie: float | None
    """Davidson's parameter of ties; ``None`` in the other model."""

    negative_log_likelihood: float
    n_votes: int
    n_groups: int
    """Groups that the bootstrap draws."""

    level: float
    unfitted: float
    """Share of bootstrap draws in which some strength was infinite."""

    note: str | None = None
    """Why there are no intervals; ``None`` where there are."""

    def __getitem__(self, name: str) -> RankedSystem:
        for system in self.systems:
            if system.name == name:
                return system
        names = [system.name for system in self.systems]
        raise KeyError(f"There is no system {name!r}.{near_miss(name, names)}")

    def table(self) -> pd.DataFrame:
        """Return one row a system: strength and limits, Elo, ranks, votes."""
        import pandas as pd

        return pd.DataFrame(self.to_json()["systems"])

    def to_json(self) -> dict[str, Any]:
        """Return the ranking as JSON can hold it."""
        rows = [
            {**asdict(system), "elo": system.elo, "win_rate": system.win_rate}
            for system in self.systems
        ]
        return {**asdict(self), "systems": rows}

    def __str__(self) -> str:
        widest = max(len(system.name) for system in self.systems)
        lines = [f"{'rank':<6} {'system':<{widest}}   Elo  {'interval':>11}    won  votes"]
        for system in self.systems:
            best, worst = system.best_rank, system.worst_rank
            rank = f"{best}" if best == worst else f"{best}–{worst}"
            low, high = system.elo_limits
            limits = "" if low is None or high is None else f"{low:.0f}–{high:.0f}"
            votes = system.wins + system.ties + system.losses
            lines.append(
                f"{rank:<6} {system.name:<{widest}}  {system.elo:>4.0f}  {limits:>11}  "
                f"{percent(system.win_rate, 0):>5}  {votes:>5.0f}"
            )
        return "\n".join([*lines, self.note] if self.note else lines)


def rank_systems(
    votes: Iterable[Vote],
    *,
    ties: Ties = "davidson",
    reference: str | None = None,
    level: float = 0.95,
    resamples: int = 500,
    seed: int = 0,
) -> Ranking:
    """Rank systems by votes between two of them.

    Args:
        votes: Votes, such as those of `votes_of`.
        ties: Davidson's model, in which ties have a chance of their own (Bradley and Terry's where
            there is no tie), or Bradley and Terry's with ties as ``half`` a win, or ``drop``.
        reference: The system whose strength is 0, and whose Elo is 1000; the first by name.
        level: Confidence level of intervals and ranks, in (0, 1).
        resamples: Bootstrap draws, at least 1; votes of one group are drawn together.
        seed: Seed of the bootstrap.

    Returns:
        The ranking.  A system ranks surely below another only where the interval of their
        difference excludes 0.  Below 10 groups there are no intervals, and every rank is open.

    Raises:
        UsageError: If *resamples* is below 1, there are fewer than two systems, *reference* is none
            of them, or some never lost to, or never met, the others, so that no strength fits.

    Examples:
        >>> votes = [Vote("x", "y", value, str(n)) for n, value in enumerate([1, 1, 0.5, 1, 0] * 8)]
        >>> ranking = rank_systems(votes)
        >>> [(one.name, one.best_rank, one.worst_rank) for one in ranking.systems]
        [('x', 1, 1), ('y', 2, 2)]

    References:
        Bradley and Terry (1952), *Biometrika* 39:324; Davidson (1970), JASA 65:317; Chiang et al.
        (2024), *Chatbot Arena*, arXiv 2403.04132, for ranks that intervals leave open.
    """
    import numpy as np

    from evalkit.stats.arguments import check_level  # start-up: statistics import numpy

    if ties not in {"davidson", "half", "drop"}:
        raise UsageError(f"ties= is davidson, half or drop; got {ties!r}.")
    if resamples < 1:
        raise UsageError(f"resamples= is at least 1; got {resamples}.")
    listed = [v for v in votes if v.first != v.second and (ties != "drop" or v.value != _TIE)]
    names = sorted({name for vote in listed for name in (vote.first, vote.second)})
    check_level(level)
    place = _reference(names, reference)
    table = _Table(listed, names, half=ties != "davidson")
    fit = _fitted(table, names, place)
    draws = _draws(table, place, resamples=resamples, seed=seed)
    unfitted = 1 - len(draws) / resamples
    note = _why_open(table.n_groups, unfitted)
    kept = np.array(draws) if note is None else None
    return Ranking(
        systems=_systems(names, fit, kept, table, level),
        reference=names[place],
        model="bradley-terry" if fit.tie is None else "davidson",
        tie=fit.tie,
        negative_log_likelihood=fit.negative_log_likelihood,
        n_votes=len(listed),
        n_groups=table.n_groups,
        level=level,
        unfitted=unfitted,
        note=note,
    )


def _why_open(n_groups: int, unfitted: float) -> str | None:
    """Return why there are no intervals; ``None`` where there are."""
    if n_groups < _FEWEST_GROUPS:
        return (
            f"No intervals, and every rank is open: they take {_FEWEST_GROUPS} independent votes "
            f"(groups) at least, and these are {n_groups}."
        )
    if unfitted > _MOST_UNFITTED:
        return (
            "No intervals, and every rank is open: some strength was infinite in "
            f"{percent(unfitted)} of the bootstrap's draws."
        )
    return None


def _reference(names: Sequence[str], reference: str | None) -> int:
    if len(names) < _FEWEST:
        raise UsageError(f"A ranking is of two systems or more; the votes name {len(names)}.")
    if reference is None:
        return 0
    if reference not in names:
        raise UsageError(f"No vote names the reference {reference!r}.{near_miss(reference, names)}")
    return names.index(reference)


class _Table:
    """Votes as counts by pair of systems, which weights of the votes give anew."""

    def __init__(self, votes: Sequence[Vote], names: Sequence[str], *, half: bool) -> None:
        import numpy as np

        place = {name: row for row, name in enumerate(names)}
        self.k = len(names)
        self.half = half
        first = np.array([place[vote.first] for vote in votes])
        second = np.array([place[vote.second] for vote in votes])
        self._there, self._back = first * self.k + second, second * self.k + first
        values = np.array([vote.value for vote in votes], dtype=np.float64)
        # A value between, such as 0.75 of two orders, is part of a win and part of a tie.
        self._tied = 1 - np.abs(2 * values - 1)
        self._won = np.clip(2 * values - 1, 0, None)
        self._lost = np.clip(1 - 2 * values, 0, None)
        grouped = any(vote.group is not None for vote in votes)
        self.groups = [str(vote.group) for vote in votes] if grouped else None
        self.n = len(votes)
        self.n_groups = len(set(self.groups)) if self.groups else self.n

    def counts(
        self, weights: npt.NDArray[np.float64] | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Return wins of the row's system over the column's, and ties."""
        import numpy as np

        each = np.ones(self.n) if weights is None else weights

        def summed(codes: npt.NDArray[np.int64], amounts: FloatArray) -> FloatArray:
            total = np.bincount(codes, weights=amounts * each, minlength=self.k * self.k)
            return np.asarray(total, dtype=np.float64).reshape(self.k, self.k)

        wins = summed(self._there, self._won) + summed(self._back, self._lost)
        ties = summed(self._there, self._tied) + summed(self._back, self._tied)
        return wins, ties

    def fit(self, reference: int, weights: npt.NDArray[np.float64] | None = None) -> Strengths:
        """Return the strengths.

        Raises:
            ValueError: If one is infinite.
        """
        # start-up: statistics import numpy
        from evalkit.stats.ranking import bradley_terry, davidson

        wins, ties = self.counts(weights)
        if self.half or not ties.any():
            return bradley_terry(wins + ties / 2, reference=reference)
        return davidson(wins, ties, reference=reference)


def _fitted(table: _Table, names: Sequence[str], reference: int) -> Strengths:
    try:
        return table.fit(reference)
    except ValueError as error:

        def named(match: re.Match[str]) -> str:
            return ", ".join(names[int(number)] for number in re.findall(r"\d+", match[0]))

        cause = re.sub(r"\[[\d, ]+\]", named, str(error).partition(", so ")[0])
        raise UsageError(
            f"These votes give no finite strengths: {cause}. Add votes that connect them, or leave "
            "them out."
        ) from None


def _draws(table: _Table, reference: int, *, resamples: int, seed: int) -> list[FloatArray]:
    """Return the strengths of each bootstrap draw in which all are finite."""
    from evalkit.stats.resampling import bootstrap_weights  # start-up: numpy

    draws: list[FloatArray] = []
    for part in bootstrap_weights(table.n, resamples, seed=seed, groups=table.groups):
        for weights in part:
            try:
                draws.append(table.fit(reference, weights).strengths)
            except ValueError:
                continue  # a system that never lost in this draw; their share is told
    return draws


def _systems(
    names: Sequence[str], fit: Strengths, draws: FloatArray | None, table: _Table, level: float
) -> tuple[RankedSystem, ...]:
    import numpy as np

    wins, ties = table.counts()
    tails = [(1 - level) / 2, (1 + level) / 2]
    better = np.zeros((len(names), len(names)), dtype=bool)
    limits = None
    if draws is not None:
        limits = np.quantile(draws, tails, axis=0)
        gaps = draws[:, :, None] - draws[:, None, :]
        better = np.quantile(gaps, tails[0], axis=0) > 0
    rows = [
        RankedSystem(
            name=name,
            strength=float(fit.strengths[row]),
            low=None if limits is None else float(limits[0, row]),
            high=None if limits is None else float(limits[1, row]),
            best_rank=1 + int(better[:, row].sum()),
            worst_rank=len(names) - int(better[row].sum()),
            wins=float(wins[row].sum()),
            ties=float(ties[row].sum()),
            losses=float(wins[:, row].sum()),
        )
        for row, name in enumerate(names)
    ]
    return tuple(sorted(rows, key=lambda system: -system.strength))
