from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import cohens_kappa

from evalkit.stats import cohen_kappa, correlation, gwet_ac1, krippendorff_alpha
from evalkit.stats.agreement import contingency_table
from evalkit.stats.agreement_intervals import agreement_estimates, correlation_estimate

LABELS = [0, 1, 2, 3]
ratings = st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=10)


def raters(n: int, *, seed: int = 0, agree: float = 0.7) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    first = draw.integers(0, 4, n)
    return first, np.where(draw.random(n) < agree, first, draw.integers(0, 4, n))


@settings(max_examples=40)
@given(ratings)
def test_the_coefficients_are_those_of_the_functions_without_intervals(
    pairs: list[tuple[int, int]],
) -> None:
    a, b = (np.array(side) for side in zip(*pairs, strict=True))
    table = contingency_table(a, b, labels=LABELS)
    both = np.stack([a, b]).astype(float)

    found = agreement_estimates(a, b, labels=LABELS, ordered=True, draws=50, seed=0)
    plain = agreement_estimates(a, b, labels=LABELS, draws=50, seed=0)

    assert found["kappa"].value == pytest.approx(cohen_kappa(table).value)
    for name, weights in (("weighted_kappa", "quadratic"), ("linear_weighted_kappa", "linear")):
        assert found[name].value == pytest.approx(cohen_kappa(table, weights=weights).value)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    assert found["ac1"].value == pytest.approx(gwet_ac1(table).value)
    assert found["alpha"].value == pytest.approx(krippendorff_alpha(both, scale="ordinal"))
    assert plain["alpha"].value == pytest.approx(krippendorff_alpha(both, scale="nominal"))


def test_weighted_kappas_measure_between_values_not_places() -> None:
    a, b = [1, 5] * 15, [1, 5, 1, 5, 2, 5] * 5
    found = agreement_estimates(a, b, labels=[1, 2, 5], ordered=True, values=[1, 2, 5], seed=0)

    for name, weights in (("weighted_kappa", "quadratic"), ("linear_weighted_kappa", "linear")):
        theirs = cohen_kappa_score(a, b, weights=weights, labels=[1, 2, 3, 4, 5])
        assert found[name].value == pytest.approx(theirs)


@given(ratings)
def test_an_interval_holds_its_value(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(side) for side in zip(*pairs, strict=True))

    for found in agreement_estimates(a, b, labels=LABELS, ordered=True, draws=60, seed=1).values():
        if found.value is not None and found.interval is not None:
            assert found.interval.low <= found.value <= found.interval.high


def test_the_spread_of_kappa_is_that_of_statsmodels() -> None:
    a, b = raters(400)
    table = contingency_table(a, b, labels=LABELS)
    reference: Any = cohens_kappa(table)

    found = agreement_estimates(a, b, labels=LABELS, seed=0)["kappa"]

    assert found.interval is not None
    assert found.value == pytest.approx(reference.kappa)
    assert found.interval.standard_error == pytest.approx(reference.std_kappa, rel=0.06)
    assert found.interval.low == pytest.approx(reference.kappa_low, abs=0.01)
    assert found.interval.high == pytest.approx(reference.kappa_upp, abs=0.01)


def test_alpha_is_that_of_the_krippendorff_package() -> None:
    a, b = raters(80)
    wanted = krippendorff.alpha(np.stack([a, b]).astype(float), level_of_measurement="ordinal")

    found = agreement_estimates(a, b, labels=LABELS, ordered=True, seed=0)["alpha"]

    assert found.value == pytest.approx(wanted)


@pytest.mark.parametrize("n", [10, 30, 200])
def test_raters_who_always_agree_are_not_certain_to(n: int) -> None:
    labels = np.arange(n) % 2

    found = agreement_estimates(labels, labels, labels=[0, 1], seed=0)

    for name in ("kappa", "ac1", "alpha"):
        interval = found[name].interval
        assert interval is not None
        assert (interval.high, interval.method) == (1.0, "percentile")
        assert 1 - 10 / n < interval.low < 1


def test_below_ten_items_or_groups_there_is_no_interval() -> None:
    a, b = raters(9)
    many, others = raters(90)

    few = agreement_estimates(a, b, labels=LABELS, seed=0)
    grouped = agreement_estimates(many, others, labels=LABELS, seed=0, groups=np.arange(90) % 9)

    assert few["kappa"].value is not None
    assert few["kappa"].interval is None
    assert grouped["kappa"].interval is None


def test_one_label_only_leaves_kappa_undefined() -> None:
    found = agreement_estimates([1] * 20, [1] * 20, labels=[0, 1], seed=0)

    assert found["kappa"].value is None
    assert found["ac1"].value == 1.0


