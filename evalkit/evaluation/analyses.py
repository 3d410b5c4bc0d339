"""What a result can be asked besides its estimates: a plan, variance, corrections, assessments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from evalkit.entities.assessment import Assessment
    from evalkit.evaluation.agreement.corrected import CorrectedEstimate
    from evalkit.evaluation.comparing.sample_size import SamplePlan
    from evalkit.evaluation.result import EvaluationResult
    from evalkit.evaluation.results.variance import VarianceParts
    from evalkit.judging.calibration import Calibration


class Analyses:
    """Further questions to an `EvaluationResult`, which is the only class that has them."""

    @property
    def _result(self) -> EvaluationResult:
        return cast("EvaluationResult", self)

    def plan(
        self,
        *,
        detect: float,
        power: float = 0.8,
        metric: str | None = None,
        baseline: EvaluationResult | str | Path | None = None,
        level: float | None = None,
    ) -> SamplePlan:
        """Return how many cases and repeats find a difference, with this result as the pilot.

        Args:
            detect: True difference to find, in the metric's unit.
            power: Wanted chance of finding it.
            metric: Key of the metric; the first that is a mean by default.
            baseline: Another system on the same cases; then the difference of the two is planned
                for, else the difference from a fixed value.
            level: Confidence level; this result's own by default.

        Raises:
            UsageError: If the numbers make no sense, or there are too few cases.
        """
        from evalkit.evaluation.baselines.opening import open_result
        from evalkit.evaluation.comparing.sample_size import plan_sample

        other = None if baseline is None else open_result(baseline, like=self._result)
        return plan_sample(
            self._result, detect=detect, power=power, metric=metric, baseline=other, level=level
        )

    def variance(self, metric: str) -> VarianceParts:
        """Return how much of a mean's variance comes from cases, from the target, from the judge.

        Raises:
            UsageError: If there are neither repeats nor samples of a judge to tell it from.
        """
        from evalkit.evaluation.results.variance import variance_parts

        return variance_parts(self._result, metric)

    def corrected(
        self,
        metric: str,
        *,
        sensitivity: tuple[int, int] | None = None,
        specificity: tuple[int, int] | None = None,
    ) -> CorrectedEstimate:
        """Return a metric corrected for its scorer's error, beside the uncorrected one.

        Args:
            metric: A mean; its scorer has human labels on some cases (``labels.NAME``, a random
                sample of all), which PPI++ combines with the scores of the rest.  Without labels,
                the sensitivity and specificity of the judge's card are used, where it has one.
            sensitivity: Instead of labels, of a yes-or-no scorer: how many of how many true
                positives of a calibration set it found.
            specificity: How many of how many true negatives it cleared.

        Raises:
            UsageError: If there is nothing to correct by.
        """
        from evalkit.evaluation.agreement.corrected import corrected

        return corrected(self._result, metric, sensitivity=sensitivity, specificity=specificity)

    def assessments(self) -> list[Assessment]:
        """Return the scores as feedback on the traces, and spans, that they speak of.

        There is one for each cell that was scored or failed.  ``trace_id`` is ``None`` where the
        case has no trace, ``span_id`` where the score names no span.
        """
        from evalkit.evaluation.results.assessments import assessments_of

        return list(assessments_of(self._result))

    def calibration(self, metric: str, **options: Any) -> Calibration:
        """Return how a metric's verdicts compare with the human labels of this result's cases.

        Args:
            metric: A judge's metric, such as ``grounded``; ``labels.grounded`` holds the labels.
            **options: ``development, kind, threshold, human_threshold, epsilon, answering_model,
                seed``; see `evalkit.evaluation.calibrate.calibration_of`.

        Raises:
            UsageError: If there are no labels, too few, or one means nothing to the judge.
        """
        from evalkit.evaluation.calibrate import calibration_of

        return calibration_of(self._result, metric, **options)

    def card(self, metric: str) -> Calibration | None:
        """Return the newest card of a metric's signature; ``None`` where it is not calibrated.

        Cards are looked for in the folder of ``Runtime(cards=)`` or ``[tool.evalkit]``, and in the
        store of the run.

        Raises:
            UnknownMetricError: If there is no such metric.
        """
        from evalkit.evaluation.agreement.cards import find_card
        from evalkit.evaluation.deciding.calibrated import judged_metric

        return find_card(self._result, judged_metric(self._result, metric)).card
