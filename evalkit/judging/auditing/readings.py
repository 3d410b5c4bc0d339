"""Ask a judge all that an audit asks, a few at a time; equal questions once."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from evalkit.entities.batch import CaseBatch
from evalkit.entities.score import Score, Status
from evalkit.errors import BudgetSpentError
from evalkit.judging.auditing.trials import Trial, key_of
from evalkit.judging.judge import Judge
from evalkit.judging.run import run
from evalkit.judging.together import together
from evalkit.scoring.column import ScoreColumn

NOT_RUN: Final = "not_run"
"""Reason of a trial that was not asked."""


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
