"""Metrics of errors against scikit-learn, with weights and on awkward numbers."""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given
from hypothesis import strategies as st

from evalkit.plugin import Additive, CaseBatch, Rows, Status
from evalkit.scoring.estimate import Design, estimate_corpus
from evalkit_scorers.regression.errors import Mae, Mape, MaxError, MedianAe, Mse, QuantileLoss, Rmse
from evalkit_scorers.regression.r2 import R2

METRICS: dict[str, tuple[Any, Callable[..., float]]] = {
    "mae": (Mae(), reference.mean_absolute_error),
    "mse": (Mse(), reference.mean_squared_error),
    "mape": (Mape(), reference.mean_absolute_percentage_error),
    "quantile-0.5": (QuantileLoss(), reference.mean_pinball_loss),
    "quantile-0.9": (
        QuantileLoss(alpha=0.9),
        lambda *args, **kwargs: reference.mean_pinball_loss(*args, alpha=0.9, **kwargs),
    ),
    "rmse": (Rmse(), reference.root_mean_squared_error),
    "r2": (R2(), reference.r2_score),
    "median_ae": (MedianAe(), reference.median_absolute_error),
    "max_error": (MaxError(), lambda *args, **_: reference.max_error(*args)),
}
CORPUS = ["rmse", "r2", "median_ae", "max_error"]
by_name = pytest.mark.parametrize("name", METRICS)


def batch_of(targets: Any, outputs: Any) -> CaseBatch:
    columns = {"outputs": outputs, "expectations": [{"target": t} for t in targets]}
    return CaseBatch(columns, length=len(outputs))


def measured(metric: Any, targets: Any, outputs: Any, weights: Any = None) -> float:
    """Return the estimate as the engine makes it of a column."""
    column = metric.score_batch(batch_of(targets, outputs))
    assert (column.status == Status.OK).all()
    match column.statistics:
        case Additive(vectors):
            load = np.ones(len(vectors)) if weights is None else weights
            return float(metric.compute(load @ vectors))
        case Rows() as rows:
            return float(metric.compute(rows, weights))
        case _:
            return float(np.average(column.values, weights=weights))


def expected(name: str, *args: Any, **kwargs: Any) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of one case
        return METRICS[name][1](*args, **kwargs)


numbers = st.floats(-1e6, 1e6, width=32)
triples = st.lists(st.tuples(numbers, numbers, st.integers(1, 9)), min_size=1, max_size=25)


@by_name
@given(cases=triples, weighted=st.booleans())
def test_the_estimate_equals_scikit_learn(
    name: str, cases: list[tuple[float, float, int]], weighted: bool
) -> None:
    targets, outputs, weights = map(list, zip(*cases, strict=True))
    load = np.array(weights, dtype=np.float64) if weighted else None
    if name == "mape" and 0.0 in targets:
        targets = [target or 1.0 for target in targets]

    found = measured(METRICS[name][0], targets, outputs, load)

    wanted = expected(name, targets, outputs, sample_weight=load)
    assert found == pytest.approx(wanted, rel=1e-9, abs=1e-9, nan_ok=True)


@by_name
def test_perfect_outputs_get_the_best_value(name: str) -> None:
    best = 1.0 if name == "r2" else 0.0

    assert measured(METRICS[name][0], [3, 1, 4, 1], [3, 1, 4, 1]) == best


def test_r2_keeps_its_digits_far_from_zero() -> None:
    """Sums of squares would leave nothing of a variance of 1 beside a mean of 1e9."""
    generator = np.random.default_rng(3)
    targets = 1e9 + generator.normal(size=500)
    outputs = targets + generator.normal(size=500) / 2

    found = measured(R2(), targets.tolist(), outputs.tolist())

    assert found == pytest.approx(reference.r2_score(targets, outputs), abs=1e-9)


def test_r2_of_equal_targets_is_undefined_unless_made_finite() -> None:
    assert measured(R2(), [0.1] * 3, [0.1] * 3) == 1.0
    assert measured(R2(), [0.1] * 3, [0.1, 0.1, 0.2]) == 0.0
    assert np.isnan(measured(R2(force_finite=False), [0.1] * 3, [0.1] * 3))


