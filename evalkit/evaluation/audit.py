"""`audit`: whether a judge can be fooled, on good cases, through the ordinary model session."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from evalkit.data.spool import spool
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.errors import UsageError
from evalkit.evaluation.running.model_session import checking_session, session_of
from evalkit.evaluation.running.request import ScorerLike
from evalkit.evaluation.running.runtime import Runtime
from evalkit.evaluation.running.scorers import bind_judges, resolve_scorers
from evalkit.evaluation.running.thread import run_in_thread
from evalkit.judging.auditing.audit import Audit, Bars
from evalkit.judging.auditing.measure import batteries_of
from evalkit.judging.auditing.readings import readings_of
from evalkit.judging.auditing.trials import Trials, check_probes, subject_of, trials_of
from evalkit.judging.judge import Judge
from evalkit.judging.prepared import seen_by
from evalkit.llm.session import ModelSession, use_session
from evalkit.llm.usage import Spent
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.scoring.signature import signature


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditPlan:
    """What an audit is going to ask; nothing has been asked yet."""

    judge: Any
    """The judge, with its model."""

    trials: Trials
    n_cases: int
    bars: Bars

    @property
    def calls(self) -> int:
        """Calls of models at most, repairs aside; what is recorded is not asked again."""
        return self.trials.calls


def audit(
    judge: ScorerLike,
    cases: Any = None,
    *,
    columns: Mapping[str, Any] | None = None,
    probes: str | Iterable[str] = (),
    limit: int | None = None,
    judge_model: str | None = None,
    judge_base_url: str | None = None,
    runtime: Runtime | None = None,
    on_done: Callable[[int], None] = lambda _: None,
    **bars: float,
) -> Audit:
    """Try to fool a judge: worse answers, rewritings, attacks, answers without content, biases.

    Args:
        judge: A judge, or its registered name.
        cases: Good cases, whose outputs deserve about the best verdict: whatever `evaluate` takes
            as data.  A judge of the library has some of its own.
        columns: Case field to column, where *cases* are data.
        probes: Batteries (``degradation, invariance, injection, garbage, bias``), biases or single
            probes; all by default.
        limit: Take the first so many cases.
        judge_model: Model of a judge that names none.
        judge_base_url: Address of the server of that model, up to ``/v1``.
        runtime: Concurrency, recordings and budget; no run is recorded.
        on_done: Called with a number of judgements as they are made.
        **bars: What has to be shown: ``level``, ``target``, ``most_success``, ``margin``,
            ``consistency``, ``tolerance`` of `Bars`.

    Returns:
        The audit; what could not be asked, as when the budget was spent, counts as no score.

    Raises:
        UsageError: If the judge has no model, there are no cases, or there is no such probe.
        DataError: If the data is wrong.

    Examples:
        >>> rows = [{"question": "Where?", "expected": "In Rome.", "output": "In Rome."},
        ...         {"question": "When?", "expected": "In May.", "output": "In May."}]
        >>> found = audit("text.token_f1", rows, probes="degradation",
        ...               runtime=Runtime(store=False))
        >>> found.batteries["degradation"].total.rose
        0
    """
    how = runtime or Runtime()
    plan = plan_audit(
        judge,
        cases,
        columns=columns,
        probes=probes,
        limit=limit,
        judge_model=judge_model,
        judge_base_url=judge_base_url,
        runtime=how,
        **bars,
    )
    return run_audit(plan, how, on_done=on_done)


def plan_audit(
    judge: ScorerLike,
    cases: Any = None,
    *,
    columns: Mapping[str, Any] | None = None,
    probes: str | Iterable[str] = (),
    limit: int | None = None,
    judge_model: str | None = None,
    judge_base_url: str | None = None,
    runtime: Runtime | None = None,
    **bars: float,
) -> AuditPlan:
    """Return what `audit` would ask; takes the same arguments.

    Raises:
        UsageError: If the judge has no model, there are no cases, or there is no such probe.
        DataError: If the data is wrong.
    """
    names = check_probes([probes] if isinstance(probes, str) else list(probes))
    resolved = resolve_scorers(judge)
    if len(resolved) != 1:
        raise UsageError(f"An audit is of one judge; got {len(resolved)}.")
    known = [field.name for field in dataclasses.fields(Bars)]
    for name in bars:
        if name not in known:
            raise UsageError(f"An audit has no {name!r}; it has: {', '.join(known)}.")
    with use_session(checking_session(runtime or Runtime())):
        (bound,) = bind_judges(resolved, judge_model, judge_base_url)
    direct, good = _direct(bound, _cases(bound, cases, columns, limit))
    subject = subject_of(direct)
    trials = trials_of(subject, good, names)
    if not any(trial.probe != "base" for trial in trials.listed) and "position" not in names:
        raise UsageError(f"None of these probes applies to {direct.name!r} and its cases.")
    return AuditPlan(judge=bound, trials=trials, n_cases=len(good), bars=Bars(**bars))


def _direct(judge: Any, cases: list[Case]) -> tuple[Any, list[Case]]:
    """Return the judge and its cases such that it reads from them directly.

    What probes edit is then what is judged, wherever in the user's data that lies.
    """
    if isinstance(judge, ConfiguredScorer):
        cases = list(judge.prepare(CaseBatch.of(cases)))
        judge = judge.inner
    if isinstance(judge, Judge) and judge.reads:
        cases = [seen_by(judge, case) for case in cases]
        judge = dataclasses.replace(judge, reads={})
    return judge, cases


def _cases(
    judge: Any, cases: Any, columns: Mapping[str, Any] | None, limit: int | None
) -> list[Case]:
    if cases is not None:
        return _read(cases, columns, limit)
    inner = judge.inner if isinstance(judge, ConfiguredScorer) else judge
    own: Sequence[Case] | None = getattr(inner, "good_cases", None)
    if not own:
        raise UsageError(
            f"Judge {judge.name!r} brings no cases: give data=, good cases whose outputs deserve "
            "the best verdict."
        )
    return list(own)[:limit]


def _read(data: Any, columns: Mapping[str, Any] | None, limit: int | None) -> list[Case]:
    """Return the cases of whatever `evaluate` takes as data."""
    if isinstance(data, (list, tuple)) and all(isinstance(one, Case) for one in data):
        return list(data)[:limit]
    with TemporaryDirectory() as folder:
        cases = spool(data, Path(folder), columns=dict(columns or {}) or None, limit=limit)
        return [case for batch in cases.batches() for case in batch]


def run_audit(
    plan: AuditPlan, runtime: Runtime, *, on_done: Callable[[int], None] = lambda _: None
) -> Audit:
    """Ask what *plan* says, and measure.

    Raises:
        NotRecordedError: If only recordings may answer, and one is missing.
    """
    session = session_of(runtime)
    try:
        readings = _readings(plan, session, runtime, on_done)
    finally:
        session.close()
    return Audit(
        judge=plan.judge.name,
        model=getattr(plan.trials.subject.judge, "model", None),
        signature=signature(plan.judge),
        n_cases=plan.n_cases,
        n_not_run=sum(reading.status is Status.NOT_RUN for reading in readings),
        batteries=batteries_of(plan.trials, readings, plan.bars),
        usage={role: _spent(spent) for role, spent in session.ledger.roles.items()},
    )


def _readings(
    plan: AuditPlan, session: ModelSession, runtime: Runtime, on_done: Callable[[int], None]
) -> list[Score]:
    stopped = threading.Event()

    async def ask() -> list[Score]:
        async with session.open():
            return await readings_of(
                plan.trials.listed,
                concurrency=runtime.concurrency,
                done=on_done,
                stopped=stopped.is_set,
            )

    with use_session(session):
        readings = run_in_thread(ask, on_interrupt=stopped.set)
    if stopped.is_set():
        raise KeyboardInterrupt  # what was answered is recorded, and is not asked again
    return readings


def _spent(spent: Spent) -> dict[str, Any]:
    counts = {"calls": spent.calls, "cached": spent.cached, "failed": spent.failed}
    return {**counts, "tokens": dict(spent.tokens), "cost": spent.price}
