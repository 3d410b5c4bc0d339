"""What is no label is no wrong label, and which label is the positive one is asked for or said."""

import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_iris, make_classification
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.svm import LinearSVC

from evalkit import EvaluationResult, Runtime, evaluate, get_scorer, make_judge
from evalkit.entities.estimate import Estimate
from evalkit.errors import UsageError
from evalkit.testing import ScriptedEndpoint

LABELLED = [{"x": i, "expected": i % 2} for i in range(20)]
OF_X = {"inputs": ["x"]}


def stored(pairs: list[tuple[Any, Any]], *scorers: Any) -> EvaluationResult:
    rows = [{"expected": expected, "output": output} for expected, output in pairs]
    return evaluate(data=rows, scorers=list(scorers))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(lambda x: [x % 2], id="list"),
        pytest.param(lambda x: np.array([x % 2]), id="array"),
        pytest.param(lambda x: pd.Series([x % 2]), id="series"),
        pytest.param(lambda x: np.bool_(x % 2), id="truth-value"),
    ],
)
@pytest.mark.parametrize("scorer", ["classification.accuracy", "sklearn.f1_score", "regression.r2"])
def test_what_a_model_returns_for_one_row_is_scored(model: Callable[..., Any], scorer: str) -> None:
    assert evaluate(model, LABELLED, [scorer], columns=OF_X)[scorer].value == 1.0


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        pytest.param(lambda x: 0.69 if x % 2 else 0.31, "a probability", id="probability"),
        pytest.param(lambda x: [0.31, 0.69], "list of 2 values", id="vector"),  # noqa: ARG005
        pytest.param(lambda x: "yes" if x % 2 else "no", "the text 'yes'", id="text"),
        pytest.param(lambda x: {"answer": x % 2, "why": "x"}, "reads=", id="mapping"),
    ],
)
@pytest.mark.parametrize("scorer", ["classification.accuracy", "classification.f1"])
def test_an_answer_that_is_no_label_fails_with_a_hint(
    model: Callable[..., Any], hint: str, scorer: str
) -> None:
    result = evaluate(model, LABELLED, [scorer], columns=OF_X, gates=[f"{scorer} >= 0.01"])

    assert result[scorer].value is None
    assert result[scorer].n_failed == 20
    assert result.verdict.status != "PASS"
    failures = result.failures()
    assert set(failures["reason"]) == {"invalid_response"}
    assert hint in failures["explanation"].tolist()[1]


def test_a_model_of_other_labels_than_the_data_has_is_not_silently_wrong() -> None:
    words = [{"x": i, "expected": "yes" if i % 2 else "no"} for i in range(6)]

    result = evaluate(lambda x: x % 2, words, ["classification.accuracy"], columns=OF_X)

    assert result["classification.accuracy"].value is None
    assert "write both alike" in result.failures()["explanation"][0]


CHURN = [
    ("churn" if i % 5 == 0 else "stay", {"churn": 0.1 + i % 7 / 10, "stay": 0.9 - i % 7 / 10})
    for i in range(30)
]


class TestPositiveLabel:
    @pytest.mark.parametrize("name", ["classification.average_precision", "classification.roc_auc"])
    def test_the_one_that_was_taken_is_named(self, name: str) -> None:
        estimate = stored(CHURN, name)[name]

        assert "positive label 'stay', the last in order; pos_label=" in (estimate.note or "")

    def test_another_can_be_asked_for(self) -> None:
        scorer = get_scorer("classification.average_precision", pos_label="churn")
        estimate = stored(CHURN, scorer)[scorer.name]

        wanted = [target == "churn" for target, _ in CHURN]
        area = average_precision_score(wanted, [shares["churn"] for _, shares in CHURN])
        assert estimate.value == pytest.approx(area)
        assert (estimate.note or "").startswith("positive label 'churn'")

    @pytest.mark.parametrize(
        ("scorer", "outputs"),
        [
            pytest.param("classification.f1", ["yes", "no"], id="f1"),
            pytest.param("classification.recall", ["yes", "no"], id="recall"),
            pytest.param("sklearn.precision_score", ["yes", "no"], id="scikit-learn"),
            pytest.param("classification.average_precision", [0.7, 0.2], id="ranking"),
            pytest.param("classification.brier", [0.7, 0.2], id="cells-of-probabilities"),
        ],
    )
    def test_one_that_no_case_has_is_refused_before_the_run(
        self, scorer: str, outputs: list[Any]
    ) -> None:
        with pytest.raises(UsageError, match=r"pos_label='maybe' .* they have 'no', 'yes'"):
            stored([("yes", outputs[0]), ("no", outputs[1])], get_scorer(scorer, pos_label="maybe"))

    @pytest.mark.parametrize("beside", [True, False], ids=["beside-labels", "alone"])
    @pytest.mark.parametrize(
        "scorer", ["classification.roc_auc", "classification.brier", "sklearn.log_loss"]
    )
    def test_one_probability_of_labels_that_are_texts_needs_it(
        self, scorer: str, beside: bool
    ) -> None:
        pairs: list[tuple[Any, Any]] = [("benign", 0.2), ("malignant", 0.7), ("benign", None)]
        if beside:
            pairs = [(label, {"label": "benign", "probabilities": p}) for label, p in pairs]
        with pytest.raises(UsageError, match="name it by pos_label=, one of 'benign', 'malignant'"):
            stored(pairs, scorer)

    @pytest.mark.parametrize(
        ("pairs", "settings"),
        [
            pytest.param([("b", 0.2), ("m", 0.7)], {"pos_label": "m"}, id="named"),
            pytest.param([("no", 0.2), ("Yes", 0.7)], {}, id="yes-and-no"),
            pytest.param([(0, 0.2), (1, 0.7)], {}, id="numbers"),
            pytest.param([("b", {"b": 0.8, "m": 0.2}), ("m", {"b": 0.3, "m": 0.7})], {}, id="map"),
            pytest.param([("b", [0.8, 0.2]), ("m", [0.3, 0.7])], {"labels": ["b", "m"]}, id="list"),
        ],
    )
    def test_probabilities_that_name_it_do_not(
        self, pairs: list[tuple[Any, Any]], settings: dict[str, Any]
    ) -> None:
        scorer = get_scorer("classification.roc_auc", **settings)
        assert stored(pairs * 4, scorer)[scorer.name].value == 1.0

    def test_what_is_cut_out_of_the_output_is_not_looked_at_before(self) -> None:
        scorer = get_scorer("classification.brier", extract=lambda text: f"{text} of 1")
        assert stored([("b", 0.2), ("m", 0.7)], scorer)[scorer.name].n_failed == 2

    def test_cases_of_one_label_alone_may_lack_it_and_have_no_value(self) -> None:
        scorer = get_scorer("classification.recall", pos_label="yes")
        estimate = stored([("no", "no")] * 5, scorer)[scorer.name]

        assert estimate.value is None
        assert "no target and no output is the positive label 'yes'" in (estimate.note or "")


