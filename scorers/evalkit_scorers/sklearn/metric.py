"""A metric of scikit-learn as a scorer."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar, Final

from evalkit.plugin import CaseBatch, MetricFacts, Rows, ScoreColumn, UnknownScorerError, near_miss
from evalkit_scorers.arrays import ArrayLike, FloatArray
from evalkit_scorers.classification.confusion import ConfusionCells
from evalkit_scorers.classification.forecasts import forecast_rows
from evalkit_scorers.classification.probability_metric import ProbabilityMetric
from evalkit_scorers.classification.reading import label_pairs
from evalkit_scorers.classification.resampling import count_draws
from evalkit_scorers.regression.reading import number_pairs
from evalkit_scorers.sklearn.arrays import Arrays, forecast_arrays, label_arrays
from evalkit_scorers.sklearn.functions import (
    DOWN,
    keywords_of,
    kind_of,
    metric_function,
    metric_names,
    takes_weights,
)

PREFIX: Final = "sklearn."
"""Of the names of scorers; scikit-learn's own follows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SklearnMetric:
    """Scores all cases together with a function of ``sklearn.metrics``, and its own meaning.

    Labels, numbers and probabilities are read as by the other classic scorers.  Where scikit-learn
    refuses the data (one class only, a missing ``pos_label``) there is no value, and `note` says
    why.  A case of weight 0 counts as absent.

    Examples:
        >>> from evalkit.plugin import Case
        >>> cases = [Case(outputs=o, expectations={"target": t}) for t, o in [(1, 1), (1, 0)]]
        >>> metric = SklearnMetric(function="recall_score")
        >>> metric.compute(metric.score_batch(CaseBatch.of(cases)).statistics, None)
        0.5

    References:
        Pedregosa et al. (2011), *JMLR* 12:2825; the documentation of ``sklearn.metrics``.
    """

    function: str
    """Name in ``sklearn.metrics``."""

    keywords: Mapping[str, Any] = dataclasses.field(default_factory=dict[str, Any])
    """Keywords that the function is called with."""

    corpus: ClassVar[str] = "rows"
    version: ClassVar[str] = "1"

    @property
    def name(self) -> str:
        """The function's name after ``sklearn.``."""
        return f"{PREFIX}{self.function}"

    @property
    def facts(self) -> MetricFacts:
        """Direction as the function's name tells it; bounds are not known."""
        return MetricFacts(direction="lower" if self.function.endswith(DOWN) else "higher")

    @property
    def requires(self) -> frozenset[str]:
        """Outputs and expectations, and probabilities where the function takes them."""
        wanted = frozenset({"outputs", "expectations"})
        return (
            wanted
            if kind_of(self.function) in {"labels", "numbers"}
            else wanted | {"probabilities"}
        )

    def configured(self, **keywords: Any) -> SklearnMetric:
        """Return the metric with some keywords set.

        Raises:
            TypeError: If the function has no such keyword.
            ValueError: If it refuses the value.

        Examples:
            >>> SklearnMetric(function="fbeta_score").configured(beta=2).keywords
            {'beta': 2}
        """
        names = keywords_of(self.function)
        for keyword in keywords:
            if keyword not in names:
                listed = ", ".join(names) or "none"
                raise TypeError(
                    f"it has no {keyword!r}.{near_miss(keyword, names)} It has: {listed}"
                )
        changed = dataclasses.replace(self, keywords={**self.keywords, **keywords})
        changed._try_keywords()  # noqa: SLF001  of the same class
        return changed

    def _try_keywords(self) -> None:
        """Call the function on two cases, to hear of a bad value before the evaluation."""
        import numpy as np

        classes = np.array([0, 1])
        try:
            self._called(Arrays(classes, classes), None)
        except (ValueError, TypeError) as error:
            if type(error).__name__ == "InvalidParameterError":
                raise ValueError(str(error)) from error

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column without values whose statistics are what the function is called with."""
        import numpy as np

        kind = kind_of(self.function)
        if kind == "labels":
            pairs = label_pairs(batch)
            pairs.column.statistics = pairs.rows()
            return pairs.column
        if kind == "numbers":
            numbers = number_pairs(batch)
            rows = Rows({"target": numbers.target, "output": numbers.output})
            numbers.column.values = np.full(len(batch), np.nan)
            numbers.column.statistics = rows
            return numbers.column
        settings = {k: v for k, v in self.keywords.items() if k in {"labels", "pos_label"}}
        reader = ProbabilityMetric(**settings)
        forecasts, keys, column = reader.read(batch, scores=kind == "scores")
        column.statistics = forecast_rows(forecasts, keys)
        return column

    def compute(self, rows: Rows, weights: FloatArray | None, /) -> float:
        """Return the metric of all cases; NaN where scikit-learn refuses them or there are none."""
        return self._value(*self._prepared(rows, weights)) if len(rows) else float("nan")

    def note(self, rows: Rows, weights: FloatArray | None = None, /) -> str | None:
        """Return why scikit-learn refuses the cases, in its words; ``None`` where it does not."""
        if not len(rows):
            return None
        try:
            self._called(*self._prepared(rows, weights))
        except (ValueError, TypeError, ZeroDivisionError) as error:
            return f"scikit-learn: {error}"
        return None

    def draws(
        self,
        rows: Rows,
        weights: FloatArray | None,
        resamples: int,
        seed: int,
        groups: ArrayLike | None = None,
    ) -> FloatArray:
        """Return the metric in each bootstrap draw, shape ``(resamples,)``; NaN where undefined."""
        import numpy as np

        if kind_of(self.function) == "labels":
            cells = ConfusionCells.of(rows)
            arrays = label_arrays(cells)
            parts: Iterator[FloatArray] = count_draws(
                cells, weights, resamples=resamples, seed=seed, groups=groups
            )
        else:
            from evalkit.plugin import bootstrap_weights

            arrays, load = self._prepared(rows, weights)
            drawn = bootstrap_weights(len(rows), resamples, seed=seed, groups=groups)
            parts = (part if load is None else part * load for part in drawn)
        return np.array([self._value(arrays, row) for part in parts for row in part])

    def _prepared(self, rows: Rows, weights: FloatArray | None) -> tuple[Arrays, FloatArray | None]:
        """Return the arrays, and the weight of each entry; of labels only distinct pairs."""
        kind = kind_of(self.function)
        if kind == "labels":
            cells = ConfusionCells.of(rows)
            return label_arrays(cells), cells.counts(weights)[0]
        if kind == "numbers":
            return Arrays(rows.columns["target"], rows.columns["output"]), weights
        return forecast_arrays(rows), weights

    def _value(self, arrays: Arrays, weights: FloatArray | None) -> float:
        try:
            value = self._called(arrays, weights)
        except (ValueError, TypeError, ZeroDivisionError):
            return float("nan")
        return value

    def _called(self, arrays: Arrays, weights: FloatArray | None) -> float:
        """Return the function's value.

        Raises:
            ValueError: If it refuses the arrays or its settings; also as `TypeError`.
        """
        import numpy as np

        targets, outputs, settings = self._arguments(arrays, weights)
        function: Callable[..., Any] = metric_function(self.function)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what they say of 0/0 is in the value already
            value = float(function(targets, outputs, **settings))
        return value if np.isfinite(value) else float("nan")

    def _arguments(
        self, arrays: Arrays, weights: FloatArray | None
    ) -> tuple[Any, Any, dict[str, Any]]:
        import numpy as np

        settings = dict(self.keywords)
        targets, outputs = arrays.targets, arrays.outputs
        if weights is not None:
            kept = np.flatnonzero(weights)
            targets, outputs, weights = targets[kept], outputs[kept], weights[kept]
            if takes_weights(self.function):
                settings["sample_weight"] = weights
            elif (weights == np.floor(weights)).all():
                times = weights.astype(np.int64)
                targets, outputs = np.repeat(targets, times), np.repeat(outputs, times, axis=0)
            elif (weights != weights[0]).any():
                raise ValueError(f"{self.function} takes no weights")
        if arrays.classes is not None:
            settings.pop("pos_label", None)  # read already: targets are numbers of classes
            settings.pop("labels", None)
            if "labels" in keywords_of(self.function):
                settings["labels"] = list(range(arrays.classes))
        return targets, outputs, settings


def sklearn_scorer(name: str) -> SklearnMetric:
    """Return the scorer for a metric of scikit-learn, such as ``sklearn.f1_score``.

    Raises:
        UnknownScorerError: If there is no metric of targets and outputs by that name.

    Examples:
        >>> sklearn_scorer("sklearn.mean_squared_error").facts.direction
        'lower'
    """
    function = name.removeprefix(PREFIX)
    if kind_of(function) is None:
        raise UnknownScorerError(name, [f"{PREFIX}{metric}" for metric in metric_names()])
    return SklearnMetric(function=function)
