"""Calibrate a judge: compare its verdicts with people's labels, and keep the card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evalkit.entities.infrastructure import INFRASTRUCTURE
from evalkit.entities.score import Status
from evalkit.errors import UnfinishedCalibrationError, UnreachedJudgeError, UsageError
from evalkit.evaluation.agreement.calibration import calibration_of, check_kind
from evalkit.evaluation.agreement.cards import COLUMN, keep_card
from evalkit.evaluation.evaluate import evaluate
from evalkit.evaluation.result import EvaluationResult
from evalkit.evaluation.results.facts import OUTAGE
from evalkit.evaluation.results.recorded import RECORDED
from evalkit.evaluation.running.runtime import Runtime
from evalkit.judging.calibration import Calibration


def calibrate(
    judge: Any,
    cases: Any,
    *,
    columns: Mapping[str, Any] | None = None,
    judge_model: str | None = None,
    judge_base_url: str | None = None,
    metric: str | None = None,
    seed: int = 0,
    level: float = 0.95,
    runtime: Runtime | None = None,
    name: str | None = None,
    limit: int | None = None,
    sample: float | None = None,
    **options: Any,
) -> Calibration:
    """Have a judge judge labelled cases, compare it with the labels, and keep the card.

    The judge is asked in an ordinary evaluation: answers come from the cache where they are there,
    a budget is kept, and what was interrupted is resumed by ``Runtime(resume=…)``.

    Args:
        judge: A judge or any scorer, its registered name, or ``scores.NAME`` where the judge's
            answers are a column of the data.
        cases: Data with human labels, as `evaluate` takes it.
        columns: Case field to column, such as ``{"labels.grounded": "human"}``; several annotators
            are ``{"labels.grounded.ann": "ann", "labels.grounded.bob": "bob"}``.
        judge_model: Model of a judge that names none.
        judge_base_url: Address of the server of that model, up to ``/v1``.
        metric: Which metric, where the judge gives several; its first by default.
        seed: Seed of split and bootstrap.
        level: Confidence level of intervals, in (0, 1).
        runtime: How to run; cards are kept in its store.
        name: Name of the run.
        limit: Take the first so many cases.
        sample: Draw a share or a count of the cases.
        **options: Those of `calibration_of`: ``development, kind, threshold, human_threshold,
            epsilon, answering_model``.

    Returns:
        The card; kept in the store of the run under the judge's signature.

    Raises:
        UsageError: If there are no labels, too few, or one means nothing to the judge.
        EvalkitError: Whatever the evaluation raises.

    Examples:
        >>> rows = [{"output": f"text {n}", "said": "yes" if n % 3 else "no",
        ...          "human": "yes" if n % 4 else "no"} for n in range(60)]
        >>> card = calibrate("scores.polite", rows, runtime=Runtime(store=False), columns={
        ...     "scores.polite": "said", "labels.polite": "human"})
        >>> card.kind, card.held_out.n_labelled > 0
        ('binary', True)
    """
    check_kind(options.get("kind"))  # before anything is asked
    try:
        result = evaluate(
            data=cases,
            scorers=() if _is_column(judge) else judge,
            columns=columns,
            judge_model=judge_model,
            judge_base_url=judge_base_url,
            seed=seed,
            level=level,
            runtime=runtime,
            name=name,
            limit=limit,
            sample=sample,
        )
    except UsageError as error:
        if not _is_column(judge) or "No scorers" not in str(error):
            raise
        how = f"columns={{{judge!r}: 'verdict'}}, or --column {judge}=verdict"
        raise UsageError(f"The data has no answers of {judge!r}; map a column: {how}.") from error
    key = metric or (f"{RECORDED}.{judge.removeprefix(COLUMN)}" if _is_column(judge) else None)
    key = key or _first_metric(result)
    _check_finished(result, key)
    card = calibration_of(result, key, **options)
    keep_card(card, None if runtime is None else runtime.store)
    return card


def _check_finished(result: EvaluationResult, key: str) -> None:
    """Refuse to make a card of a part of the cases, which would replace one of them all."""
    if result.facts.status == OUTAGE:
        raise UnreachedJudgeError(key, result.facts.notes[-1])
    if result.facts.status == "budget":
        raise UnfinishedCalibrationError(result.run_id)
    for column in (metric.column for metric in result.metrics if metric.key == key):
        reasons = set(column.reasons.values())
        judged = bool((column.status == Status.OK).any())
        if not judged and reasons and reasons <= INFRASTRUCTURE:
            first = next(iter(column.explanations.values()), ", ".join(reasons))
            raise UnreachedJudgeError(key, first)


def _is_column(judge: Any) -> bool:
    return isinstance(judge, str) and judge.startswith(COLUMN)


def _first_metric(result: EvaluationResult) -> str:
    for metric in result.metrics:
        if metric.scorer != RECORDED:
            return metric.key
    raise UsageError("There is no judge: give one, or 'scores.NAME' of a column of answers.")
