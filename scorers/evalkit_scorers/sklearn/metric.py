"""A metric of scikit-learn as a scorer: which functions can be one, and what each takes."""

from __future__ import annotations

import dataclasses
import inspect
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final, Literal, NamedTuple

import numpy as np

from evalkit.plugin import (
    CaseBatch,
    Means,
    MetricFacts,
    Rows,
    ScoreColumn,
    UnknownScorerError,
    near_miss,
)
from evalkit_scorers.arrays import AnyArray, ArrayLike, FloatArray
from evalkit_scorers.classification.confusion import ConfusionCells, count_draws, smoothed_draws
from evalkit_scorers.classification.labels import is_text, missing_label, shown
from evalkit_scorers.classification.probabilities import Forecasts, forecast_rows, unnamed_label
from evalkit_scorers.classification.probability_metric import ProbabilityMetric
from evalkit_scorers.classification.reading import label_pairs
from evalkit_scorers.regression.errors import number_pairs
from evalkit_scorers.sklearn.twins import twin

Kind = Literal["labels", "numbers", "probabilities", "scores"]
"""What a metric compares with the targets."""

_SECOND_PARAMETER: Final[dict[str, Kind]] = {
    "y_pred": "labels",
    "labels_pred": "labels",
    "y2": "labels",
    "y_proba": "probabilities",
    "y_prob": "probabilities",
    "y_score": "scores",
    "pred_decision": "scores",
}
_OF_PROBABILITIES: Final = {"brier_score_loss", "d2_log_loss_score", "log_loss"}
"""Their parameter was called ``y_pred`` before scikit-learn 1.9."""

_OF_SEVERAL_TARGETS: Final = {
    "coverage_error",
    "dcg_score",
    "label_ranking_average_precision_score",
    "label_ranking_loss",
    "ndcg_score",
}
"""They want an array of targets for each case."""

_UP: Final = ("_score", "_corrcoef")
DOWN: Final = ("_error", "_loss", "_deviance")
"""Ends of the names of metrics whose lower value is better."""


def metric_names() -> list[str]:
    """Return the names in ``sklearn.metrics`` that can be scorers, in order.

    Examples:
        >>> {"f1_score", "mean_squared_error", "matthews_corrcoef"} <= set(metric_names())
        True
        >>> "confusion_matrix" in metric_names()
        False
    """
    from sklearn import metrics

    return sorted(name for name in metrics.__all__ if kind_of(name) is not None)


def metric_function(name: str) -> Callable[..., Any]:
    """Return the function of ``sklearn.metrics`` called *name*."""
    from sklearn import metrics

    function: Callable[..., Any] = getattr(metrics, name)
    return function


def kind_of(name: str) -> Kind | None:
    """Return what the function compares; ``None`` if it is no metric of targets and outputs.

    Examples:
        >>> kind_of("f1_score"), kind_of("r2_score"), kind_of("roc_auc_score"), kind_of("auc")
        ('labels', 'numbers', 'scores', None)
    """
    from sklearn import metrics

    if name not in metrics.__all__ or not name.endswith(_UP + DOWN):
        return None
    if name in _OF_SEVERAL_TARGETS:
        return None
    if name in _OF_PROBABILITIES:
        return "probabilities"
    function = metric_function(name)
    taken = list(inspect.signature(function).parameters)
    if len(taken) < 2 or taken[0] not in {"y_true", "labels_true", "y1"}:  # noqa: PLR2004
        return None
    kind = _SECOND_PARAMETER.get(taken[1])
    if kind == "labels" and function.__module__.endswith("_regression"):
        return "numbers"
    return kind


def keywords_of(name: str) -> list[str]:
    """Return the keywords of the function that a user may set.

    Examples:
        >>> keywords_of("fbeta_score")
        ['beta', 'labels', 'pos_label', 'average', 'zero_division']
    """
    parameters = inspect.signature(metric_function(name)).parameters
    return [
        keyword for keyword in list(parameters)[2:] if keyword not in {"sample_weight", "y_pred"}
    ]


class Arrays(NamedTuple):
    """What a metric is called with."""

    targets: AnyArray
    """First argument, shape ``(m,)``."""

    outputs: AnyArray
    """Second argument, shape ``(m,)``, or ``(m, K)`` for more than two classes."""

    classes: int | None = None
    """Number of classes, where targets are their numbers."""


