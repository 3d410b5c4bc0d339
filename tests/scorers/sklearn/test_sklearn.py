"""Any metric of scikit-learn by its name, with scikit-learn's own value."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as sklearn_metrics
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import UnknownScorerError, UsageError
from evalkit.hooks.catalog import get_scorer
from evalkit.plugin import Case, CaseBatch, Rows, Status
from evalkit.scoring.signature import rebuild, signature, specification
from evalkit_scorers.sklearn.metric import SklearnMetric, kind_of, metric_names

LETTERS = ["a", "b", "ç"]
REGRESSION = [name for name in metric_names() if kind_of(name) == "numbers"]
LABELS = [name for name in metric_names() if kind_of(name) == "labels"]
# These want labels to be averaged over, or a positive one, which texts alone do not name.
AVERAGED = {
    name: {"average": "macro"}
    for name in ("f1_score", "fbeta_score", "jaccard_score", "precision_score", "recall_score")
}
AVERAGED["fbeta_score"] = {"average": "macro", "beta": 2.0}  # type: ignore[dict-item]


def rows_of(metric: Any, targets: Sequence[Any], outputs: Sequence[Any]) -> Rows:
    columns = {"outputs": outputs, "expectations": [{"target": t} for t in targets]}
    column = metric.score_batch(CaseBatch(columns, length=len(outputs)))
    assert (column.status == Status.OK).all()
    assert isinstance(column.statistics, Rows)
    return column.statistics


def expected(name: str, *args: Any, **keywords: Any) -> float:
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # scikit-learn warns where a metric is undefined
        try:
            value = float(getattr(sklearn_metrics, name)(*args, **keywords))
        except (ValueError, ZeroDivisionError):
            return float("nan")
    return value if np.isfinite(value) else float("nan")


def metric_of(name: str) -> SklearnMetric:
    return SklearnMetric(function=name, keywords=AVERAGED.get(name, {}))


@pytest.mark.parametrize("name", LABELS)
@given(cases=st.lists(st.tuples(*[st.sampled_from(LETTERS)] * 2), min_size=1, max_size=20))
@settings(max_examples=20)
def test_metrics_of_labels(name: str, cases: list[tuple[str, str]]) -> None:
    targets, outputs = map(list, zip(*cases, strict=True))

    found = metric_of(name).compute(rows_of(metric_of(name), targets, outputs), None)

    wanted = expected(name, targets, outputs, **AVERAGED.get(name, {}))
    assert found == pytest.approx(wanted, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("name", REGRESSION)
@given(
    cases=st.lists(
        st.tuples(st.floats(0.125, 64, width=16), st.floats(0.125, 64, width=16)),
        min_size=2,
        max_size=15,
    )
)
@settings(max_examples=20)
def test_metrics_of_numbers(name: str, cases: list[tuple[float, float]]) -> None:
    targets, outputs = map(list, zip(*cases, strict=True))

    found = metric_of(name).compute(rows_of(metric_of(name), targets, outputs), None)

    assert found == pytest.approx(expected(name, targets, outputs), rel=1e-9, nan_ok=True)


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("roc_auc_score", {}),
        ("roc_auc_score", {"max_fpr": 0.5}),
        ("average_precision_score", {}),
        ("brier_score_loss", {}),
        ("log_loss", {}),
        ("hinge_loss", {}),
        ("d2_log_loss_score", {}),
    ],
)
def test_metrics_of_two_classes(name: str, keywords: dict[str, Any]) -> None:
    targets = ["no", "yes", "yes", "no", "yes"]
    shares = [0.25, 0.75, 0.5, 0.5, 1.0]
    outputs = [{"no": 1 - share, "yes": share} for share in shares]
    metric = SklearnMetric(function=name).configured(**keywords)

    found = metric.compute(rows_of(metric, targets, outputs), None)

    numbers = [int(target == "yes") for target in targets]
    assert found == pytest.approx(expected(name, numbers, shares, **keywords), abs=1e-9)


@pytest.mark.parametrize(
    ("name", "keywords"),
    [
        ("roc_auc_score", {"multi_class": "ovr"}),
        ("roc_auc_score", {"multi_class": "ovo"}),
        ("log_loss", {}),
        ("brier_score_loss", {}),
        ("top_k_accuracy_score", {"k": 2}),
    ],
)
def test_metrics_of_more_classes(name: str, keywords: dict[str, Any]) -> None:
    matrix = np.random.default_rng(1).dirichlet([1, 1, 1], 12)
    targets = [*LETTERS, *np.random.default_rng(2).choice(LETTERS, 9).tolist()]
    outputs = [dict(zip(LETTERS, row, strict=True)) for row in matrix.tolist()]
    metric = SklearnMetric(function=name).configured(**keywords)

    found = metric.compute(rows_of(metric, targets, outputs), None)

    assert found == pytest.approx(expected(name, targets, matrix, **keywords), abs=1e-9)


@pytest.mark.parametrize("name", ["accuracy_score", "mean_absolute_error", "roc_auc_score"])
def test_weights_are_passed_on(name: str) -> None:
    targets, outputs = [0, 1, 1, 0], [0.0, 1.0, 0.0, 1.0]
    weights = np.array([1.0, 2.0, 0.5, 1.0])
    metric = SklearnMetric(function=name)

    found = metric.compute(rows_of(metric, targets, outputs), weights)

    assert found == pytest.approx(expected(name, targets, outputs, sample_weight=weights))


@pytest.mark.parametrize("name", ["max_error", "rand_score"])
def test_a_metric_without_weights_takes_counts_but_no_fractions(name: str) -> None:
    targets, outputs = [0, 1, 1, 2], [0, 1, 2, 2]
    metric = SklearnMetric(function=name)
    rows = rows_of(metric, targets, outputs)
    counts = np.array([2.0, 0.0, 1.0, 1.0])

    picked = np.repeat(np.arange(4), counts.astype(int))
    wanted = expected(name, np.array(targets)[picked], np.array(outputs)[picked])
    assert metric.compute(rows, counts) == pytest.approx(wanted)
    assert np.isnan(metric.compute(rows, np.array([0.5, 1.0, 2.0, 1.0])))
    assert "takes no weights" in (metric.note(rows, np.array([0.5, 1.0, 2.0, 1.0])) or "")


@pytest.mark.parametrize("name", ["accuracy_score", "adjusted_rand_score", "r2_score"])
def test_draws_are_the_metric_of_resampled_cases(name: str) -> None:
    generator = np.random.default_rng(6)
    targets = generator.integers(0, 3, 60)
    outputs = np.where(generator.random(60) < 0.7, targets, generator.integers(0, 3, 60))
    metric = SklearnMetric(function=name)
    rows = rows_of(metric, targets.tolist(), outputs.tolist())

    draws = metric.draws(rows, None, 300, 1)

    reference = [
        expected(name, targets[picked], outputs[picked])
        for picked in generator.integers(0, 60, (300, 60))
    ]
    assert draws.mean() == pytest.approx(np.mean(reference), abs=float(np.std(reference)) / 4)
    assert draws.std() == pytest.approx(np.std(reference), rel=0.3)
    assert np.array_equal(draws, metric.draws(rows, None, 300, 1))


def test_what_scikit_learn_refuses_has_no_value_and_says_why() -> None:
    metric = SklearnMetric(function="f1_score")
    rows = rows_of(metric, ["no", "yes"], ["no", "no"])

    assert np.isnan(metric.compute(rows, None))
    assert "pos_label=1 is not a valid label" in (metric.note(rows) or "")


def test_outputs_that_disagree_on_the_number_of_classes_have_no_value() -> None:
    metric = SklearnMetric(function="log_loss")
    rows = rows_of(metric, [1, 0], [{"0": 0.2, "1": 0.8}, {"0": 0.2, "1": 0.5, "2": 0.3}])

    assert np.isnan(metric.compute(rows, None))
    assert np.isnan(metric.draws(rows, None, 3, 0)).all()
    assert "two classes and others more" in (metric.note(rows) or "")


def test_rubbish_is_a_wrong_answer_beside_texts_and_no_label_beside_numbers() -> None:
    metric = SklearnMetric(function="accuracy_score")

    assert metric.compute(rows_of(metric, ["a", "b", "a"], ["a", "As an AI…", "?"]), None) == 1 / 3
    batch = [Case(outputs=o, expectations={"target": 1}) for o in (1, "As an AI…", [1, 2])]
    assert metric.score_batch(CaseBatch.of(batch)).status.tolist() == [0, 2, 2]


def test_a_metric_is_found_by_name_and_configured() -> None:
    scorer = get_scorer("sklearn.fbeta_score", beta=2, average="macro")

    assert scorer.name == "sklearn.fbeta_score"
    assert "beta" in signature(scorer)


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        pytest.param({"betta": 2}, "Did you mean 'beta'", id="misspelt"),
        pytest.param({"sample_weight": [1]}, "has no 'sample_weight'", id="weights-are-the-data's"),
        pytest.param({"average": "mean", "beta": 1}, "average", id="value"),
    ],
)
def test_keywords_that_the_function_lacks_are_refused(keywords: Any, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        get_scorer("sklearn.fbeta_score", **keywords)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("sklearn.f1_scores", "sklearn.f1_score"),
        ("sklearn.acuracy_score", "sklearn.accuracy_score"),
        ("sklearn.confusion_matrix", None),
        ("sklearn.ndcg_score", None),
        ("sklearn.silhouette_score", None),
        ("sklearn.auc", None),
    ],
)
def test_a_name_that_is_no_metric_is_an_error_with_near_misses(name: str, near: str | None) -> None:
    with pytest.raises(UnknownScorerError) as raised:
        get_scorer(name)

    assert near is None or f"Did you mean {near!r}" in str(raised.value)


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("accuracy_score", "higher"),
        ("matthews_corrcoef", "higher"),
        ("mean_squared_error", "lower"),
        ("zero_one_loss", "lower"),
        ("mean_poisson_deviance", "lower"),
    ],
)
def test_direction_is_told_by_the_name(name: str, direction: str) -> None:
    assert SklearnMetric(function=name).facts.direction == direction


def test_a_configured_metric_is_rebuilt_from_its_specification() -> None:
    scorer = get_scorer("sklearn.fbeta_score", beta=2)

    assert rebuild(specification(scorer)) == scorer