@pytest.mark.parametrize(
    ("pairs", "note"),
    [
        pytest.param([(0, 0.3)] * 4, "all cases are 0, none is positive", id="no-positive"),
        pytest.param([(1, 0.3)] * 4, "all cases are 1, and a ranking needs others", id="only"),
        pytest.param(
            [("ab"[i % 2], {"a": 0.5, "b": 0.25, "c": 0.25}) for i in range(4)],
            "no case is 'c'",
            id="one-of-three",
        ),
    ],
)
def test_a_class_that_is_missing_is_named(pairs: list[tuple[Any, Any]], note: str) -> None:
    estimate: Estimate = stored(pairs, "classification.roc_auc")["classification.roc_auc"]

    assert estimate.value is None
    assert note in (estimate.note or "")


class TestDecisionValues:
    @pytest.mark.parametrize("kind", [LinearSVC, RidgeClassifier])
    @pytest.mark.parametrize("scorer", ["classification.roc_auc", "sklearn.roc_auc_score"])
    def test_an_area_takes_what_ranks_the_cases(self, kind: type, scorer: str) -> None:
        x, y = make_classification(200, flip_y=0.2, random_state=0)
        model: Any = kind().fit(x, y)

        result = evaluate(model, (x, y), [scorer, "classification.accuracy"])

        assert result[scorer].value == pytest.approx(roc_auc_score(y, model.decision_function(x)))
        assert result["classification.accuracy"].value == pytest.approx(model.score(x, y))

    def test_more_than_two_classes_have_a_value_each(self) -> None:
        x, y = load_iris(return_X_y=True)
        model = RidgeClassifier().fit(x, y)

        value = evaluate(model, (x, y), ["classification.roc_auc"])["classification.roc_auc"].value

        values = model.decision_function(x)
        each = [roc_auc_score(y == label, values[:, label]) for label in range(3)]
        assert value == pytest.approx(np.mean(each))

    @pytest.mark.parametrize("scorer", ["classification.brier", "classification.log_loss"])
    def test_a_loss_needs_probabilities(self, scorer: str) -> None:
        x, y = make_classification(40, random_state=0)

        with pytest.raises(UsageError, match="decision values, not probabilities"):
            evaluate(LinearSVC().fit(x, y), (x, y), ["classification.roc_auc", scorer])

    @pytest.mark.parametrize("model", [LogisticRegression(), CalibratedClassifierCV(LinearSVC())])
    def test_probabilities_are_taken_where_there_are_some(self, model: Any) -> None:
        x, y = make_classification(100, flip_y=0.2, random_state=0)
        model.fit(x, y)

        result = evaluate(model, (x, y), ["classification.roc_auc", "classification.brier"])

        area = roc_auc_score(y, model.predict_proba(x)[:, 1])
        assert result["classification.roc_auc"].value == pytest.approx(area)

    def test_stored_ones_are_no_probabilities(self) -> None:
        output: Mapping[str, Any] = {"classes": [0, 1], "label": 1, "decision_values": [-2.5, 2.5]}

        result = stored([(1, output), (0, output)], "classification.brier")

        assert "decision values" in result.failures()["explanation"][0]


def test_yes_and_no_are_not_listed_beside_their_metric_and_can_be_asked_for() -> None:
    def answer(request: Any) -> str:
        verdict = "no" if "q0" in str(request) else "yes"
        return json.dumps({"rationale": "r", "verdict": verdict})

    rows = [{"question": f"q{i}", "output": "a"} for i in range(4)]
    with ScriptedEndpoint(answer) as server:
        fine, graded = (
            make_judge(
                name,
                "Is {{ outputs }} fine for {{ inputs }}?",
                choices=choices,
                model="openai/m",
                base_url=server.base_url,
            )
            for name, choices in (("fine", None), ("graded", {"yes": 1.0, "so": 0.5, "no": 0.0}))
        )
        result = evaluate(
            data=rows,
            scorers=[fine, graded],
            gates=["fine=no <= 0.9"],
            runtime=Runtime(store=False, progress=False),
        )

    assert list(result.estimates) == ["fine", "graded", "graded=no", "graded=yes"]
    assert (result["fine"].value, result["fine=no"].value) == (0.75, 0.25)
    assert result.verdict.conditions[0].why.startswith("fine=no <= 0.9: 0.25")
