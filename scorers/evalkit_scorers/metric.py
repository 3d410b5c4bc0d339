"""What metrics of outputs against expectations share: facts, and values and draws by weights."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Final, cast

import numpy as np

from evalkit.plugin import Case, CaseBatch, MetricFacts, Rows, ScoreColumn, Status
from evalkit_scorers.arrays import ArrayLike, FloatArray, IntArray

SHARE: Final = MetricFacts(low=0.0, high=1.0)
"""In [0, 1], higher is better, though not always 1 for identical texts."""

YES_OR_NO: Final = MetricFacts(low=0.0, high=1.0, binary=True, best_for_identity=True)
"""Right or wrong for each case."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceMetric:
    """A metric that needs an output and what it should have been."""

    requires: ClassVar[frozenset[str]] = frozenset({"outputs", "expectations"})
    version: ClassVar[str] = "1"


AT_ONCE: Final = 250_000
"""Weights in one array: 2 MB, which processors keep close at hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsMetric(ReferenceMetric):
    """A metric of all cases at once, computed for many weightings of the same cases.

    What does not depend on weights (sorting, above all) is prepared once; a bootstrap draw is then
    one more row of weights.  A case of weight 0 counts as absent.
    """

    corpus: ClassVar[str] = "rows"

    @abstractmethod
    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column whose statistics are what the metric is computed from."""

    @abstractmethod
    def prepared(self, rows: Rows) -> Any:
        """Return what `of_weights` needs of *rows*: at least one case, in the order asked for."""

    @abstractmethod
    def of_weights(self, prepared: Any, weights: FloatArray) -> FloatArray:
        """Return the metric for each weighting: ``(d, n)`` in, ``(d,)`` out, NaN if undefined."""

    def order(self, rows: Rows) -> IntArray | None:
        """Return the order in which `of_weights` wants cases, so that no draw has to be sorted."""
        del rows  # most metrics take cases as they come
        return None

    def whole(self, prepared: Any, weights: FloatArray) -> FloatArray:
        """Return what `of_weights` takes for weights of the cases, shape ``(d, n)``."""
        del prepared  # cases weigh what they weigh; a table has its own counts
        return weights

    def drawn(
        self,
        prepared: Any,
        weights: FloatArray | None,
        n: int,
        *,
        resamples: int,
        seed: int,
        groups: ArrayLike | None,
    ) -> Iterator[FloatArray]:
        """Yield the weightings of bootstrap draws, shape ``(<= chunk, n)``, *resamples* in all."""
        from evalkit.plugin import bootstrap_weights  # start-up: statistics

        del prepared  # see `whole`
        chunk = max(1, AT_ONCE // n)
        for part in bootstrap_weights(n, resamples, seed=seed, groups=groups, chunk=chunk):
            yield part if weights is None else part * weights

    def value(self, targets: Iterable[Any], outputs: Iterable[Any]) -> float:
        """Return the metric of *outputs* against *targets*; NaN where it is undefined.

        Pairs that cannot be scored are left out.
        """
        pairs = zip(targets, outputs, strict=True)
        cases = [Case(outputs=output, expectations={"target": target}) for target, output in pairs]
        column = self.score_batch(CaseBatch.of(cases))
        rows = cast("Rows", column.statistics)
        return self.compute(rows.take(column.status == Status.OK), None)

    def compute(self, rows: Rows, weights: FloatArray | None, /) -> float:
        """Return the metric of all cases; NaN where it is undefined or there are none."""
        load = np.ones(len(rows)) if weights is None else np.asarray(weights, dtype=np.float64)
        return float(self.of_draws(rows, load[None])[0]) if load.any() else float("nan")

    def of_draws(self, rows: Rows, weights: FloatArray, /) -> FloatArray:
        """Return the metric for each weighting of the cases: ``(d, n)`` in, ``(d,)`` out."""
        order = self.order(rows)
        if order is not None:
            rows, weights = rows.take(order), weights[:, order]
        prepared = self.prepared(rows)
        return self.of_weights(prepared, self.whole(prepared, weights))

    def draws(
        self,
        rows: Rows,
        weights: FloatArray | None,
        resamples: int,
        seed: int,
        groups: ArrayLike | None = None,
    ) -> FloatArray:
        """Return the metric in each bootstrap draw, shape ``(resamples,)``; NaN where undefined."""
        order = self.order(rows)
        if order is not None:
            rows = rows.take(order)
            weights = None if weights is None else weights[order]
            groups = None if groups is None else np.asarray(groups)[order]
        prepared = self.prepared(rows)
        parts = self.drawn(
            prepared, weights, len(rows), resamples=resamples, seed=seed, groups=groups
        )
        return np.concatenate([self.of_weights(prepared, part) for part in parts])
