"""Differences of corpus metrics and quantiles: resampled in pairs, and honest without variance."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

import evalkit
from evalkit.evaluation.comparing.joint import JointTable
from evalkit.evaluation.comparing.pairs import join
from evalkit.evaluation.comparing.resampled import (
    additive_difference,
    quantile_difference,
    rows_difference,
)
from evalkit.plugin import Case, CaseBatch
from evalkit.scoring.column import Additive, Rows
from evalkit.scoring.estimate import Design
from evalkit.stats import delong_difference, paired_difference

NOTHING_KEPT = evalkit.Runtime(store=False)


def classified(share: float, seed: int, scorer: str = "classification.f1") -> Any:
    generator = np.random.default_rng(0)
    truth = generator.integers(0, 2, 400)
    right = np.random.default_rng(seed).random(400) < share
    rows = [
        {"inputs": {"x": i}, "expectations": int(t), "outputs": int(t if ok else 1 - t)}
        for i, (t, ok) in enumerate(zip(truth, right, strict=True))
    ]
    return evalkit.evaluate(data=rows, scorers=scorer, name=str(share), runtime=NOTHING_KEPT)


def labelled(truth: Any, said: Any, scorer: str, **fields: Any) -> Any:
    rows = [
        {"inputs": {"x": i}, "expectations": t, "outputs": o}
        | {name: column[i] for name, column in fields.items()}
        for i, (t, o) in enumerate(zip(list(truth), list(said), strict=True))
    ]
    return evalkit.evaluate(data=rows, scorers=scorer, runtime=NOTHING_KEPT)


@pytest.mark.parametrize("scorer", ["classification.f1", "classification.mcc"])
def test_a_joint_table_says_what_a_bootstrap_of_many_cases_says(scorer: str) -> None:
    good, poor = classified(0.85, 1, scorer), classified(0.7, 2, scorer)
    found = good.difference(poor, scorer)
    pairs = join(good, poor, scorer)
    first, second = (metric.column.statistics for metric in (pairs.metric, pairs.other))
    assert isinstance(first, Rows)
    assert isinstance(second, Rows)
    drawn = [
        pairs.metric.source.compute(first.take(rows), None)
        - pairs.metric.source.compute(second.take(rows), None)
        for rows in np.random.default_rng(0).integers(0, 400, size=(1_000, 400))
    ]

    assert found.standard_error == pytest.approx(np.std(drawn), rel=0.15)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


@given(st.lists(st.tuples(*[st.sampled_from("abc")] * 3), min_size=1, max_size=60))
def test_a_joint_table_holds_every_case_once(cells: list[tuple[str, str, str]]) -> None:
    target, a, b = (np.array(column, dtype=object) for column in zip(*cells, strict=True))
    table = JointTable.of(
        Rows({"target": target, "output": a}), Rows({"target": target, "output": b})
    )

    assert table is not None
    for rows, output in zip(table.rows, (a, b), strict=True):
        assert (rows.columns["target"][table.cell] == target).all()
        assert (rows.columns["output"][table.cell] == output).all()
    assert table.prior.sum() == pytest.approx(
        0.0 if len({*target, *a, *b}) == 1 else 4 * len(set(target)) / max(2, len(set(target)))
    )


RECALL_LIKE = ["recall", "precision", "f1", "balanced_accuracy", "mcc", "average_precision"]


@pytest.mark.parametrize("metric", RECALL_LIKE)
def test_four_of_four_found_by_both_is_no_proof_that_they_are_equal(metric: str) -> None:
    truth = [1] * 4 + [0] * 996
    key = f"classification.{metric}"
    gates = [f"equivalent({key}, margin=0.01)", f"no_regression({key}, margin=0.01)"]
    result, other = labelled(truth, truth, key), labelled(truth, truth, key)
    found = result.difference(other, key)

    assert found.low is not None
    assert found.low < -0.1
    assert found.high is not None
    assert found.high > 0.1
    assert found.p_value == pytest.approx(1.0, abs=0.1)
    assert str(result.check(gates, baseline=other).status) == "INCONCLUSIVE"


def test_a_lost_class_is_no_zero_of_a_draw() -> None:
    """3 of 3 in 100: every ninth bootstrap draw has no positive case, and no recall."""
    truth = [1] * 3 + [0] * 97
    found = labelled(truth, truth, "classification.recall").difference(
        labelled(truth, [1, 1, 0] + [0] * 97, "classification.recall"), "classification.recall"
    )

    assert found.difference == pytest.approx(1 / 3)
    assert found.low is not None
    assert -0.6 < found.low < 0
    assert not found.is_clear


@pytest.mark.parametrize("n", [30, 300])
def test_recalls_are_compared_as_rates_of_the_same_positives(n: int) -> None:
    generator = np.random.default_rng(n)
    truth = (np.arange(n) % 3 == 0).astype(int)
    first, second = (np.where(generator.random(n) < p, truth, 1 - truth) for p in (0.95, 0.7))
    key = "classification.recall"
    found = labelled(truth, first, key).difference(labelled(truth, second, key), key)
    right = [(said == truth)[truth == 1] for said in (first, second)]

    assert found == paired_difference(*right, binary=True)
    assert (found.method, found.n) == ("tango", n // 3)


def test_balanced_accuracies_add_up_the_limits_of_their_classes() -> None:
    truth = np.repeat([1, 0], [4, 200])
    first, second = truth.copy(), truth.copy()
    first[0], second[10:15] = 0, 1
    key = "classification.balanced_accuracy"
    found = labelled(truth, first, key).difference(labelled(truth, second, key), key)
    parts = [
        paired_difference(
            *((said == truth)[truth == label] for said in (first, second)), binary=True
        )
        for label in (0, 1)
    ]
    below = sum((part.difference - (part.low or 0.0)) ** 2 for part in parts) ** 0.5 / 2

    assert found.method == "square-and-add"
    assert found.difference == pytest.approx(sum(part.difference for part in parts) / 2)
    assert found.difference - (found.low or 0.0) == pytest.approx(below)
    assert not found.is_clear


@pytest.mark.parametrize("lost", [[0, 1], [1]], ids=["all", "one-class"])
@pytest.mark.parametrize("sign", [1, -1])
def test_all_right_against_all_wrong_is_a_clear_difference(lost: list[int], sign: int) -> None:
    truth = np.repeat([1, 0], 10)
    wrong = np.where(np.isin(truth, lost), 1 - truth, truth)
    key = "classification.balanced_accuracy"
    results = [labelled(truth, said, key) for said in (truth, wrong)][::sign]
    found = results[0].difference(results[1], key)

    assert found.difference == sign * len(lost) / 2
    assert found.is_clear
    assert found.p_value is not None
    assert found.p_value < 0.01


def test_draws_that_differ_by_rounding_alone_are_no_certainty() -> None:
    key = "classification.calibration_error"
    truth = np.tile([0, 1], 10)
    first, second = (
        labelled(truth, [{0: 1 - p, 1: p} for p in said], key)
        for said in (0.1 + 0.8 * truth, 0.9 - 0.8 * truth)
    )
    found = first.difference(second, key)

    assert found.difference == pytest.approx(-0.8)
    assert (found.low, found.high, found.p_value) == (None, None, None)
    assert first[key].low != first[key].high


@pytest.mark.parametrize("scorer", ["balanced_accuracy", "recall", "f1", "precision"])
def test_a_class_that_weighs_nothing_is_absent_from_a_difference_too(scorer: str) -> None:
    truth = [i % 3 for i in range(30)]
    weight = [0.0 if label == 2 else 1.0 for label in truth]
    said = [truth, [1 - t if t < 2 else 2 for t in truth]]
    key = f"classification.{scorer}"
    first, second = (labelled(truth, each, key, weight=weight) for each in said)
    found = first.difference(second, key)

    assert found.difference == first[key].value - second[key].value == 1.0
    assert found.is_clear


@pytest.mark.parametrize("design", ["weighted", "grouped"])
def test_labels_of_weighted_or_grouped_cases_are_compared_too(design: str) -> None:
    generator = np.random.default_rng(4)
    truth = generator.integers(0, 2, 200)
    fields: dict[str, Any] = {"weight": [1.0 + i % 3 for i in range(200)]}
    if design == "grouped":
        fields = {"group": [f"g{i // 10}" for i in range(200)]}
    good, poor = (np.where(generator.random(200) < p, truth, 1 - truth) for p in (0.95, 0.7))
    key = "classification.balanced_accuracy"
    found = labelled(truth, good, key, **fields).difference(
        labelled(truth, poor, key, **fields), key
    )

    assert found.is_clear
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.difference < found.high


def test_systems_that_never_differ_still_have_an_interval_where_the_range_is_known() -> None:
    found = classified(0.8, 1).difference(classified(0.8, 1), "classification.f1")

    assert found.difference == 0.0
    assert found.low is not None
    assert found.high is not None
    assert 0.003 < -found.low == pytest.approx(found.high, rel=0.2)
    assert found.high < 0.02


def areas(scores: Any, truth: Any) -> Any:
    return labelled(truth, scores, "classification.roc_auc")


def test_two_areas_are_compared_by_delong() -> None:
    generator = np.random.default_rng(8)
    truth = np.arange(120) % 2
    first, second = truth + generator.normal(size=120), 0.5 * truth + generator.normal(size=120)
    first, second = (1 / (1 + np.exp(-scores)) for scores in (first, second))
    found = areas(first, truth).difference(areas(second, truth), "classification.roc_auc")
    expected = delong_difference(first, second, truth)

    assert (found.method, found.test) == ("delong", "delong")
    assert found.difference == pytest.approx(expected.difference)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p_value == pytest.approx(expected.p_value)


def test_two_perfect_rankings_of_few_positives_may_still_differ() -> None:
    truth = np.repeat([1, 0], [3, 200])
    scores = np.linspace(0.99, 0.01, 203)
    found = areas(scores, truth).difference(areas(scores**2, truth), "classification.roc_auc")

    assert found.difference == 0.0
    assert found.low is not None
    assert found.low < -0.3


def test_case_weights_count_in_a_difference_of_quantiles() -> None:
    """With equal weights both medians are 5; the weights make them 37 and 42."""
    a = np.array([5.0] * 60 + [37.0] * 40)
    b = np.array([5.0] * 60 + [42.0] * 40)
    weights = np.array([1.0] * 60 + [3.0] * 40)
    found = quantile_difference(a, b, 0.5, Design(n=100, weights=weights))
    equal = quantile_difference(a, b, 0.5, Design(n=100))

    assert (found.difference, equal.difference) == (-5.0, 0.0)
    assert found.is_clear


@pytest.mark.parametrize(
    ("scorer", "gain"), [("text.bleu", 0.3), ("text.chrf", 0.1), ("regression.rmse", 0.2)]
)
def test_no_resampled_difference_contradicts_its_p_value(scorer: str, gain: float) -> None:
    generator = np.random.default_rng(2)
    for _ in range(12):
        n = int(generator.choice([12, 30, 80]))
        truth: list[Any] = []
        outputs: list[Any] = []
        for _ in range(n):
            if scorer == "regression.rmse":
                truth.append(0.0)
                outputs.append([float(x) for x in generator.normal(size=2) * [1, 1 + gain]])
                continue
            words = [f"w{i}" for i in generator.integers(0, 30, 8)]
            truth.append(" ".join(words))
            outputs.append(
                [
                    " ".join(w if generator.random() < p else "no" for w in words)
                    for p in (0.8, 0.8 - gain)
                ]
            )
        a, b = (labelled(truth, [pair[side] for pair in outputs], scorer) for side in (0, 1))
        found = a.difference(b, scorer)
        assert found.low is not None
        assert found.high is not None
        assert found.p_value is not None
        assert (not found.low <= 0 <= found.high) == (found.p_value < 0.05)


CLOSED = ["recall", "balanced_accuracy", "roc_auc", "average_precision"]


@pytest.mark.parametrize(
    ("metric", "times"),
    [
        *((name, 250) for name in CLOSED),
        *((m, 3) for m in ("precision", "f1", "mcc", "cohen_kappa")),
    ],
)
def test_no_difference_of_a_classifier_contradicts_its_p_value(metric: str, times: int) -> None:
    rng = np.random.default_rng(times)
    scorer: Any = evalkit.get_scorer(f"classification.{metric}")
    n_clear = 0
    for _ in range(times):
        n = int(rng.choice([12, 30, 80, 300]))
        truth = (np.arange(n) < max(2, n * rng.choice([0.05, 0.2, 0.5]))).astype(int)
        gain = rng.choice([0.0, 0.5, 2.0])
        said = [1 / (1 + np.exp(rng.normal(size=n) - g * (2 * truth - 1))) for g in (1, 1 + gain)]
        if metric not in {"roc_auc", "average_precision"}:
            said = [(each > 0.5) * 1 for each in said]
        cases = [
            [
                Case(outputs=o, expectations={"target": t})
                for t, o in zip(truth.tolist(), each.tolist(), strict=True)
            ]
            for each in said
        ]
        rows = tuple(scorer.score_batch(CaseBatch.of(each)).statistics for each in cases)
        weights = rng.exponential(size=n) if rng.random() < 0.3 else None
        groups = rng.integers(0, n // 4, n) if rng.random() < 0.3 else None
        design = Design(n=n, level=float(rng.choice([0.8, 0.95, 0.99])))
        if metric not in CLOSED or groups is None or metric != "balanced_accuracy":
            found = rows_difference(scorer, rows, weights, groups, design)
            assert found.low is not None
            assert found.high is not None
            assert found.p_value is not None
            assert (not found.low <= 0 <= found.high) == (found.p_value < 1 - design.level)
            n_clear += found.is_clear

    assert times < 10 or 0.05 * times < n_clear < 0.9 * times


def test_the_difference_of_quantiles_is_that_of_another_bootstrap() -> None:
    generator = np.random.default_rng(5)
    b = generator.exponential(1.0, 300)
    a = b * 1.2 + generator.normal(0, 0.1, 300)
    found = quantile_difference(a, b, 0.9, Design(n=300))
    peer = bootstrap(
        (a, b),
        lambda x, y, axis: np.quantile(x, 0.9, axis=axis) - np.quantile(y, 0.9, axis=axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=4_000,
        random_state=np.random.default_rng(1),
    )

    assert found.difference == pytest.approx(np.quantile(a, 0.9) - np.quantile(b, 0.9))
    assert (found.low, found.high) == pytest.approx(tuple(peer.confidence_interval), abs=0.05)
    assert found.standard_error == pytest.approx(peer.standard_error, rel=0.15)


def rmse_of(errors: Any) -> Any:
    scored = np.asarray(errors, dtype=float)
    return Additive(np.stack([np.ones_like(scored), scored**2], axis=1))


@pytest.mark.parametrize("n", [20, 60])
@pytest.mark.parametrize("noise", [0.0, 0.3], ids=["a-tenth-more", "noisy"])
def test_the_difference_of_two_metrics_of_sums_is_covered(n: int, noise: float) -> None:
    """Of RMSE with heavy tails, which the bootstrap covers .84 where all errors grow alike."""
    rng, scorer, hits = np.random.default_rng(n), evalkit.get_scorer("regression.rmse"), []
    truth = (1.21 * 5 / 3 + noise**2) ** 0.5 - (5 / 3) ** 0.5
    for _ in range(150):
        errors = rng.standard_t(5, n)
        pair = rmse_of(1.1 * errors + noise * rng.normal(size=n)), rmse_of(errors)
        change = additive_difference(scorer, pair, None, None, Design(n=n))
        if change.low is not None and change.high is not None:
            hits.append(change.low <= truth <= change.high)

    assert len(hits) > 0.9 * 150
    assert np.mean(hits) >= 0.9


def test_the_difference_of_two_largest_errors_has_no_interval() -> None:
    rng, scorer = np.random.default_rng(0), evalkit.get_scorer("regression.max_error")
    errors = [Rows({"error": abs(rng.normal(size=80))}) for _ in "ab"]
    change = rows_difference(scorer, (errors[0], errors[1]), None, None, Design(n=80))

    largest = [each.columns["error"].max() for each in errors]
    assert change.difference == pytest.approx(largest[0] - largest[1])
    assert (change.low, change.p_value, change.method) == (None, None, None)


def test_few_cases_have_no_interval_of_a_difference_of_metrics_of_sums() -> None:
    scorer, errors = evalkit.get_scorer("regression.rmse"), np.arange(1.0, 10.0)
    change = additive_difference(
        scorer, (rmse_of(errors), rmse_of(errors[::-1] + 1)), None, None, Design(n=9)
    )

    assert (change.low, change.method) == (None, None)
    assert change.p_value is not None


@pytest.mark.parametrize("weights", [None, np.repeat([1.0, 3.0], 15)], ids=["plain", "weighted"])
def test_groups_of_one_case_change_no_difference_of_metrics_of_sums(weights: Any) -> None:
    scorer, rng = evalkit.get_scorer("regression.rmse"), np.random.default_rng(5)
    pair = rmse_of(rng.normal(size=30)), rmse_of(1.3 * rng.normal(size=30))
    alone, grouped = (
        additive_difference(scorer, pair, weights, groups, Design(n=30))
        for groups in (None, np.arange(30))
    )

    assert (alone.low, alone.high) == pytest.approx((grouped.low, grouped.high))


@pytest.mark.parametrize(
    "fields", [{}, {"group": [f"g{i % 12}" for i in range(40)]}], ids=["cases", "groups"]
)
@pytest.mark.parametrize("scorer", ["f1", "mcc", "cohen_kappa", "precision"])
def test_the_difference_the_other_way_round_has_the_other_sign(
    scorer: str, fields: dict[str, Any]
) -> None:
    generator = np.random.default_rng(5)
    truth = generator.integers(0, 3, 40).tolist()
    said = [
        [t if ok else int(guess) for t, ok, guess in zip(truth, right, guesses, strict=True)]
        for right, guesses in (
            (generator.random(40) < share, generator.integers(0, 3, 40)) for share in (0.6, 0.8)
        )
    ]
    a, b = (labelled(truth, each, f"classification.{scorer}", **fields) for each in said)
    same = a.difference(a, f"classification.{scorer}")
    assert same.high is not None
    assert (same.low, same.difference) == (pytest.approx(-same.high), 0.0)
    there, back = (x.difference(y, f"classification.{scorer}") for x, y in ((a, b), (b, a)))
    assert there.low is not None
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)
    assert there.p_value == pytest.approx(back.p_value)
