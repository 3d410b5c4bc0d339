"""Estimators of scikit-learn's kind as targets: whole batches as frames."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from evalkit.entities.batch import CaseBatch
from evalkit.entities.infrastructure import infrastructure_reason
from evalkit.entities.target import Failure, Output, TargetIdentity
from evalkit.errors import BindingError, TargetError, UsageError, near_miss
from evalkit.targets.batches import BatchPredictor
from evalkit.targets.binding import listed
from evalkit.targets.version import resolved_version


@dataclass(frozen=True, kw_only=True)
class EstimatorTarget:
    """Answers batches of cases with an estimator's predictions, as Python scalars.

    The estimator gets a DataFrame of the input columns, in order and dtype; an array if it was
    fitted on one, and the sole column itself if it reads texts.  A batch that raises fails all of
    its cases, since no case is ever predicted twice.

    Examples:
        >>> from sklearn.dummy import DummyClassifier
        >>> from evalkit.entities.case import Case
        >>> model = DummyClassifier(strategy="prior").fit([[0], [1], [2]], ["no", "yes", "yes"])
        >>> target = EstimatorTarget(estimator=model)
        >>> target.call_batch(CaseBatch.of([Case(inputs={"x": 5})]))[0].value
        'yes'
    """

    estimator: Any
    dtypes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Column to dtype; what is not given is inferred for each batch."""

    states: Literal["probabilities", "decision_values", "classes"] | None = None
    """What answers state beside the ``label``; without, they are what ``predict`` gives.

    ``classes`` are those of a network: several numbers a case are the scores of 0, 1, 2, …"""

    name: str = ""
    version: str | None = None
    reference: str | None = None

    learnt: str | None = field(init=False, default=None)
    """Digest of all that the estimator holds; ``None`` of one that cannot be pickled."""

    lane: Literal["batch"] = "batch"

    def __post_init__(self) -> None:
        """Resolve name and version.

        Raises:
            UsageError: If probabilities are asked of an estimator that has none.
        """
        object.__setattr__(self, "name", self.name or _shown_name(self.estimator))
        object.__setattr__(self, "version", resolved_version(self.version))
        object.__setattr__(self, "learnt", _digest(self.estimator))
        if self.states == "probabilities":
            _require_probabilities(self.estimator, self.name)

    @property
    def identity(self) -> TargetIdentity:
        """The estimator's class, its plain settings, and a digest of what it has learnt."""
        return TargetIdentity(
            kind="estimator",
            name=self.name,
            parameters={"settings": _plain_settings(self.estimator), "learnt": self.learnt},
            reference=self.reference,
            version=self.version,
        )

    def with_dtypes(self, dtypes: Mapping[str, str]) -> EstimatorTarget:
        """Return this target with the *dtypes* of the data's input columns, in their order."""
        return dataclasses.replace(self, dtypes=dict(dtypes))

    def for_classes(self, wanted: str) -> EstimatorTarget:
        """Return this target answering with what scorers of classes read.

        Args:
            wanted: ``probabilities``; ``class_scores``, where the values of ``decision_function``
                do, since they rank cases as well; or the ``class_label`` alone.

        Raises:
            UsageError: If the estimator has no ``predict_proba``, nor what does instead.
        """
        has = {
            name: callable(getattr(self.estimator, name, None))
            for name in ("predict_proba", "decision_function")
        }
        by_row = isinstance(self.estimator, BatchPredictor) and not has["predict_proba"]
        if by_row or wanted == "class_label":
            return dataclasses.replace(self, states="classes" if by_row else None)
        if wanted == "class_scores" and has["decision_function"] and not has["predict_proba"]:
            return dataclasses.replace(self, states="decision_values")
        return dataclasses.replace(self, states="probabilities")

    def check(self, batch: CaseBatch) -> None:
        """Refuse columns that differ from those the estimator was fitted on.

        Raises:
            BindingError: Naming the columns that are missing or too many.
        """
        columns = self._columns(batch)
        if not columns:
            raise BindingError(
                f"{self.name} needs input columns, and there are none; "
                "name them: columns={'inputs': ['age', 'income']}."
            )
        fitted = _fitted_names(self.estimator)
        if fitted is None:
            self._check_count(len(columns))
            return
        missing = [name for name in fitted if name not in columns]
        extra = [name for name in columns if name not in fitted]
        if missing:
            hint = near_miss(missing[0], extra)
            raise BindingError(
                f"{self.name} was fitted on {listed(missing)}; the input columns are "
                f"{listed(columns)}.{hint}"
            )
        if extra:
            raise BindingError(
                f"{self.name} was not fitted on {listed(extra)}; give it its own columns alone: "
                f"columns={{'inputs': {fitted}}}."
            )

    def _check_count(self, count: int) -> None:
        wanted = getattr(_innermost(self.estimator), "n_features_in_", None)
        if wanted is not None and wanted != count:
            raise BindingError(
                f"{self.name} was fitted on {wanted} columns, and there are {count} input columns; "
                "name them in its order: columns={'inputs': [...]}."
            )

    def call_batch(self, batch: CaseBatch) -> Sequence[Output | Failure]:
        """Return one prediction a case, in order, or the same failure for all of them."""
        if not len(batch):
            return []
        try:
            return self._predicted(batch)
        except TargetError as error:
            failure = Failure(error.reason, error.explanation)
        except Exception as error:  # noqa: BLE001  the estimator is the user's code
            reason = infrastructure_reason(error) or "target_error"
            failure = Failure(reason, f"{type(error).__name__}: {error}")
        return [failure] * len(batch)

    def _predicted(self, batch: CaseBatch) -> list[Output | Failure]:
        features = self._features(batch)
        answers = _rows(self.estimator.predict(features), len(batch), "predict")
        if self.states == "classes":
            answers = [*map(_with_label, answers)]
        elif self.states is not None:
            method = "predict_proba" if self.states == "probabilities" else "decision_function"
            rows = _rows(getattr(self.estimator, method)(features), len(batch), method)
            if self.states == "decision_values":  # of two classes there is one number, the second's
                rows = [row if isinstance(row, list) else [-row, row] for row in rows]
            pairs = zip(answers, rows, strict=True)
            answers = [{"label": label, self.states: row} for label, row in pairs]
            classes = getattr(self.estimator, "classes_", None)
            if classes is not None:
                named = _listed_values(classes)
                answers = [{**answer, "classes": named} for answer in answers]
        return [
            Failure("empty", f"{self.name} predicted None.") if answer is None else Output(answer)
            for answer in answers
        ]

    def _columns(self, batch: CaseBatch) -> list[str]:
        names = dict.fromkeys(name for inputs in batch.inputs for name in inputs)
        return list(names | dict.fromkeys(self.dtypes))

    def _features(self, batch: CaseBatch) -> Any:
        import pandas as pd

        rows = batch.inputs
        columns = self._columns(batch)
        frame = pd.DataFrame({name: [row.get(name) for row in rows] for name in columns})
        if self.dtypes:
            frame = frame.astype(dict(self.dtypes))
        fitted = _fitted_names(self.estimator)
        if fitted is not None:
            return frame[fitted]
        inner = _innermost(self.estimator)
        if len(columns) == 1 and _reads_texts(inner):
            return frame[columns[0]]
        # Fitted on an array: names would only make it warn.
        return frame.to_numpy() if hasattr(inner, "n_features_in_") else frame


