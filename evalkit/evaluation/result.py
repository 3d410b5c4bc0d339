"""The result of an evaluation, and everything that one may ask of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalkit.errors import EvalkitError
from evalkit.evaluation.results.result import Result
from evalkit.gates.grammar import parse_gates
from evalkit.gates.verdict import GateVerdict

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.entities.assessment import Assessment
    from evalkit.evaluation.agreement.corrected import CorrectedEstimate
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.comparing.sample_size import SamplePlan
    from evalkit.evaluation.results.variance import VarianceParts
    from evalkit.evaluation.running.request import ScorerLike
    from evalkit.evaluation.running.runtime import Runtime
    from evalkit.judging.calibration import Calibration
    from evalkit.stats.difference import PairedDifference


class EvaluationResult(Result):
    """Cells, estimates and verdict of one evaluation, and everything that made them.

    Examples:
        >>> import evalkit
        >>> rows = [{"question": "1+1?", "expected": "2", "output": "2"}]
        >>> result = evalkit.evaluate(data=rows, scorers="text.exact_match",
        ...                           runtime=evalkit.Runtime(store=False))
        >>> float(result["text.exact_match"])
        1.0
    """

    @classmethod
    def load(cls, run: str | Path, *, store: str | None = None) -> Self:
        """Return an earlier result.

        Args:
            run: Run id or unique prefix, name, ``latest``, ``latest~1``, or an evaluation's folder.
            store: Store's URI; the configured one by default.

        Raises:
            DataError: If that run holds no finished evaluation.
        """
        from evalkit.evaluation.results.loading import load_result  # start-up: only to open one

        return load_result(run, store=store, kind=cls)

    # Gates

    def check(
        self, gates: str | Iterable[str] | None, *, baseline: Any = None, cards: str | None = None
    ) -> GateVerdict:
        """Return the verdict on other gates.

        Args:
            gates: Conditions, such as ``"no_regression(text.token_f1, margin=0.02)"``.
            baseline: What gates that compare are about: a result, run, folder, baseline file,
                ``git:REF:path`` or ``models:/NAME@ALIAS``; the evaluation's own by default.  Runs
                and models are looked for in the store of this result, if that is there still.
            cards: Folder of judges' cards; that of ``Runtime(cards=)`` by default.

        Raises:
            GateSyntaxError: If a gate does not parse.
            EvalkitError: If the baseline cannot be opened.
        """
        # start-up: only for gates other than the evaluation's own
        from evalkit.evaluation.baselines.opening import open_result
        from evalkit.evaluation.deciding.gates import judge_gates

        if baseline is not None:
            against: Result | str | None = open_result(baseline, like=self, kind=type(self))
        else:
            against = self._own_baseline(gates)
        return judge_gates(self, gates, against, cards=cards)

    def _own_baseline(self, gates: str | Iterable[str] | None) -> Result | str | None:
        """Open the evaluation's own baseline where *gates* compare; a text says what is amiss."""
        if not any(condition.compares for condition in parse_gates(gates)):
            return None
        try:
            return self.open_baseline()
        except EvalkitError as error:
            return str(error)

    def open_baseline(self) -> Self | None:
        """Open what the gates were judged against; ``None`` where nothing was named.

        Raises:
            EvalkitError: If it is not there any more.
        """
        from evalkit.evaluation.baselines.opening import reopened  # start-up: only for gates

        named = self.facts.plan.baseline
        return None if named is None else reopened(named, kind=type(self))

    def write_baseline(self, path: str | Path, *, texts: bool = False) -> Path:
        """Write ids, scores and signatures as a small file to commit and compare with later.

        Args:
            path: The file, such as ``tests/qa.baseline.json``.
            texts: Whether to add inputs, expectations and outputs.

        Raises:
            UsageError: If the file cannot be written.
        """
        from evalkit.evaluation.baselines.file import write_baseline

        return write_baseline(self, Path(path), texts=texts)

    def artifacts(self) -> dict[str, dict[str, Any]]:
        """Return what metrics show besides their number, by metric and name, as JSON values.

        A confusion matrix or a reliability table is an artifact: it is nothing to gate on.
        """
        from evalkit.evaluation.results.saving import artifacts_of

        return artifacts_of(self)

    # Cells

    def table(self) -> pd.DataFrame:
        """Return a row for each case and repeat, as a frame.

        Returns:
            ``id, repeat, inputs, outputs, expectations, tags, group, session, latency_seconds,
            cost, target_status``, and for each metric its value, ``.label``, ``.status``,
            ``.reason``, ``.explanation``, and ``.span_id`` where it speaks of spans of traces.
        """
        from evalkit.evaluation.results.cells import cell_table

        return cell_table(self)

    def failures(self) -> pd.DataFrame:
        """Return the cells that failed: ``id, repeat, stage, scorer, reason, explanation``."""
        from evalkit.evaluation.results.cells import failure_table

        return failure_table(self)

    def rows(self, *, outputs: bool = True) -> Iterator[dict[str, Any]]:
        """Yield each case and repeat as a mapping of case fields, as another evaluation's data.

        Args:
            outputs: Whether to give what the target answered, too.
        """
        from evalkit.evaluation.results.cells import case_rows

        return case_rows(self, outputs=outputs)

    # More work on it

    def score(
        self,
        scorers: ScorerLike | Iterable[ScorerLike],
        *,
        replace: bool = False,
        drop: Sequence[str] = (),
        judge_model: str | None = None,
        judge_base_url: str | None = None,
        runtime: Runtime | None = None,
    ) -> Self:
        """Return this result with more scorers; the target is never called again.

        Args:
            scorers: What is added; may be empty where something is dropped.
            replace: Whether scorers take the place of those of their names; else these are errors.
            drop: Names of scorers to leave out.
            judge_model: Model of judges that name none; that of the run by default.
            judge_base_url: Address of the server of that model; that of the run by default.
            runtime: New settings, such as a budget, which includes what the run has spent; the
                run's own by default, without a budget.
        """
        from evalkit.evaluation.running.retry import score_again

        return score_again(
            self,
            scorers,
            replace=replace,
            drop=drop,
            judge_model=judge_model,
            judge_base_url=judge_base_url,
            runtime=runtime,
        )

    def retry(
        self,
        which: str = "failed",
        *,
        model: Any = None,
        scorers: Any = None,
        judge_model: str | None = None,
        judge_base_url: str | None = None,
        runtime: Runtime | None = None,
    ) -> Self:
        """Run what failed again, as a new run that keeps the rest.

        Args:
            which: ``failed`` is the only choice yet.
            model: The target, where it cannot be rebuilt from its name.
            scorers: The scorers, where they cannot be rebuilt from their names.
            judge_model: Another model for the judges that named none.  These judge every case anew,
                since verdicts of two models make no metric; the run need not be finished.
            judge_base_url: Address of the server of that model; that of the run by default.
            runtime: New settings, such as ``mode="live"`` or a budget, which includes what the run
                has spent; the run's own by default, without a budget.
        """
        from evalkit.evaluation.running.retry import retry

        return retry(
            self,
            which,
            model=model,
            scorers=scorers,
            judge_model=judge_model,
            judge_base_url=judge_base_url,
            runtime=runtime,
        )

    def difference(self, other: Result, key: str) -> PairedDifference:
        """Return the paired difference ``self - other`` of one metric on the cases of both.

        Raises:
            UsageError: If data, scorer or reducer differ; names what does.
        """
        from evalkit.evaluation.comparing.difference import difference

        return difference(self, other, key)

    def compare(self, *others: Result | str | Path, **options: Any) -> Comparison[Self]:
        """Compare *others* with this result as the baseline; takes the options of `compare`."""
        from evalkit.evaluation.comparing.compare import compare_results

        return compare_results([self, *others], kind=type(self), **options)

    def report(self, path: str | Path) -> Path:
        """Write a report, in the format of the file's extension, and return its path.

        Raises:
            UsageError: If no exporter writes such files.
        """
        from evalkit.evaluation.results.exporting import export

        return export(self, Path(path))

    # Further questions

    def plan(
        self,
        *,
        detect: float,
        power: float = 0.8,
        metric: str | None = None,
        baseline: Result | str | Path | None = None,
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

        other = None if baseline is None else open_result(baseline, like=self, kind=type(self))
        return plan_sample(
            self, detect=detect, power=power, metric=metric, baseline=other, level=level
        )

    def variance(self, metric: str) -> VarianceParts:
        """Return how much of a mean's variance comes from cases, from the target, from the judge.

        Raises:
            UsageError: If there are neither repeats nor samples of a judge to tell it from.
        """
        from evalkit.evaluation.results.variance import variance_parts

        return variance_parts(self, metric)

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

        return corrected(self, metric, sensitivity=sensitivity, specificity=specificity)

    def assessments(self) -> list[Assessment]:
        """Return the scores as feedback on the traces, and spans, that they speak of.

        There is one for each cell that was scored or failed.  ``trace_id`` is ``None`` where the
        case has no trace, ``span_id`` where the score names no span.
        """
        from evalkit.evaluation.results.assessments import assessments_of

        return list(assessments_of(self))

    def calibration(self, metric: str, **options: Any) -> Calibration:
        """Return how a metric's verdicts compare with the human labels of this result's cases.

        Args:
            metric: A judge's metric, such as ``grounded``; ``labels.grounded`` holds the labels.
            **options: ``development, kind, threshold, human_threshold, epsilon, answering_model,
                seed``; see `evalkit.evaluation.agreement.calibration.calibration_of`.

        Raises:
            UsageError: If there are no labels, too few, or one means nothing to the judge.
        """
        from evalkit.evaluation.agreement.calibration import calibration_of

        return calibration_of(self, metric, **options)

    def card(self, metric: str) -> Calibration | None:
        """Return the newest card of a metric's signature; ``None`` where it is not calibrated.

        Cards are looked for in the folder of ``Runtime(cards=)`` or ``[tool.evalkit]``, and in the
        store of the run.

        Raises:
            UnknownMetricError: If there is no such metric.
        """
        from evalkit.evaluation.agreement.cards import find_card, judged_metric

        return find_card(self, judged_metric(self, metric)).card

    # Shown

    def __str__(self) -> str:
        return self._shown("text")

    def __repr__(self) -> str:
        return f"<EvaluationResult {self.name!r}: {len(self)} cases, {self.verdict.status}>"

    def _repr_html_(self) -> str:
        return self._shown("html")

    def _shown(self, form: str) -> str:
        from evalkit.evaluation.results.exporting import exporter

        show: Callable[[EvaluationResult, str], str] = exporter("table").show
        return show(self, form)
