"""May the judge replace a human?"""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from evalkit.stats import alternative_annotator_test, benjamini_yekutieli

RNG = np.random.default_rng(1)
TRUTH = RNG.integers(0, 3, size=200).astype(float)


def noisy(share: float, seed: int) -> np.typing.NDArray[np.float64]:
    rng = np.random.default_rng(seed)
    other = rng.integers(0, 3, size=200)
    return np.where(rng.random(200) < share, TRUTH, other)


HUMANS = np.stack([noisy(0.8, seed) for seed in (2, 3, 4)])


def test_a_judge_as_good_as_humans_may_replace_them_and_a_poor_one_may_not() -> None:
    good = alternative_annotator_test(noisy(0.95, 5), HUMANS)
    poor = alternative_annotator_test(noisy(0.1, 6), HUMANS)

    assert (good.winning_rate, good.passed) == (1.0, True)
    assert (poor.winning_rate, poor.passed) == (0.0, False)
    assert good.advantage > poor.advantage


def test_the_decision_is_a_t_test_corrected_over_annotators() -> None:
    judge = noisy(0.7, 7)
    found = alternative_annotator_test(judge, HUMANS, epsilon=0.15)
    expected = []
    for row in range(3):
        others = np.delete(HUMANS, row, axis=0)
        machine, human = (others == judge).mean(axis=0), (others == HUMANS[row]).mean(axis=0)
        loss = (human >= machine).astype(float) - (machine >= human)
        expected.append(float(ttest_1samp(loss, 0.15, alternative="less").pvalue))

    assert found.p_values.tolist() == pytest.approx(expected)
    assert found.rejected.tolist() == (benjamini_yekutieli(expected) <= 0.05).tolist()


def test_scores_are_compared_by_their_error() -> None:
    truth = RNG.normal(size=60)
    humans = np.stack([truth + 0.5 * RNG.normal(size=60) for _ in range(3)])
    close = alternative_annotator_test(truth, humans, alignment="score")
    far = alternative_annotator_test(truth + 3, humans, alignment="score")

    assert close.winning_rate == 1.0
    assert far.winning_rate == 0.0


def test_missing_labels_leave_items_and_annotators_out() -> None:
    humans = HUMANS.copy()
    humans[2, 20:] = np.nan  # too few items
    judge = noisy(0.95, 5)
    judge[:5] = np.nan
    found = alternative_annotator_test(judge, humans)

    assert found.annotators == (0, 1)
    assert found.p_values.shape == (2,)


def test_a_greater_benefit_is_easier_to_pass() -> None:
    judge = noisy(0.7, 8)
    rates = [
        alternative_annotator_test(judge, HUMANS, epsilon=epsilon).p_values.max()
        for epsilon in (0.0, 0.1, 0.2, 0.3)
    ]

    assert rates == sorted(rates, reverse=True)


def test_too_few_items_are_refused() -> None:
    with pytest.raises(ValueError, match="label more"):
        alternative_annotator_test(TRUTH[:20], HUMANS[:, :20])


def test_tables_that_do_not_match_are_refused() -> None:
    with pytest.raises(ValueError, match="annotations must have shape"):
        alternative_annotator_test(TRUTH[:20], HUMANS)