def _innermost(estimator: Any) -> Any:
    """Return what sees the features first: inside a search, the first step of a pipeline."""
    while True:
        if hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        elif isinstance(getattr(estimator, "steps", None), list) and estimator.steps:
            estimator = estimator.steps[0][1]
        else:
            return estimator


def _fitted_names(estimator: Any) -> list[str] | None:
    """Return the columns that it was fitted on; ``None`` if it was fitted without names."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = getattr(_innermost(estimator), "feature_names_in_", None)
    return None if names is None else [str(name) for name in names]


def _reads_texts(estimator: Any) -> bool:
    try:
        from sklearn.utils import get_tags

        tags: Any = get_tags(estimator).input_tags
    except (ImportError, AttributeError, TypeError):  # not scikit-learn's own
        return False
    return bool(tags.string and not tags.two_d_array)


def _require_probabilities(estimator: Any, name: str) -> None:
    if callable(getattr(estimator, "predict_proba", None)):
        return
    if callable(getattr(estimator, "decision_function", None)):
        raise UsageError(
            f"{name} gives decision values, not probabilities; calibrate it with scikit-learn's "
            "CalibratedClassifierCV, or leave out the scorers that read probabilities."
        )
    raise UsageError(f"{name} has no predict_proba; leave out the scorers that read probabilities.")


def _rows(predicted: Any, count: int, method: str) -> list[Any]:
    """Return predictions as Python values, one a case."""
    values = _listed_values(predicted)
    if len(values) != count:
        raise TargetError(
            "invalid_response", f"{method} gave {len(values)} values for {count} cases."
        )
    return values


def _listed_values(values: Any) -> list[Any]:
    if hasattr(values, "columns"):  # a frame: one value a row, or several by name
        if values.shape[1] > 1 and all(isinstance(name, str) for name in values.columns):
            return list(values.to_dict("records"))
        values = values.iloc[:, 0] if values.shape[1] == 1 else values
    if hasattr(values, "to_numpy"):
        values = values.to_numpy()
    return list(values.tolist() if hasattr(values, "tolist") else values)


def _with_label(row: Any) -> Any:
    """Return scores of the classes 0, 1, 2, … with the label of the highest; else the answer."""
    if not (isinstance(row, list) and len(row) > 1):
        return row
    if not all(isinstance(score, float) and math.isfinite(score) for score in row):
        return row
    shares = min(row) >= 0 and math.isclose(sum(row), 1, abs_tol=1e-3)
    return {
        "label": row.index(max(row)),
        "probabilities" if shares else "decision_values": row,
        "classes": [*range(len(row))],
    }


def _shown_name(estimator: Any) -> str:
    if isinstance(estimator, BatchPredictor):
        return estimator.name
    steps = getattr(estimator, "steps", None)
    last = steps[-1][1] if isinstance(steps, list) and steps else None
    own = type(estimator).__name__
    return own if last is None else f"{own}({type(last).__name__})"


def _plain_settings(estimator: Any) -> dict[str, Any]:
    """Return the settings that JSON can hold; objects by their class."""
    read = getattr(estimator, "get_params", None)
    if not callable(read):
        return {}
    settings: Any = read(deep=True)
    plain = (str, int, float, bool, type(None))
    return {
        name: value if isinstance(value, plain) else type(value).__name__
        for name, value in sorted(settings.items())
    }


def _digest(estimator: Any) -> str | None:
    """Return a digest of *estimator* as it is now, equal in every process; ``None`` if it has none.

    A forest of 100 trees takes 50 ms; nothing is written.
    """
    import joblib  # start-up: scikit-learn brings it, and only estimators need it

    try:
        digest = cast("str", joblib.hash(estimator))
    except Exception:  # noqa: BLE001  an estimator of the user's own, whose pickling may do anything
        return None
    return digest[:12]
