"""Tests and intervals that hold at every moment."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import BettingSequence, wins_e_value

Floats = npt.NDArray[np.float64]
Equal = Callable[[float | None, str], bool]


@pytest.mark.conformance
def test_the_betting_sequence_of_gsm8k_is_reproduced(
    gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    low, high = BettingSequence().follow(gsm8k["175b_verification"])

    for t, lower, upper in ((100, ".402", ".712"), (500, ".469", ".635"), (1319, ".501", ".614")):
        assert as_printed(low[t - 1], lower)
        assert as_printed(high[t - 1], upper)


def test_the_worked_e_value_is_reproduced(as_printed: Equal) -> None:
    assert as_printed(float(wins_e_value(12, 2)), "10.882")
    assert as_printed(float(wins_e_value(12, 2, prior=1.0)), "12.003")


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("better", "worse", "stop", "wins", "losses"),
    [
        pytest.param("175b_verification", "6b_verification", 36, 11, 1, id="stops-early"),
        pytest.param("6b_verification", "6b_finetuning", 115, 23, 6, id="stops-later"),
        pytest.param("6b_verification", "175b_finetuning", None, 209, 152, id="never-stops"),
    ],
)
def test_the_stopping_times_of_gsm8k_are_reproduced(  # noqa: PLR0917
    better: str,
    worse: str,
    stop: int | None,
    wins: int,
    losses: int,
    gsm8k: dict[str, Floats],
    as_printed: Equal,
) -> None:
    d = gsm8k[better] - gsm8k[worse]
    e_values = wins_e_value(np.cumsum(d > 0), np.cumsum(d < 0))
    reached = np.flatnonzero(e_values >= 20)
    seen = d if stop is None else d[:stop]

    assert (None if reached.size == 0 else int(reached[0]) + 1) == stop
    assert ((seen > 0).sum(), (seen < 0).sum()) == (wins, losses)
    if stop is None:
        assert as_printed(e_values[-1], "3.85")
        assert as_printed(np.log(e_values.max()), "2.98")


def test_an_e_process_rarely_reaches_its_bound_under_equality() -> None:
    rng = np.random.default_rng(1)
    signs = rng.choice([-1.0, 0.0, 1.0], size=(400, 500))
    e_values = wins_e_value(np.cumsum(signs > 0, axis=1), np.cumsum(signs < 0, axis=1))
    crossed = (e_values >= 20).any(axis=1)

    assert np.mean(crossed) <= 0.05


@pytest.mark.parametrize("mean", [0.05, 0.5, 0.9])
def test_betting_covers_the_mean_at_all_times(mean: float) -> None:
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(150):
        low, high = BettingSequence(grid=200).follow(rng.random(200) < mean)
        missed += bool((low[-1] > mean + 0.005) | (high[-1] < mean - 0.005))

    assert missed / 150 <= 0.05


scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(scores)
def test_betting_never_widens_and_stays_in_the_unit(values: list[float]) -> None:
    low, high = BettingSequence(grid=100).follow(values)

    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) <= 0).all()
    assert low[0] >= 0
    assert high[0] <= 1


@given(scores, st.integers(0, 40))
def test_scores_may_come_in_parts(values: list[float], cut: int) -> None:
    whole, parts = BettingSequence(grid=100), BettingSequence(grid=100)
    whole.update(values)
    for part in (values[:cut], values[cut:]):
        parts.update(part)

    assert whole.interval() == parts.interval()
    assert parts.n == len(values)


def test_a_finite_population_is_known_once_it_is_seen() -> None:
    values = (np.random.default_rng(3).random(300) < 0.7).astype(float)
    sequence = BettingSequence(population=300)
    before = sequence.update(values[:200])
    found = sequence.update(values[200:])

    assert values.mean() in before
    assert before.width < BettingSequence().update(values[:200]).width
    assert found.low == pytest.approx(values.mean(), abs=0.001)
    assert found.high == pytest.approx(values.mean(), abs=0.001)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: BettingSequence().update([1.5]), id="score-above-one"),
        pytest.param(lambda: BettingSequence().update([np.nan]), id="nan"),
        pytest.param(lambda: BettingSequence(grid=1), id="no-grid"),
        pytest.param(lambda: BettingSequence(population=1).update([0, 1]), id="too-many"),
        pytest.param(lambda: BettingSequence(including=[2.0]), id="candidate-above-one"),
        pytest.param(lambda: BettingSequence().update([1.0], [0.0]), id="share-of-none"),
        pytest.param(lambda: wins_e_value(-1, 0), id="negative-wins"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|more scores"):
        call()


def test_a_threshold_among_the_candidates_is_ruled_out_exactly() -> None:
    sequence = BettingSequence(grid=2, including=[0.61])
    limits, _ = sequence.follow(np.ones(40))
    alone = 0.0
    first = None
    for t in range(1, 41):  # the capital against 0.61, by a plain loop
        squares = sum((1 - (0.5 + s) / (s + 1)) ** 2 for s in range(1, t))
        size = np.sqrt(2 * np.log(40) / ((0.25 + squares) / t * t * np.log(1 + t)))
        alone += np.log1p(min(size, 0.5 / 0.61) * (1 - 0.61))
        first = first or (t if alone - np.log(2) >= np.log(20) else None)

    assert first is not None
    assert int(np.flatnonzero(limits > 0.61)[0]) + 1 == first


@given(scores.filter(lambda values: len(values) > 2), st.data())
def test_equal_shares_of_one_change_nothing(values: list[float], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(values)))
    plain, shared = BettingSequence(grid=100), BettingSequence(grid=100)
    plain.update(values)
    shared.update(values[:cut], np.ones(cut))
    shared.update(values[cut:], np.ones(len(values) - cut))

    assert plain.interval() == shared.interval()


def test_betting_covers_the_mean_of_cases_in_groups_of_unequal_size() -> None:
    """Groups' sizes go with their means, so that the mean of group means is another number."""
    rng = np.random.default_rng(5)
    sizes, means = np.array([1.0, 4.0]), np.array([0.2, 0.8])
    truth = float((sizes * means).sum() / sizes.sum())
    missed = 0
    for _ in range(200):
        kind = rng.integers(0, 2, 400)
        scored = (rng.random(400) < means[kind]).astype(float)  # equal within a group: ICC of 1
        found = BettingSequence(grid=200).update(scored, sizes[kind] / 4)
        missed += truth not in found

    assert missed / 200 <= 0.05
