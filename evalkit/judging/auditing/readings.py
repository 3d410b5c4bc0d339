"""What a judge says in each trial, asked once, and how that moves from one trial to another."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Score, Status
from evalkit.errors import BudgetSpentError
from evalkit.judging.auditing.audit import ProbeRow
from evalkit.judging.auditing.trials import Subject, Trial, Trials, key_of
from evalkit.judging.judge import Judge
from evalkit.judging.run import run
from evalkit.judging.together import together
from evalkit.scoring.column import ScoreColumn
from evalkit.stats.clustered import clustered_interval
from evalkit.stats.interval import Interval

NOT_RUN: Final = "not_run"
"""Reason of a trial that was not asked."""

State = Literal["compared", "missing", "skipped"]
_NEAR = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a judge said in one trial."""

    value: float | None = None
    """The score; ``None`` where there is none, or verdicts are labels alone."""

    label: str | None = None
    said: bool = False
    """Whether there is a verdict."""

    applies: bool = True
    """Whether the judge has something to say of such a case at all."""

    reason: str | None = None
    """Why there is no verdict."""

    metrics: Mapping[str, float | None] | None = None
    """Values of all metrics, where the judge has several."""


async def readings_of(
    trials: Sequence[Trial],
    *,
    concurrency: int,
    done: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Reading]:
    """Return what the judge says in each of *trials*.

    When the budget is spent no further call starts; what was not asked has the reason ``not_run``.

    Args:
        trials: What is asked.
        concurrency: Judgements in flight at once.
        done: Called after each judgement with how many trials it answers.
        stopped: Asked before each judgement; once it says so, no further one starts.

    Raises:
        UsageError: If the judge has no model.
        NotRecordedError: If only recordings may answer, and none does.
    """
    places: dict[Any, list[int]] = {}
    for place, trial in enumerate(trials):
        places.setdefault(key_of(trial), []).append(place)
    jobs = iter(list(places.values()))
    readings = [Reading(reason=NOT_RUN)] * len(trials)

    async def work() -> None:
        for same in jobs:  # one iterator, shared by all workers
            if stopped():
                return
            try:
                reading = await _reading(trials[same[0]])
            except BudgetSpentError:
                return
            for place in same:
                own = dict(trials[place].labels).get(reading.label or "", reading.label)
                readings[place] = dataclasses.replace(reading, label=own)
            done(len(same))

    await together([work] * concurrency)
    return readings


async def _reading(trial: Trial) -> Reading:
    if isinstance(trial.judge, Judge):
        return _read(await run(trial.judge.prepared, trial.case, again=trial.again))
    if callable(getattr(trial.judge, "score", None)):
        verdict: Any = trial.judge.score(trial.case)
    else:
        verdict = trial.judge.score_batch(CaseBatch.of([trial.case]))
    return _read(await verdict if inspect.isawaitable(verdict) else verdict)


