"""Estimators as targets: what they are given, and what comes back."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_iris
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC

import evalkit
from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.target import Failure, Output, Target
from evalkit.errors import BindingError, UsageError
from evalkit.targets.batches import is_estimator
from evalkit.targets.estimator import EstimatorTarget

IRIS: Any = load_iris(as_frame=True)
FEATURES: pd.DataFrame = IRIS.data
SPECIES: Any = IRIS.target
NAMED = make_pipeline(StandardScaler(), LogisticRegression()).fit(FEATURES, SPECIES)
UNNAMED = LogisticRegression(max_iter=500).fit(FEATURES.to_numpy(), SPECIES)
TEXTS = make_pipeline(CountVectorizer(), LogisticRegression()).fit(
    ["good film", "bad film", "good", "bad"], ["yes", "no", "yes", "no"]
)


def batch(frame: pd.DataFrame) -> CaseBatch:
    rows: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    return CaseBatch.of([Case(id=str(row), inputs=inputs) for row, inputs in enumerate(rows)])


def values(results: Sequence[Output | Failure]) -> list[Any]:
    assert all(isinstance(result, Output) for result in results), results
    return [result.value for result in results if isinstance(result, Output)]


def target(estimator: Any, **more: Any) -> EstimatorTarget:
    return EstimatorTarget(estimator=estimator, **more)


FITTED = [
    pytest.param(NAMED, FEATURES, NAMED.predict(FEATURES), id="fitted on a frame"),
    pytest.param(UNNAMED, FEATURES, UNNAMED.predict(FEATURES.to_numpy()), id="fitted on an array"),
    pytest.param(
        NAMED, FEATURES[FEATURES.columns[::-1]], NAMED.predict(FEATURES), id="columns reordered"
    ),
    pytest.param(
        TEXTS, pd.DataFrame({"review": ["a good one", "bad bad"]}), ["yes", "no"], id="texts"
    ),
    pytest.param(
        GridSearchCV(TEXTS, {"logisticregression__C": [1.0]}, cv=2).fit(
            ["good film", "bad film", "good", "bad"], ["yes", "no", "yes", "no"]
        ),
        pd.DataFrame({"review": ["a good one", "bad bad"]}),
        ["yes", "no"],
        id="texts inside a search",
    ),
]


@pytest.mark.parametrize(("estimator", "frame", "expected"), FITTED)
def test_predictions_equal_the_estimators_own(
    estimator: Any, frame: pd.DataFrame, expected: Any
) -> None:
    wrapped = target(estimator)
    wrapped.check(batch(frame))
    assert values(wrapped.call_batch(batch(frame))) == list(expected)


def test_answers_are_python_scalars() -> None:
    labels = values(target(NAMED).call_batch(batch(FEATURES.head(3))))
    numbers = values(
        target(LinearRegression().fit([[0], [1]], [0, 1])).call_batch(
            batch(pd.DataFrame({"x": [0.5]}))
        )
    )
    assert {type(label) for label in labels} == {int}
    assert {type(number) for number in numbers} == {float}


def test_several_outputs_a_case_are_a_list() -> None:
    model = MultiOutputRegressor(LinearRegression()).fit([[0], [1]], [[0, 0], [1, 2]])
    (value,) = values(target(model).call_batch(batch(pd.DataFrame({"x": [1.0]}))))
    assert value == pytest.approx([1.0, 2.0])


def test_probabilities_come_with_label_and_classes() -> None:
    found = values(target(NAMED, states="probabilities").call_batch(batch(FEATURES.head(2))))
    assert [value["label"] for value in found] == list(NAMED.predict(FEATURES.head(2)))
    assert found[0]["classes"] == [0, 1, 2]
    shares = np.array([value["probabilities"] for value in found])
    assert shares == pytest.approx(NAMED.predict_proba(FEATURES.head(2)))


NO_PROBABILITIES = [
    pytest.param(LinearSVC(), "CalibratedClassifierCV", id="decision values alone"),
    pytest.param(LinearRegression(), "has no predict_proba", id="a regressor"),
]


@pytest.mark.parametrize(("estimator", "told"), NO_PROBABILITIES)
def test_probabilities_that_there_are_none_of_are_refused(estimator: Any, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        target(estimator).for_classes("probabilities")


def test_columns_have_the_dtypes_of_the_data() -> None:
    seen: list[pd.DataFrame] = []

    class Remembers:
        def fit(self) -> None: ...

        def predict(self, frame: pd.DataFrame) -> list[int]:
            seen.append(frame)
            return [0] * len(frame)

    dtypes = {"region": "category", "age": "float32"}
    rows = pd.DataFrame({"region": ["n", "s"], "age": [1, 2], "plain": [3, 4]})
    values(target(Remembers()).with_dtypes(dtypes).call_batch(batch(rows)))
    assert seen[0].dtypes.astype(str).to_dict() == {**dtypes, "plain": "int64"}


def test_a_mixed_pipeline_gets_what_it_was_fitted_on() -> None:
    frame = pd.DataFrame({"region": ["n", "s", "n", "s"], "age": [1.0, 5.0, 2.0, 6.0]})
    encoder = ColumnTransformer([("region", OneHotEncoder(), ["region"])], remainder="passthrough")
    model = make_pipeline(encoder, LogisticRegression()).fit(frame, [0, 1, 0, 1])
    assert values(target(model).call_batch(batch(frame))) == [0, 1, 0, 1]


UNBOUND = [
    pytest.param(
        NAMED, FEATURES.rename(columns={"petal width (cm)": "petal with (cm)"}),
        "fitted on 'petal width .cm.'.*Did you mean 'petal with", id="misspelt",
    ),
    pytest.param(NAMED, FEATURES.assign(id=1), "was not fitted on 'id'", id="one too many"),
    pytest.param(UNNAMED, FEATURES.iloc[:, :3], "4 columns, and there are 3", id="count"),
    pytest.param(UNNAMED, pd.DataFrame(index=[0]), "there are none", id="none"),
]  # fmt: skip


@pytest.mark.parametrize(("estimator", "frame", "told"), UNBOUND)
def test_other_columns_than_it_was_fitted_on_are_refused_before_the_call(
    estimator: Any, frame: pd.DataFrame, told: str
) -> None:
    with pytest.raises(BindingError, match=told):
        target(estimator).check(batch(frame))


class Fails:
    calls = 0

    def fit(self) -> None: ...

    def predict(self, frame: pd.DataFrame) -> list[Any]:  # noqa: ARG002
        self.calls += 1
        raise ZeroDivisionError("row 3")


def test_a_batch_that_raises_fails_all_of_its_cases_and_is_not_called_again() -> None:
    model = Fails()
    found = target(model).call_batch(batch(FEATURES.head(3)))
    assert found == [Failure("target_error", "ZeroDivisionError: row 3")] * 3
    assert model.calls == 1


def test_a_wrong_number_of_predictions_is_no_answer() -> None:
    class Short(Fails):
        def predict(self, frame: pd.DataFrame) -> list[Any]:  # noqa: ARG002
            return [0]

    found = target(Short()).call_batch(batch(FEATURES.head(3)))
    assert found == [Failure("invalid_response", "predict gave 1 values for 3 cases.")] * 3


def test_none_among_predictions_is_empty() -> None:
    class Abstains(Fails):
        def predict(self, frame: pd.DataFrame) -> list[Any]:  # noqa: ARG002
            return [1, None]

    found = target(Abstains()).call_batch(batch(FEATURES.head(2)))
    assert found == [Output(1), Failure("empty", "Abstains predicted None.")]


def test_no_cases_are_no_call() -> None:
    assert target(Fails()).call_batch(CaseBatch.of([])) == []


KINDS = [
    pytest.param(NAMED, True, id="pipeline"),
    pytest.param(DummyClassifier(), True, id="not fitted"),
    pytest.param(Fails(), True, id="of one's own"),
    pytest.param(DummyClassifier, False, id="a class"),
    pytest.param(len, False, id="a function"),
]


@pytest.mark.parametrize(("thing", "expected"), KINDS)
def test_an_estimator_is_known_by_its_methods(thing: Any, *, expected: bool) -> None:
    assert is_estimator(thing) is expected


def test_identity_names_the_last_step_and_the_plain_settings() -> None:
    wrapped = target(NAMED, version="3")
    identity = wrapped.identity
    assert isinstance(wrapped, Target)
    assert (identity.kind, identity.version) == ("estimator", "3")
    assert identity.name == "Pipeline(LogisticRegression)"
    assert identity.parameters["settings"]["logisticregression__C"] == 1.0
    assert identity.parameters["settings"]["standardscaler"] == "StandardScaler"


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=5))
@settings(max_examples=20)
def test_batches_of_any_size_give_the_same_predictions(sizes: list[int]) -> None:
    found: list[Any] = []
    start = 0
    for size in sizes:
        found += values(target(NAMED).call_batch(batch(FEATURES.iloc[start : start + size])))
        start += size
    assert found == list(NAMED.predict(FEATURES.iloc[:start]))[: len(found)]


def _fitted(seed: int, n: int = 40) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    draw = np.random.default_rng(seed)
    features = draw.random((n, 3))
    forest = RandomForestClassifier(n_estimators=5, random_state=1)
    return forest.fit(features, features[:, 0] > draw.random(n))


def test_what_an_estimator_has_learnt_is_part_of_its_identity() -> None:
    first, same, other = (EstimatorTarget(estimator=_fitted(seed)) for seed in (1, 1, 2))

    assert first.learnt is not None
    assert first.identity == same.identity
    assert first.identity != other.identity
    assert first.identity.parameters["settings"] == other.identity.parameters["settings"]


def test_predicting_does_not_change_an_identity() -> None:
    model = _fitted(1)
    before = EstimatorTarget(estimator=model).identity
    model.predict(np.zeros((2, 3)))

    assert EstimatorTarget(estimator=model).identity == before


def test_an_estimator_that_cannot_be_pickled_is_known_by_its_settings() -> None:
    model = _fitted(1)
    model.note = lambda: None

    assert EstimatorTarget(estimator=model).learnt is None


def test_a_retrained_estimator_is_another_model() -> None:
    rows = [{"a": 0.1, "b": 0.2, "c": 0.3, "expected": "True"}]
    ids = {
        evalkit.evaluate(
            _fitted(seed), rows, "classification.accuracy", runtime=evalkit.Runtime(store=False)
        ).model_id
        for seed in (1, 1, 2)
    }

    assert len(ids) == 2
