"""The area under the ROC curve and its error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from evalkit.stats import delong_auc, delong_difference
from evalkit.stats.resampling import bootstrap_weights

RNG = np.random.default_rng(1)
LABELS = RNG.random(400) < 0.4
FIRST, SECOND = LABELS + RNG.normal(size=400), 0.6 * LABELS + RNG.normal(size=400)

scored = st.lists(st.tuples(st.integers(0, 9), st.booleans()), min_size=4, max_size=60).filter(
    lambda rows: 2 <= sum(label for _, label in rows) <= len(rows) - 2
)


@given(scored)
def test_area_equals_scikit_learn_and_variance_the_definition(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    area, variance = delong_auc(scores, labels)
    wins = (scores[labels][:, None] > scores[~labels]) + 0.5 * (
        scores[labels][:, None] == scores[~labels]
    )
    expected = wins.mean(axis=1).var(ddof=1) / labels.sum()
    expected += wins.mean(axis=0).var(ddof=1) / (~labels).sum()

    assert area == pytest.approx(float(roc_auc_score(labels, scores)))
    assert variance == pytest.approx(float(expected), abs=1e-12)


@given(scored)
def test_turning_scores_round_mirrors_the_area(rows: list[tuple[int, bool]]) -> None:
    scores, labels = np.array([r[0] for r in rows], float), [r[1] for r in rows]
    area, variance = delong_auc(scores, labels)
    mirrored, same = delong_auc(-scores, labels)

    assert mirrored == pytest.approx(1 - area)
    assert same == pytest.approx(variance, abs=1e-12)


def test_the_difference_agrees_with_a_paired_bootstrap() -> None:
    found = delong_difference(FIRST, SECOND, LABELS)
    weights = np.concatenate(list(bootstrap_weights(400, 3_000, seed=2)))
    wins = [one[LABELS][:, None] > one[~LABELS] for one in (FIRST, SECOND)]
    gain = wins[0].astype(float) - wins[1]
    up, down = weights[:, LABELS], weights[:, ~LABELS]
    drawn = ((up @ gain) * down).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1))

    assert found.difference == pytest.approx(
        float(roc_auc_score(LABELS, FIRST) - roc_auc_score(LABELS, SECOND))
    )
    assert found.standard_error == pytest.approx(float(np.std(drawn)), rel=0.1)
    assert found.low < found.difference < found.high


def test_equal_systems_do_not_differ() -> None:
    found = delong_difference(FIRST, FIRST, LABELS)

    assert (found.difference, found.standard_error, found.p_value) == (0.0, 0.0, 1.0)


def test_swapping_systems_mirrors_the_difference() -> None:
    forth, back = delong_difference(FIRST, SECOND, LABELS), delong_difference(SECOND, FIRST, LABELS)

    assert forth.low == pytest.approx(-back.high)
    assert forth.p_value == pytest.approx(back.p_value)


@pytest.mark.parametrize(
    ("scores", "labels", "message"),
    [
        pytest.param([1.0, 2.0, 3.0], [1, 1, 0], "each class needs two", id="one-negative"),
        pytest.param([1.0, 2.0], [1], "same shape", id="lengths"),
    ],
)
def test_what_has_no_area_is_refused(scores: list[float], labels: list[int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        delong_auc(scores, labels)
