"""Intervals of metrics of labels rest on the cases that the number is about."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

import evalkit
from evalkit.entities.estimate import Estimate
from evalkit.plugin import Rows, ScoreColumn
from evalkit.scoring.estimate import Design, estimate_corpus
from evalkit.scoring.means import interval_of_means
from evalkit_scorers.classification import (
    F1,
    BalancedAccuracy,
    CohenKappa,
    ConfusionMatrix,
    Mcc,
    Precision,
    Recall,
)

RUNTIME = evalkit.Runtime(store=False, progress=False)
OF_LABELS = [
    "classification.recall",
    "classification.precision",
    "classification.f1",
    "classification.balanced_accuracy",
    "classification.mcc",
    "classification.cohen_kappa",
]


def estimates(
    targets: Any, outputs: Any, scorers: list[Any], **options: Any
) -> dict[str, Estimate]:
    rows = [
        {"question": i, "expected": int(t), "output": int(o)}
        for i, (t, o) in enumerate(zip(targets, outputs, strict=True))
    ]
    result = evalkit.evaluate(data=rows, scorers=scorers, runtime=RUNTIME, **options)
    return {key: result[key] for key in scorers}


def rows_of(targets: Any, outputs: Any) -> Rows:
    pairs = {"target": targets, "output": outputs}
    return Rows({name: np.array([str(v) for v in vs], dtype=object) for name, vs in pairs.items()})


def few_positives(positives: int, n: int = 1000, mistaken: int = 20) -> tuple[Any, Any]:
    targets = np.zeros(n, dtype=int)
    targets[:positives] = 1
    outputs = targets.copy()
    outputs[n // 2 : n // 2 + mistaken] = 1
    return targets, outputs


@pytest.mark.parametrize(
    ("positives", "low"), [(3, 0.292), (4, 0.398), (6, 0.541), (10, 0.692), (30, 0.886)]
)
def test_all_of_few_positives_prove_little(positives: int, low: float) -> None:
    targets, outputs = few_positives(positives)
    recall = estimates(targets, outputs, OF_LABELS[:1])[OF_LABELS[0]]
    precision = estimates(outputs, targets, OF_LABELS[1:2])[OF_LABELS[1]]

    for found in (recall, precision):
        assert (found.value, found.high) == (1.0, 1.0)
        assert found.low == pytest.approx(low, abs=0.001)


def test_a_gate_on_the_recall_of_four_does_not_pass() -> None:
    targets, outputs = few_positives(4)
    rows = [
        {"question": i, "expected": int(t), "output": int(o)}
        for i, (t, o) in enumerate(zip(targets, outputs, strict=True))
    ]
    result = evalkit.evaluate(
        data=rows, scorers=OF_LABELS[:1], gates=["classification.recall >= 0.99"], runtime=RUNTIME
    )

    assert result.verdict.status == "INCONCLUSIVE"


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("classification.recall", "no target is the positive label"),
        ("classification.precision", "no output is the positive label"),
        ("classification.f1", "neither a target nor an output is the positive label"),
    ],
)
def test_what_is_about_no_case_has_no_value(key: str, why: str) -> None:
    nothing = np.zeros(100, dtype=int)
    found = estimates(nothing, nothing, [key])[key]

    assert found.value is None
    assert found.low is None
    assert why in (found.note or "")


def test_an_average_over_classes_keeps_the_value_of_an_empty_one() -> None:
    rows = rows_of([1, 1, 0], [1, 0, 0])

    assert Recall(average="macro", labels=[0, 1, 2]).compute(rows, None) == pytest.approx(0.5)
    assert Recall(zero_division=1).compute(rows_of([0, 0], [1, 0]), None) == 1.0


@pytest.mark.parametrize("n", [3, 12, 40])
@pytest.mark.parametrize("key", OF_LABELS)
def test_perfect_answers_never_collapse(key: str, n: int) -> None:
    targets, outputs = few_positives(n, n=400, mistaken=0)
    found = estimates(targets, outputs, [key])[key]

    assert found.value == pytest.approx(1.0)
    assert found.high == pytest.approx(1.0)
    assert found.low is not None
    assert 0.1 < found.low < 1 - 1 / n


def test_one_number_has_one_interval() -> None:
    rng = np.random.default_rng(0)
    targets = rng.integers(0, 3, 200)
    outputs = np.where(rng.random(200) < 0.9, targets, rng.integers(0, 3, 200))
    same = ["classification.accuracy", "classification.confusion_matrix"]
    for group in (None, "topic"):
        rows = [
            {"question": i, "expected": int(t), "output": int(o), "topic": i // 4}
            for i, (t, o) in enumerate(zip(targets, outputs, strict=True))
        ]
        options: dict[str, Any] = {} if group is None else {"columns": {"group": group}}
        result = evalkit.evaluate(data=rows, scorers=same, runtime=RUNTIME, **options)
        ends = {(result[key].value, result[key].low, result[key].high) for key in same}

        assert len(ends) == 1


def limits(metric: Any, rows: Rows, **options: Any) -> Any:
    settings: dict[str, Any] = {"weights": None, "groups": None, "level": 0.95, "seed": 0}
    value = metric.compute(rows, settings["weights"])
    return interval_of_means(metric.means(rows), value, len(rows), **(settings | options))


def test_balanced_accuracy_adds_up_the_limits_of_its_classes() -> None:
    targets, outputs = few_positives(5, n=205, mistaken=10)
    rows = rows_of(targets, outputs)
    found = limits(BalancedAccuracy(), rows)
    of_positives = limits(Recall(pos_label=1), rows)

    assert found.method == "square-and-add"
    assert 0.975 - found.low == pytest.approx((1 - of_positives.low) / 2, rel=0.02)
    assert limits(BalancedAccuracy(adjusted=True), rows).width == pytest.approx(2 * found.width)


def test_groups_and_weights_widen_the_rate_of_a_part() -> None:
    targets, outputs = few_positives(40, n=200)
    rows = rows_of(targets, np.where(np.arange(200) % 10 == 0, 1 - outputs, outputs))
    plain = limits(Recall(pos_label=1), rows)
    grouped = limits(Recall(pos_label=1), rows, groups=np.arange(200) // 10)
    weighted = limits(Recall(pos_label=1), rows, weights=np.r_[np.full(5, 9.0), np.ones(195)])

    assert grouped.width > plain.width
    assert weighted.width > plain.width


@pytest.mark.parametrize("metric", [Mcc(), CohenKappa(), F1(average="macro")], ids=lambda m: m.name)
def test_draws_hold_mistakes_that_were_not_made(metric: Any) -> None:
    rows = rows_of([0] * 50 + [1] * 6, [0] * 50 + [1] * 6)
    drawn = metric.draws(rows, None, 1000, 0)
    by_group = metric.draws(rows, None, 1000, 0, np.arange(56) // 2)

    assert np.isfinite(drawn).all()
    assert 0.2 < np.quantile(drawn, 0.025) < 0.95
    assert np.quantile(by_group, 0.025) < np.quantile(drawn, 0.5)


def simulated(prevalence: float, n: int, rng: Any) -> tuple[Any, Any, dict[str, float]]:
    recall, false = 0.9, 0.04
    targets = (rng.random(n) < prevalence).astype(int)
    outputs = np.where(targets == 1, rng.random(n) < recall, rng.random(n) < false).astype(int)
    hits, wrong = prevalence * recall, (1 - prevalence) * false
    truth = {
        "recall": recall,
        "precision": hits / (hits + wrong),
        "f1": 2 * hits / (hits + wrong + prevalence),
        "balanced": (recall + 1 - false) / 2,
    }
    return targets, outputs, truth


@pytest.mark.parametrize(("prevalence", "n"), [(0.02, 300), (0.1, 50), (0.1, 300), (0.5, 40)])
def test_metrics_made_of_rates_are_covered(prevalence: float, n: int) -> None:
    rng = np.random.default_rng(n)
    metrics: dict[str, Any] = {
        "recall": Recall(pos_label=1),
        "precision": Precision(pos_label=1),
        "f1": F1(pos_label=1),
        "balanced": BalancedAccuracy(),
    }
    hits: dict[str, list[bool]] = {name: [] for name in metrics}
    for _ in range(300):
        targets, outputs, truth = simulated(prevalence, n, rng)
        if not targets.any():
            continue
        for name, metric in metrics.items():
            found = limits(metric, rows_of(targets, outputs))
            if found is not None:
                hits[name].append(found.low <= truth[name] <= found.high)

    for name, inside in hits.items():  # 300 samples: a standard error of .016
        assert np.mean(inside) >= 0.92 - 0.032, name


DRAWN: list[Any] = [Mcc(), CohenKappa(), F1(average="macro")]


def drawn_coverage(metric: Any, n: int, shares: tuple[float, ...], samples: int) -> float:
    """Return how often the interval holds the truth: *shares* are hits, misses, false alarms."""
    every = np.array([*shares, 1 - sum(shares)])

    def rows(counts: Any) -> Rows:
        return rows_of(np.repeat([1, 1, 0, 0], counts), np.repeat([1, 0, 1, 0], counts))

    truth = metric.compute(rows(np.round(every * 100_000).astype(int)), None)
    inside = []
    for counts in np.random.default_rng(n).multinomial(n, every, size=samples):
        column = ScoreColumn(np.full(n, np.nan), np.zeros(n, dtype=np.int8))
        column.statistics = rows(counts)
        found = estimate_corpus(metric.name, column, metric.facts, Design(n=n), metric)
        if found.low is not None and found.high is not None:
            inside.append(found.low - 1e-9 <= truth <= found.high + 1e-9)
    return float(np.mean(inside))


@pytest.mark.parametrize("metric", DRAWN, ids=lambda m: m.name)
@pytest.mark.parametrize(
    ("n", "shares"),
    [
        pytest.param(50, (0.04, 0.01, 0.05), id="few-positives"),
        pytest.param(200, (0.0095, 0.0005, 0.02), id="of-200-two"),
        pytest.param(300, (0.15, 0.05, 0.08), id="many"),
    ],
)
def test_metrics_that_are_drawn_are_covered(metric: Any, n: int, shares: tuple[float, ...]) -> None:
    # 150 samples: two standard errors are .044.
    assert drawn_coverage(metric, n, shares, 150) >= 0.92 - 0.044


@pytest.mark.slow
@pytest.mark.parametrize("metric", DRAWN, ids=lambda m: m.name)
@pytest.mark.parametrize(("recall", "specificity"), [(0.95, 0.98), (0.8, 0.95), (0.5, 0.9)])
@pytest.mark.parametrize("prevalence", [0.01, 0.05, 0.1, 0.3, 0.5])
def test_metrics_that_are_drawn_are_covered_everywhere(
    metric: Any, prevalence: float, recall: float, specificity: float
) -> None:
    shares = prevalence * recall, prevalence * (1 - recall), (1 - prevalence) * (1 - specificity)
    for n in (20, 50, 200, 1000):
        if n * prevalence >= 2:
            assert drawn_coverage(metric, n, shares, 500) >= 0.92 - 0.037


@pytest.mark.parametrize("key", OF_LABELS[3:])
def test_one_class_in_the_targets_tells_nothing_of_telling_them_apart(key: str) -> None:
    targets = np.zeros(60, dtype=int)
    found = estimates(targets, (np.arange(60) < 3).astype(int), [key])[key]

    assert found.low is None
    assert "the targets hold one label only" in (found.note or "")


def test_f1_is_an_increasing_function_of_its_rate() -> None:
    targets, outputs, _ = simulated(0.3, 200, np.random.default_rng(1))
    means = F1(pos_label=1).means(rows_of(targets, outputs))

    assert means is not None
    assert means.metric(means.values[0].mean()) == pytest.approx(f1_score(targets, outputs))


def test_the_diagonal_is_one_rate_over_all_cases() -> None:
    means = ConfusionMatrix().means(rows_of([0, 1, 1], [0, 1, 0]))

    assert means.values[0].tolist() == [1.0, 1.0, 0.0]


@pytest.mark.parametrize("metric", [*DRAWN, Recall(), BalancedAccuracy()], ids=lambda m: m.name)
def test_many_weightings_at_once_are_each_the_metric(metric: Any) -> None:
    targets, outputs, _ = simulated(0.4, 40, np.random.default_rng(2))
    rows, weights = rows_of(targets, outputs), np.random.default_rng(3).exponential(size=(5, 40))

    each = [metric.compute(rows, row) for row in weights]
    assert metric.of_draws(rows, weights) == pytest.approx(each)