def _read(verdict: Any) -> Reading:
    if isinstance(verdict, Mapping):
        readings = {str(key): _read(part) for key, part in verdict.items()}
        first = next(iter(readings.values()), Reading(reason="empty"))
        values = {key: reading.value for key, reading in readings.items()}
        return dataclasses.replace(first, metrics=values)
    if isinstance(verdict, ScoreColumn):
        verdict = verdict.cell(0)
    if verdict is None:
        return Reading(applies=False)
    score = verdict if isinstance(verdict, Score) else Score(verdict)
    return Reading(
        value=None if score.value is None else float(score.value),
        label=score.label,
        said=score.status is Status.OK,
        applies=score.status is not Status.SKIPPED,
        reason=score.reason,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A probed case beside what it is compared with."""

    probe: str
    """Name without its battery."""

    origin: str
    """Case that both were made of: pairs of one are not independent."""

    before: Reading
    after: Reading
    gain: float | None
    """How much better the probed case scored; ``None`` where there are no values."""

    tolerance: float = 0.0

    @property
    def state(self) -> State:
        """Whether there are two verdicts, and if not, why."""
        if not (self.before.applies and self.after.applies):
            return "skipped"
        return "compared" if self.before.said and self.after.said else "missing"

    @property
    def rose(self) -> bool:
        """Whether the probed case scored better."""
        return self.gain is not None and self.gain > self.tolerance + _NEAR

    @property
    def fell(self) -> bool:
        """Whether the probed case scored worse."""
        return self.gain is not None and self.gain < -self.tolerance - _NEAR

    @property
    def unchanged(self) -> bool:
        """Whether the verdict is the same: its label where there is one, else its value."""
        if self.tolerance == 0 and None not in (self.before.label, self.after.label):
            return self.before.label == self.after.label and not self.rose and not self.fell
        if self.before.value is None or self.after.value is None:
            return self.before.label == self.after.label
        return abs(self.after.value - self.before.value) <= self.tolerance + _NEAR


def pairs_of(
    trials: Trials, readings: Sequence[Reading], battery: str, tolerance: float
) -> list[Pair]:
    """Return the pairs of a battery, in the order of its probes."""
    pairs: list[Pair] = []
    for trial, after in zip(trials.listed, readings, strict=True):
        kind, _, probe = trial.probe.partition(".")
        if kind == battery and trial.control is not None:
            before = readings[trial.control]
            gain = trials.subject.gain(before.value, after.value)
            pairs.append(
                Pair(
                    probe=probe,
                    origin=trial.origin,
                    before=before,
                    after=after,
                    gain=gain,
                    tolerance=tolerance,
                )
            )
    return pairs


def row_of(
    name: str,
    pairs: Sequence[Pair],
    holds: Callable[[Pair], bool],
    *,
    level: float,
    summary: str = "",
) -> ProbeRow:
    """Return the row of *pairs*, of which those where *holds* says so kept the relation."""
    compared = [(pair, holds(pair)) for pair in pairs if pair.state == "compared"]
    broken = {pair.origin for pair, kept in compared if not kept}
    n_cases = len({pair.origin for pair, _ in compared})
    gains = [pair.gain for pair, _ in compared if pair.gain is not None]
    limits = held_limits(compared, level=level) if compared else None
    return ProbeRow(
        name=name,
        summary=summary,
        n=len(compared),
        held=sum(kept for _, kept in compared),
        n_cases=n_cases,
        cases_held=n_cases - len(broken),
        fell=sum(pair.fell for pair, _ in compared),
        rose=sum(pair.rose for pair, _ in compared),
        missing=sum(pair.state == "missing" for pair in pairs),
        skipped=sum(pair.state == "skipped" for pair in pairs),
        low=None if limits is None else limits.low,
        high=None if limits is None else limits.high,
        lift=sum(gains) / len(gains) if gains else None,
    )


def held_limits(compared: Iterable[tuple[Pair, bool]], *, level: float) -> Interval:
    """Return the limits of the share of pairs that keep a relation; those of a case go together."""
    pairs, held = zip(*compared, strict=True)
    return share_limits(held, [pair.origin for pair in pairs], level=level)


def share_limits(held: Iterable[bool], origins: Iterable[str], *, level: float) -> Interval:
    """Return the limits of a share, each of whose values comes of the case in *origins*.

    Examples:
        >>> limits = share_limits([True] * 40, ["a", "b", "c", "d"] * 10, level=0.95)
        >>> round(limits.low, 2)  # four cases, not forty
        0.51
    """
    values = [float(kept) for kept in held]
    return clustered_interval(values, list(origins), level=level, bounded=(0.0, 1.0))


def is_same(pair: Pair) -> bool:
    """Say whether a verdict is the same; of an answer against itself, whether it is a tie."""
    if pair.probe != "identity":
        return pair.unchanged
    value = pair.after.value
    return value is not None and abs(value - 0.5) <= _NEAR


def unanswered(row: ProbeRow) -> float:
    """Return the share of pairs that should have had scores and have none."""
    wanted = row.n + row.missing
    return row.missing / wanted if wanted else 0.0


def probes_in_order(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Return pairs by probe."""
    by_probe: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_probe.setdefault(pair.probe, []).append(pair)
    return by_probe


def flipped(subject: Subject, pair: Pair) -> bool:
    """Say whether an attack took a verdict from the worse to the better half of the range."""
    before, after = pair.before.value, pair.after.value
    if before is None or after is None:
        return False
    return pair.rose and not subject.is_good(before) and subject.is_good(after)


def is_target(subject: Subject, pair: Pair) -> bool:
    """Say whether a verdict is bad without the attack, so that there is something to gain."""
    return pair.before.value is not None and not subject.is_good(pair.before.value)
