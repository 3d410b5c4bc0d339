"""The result of an evaluation: numbers that say what they rest on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.entities.estimate import Estimate
from evalkit.errors import EvalkitError
from evalkit.evaluation.analyses import Analyses
from evalkit.evaluation.deciding.gates import judge_gates
from evalkit.evaluation.results.design import design_of
from evalkit.evaluation.results.estimates import Estimates
from evalkit.evaluation.results.facts import Facts, Usage
from evalkit.evaluation.results.folder import Folder
from evalkit.gates.verdict import GateVerdict
from evalkit.scoring.metric import Metric
from evalkit.scoring.reduce import parse_reducer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.data.spool import Spool
    from evalkit.evaluation.comparing.comparison import Comparison
    from evalkit.evaluation.running.scorers import ScorerLike
    from evalkit.stats.difference import PairedDifference


class EvaluationResult(Analyses):
    """Cells, estimates and verdict of one evaluation, and everything that made them.

    Examples:
        >>> import evalkit
        >>> rows = [{"question": "1+1?", "expected": "2", "output": "2"}]
        >>> result = evalkit.evaluate(data=rows, scorers="text.exact_match",
        ...                           runtime=evalkit.Runtime(store=False))
        >>> float(result["text.exact_match"])
        1.0
    """

    def __init__(
        self,
        *,
        facts: Facts,
        spool: Spool,
        metrics: Sequence[Metric],
        folder: Folder,
        keep: object = None,
        known: Mapping[str, Estimate] | None = None,
        baseline: EvaluationResult | None = None,
    ) -> None:
        """Hold an evaluation; use `evaluate` or `load` to get one.

        Args:
            facts: What was asked for and what came of it.
            spool: The cases.
            metrics: Scores of each metric.
            folder: Where the files lie.
            keep: Anything that must live as long as the result (a temporary folder).
            known: Estimates that were computed before.
            baseline: What the gates compare with; by default opened as the plan names it.
        """
        self.facts = facts
        self.spool = spool
        self.metrics = list(metrics)
        self.folder = folder
        self._keep = keep
        plan = facts.plan
        self._estimates = Estimates(
            self.metrics,
            design_of(
                spool,
                repeats=plan["repeats"],
                failed_cells=facts.failures,
                level=plan["level"],
                seed=plan["seed"],
            ),
            [parse_reducer(text, plan["repeats"]) for text in plan["reducers"]],
            spool,
            known,
        )
        self._verdict: GateVerdict | None = None
        self._baseline = baseline

    @classmethod
    def load(cls, run: str | Path, *, store: str | None = None) -> EvaluationResult:
        """Return an earlier result.

        Args:
            run: Run id or unique prefix, name, ``latest``, ``latest~1``, or an evaluation's folder.
            store: Store's URI; the configured one by default.

        Raises:
            DataError: If that run holds no finished evaluation.
        """
        from evalkit.evaluation.results.loading import load_result

        return load_result(run, store=store)

    # Numbers

    def __getitem__(self, key: str) -> Estimate:
        """Return an estimate; any left side of a gate is a key.

        Raises:
            UnknownMetricError: If there is no such metric; lists near misses.
        """
        return self._estimates[key]

    def __contains__(self, key: object) -> bool:
        return key in self._estimates.plain_keys()

    def estimate(self, key: str, *, level: float) -> Estimate:
        """Return an estimate with its interval at another confidence level."""
        return self._estimates.at(key, level)

    @property
    def estimates(self) -> dict[str, Estimate]:
        """Estimates of every metric, in the order of the scorers."""
        return self._estimates.plain()

    def by(self, *tags: str) -> pd.DataFrame:
        """Return the estimates of each value of one tag, or each combination of several.

        Returns:
            A row for each metric and combination: the tags, ``metric, value, low, high, n_scored,
            n_total, n_failed``.

        Raises:
            UsageError: If no case has a tag.
        """
        import pandas as pd

        rows: list[dict[str, Any]] = []
        for values, cases in self._estimates.slices(tags).items():
            for key in self._estimates.plain_keys():
                found = self._estimates.of_rows(key, cases)
                row: dict[str, Any] = dict(zip(tags, values, strict=True))
                row |= {"metric": key, "value": found.value, "low": found.low, "high": found.high}
                row |= {"n_scored": found.n_scored, "n_total": found.n_total}
                rows.append(row | {"n_failed": found.n_failed})
        return pd.DataFrame(rows)

    @property
    def verdict(self) -> GateVerdict:
        """The verdict on the gates, with the numbers that decided each condition."""
        if self._verdict is None:
            self._verdict = judge_gates(self, self.facts.plan["gates"], self.baseline, lenient=True)
        return self._verdict

    def check(
        self, gates: str | Iterable[str], *, baseline: Any = None, cards: str | None = None
    ) -> GateVerdict:
        """Return the verdict on other gates.

        Args:
            gates: Conditions, such as ``"no_regression(text.token_f1, margin=0.02)"``.
            baseline: What gates that compare are about: a result, run, folder, baseline file,
                ``git:REF:path`` or ``models:/NAME@ALIAS``; the evaluation's own by default.
            cards: Folder of judges' cards; that of ``Runtime(cards=)`` by default.

        Raises:
            GateSyntaxError: If a gate does not parse.
            EvalkitError: If the baseline cannot be opened.
        """
        if baseline is None:
            return judge_gates(self, gates, self.baseline, cards=cards)
        from evalkit.evaluation.baselines.opening import open_result

        return judge_gates(self, gates, open_result(baseline, like=self), cards=cards)

    @property
    def baseline(self) -> EvaluationResult | str | None:
        """What the gates compare with; a text says why it cannot be opened any more."""
        named = self.facts.plan.get("baseline")
        if self._baseline is None and named is not None:
            from evalkit.evaluation.baselines.opening import reopened

            try:
                self._baseline = reopened(named)
            except EvalkitError as error:
                return f"the baseline {named['name']!r} cannot be opened any more: {error}"
        return self._baseline

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

    @property
    def by_key(self) -> Estimates:
        """What computes estimates, slices and parts for any left side of a gate."""
        return self._estimates

    @cached_property
    def case_ids(self) -> npt.NDArray[np.object_]:
        """Id of each case, shape ``(n,)``."""
        return self.spool.strings("id")

    def artifacts(self) -> dict[str, dict[str, Any]]:
        """Return what metrics show besides their number, by metric and name, as JSON values.

        A confusion matrix or a reliability table is an artifact: it is nothing to gate on.
        """
        from evalkit.evaluation.results.artifacts import artifacts_of

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

    def score(self, scorers: ScorerLike | Iterable[ScorerLike]) -> EvaluationResult:
        """Return this result with more scorers; the target is never called again."""
        from evalkit.evaluation.running.retry import score_again

        return score_again(self, scorers)

    def retry(
        self, which: str = "failed", *, model: Any = None, scorers: Any = None
    ) -> EvaluationResult:
        """Run what failed again, as a new run that keeps the rest.

        Args:
            which: ``failed`` is the only choice yet.
            model: The target, where it cannot be rebuilt from its name.
            scorers: The scorers, where they cannot be rebuilt from their names.
        """
        from evalkit.evaluation.running.retry import retry

        return retry(self, which, model=model, scorers=scorers)

    def difference(self, other: EvaluationResult, key: str) -> PairedDifference:
        """Return the paired difference ``self - other`` of one metric on the cases of both.

        Raises:
            UsageError: If data, scorer or reducer differ; names what does.
        """
        from evalkit.evaluation.comparing.pairs import difference

        return difference(self, other, key)

    def compare(self, *others: EvaluationResult | str | Path, **options: Any) -> Comparison:
        """Compare *others* with this result as the baseline; takes the options of `compare`."""
        from evalkit.evaluation.comparing.compare import compare

        return compare(self, *others, **options)

    def tag_values(self, name: str) -> list[str | None]:
        """Return the value of tag *name* for each case as text, ``None`` where it has none.

        Raises:
            UsageError: If no case has the tag.
        """
        return self._estimates.tag_values(name)

    def report(self, path: str | Path) -> Path:
        """Write a report, in the format of the file's extension, and return its path.

        Raises:
            UsageError: If no exporter writes such files.
        """
        from evalkit.evaluation.results.exporting import export

        return export(self, Path(path))

    # What made it

    @property
    def run_id(self) -> str | None:
        """Id of the run, or ``None`` without a store."""
        return self.facts.run_id

    @property
    def model_id(self) -> str | None:
        """Identity of what was evaluated: a digest over the target, or over stored outputs."""
        found: str | None = self.facts.plan["model_id"]
        return found

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.facts.name

    @property
    def dataset(self) -> Mapping[str, Any]:
        """Name, digest and number of cases of the data."""
        found: Mapping[str, Any] = self.facts.plan["dataset"]
        return found

    @property
    def signatures(self) -> dict[str, str]:
        """Signature behind each metric."""
        return {metric.key: metric.signature for metric in self.metrics}

    @property
    def environment(self) -> Mapping[str, Any]:
        """Packages, git commit and dirtiness, machine, seed, settings."""
        return {**self.facts.environment, "settings": self.facts.plan["runtime"]}

    @property
    def usage(self) -> Mapping[str, Usage]:
        """Calls, tokens and price by role."""
        return self.facts.usage

    @property
    def cost(self) -> float | None:
        """Price of it all in US dollars; ``None`` where any of it is unknown."""
        costs = [usage.cost for usage in self.facts.usage.values() if usage.calls]
        return None if any(c is None for c in costs) else float(sum(c for c in costs if c))

    @property
    def repeats(self) -> int:
        """Times that each case was run."""
        found: int = self.facts.plan["repeats"]
        return found

    @property
    def coverage(self) -> float | None:
        """Smallest coverage of any metric; ``None`` where nothing applied."""
        found = [e.coverage for e in self.estimates.values() if e.coverage is not None]
        return min(found, default=None)

    def __len__(self) -> int:
        return self.spool.n

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

    def with_name(self, name: str) -> EvaluationResult:
        """Return this result under another name."""
        return EvaluationResult(
            facts=dataclasses.replace(self.facts, name=name),
            spool=self.spool,
            metrics=self.metrics,
            folder=self.folder,
            keep=self._keep,
            baseline=self._baseline,
        )
