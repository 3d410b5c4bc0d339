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
from evalkit.judging.auditing.trials import PROBES, Subject, Trial, Trials, key_of
from evalkit.judging.judge import Judge
from evalkit.judging.run import run
from evalkit.judging.together import together
from evalkit.scoring.column import ScoreColumn
from evalkit.stats.clustered import clustered_interval
from evalkit.stats.interval import Interval

State = Literal["compared", "missing", "skipped"]
_NEAR: Final = 1e-9
_METRICS: Final = "metrics"


async def readings_of(
    trials: Sequence[Trial],
    *,
    concurrency: int,
    done: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> list[Score]:
    """Return what the judge says in each of *trials*.

    When the budget is spent no further call starts; what was not asked is not run.

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
    readings = [Score(status=Status.NOT_RUN)] * len(trials)

    async def work() -> None:
        for same in jobs:  # one iterator, shared by all workers
            if stopped():
                return
            try:
                reading = await _reading(trials[same[0]])
            except BudgetSpentError:
                return
            for place in same:
                label = trials[place].labels.get(reading.label or "", reading.label)
                readings[place] = dataclasses.replace(reading, label=label)
            done(len(same))

    await together([work] * concurrency)
    return readings


async def _reading(trial: Trial) -> Score:
    if isinstance(trial.judge, Judge):
        return await run(trial.judge.prepared, trial.case, again=trial.again)
    if callable(getattr(trial.judge, "score", None)):
        verdict: Any = trial.judge.score(trial.case)
    else:
        verdict = trial.judge.score_batch(CaseBatch.of([trial.case]))
    return _read(await verdict if inspect.isawaitable(verdict) else verdict)


def _read(verdict: Any) -> Score:
    """Return a verdict as one score: the first, which keeps the others, where there are several."""
    if isinstance(verdict, Mapping):
        scores = {str(key): _read(part) for key, part in verdict.items()}
        first = next(iter(scores.values()), Score.failed("empty"))
        metrics = {key: score.value for key, score in scores.items()}
        return dataclasses.replace(first, metadata={_METRICS: metrics})
    if isinstance(verdict, ScoreColumn):
        verdict = verdict.cell(0)
    if verdict is None:
        return Score.skipped()
    return verdict if isinstance(verdict, Score) else Score(verdict)


def metrics_of(reading: Score) -> Mapping[str, float | None]:
    """Return the values of all metrics, where the judge has several."""
    metrics: Mapping[str, float | None] = (reading.metadata or {}).get(_METRICS, {})
    return metrics


@dataclass(frozen=True, slots=True)
class Pair:
    """A probed case beside what it is compared with."""

    probe: str
    """Name without its battery."""

    origin: str
    """Case that both were made of: pairs of one are not independent."""

    before: Score
    after: Score
    gain: float | None
    """How much better the probed case scored; ``None`` where there are no values."""

    tolerance: float = 0.0

    @property
    def state(self) -> State:
        """Whether there are two verdicts, and if not, why."""
        statuses = {self.before.status, self.after.status}
        if Status.SKIPPED in statuses:
            return "skipped"
        return "compared" if statuses == {Status.OK} else "missing"

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
    trials: Trials, readings: Sequence[Score], battery: str, tolerance: float
) -> list[Pair]:
    """Return the pairs of a battery, in the order of its probes."""
    pairs: list[Pair] = []
    by_trial = dict(zip(trials.listed, readings, strict=True))
    for trial, after in by_trial.items():
        kind, _, probe = trial.probe.partition(".")
        if kind == battery and trial.control is not None:
            before = by_trial[trial.control]
            gain = trials.subject.gain(before.value, after.value)
            pairs.append(Pair(probe, trial.origin, before, after, gain, tolerance))
    return pairs


def row_of(
    battery: str, name: str, pairs: Sequence[Pair], holds: Callable[[Pair], bool], *, level: float
) -> ProbeRow:
    """Return the row of *pairs*, of which those where *holds* says so kept the relation."""
    compared = [(pair, holds(pair)) for pair in pairs if pair.state == "compared"]
    origins = [pair.origin for pair, _ in compared]
    held = [kept for _, kept in compared]
    broken = {pair.origin for pair, kept in compared if not kept}
    gains = [pair.gain for pair, _ in compared if pair.gain is not None]
    limits = share_limits(held, origins, level=level) if compared else None
    return ProbeRow(
        name=name,
        summary=PROBES.get(f"{battery}.{name}", ""),
        n=len(compared),
        held=sum(held),
        n_cases=len(set(origins)),
        cases_held=len(set(origins)) - len(broken),
        fell=sum(pair.fell for pair, _ in compared),
        rose=sum(pair.rose for pair, _ in compared),
        missing=sum(pair.state == "missing" for pair in pairs),
        skipped=sum(pair.state == "skipped" for pair in pairs),
        low=None if limits is None else limits.low,
        high=None if limits is None else limits.high,
        lift=sum(gains) / len(gains) if gains else None,
    )


def share_limits(held: Iterable[bool], origins: Iterable[str], *, level: float) -> Interval:
    """Return the limits of a share, each of whose values comes of the case in *origins*.

    Examples:
        >>> limits = share_limits([True] * 40, ["a", "b", "c", "d"] * 10, level=0.95)
        >>> round(limits.low, 2)  # four cases, not forty
        0.51
    """
    values = [float(kept) for kept in held]
    return clustered_interval(values, list(origins), level=level)


def is_same(pair: Pair) -> bool:
    """Say whether a verdict is the same; of an answer against itself, whether it is a tie."""
    if pair.probe != "identity":
        return pair.unchanged
    value = pair.after.value
    return value is not None and abs(value - 0.5) <= _NEAR


def probes_in_order(pairs: Iterable[Pair]) -> dict[str, list[Pair]]:
    """Return pairs by probe."""
    by_probe: dict[str, list[Pair]] = {}
    for pair in pairs:
        by_probe.setdefault(pair.probe, []).append(pair)
    return by_probe


def is_target(subject: Subject, pair: Pair) -> bool:
    """Say whether a verdict is bad without the attack, so that there is something to gain."""
    return pair.before.value is not None and not subject.is_good(pair.before.value)