def test_whole_groups_are_resampled() -> None:
    a, b = raters(20)
    repeated = np.repeat(a, 10), np.repeat(b, 10)
    groups = np.repeat(np.arange(20), 10)

    alone = agreement_estimates(a, b, labels=LABELS, seed=0)["kappa"].interval
    grouped = agreement_estimates(*repeated, labels=LABELS, seed=0, groups=groups)
    blind = agreement_estimates(*repeated, labels=LABELS, seed=0)["kappa"].interval

    assert alone is not None
    assert grouped["kappa"].interval is not None
    assert grouped["kappa"].interval.width == pytest.approx(alone.width, rel=0.1)
    assert blind is not None
    assert blind.width < alone.width / 2


def test_equal_seeds_give_equal_intervals() -> None:
    a, b = raters(50)

    first, second = (agreement_estimates(a, b, labels=LABELS, seed=3) for _ in range(2))

    assert first == second


@pytest.mark.parametrize(
    ("share", "accuracy", "n"),
    [
        pytest.param(0.5, 0.85, 50, id="balanced"),
        pytest.param(0.2, 0.9, 50, id="skewed"),
        pytest.param(0.1, 0.95, 100, id="rare-label"),
    ],
)
def test_intervals_of_kappa_cover(share: float, accuracy: float, n: int) -> None:
    cells = np.outer([share, 1 - share], [1, 1]) * [
        [accuracy, 1 - accuracy],
        [1 - accuracy, accuracy],
    ]
    true = cohen_kappa(cells * 1e6).value
    assert true is not None
    hits = 0
    for seed in range(120):
        draw = np.random.default_rng(seed)
        human = draw.random(n) < share
        judge = np.where(draw.random(n) < accuracy, human, ~human)
        found = agreement_estimates(
            human.astype(int), judge.astype(int), labels=[0, 1], seed=seed, draws=400
        )["kappa"].interval
        hits += found is not None and found.low <= true <= found.high

    assert hits >= 107  # 120 of them at 95 % with the luck of one in a thousand


@pytest.mark.parametrize("kind", ["pearson", "spearman", "kendall"])
def test_a_correlation_has_the_interval_that_scipy_finds(kind: Any) -> None:
    from scipy import stats

    draw = np.random.default_rng(0)
    x = draw.normal(size=60)
    y = x + draw.normal(size=60)
    names = {"pearson": "pearsonr", "spearman": "spearmanr", "kendall": "kendalltau"}
    statistic: Any = getattr(stats, names[kind])
    bootstrap: Any = stats.bootstrap
    wanted = bootstrap(
        (x, y),
        lambda a, b: statistic(a, b)[0],
        paired=True,
        vectorized=False,
        method="percentile",
        n_resamples=1000,
        rng=np.random.default_rng(1),
    )

    found = correlation_estimate(x, y, kind=kind, seed=0)

    assert found.interval is not None
    assert found.value == correlation(x, y, kind=kind).value
    assert found.interval.standard_error == pytest.approx(wanted.standard_error, rel=0.1)
    assert found.interval.low == pytest.approx(wanted.confidence_interval.low, abs=0.05)
    assert found.interval.high == pytest.approx(wanted.confidence_interval.high, abs=0.05)


def test_a_constant_side_has_no_correlation_and_a_perfect_one_no_interval() -> None:
    x = np.arange(20.0)

    assert correlation_estimate(x, np.ones(20), kind="pearson", seed=0).value is None
    assert correlation_estimate(x, x, kind="pearson", seed=0).interval is None


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        pytest.param(lambda: agreement_estimates([1], [1], labels=[1], seed=0), "two", id="label"),
        pytest.param(
            lambda: agreement_estimates([1], [1], labels=[1, 2], values=[3, 3], seed=0),
            "different",
            id="equal-values",
        ),
        pytest.param(
            lambda: agreement_estimates([1], [3], labels=[1, 2], seed=0), "among", id="unknown"
        ),
        pytest.param(
            lambda: correlation_estimate([1.0], [1.0, 2.0], kind="pearson", seed=0),
            "same items",
            id="lengths",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        call()


@pytest.mark.parametrize(("positives", "n"), [(0.1, 20), (0.1, 60), (0.4, 20)])
def test_agreement_about_rare_labels_is_covered(positives: float, n: int) -> None:
    rng = np.random.default_rng(n)
    found = rng.random(2_000_000) < 0.1  # one in ten answers is mistaken
    truth = rng.random(2_000_000) < positives
    whole = agreement_estimates(truth, truth ^ found, labels=[False, True], seed=0, draws=20)
    hits: dict[str, list[bool]] = {"kappa": [], "ac1": [], "alpha": []}
    for seed in range(250):
        a = rng.random(n) < positives
        b = a ^ (rng.random(n) < 0.1)
        drawn = agreement_estimates(a, b, labels=[False, True], seed=seed, draws=500)
        for name, inside in hits.items():
            one, wanted = drawn[name].interval, whole[name].value
            if one is not None and wanted is not None:
                inside.append(wanted in one)

    for name, inside in hits.items():
        assert np.mean(inside) >= 0.92 - 0.034, name  # two standard errors
