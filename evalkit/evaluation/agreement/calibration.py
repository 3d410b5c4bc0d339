"""How a metric's verdicts compare with the labels that people gave to the same cases."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, Final, get_args

import numpy as np

from evalkit._internal.clock import now_milliseconds
from evalkit._internal.words import percent
from evalkit.entities.calibration import CalibrationPart, Kind
from evalkit.errors import UnknownMetricError, UsageError, near_miss
from evalkit.evaluation.agreement.bias import biases_of
from evalkit.evaluation.agreement.cards import card_data, judged_metric
from evalkit.evaluation.agreement.cut import cut_of, positive_label
from evalkit.evaluation.agreement.figures import part_of
from evalkit.evaluation.agreement.labelled import LabelledCases, labelled_cases
from evalkit.evaluation.agreement.people import population_of, replaceability_of
from evalkit.evaluation.agreement.split import development_cases
from evalkit.evaluation.results.result import Result
from evalkit.judging.calibration import Calibration

_FEW: Final = 30
_PREVALENT: Final = 0.8


def calibration_of(
    result: Result,
    key: str,
    *,
    development: float = 0.5,
    kind: Kind | None = None,
    threshold: float | None = None,
    human_threshold: float | None = None,
    epsilon: float = 0.2,
    answering_model: str = "model",
    seed: int | None = None,
) -> Calibration:
    """Return how a metric of a finished evaluation compares with the labels of its cases.

    Args:
        result: The evaluation.
        key: The metric, such as ``grounded``.
        development: Share of cases for tuning prompt and threshold, in [0, 1); those that the data
            gives a ``split`` go where it says.  0 holds all cases out.
        kind: ``binary``, ``ordinal``, ``nominal`` or ``numeric``; told by the labels otherwise.
        threshold: Value of the judge from which on a case counts as positive; where people say yes
            or no and the judge gives grades, it is fitted on the development cases otherwise.
        human_threshold: The same for human labels; *threshold* by default, where they are numbers.
        epsilon: Benefit granted to the judge by the alternative annotator test: 0.2 against
            experts, 0.15 skilled annotators, 0.1 crowd workers.
        answering_model: Tag that names the model whose answer was judged, for self-preference.
        seed: Seed of split and bootstrap; the evaluation's by default.

    Raises:
        UnknownMetricError: If there is no such metric.
        UsageError: If there is no such kind, or labels are none, too few, or mean nothing to the
            judge.
    """
    check_kind(kind)
    if not 0.0 <= development < 1.0:
        raise UsageError(f"development= is a share from 0 up to 1, such as 0.5, not {development}.")
    with contextlib.suppress(UnknownMetricError):  # a function of a metric is refused below
        key = judged_metric(result, key).key
    part = result.by_key.part(key)
    if part.key.function is not None or part.key.tags or not part.is_mean:
        raise UsageError(f"{key} is no metric that has a verdict on each case.")
    design = result.by_key.design
    design = dataclasses.replace(design, seed=design.seed if seed is None else seed)
    cases = labelled_cases(result, part, kind)
    tuned = development_cases(result, share=development, seed=design.seed)
    held, dev = np.flatnonzero(cases.labelled & ~tuned), np.flatnonzero(cases.labelled & tuned)
    _check_size(cases, held, dev)
    cut = cut_of(cases, dev, threshold, human_threshold)
    held_out = part_of(cases, held, cut, design)
    card = Calibration(
        judge=part.metric.key,
        signature=part.metric.signature,
        dataset=card_data(result, part.metric),
        kind=cases.kind,
        held_out=held_out,
        development=part_of(cases, dev, cut, design) if len(dev) else None,
        positive=positive_label(cases, cut),
        threshold=cut.judge,
        threshold_fitted=cut.fitted,
        human_threshold=cut.human,
        # The test needs no label that prevails: where people tie, it compares them all the same.
        replaceable=replaceability_of(cases, np.flatnonzero(~tuned), cut, epsilon),
        population=population_of(cases, held, dev, cut, design),
        biases=biases_of(result, part, cases, design, answering_model),
        level=design.level,
        seed=design.seed,
        share=development,
        created=now_milliseconds(),
    )
    return dataclasses.replace(card, remarks=tuple(_remarks(cases, held_out, result)))


def check_kind(kind: str | None) -> None:
    """Refuse a kind of labels that there is not; raises UsageError."""
    kinds = get_args(Kind)
    if kind is not None and kind not in kinds:
        raise UsageError(
            f"kind= is one of {', '.join(kinds)}, not {kind!r}.{near_miss(str(kind), kinds)}"
        )


def _check_size(cases: LabelledCases, held: Any, dev: Any) -> None:
    if len(held) < 2:  # noqa: PLR2004
        how = "label more, or give development=0.0" if len(dev) else "label more"
        raise UsageError(
            f"{cases.metric}: {len(held)} labelled cases are held out, {len(dev)} are for "
            f"development; two held out are the least: {how}."
        )
    if not np.isfinite(cases.judge[held]).any():
        reasons = ", ".join(sorted(set(cases.reasons.values()))) or "none applied"
        raise UsageError(
            f"{cases.metric}: not one of the {len(held)} held-out cases has a verdict ({reasons})."
        )


def _both_ways(part: CalibrationPart) -> str:
    """Return the accuracy of *part* with and without the cases that have no verdict, in words."""
    accuracy = part.figures.get("accuracy")
    if accuracy is None or accuracy.value is None:
        return ""
    as_wrong = accuracy.value * part.n_judged / part.n_labelled
    return f" (accuracy {accuracy.value:.3g}; {as_wrong:.3g} if no verdict counts as wrong)"


def _remarks(cases: LabelledCases, part: CalibrationPart, result: Result) -> Iterator[str]:
    """Yield what a reader of the figures of *part* must know."""
    if part.n_judged < _FEW:
        yield (
            f"{part.n_judged} held-out cases are few: intervals are wide, and a gate seldom "
            "passes; 100 to 200 labels are a good start."
        )
    if part.n_failed:
        span = ""
        if part.accuracy_bounds is not None:
            worst, best = part.accuracy_bounds
            span = f"; with them accuracy lies between {worst:.3g} and {best:.3g}"
        yield f"{part.n_failed} of {part.n_labelled} verdicts failed and are in no figure{span}."
    silent = part.n_skipped + part.n_not_run
    if silent:
        yield (
            f"{silent} of {part.n_labelled} labelled cases have no verdict, which is no failure: "
            f"the figures are of the others alone{_both_ways(part)}; above 2 % no gate passes."
        )
    label, share = max(part.prevalence.items(), key=lambda item: item[1], default=("", 0.0))
    if share > _PREVALENT:
        yield (
            f"People say {label!r} in {percent(share, 0)} of cases: kappa is then low however good "
            "the judge is; read AC1 beside it."
        )
    if cases.n_undecided:
        yield f"{cases.n_undecided} cases on which no human label prevails are left out."
    if result.by_key.design.weights is not None:
        yield "Cases have weights; the figures count each labelled case once."