def label_arrays(cells: ConfusionCells) -> Arrays:
    """Return the labels of each distinct pair, shape ``(C,)``, as texts or as numbers.

    Beside numbers, an output that is none becomes a number of its own: a wrong answer.

    Examples:
        >>> import numpy as np
        >>> keys = {"target": ["1", "0"], "output": ["1", '"er"']}
        >>> rows = Rows({name: np.array(some, dtype=object) for name, some in keys.items()})
        >>> label_arrays(ConfusionCells.of(rows)).outputs.tolist()
        [1, 2]
    """
    in_targets = [cells.labels[number] for number in set(cells.target.tolist())]
    if any(is_text(key) for key in in_targets):
        values: Any = np.array([shown(key) for key in cells.labels], dtype=object)
    else:
        values = np.array(_numbers(cells.labels))
    return Arrays(values[cells.target], values[cells.output])


def _numbers(keys: Sequence[str]) -> list[float]:
    numeric = {key: float(key) for key in keys if not is_text(key) and key != "null"}
    following = int(max(numeric.values(), default=0.0)) + 1
    whole = all(number.is_integer() for number in numeric.values())
    others = [key for key in keys if key not in numeric]
    numeric |= {key: float(following + place) for place, key in enumerate(others)}
    return [int(numeric[key]) if whole else numeric[key] for key in keys]


def forecast_arrays(rows: Rows) -> Arrays | None:
    """Return which class was right, and the numbers that were given to the classes.

    ``None`` where some outputs have two classes and others more.
    """
    forecasts = Forecasts.of(rows)
    if forecasts is None:
        return None
    if forecasts.scores.shape[1] == 1:
        return Arrays(forecasts.events[:, 0].astype(np.int64), forecasts.scores[:, 0], 2)
    right = forecasts.events.argmax(axis=1)
    return Arrays(right, forecasts.scores, forecasts.scores.shape[1])