@pytest.mark.parametrize(
    ("errors", "weights", "median"),
    [
        pytest.param([1, 2, 9], [1, 1, 1], 2, id="odd"),
        pytest.param([1, 2, 3, 9], [1, 1, 1, 1], 2.5, id="even"),
        pytest.param([1, 2, 9], [1, 1, 5], 9, id="heavy"),
        pytest.param([1, 2, 9], [1, 0, 1], 5, id="the-middle-has-no-weight"),
        pytest.param([4], [0], np.nan, id="no-weight-at-all"),
    ],
)
def test_weighted_median(errors: list[float], weights: list[float], median: float) -> None:
    found = measured(MedianAe(), [0] * len(errors), errors, np.array(weights, dtype=np.float64))

    assert found == pytest.approx(median, nan_ok=True)


@pytest.mark.parametrize("name", ["r2", "median_ae", "max_error"])
@pytest.mark.parametrize("grouped", [False, True], ids=["cases", "groups"])
def test_a_draw_is_the_metric_of_the_cases_drawn(name: str, grouped: bool) -> None:
    from evalkit.plugin import bootstrap_weights

    generator = np.random.default_rng(8)
    targets = generator.normal(size=12)
    outputs = targets + generator.normal(size=12)
    groups = np.arange(12) // 3 if grouped else None
    metric = METRICS[name][0]
    rows = metric.score_batch(batch_of(targets.tolist(), outputs.tolist())).statistics

    draws = metric.draws(rows, None, 20, 1, groups)

    order = metric.order(rows)
    order = np.arange(12) if order is None else order
    drawn = bootstrap_weights(12, 20, seed=1, groups=None if groups is None else groups[order])
    for draw, count in zip(draws, np.concatenate(list(drawn)).astype(int), strict=True):
        picked = np.repeat(order, count)
        assert draw == pytest.approx(expected(name, targets[picked], outputs[picked]))


@pytest.mark.parametrize("alpha", [-0.1, 1.5])
def test_a_quantile_lies_between_zero_and_one(alpha: float) -> None:
    with pytest.raises(ValueError, match="alpha"):
        QuantileLoss(alpha=alpha)


def test_a_squared_error_too_large_for_a_number_is_a_failure() -> None:
    for metric in (Mse(), Rmse(), R2()):
        column = metric.score_batch(batch_of([0], [1e200]))
        assert column.reasons == {0: "scorer_error"}


def test_a_value_of_targets_and_outputs_leaves_out_what_cannot_be_scored() -> None:
    assert MaxError().value([0, 0, 0, None], [1, -9, "none", 100]) == 9.0
    assert np.isnan(R2().value([], []))


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("heavy", [False, True], ids=["normal", "heavy-tails"])
def test_the_root_mean_squared_error_is_covered(n: int, *, heavy: bool) -> None:
    rng = np.random.default_rng(n)
    truth = (5 / 3) ** 0.5 if heavy else 1.0
    hits = []
    for _ in range(150):
        errors = rng.standard_t(5, n) if heavy else rng.normal(size=n)
        column = Rmse().score_batch(batch_of([0] * n, errors.tolist()))
        found = estimate_corpus("rmse", column, Rmse.facts, Design(n=n), Rmse())
        if found.low is not None and found.high is not None:
            hits.append(found.low <= truth <= found.high)

    assert len(hits) > 0.9 * 150
    assert np.mean(hits) >= 0.9


def test_the_largest_error_has_no_interval_and_a_note() -> None:
    errors = np.random.default_rng(0).normal(size=60).tolist()
    column = MaxError().score_batch(batch_of([0] * 60, errors))
    found = estimate_corpus("max", column, MaxError.facts, Design(n=60), MaxError())

    assert found.value == max(map(abs, errors))
    assert (found.low, found.high) == (None, None)
    assert "more cases can only raise" in (found.note or "")