PREFIX: Final = "sklearn."
"""Of the names of scorers; scikit-learn's own follows."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SklearnMetric:
    """Scores all cases together with a function of ``sklearn.metrics``, and its own meaning.

    Labels, numbers and probabilities are read as by the other classic scorers.  Where scikit-learn
    refuses the data (one class only, a missing ``pos_label``) there is no value, and `note` says
    why.  A case of weight 0 counts as absent.  A metric that evalkit has too (`twin`) takes its
    interval and test from there.

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
        return f"{PREFIX}{self.function}"

    @property
    def facts(self) -> MetricFacts:
        """Direction as the function's name tells it; bounds are those of its `twin`."""
        same = twin(metric_function(self.function), self.keywords)
        low, high = (None, None) if same is None else (same.facts.low, same.facts.high)
        direction: Any = "lower" if self.function.endswith(DOWN) else "higher"
        return MetricFacts(direction=direction, low=low, high=high)

    @property
    def requires(self) -> frozenset[str]:
        """Outputs and expectations, and what the function takes of classes."""
        needs = {
            "labels": "class_label",
            "probabilities": "probabilities",
            "scores": "class_scores",
        }
        kind = needs.get(kind_of(self.function) or "")
        return frozenset({"outputs", "expectations", *([kind] if kind else ())})

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Keywords of the function as they are set; ``None`` where it has no default."""
        taken = inspect.signature(metric_function(self.function)).parameters
        empty = inspect.Parameter.empty
        defaults = {name: taken[name].default for name in keywords_of(self.function)}
        unset = {name: None if value is empty else value for name, value in defaults.items()}
        return {**unset, **self.keywords}

    @property
    def described_by(self) -> Callable[..., Any]:
        """The function of scikit-learn, whose docstring describes its keywords."""
        return metric_function(self.function)

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
        classes = np.array([0, 1])
        try:
            self._called(Arrays(classes, classes), None)
        except (ValueError, TypeError) as error:
            if type(error).__name__ == "InvalidParameterError":
                raise ValueError(str(error)) from error

    def check_targets(self, targets: Iterable[Any], /) -> str | None:
        """Say before the run that no case has the positive label; ``None`` where all is well."""
        return missing_label(self.keywords.get("pos_label"), targets)

    def check_outputs(self, outputs: Iterable[Any], targets: Iterable[Any], /) -> str | None:
        """Say before the run that nothing names the positive label; ``None`` where all is well."""
        if "pos_label" in self.keywords or kind_of(self.function) in {"labels", "numbers"}:
            return None
        problem = unnamed_label(outputs, targets)
        if problem is None or "pos_label" in keywords_of(self.function):
            return problem
        return f"{problem}, to a scorer that takes it, such as classification.roc_auc"

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        """Return a column without values whose statistics are what the function is called with."""
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
        """Return why scikit-learn refuses the cases, in its words, or the note of its `twin`."""
        if not len(rows):
            return None
        try:
            self._called(*self._prepared(rows, weights))
        except (ValueError, TypeError, ZeroDivisionError) as error:
            return f"scikit-learn: {error}"
        note = getattr(self._twin(rows), "note", None)
        return None if note is None else note(rows, weights)

    def _twin(self, rows: Rows) -> Any:
        """Return the `twin` if its value of these rows is the same, or undefined."""
        same = twin(metric_function(self.function), self.keywords) if len(rows) else None
        if same is None:
            return None
        value, own = same.compute(rows, None), self.compute(rows, None)
        return same if value != value or np.isclose(value, own, rtol=1e-9) else None  # noqa: PLR0124  NaN

    def means(self, rows: Rows, /) -> Means | None:
        """Return the means of its `twin`; none at all where that is undefined."""
        same = self._twin(rows)
        if same is not None and np.isnan(same.compute(rows, None)):
            return Means([], [], [])
        made_of = getattr(same, "means", None)
        return None if made_of is None else made_of(rows)

    def interval(self, rows: Rows, **options: Any) -> Any:
        """Return the interval of its `twin`, if that has one of its own."""
        closed = getattr(self._twin(rows), "interval", None)
        return None if closed is None else closed(rows, **options)

    def difference(self, first: Rows, second: Rows, **options: Any) -> Any:
        """Return interval and p-value of its `twin`, if that has them."""
        closed = getattr(self._twin(first) and self._twin(second), "difference", None)
        return None if closed is None else closed(first, second, **options)

    def draws(
        self,
        rows: Rows,
        weights: FloatArray | None,
        resamples: int,
        seed: int,
        groups: ArrayLike | None = None,
    ) -> FloatArray:
        """Return the metric in each bootstrap draw, shape ``(resamples,)``; NaN where undefined."""
        settings: Any = {"resamples": resamples, "seed": seed, "groups": groups}
        same = getattr(self._twin(rows), "draws", None)
        if same is not None:
            return np.asarray(same(rows, weights, **settings))
        if kind_of(self.function) == "labels":
            cells = ConfusionCells.of(rows)
            if "sample_weight" in inspect.signature(metric_function(self.function)).parameters:
                parts: Iterator[FloatArray] = smoothed_draws(cells, weights, **settings)
                cells = cells.mistakable()
            else:  # whole cases alone can be repeated
                parts = count_draws(cells, weights, **settings)
            arrays: Arrays | None = label_arrays(cells)
        else:
            from evalkit.plugin import bootstrap_weights  # start-up: statistics

            arrays, load = self._prepared(rows, weights)
            drawn = bootstrap_weights(len(rows), resamples, seed=seed, groups=groups)
            parts = (part if load is None else part * load for part in drawn)
        return np.array([self._value(arrays, row) for part in parts for row in part])

    def _prepared(
        self, rows: Rows, weights: FloatArray | None
    ) -> tuple[Arrays | None, FloatArray | None]:
        """Return the arrays, and the weight of each entry; of labels only distinct pairs."""
        kind = kind_of(self.function)
        if kind == "labels":
            cells = ConfusionCells.of(rows)
            return label_arrays(cells), cells.counts(weights)[0]
        if kind == "numbers":
            return Arrays(rows.columns["target"], rows.columns["output"]), weights
        return forecast_arrays(rows), weights

    def _value(self, arrays: Arrays | None, weights: FloatArray | None) -> float:
        try:
            return self._called(arrays, weights)
        except (ValueError, TypeError, ZeroDivisionError):
            return float("nan")

    def _called(self, arrays: Arrays | None, weights: FloatArray | None) -> float:
        """Return the function's value.

        Raises:
            ValueError: If it refuses the arrays or its settings; also as `TypeError`.
        """
        if arrays is None:
            raise ValueError("some outputs have two classes and others more")
        targets, outputs, settings = self._arguments(arrays, weights)
        function: Callable[..., Any] = metric_function(self.function)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # what they say of 0/0 is in the value already
            value = float(function(targets, outputs, **settings))
        return value if np.isfinite(value) else float("nan")

    def _arguments(
        self, arrays: Arrays, weights: FloatArray | None
    ) -> tuple[Any, Any, dict[str, Any]]:
        settings = dict(self.keywords)
        targets, outputs = arrays.targets, arrays.outputs
        if weights is not None:
            kept = np.flatnonzero(weights)
            targets, outputs, weights = targets[kept], outputs[kept], weights[kept]
            if "sample_weight" in inspect.signature(metric_function(self.function)).parameters:
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
