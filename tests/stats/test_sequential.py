"""Tests and intervals that hold at every moment."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import (
    BettingSequence,
    RatioTest,
    betting_sequence,
    crossing_probability,
    empirical_bernstein_sequence,
    group_sequential_constant,
    normal_mixture_half_width,
    paired_wins_e_process,
    wins_e_value,
)

Floats = npt.NDArray[np.float64]
Equal = Callable[[float | None, str], bool]


def test_looking_often_inflates_the_error() -> None:
    """Printed from simulation, so to its noise; exact values are .1417 and .3736."""
    assert crossing_probability([1.959964] * 5) == pytest.approx(0.1415, abs=0.001)
    assert crossing_probability([1.959964] * 100) == pytest.approx(0.371, abs=0.003)
    assert crossing_probability([1.959964]) == pytest.approx(0.05, abs=1e-6)


def test_group_sequential_constants_are_reproduced(as_printed: Equal) -> None:
    assert as_printed(group_sequential_constant(5, shape="obrien-fleming"), "2.040")
    assert as_printed(group_sequential_constant(5, shape="pocock"), "2.413")
    form = 2.040073 * np.sqrt(5 / np.arange(1, 6))
    assert as_printed(crossing_probability(form), ".0500")
    assert as_printed(crossing_probability([2.413176] * 5), ".0500")


def test_normal_mixture_half_widths_are_reproduced(as_printed: Equal) -> None:
    widths = normal_mixture_half_width([100, 500, 1319], tightest_at=500)

    for width, printed in zip(widths.tolist(), [".1682", ".0679", ".0425"], strict=True):
        assert as_printed(width, printed)


def test_looking_at_all_times_costs_a_quarter_of_the_width_of_looking_once(
    as_printed: Equal,
) -> None:
    rate = (-2 * np.log(0.05) + np.log(-2 * np.log(0.05) + 1)) / 500
    assert as_printed(rate, ".015872")
    for t, once in ((100, ".1358"), (500, ".0607"), (1319, ".0374")):  # Hoeffding's half-width
        hoeffding = np.sqrt(np.log(2 / 0.05) / (2 * t))
        assert as_printed(hoeffding, once)
        assert 1.1 < float(normal_mixture_half_width(t, tightest_at=500)) / hoeffding < 1.25


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("t", "mean", "half_width"),
    [(200, ".0500", ".1099"), (1000, ".0520", ".0504"), (1319, ".0432", ".0443")],
)
def test_the_asymptotic_sequence_of_gsm8k_is_reproduced(
    t: int, mean: str, half_width: str, gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    d = (gsm8k["6b_verification"] - gsm8k["175b_finetuning"])[:t]

    assert as_printed(d.mean(), mean)
    assert as_printed(float(normal_mixture_half_width(t, sigma=d.std())), half_width)


@pytest.mark.conformance
@pytest.mark.parametrize(
    ("t", "centre", "half_width"),
    [(100, ".5755", ".1720"), (500, ".5586", ".0833"), (1319, ".5628", ".0556")],
)
def test_the_empirical_bernstein_sequence_of_gsm8k_is_reproduced(
    t: int, centre: str, half_width: str, gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    centres, widths = empirical_bernstein_sequence(gsm8k["175b_verification"])

    assert as_printed(centres[t - 1], centre)
    assert as_printed(widths[t - 1], half_width)


@pytest.mark.conformance
def test_the_betting_sequence_of_gsm8k_is_reproduced(
    gsm8k: dict[str, Floats], as_printed: Equal
) -> None:
    low, high = betting_sequence(gsm8k["175b_verification"])

    for t, lower, upper in (
        (100, ".402", ".712"),
        (500, ".469", ".635"),
        (1319, ".501", ".614"),
    ):
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
    e_values = paired_wins_e_process(d)
    reached = np.flatnonzero(e_values >= 20)
    seen = d if stop is None else d[:stop]

    assert (None if reached.size == 0 else int(reached[0]) + 1) == stop
    assert ((seen > 0).sum(), (seen < 0).sum()) == (wins, losses)
    if stop is None:
        assert as_printed(e_values[-1], "3.85")
        assert as_printed(np.log(e_values.max()), "2.98")


def test_walds_bounds_are_reproduced(as_printed: Equal) -> None:
    test = RatioTest(0.5, 0.6, alpha=0.05, beta=0.2)

    assert as_printed(test.upper, "2.7726")
    assert as_printed(test.lower, "-1.5581")


def test_walds_test_decides_by_its_bounds() -> None:
    test = RatioTest(0.5, 0.8)

    assert test.decide(1, 1) is None
    assert test.decide(12, 0) == "alternative"
    assert test.decide(0, 4) == "null"
    assert test.log_ratio(2, 1) == pytest.approx(np.log(0.8**2 * 0.2 / 0.5**3))


def test_an_e_process_rarely_reaches_its_bound_under_equality() -> None:
    rng = np.random.default_rng(1)
    signs = rng.choice([-1.0, 0.0, 1.0], size=(400, 500))
    crossed = [bool((paired_wins_e_process(row) >= 20).any()) for row in signs]

    assert np.mean(crossed) <= 0.05


@pytest.mark.parametrize("mean", [0.05, 0.5, 0.9])
def test_betting_covers_the_mean_at_all_times(mean: float) -> None:
    rng = np.random.default_rng(2)
    missed = 0
    for _ in range(150):
        low, high = betting_sequence(rng.random(200) < mean, grid=200)
        missed += bool((low[-1] > mean + 0.005) | (high[-1] < mean - 0.005))

    assert missed / 150 <= 0.05


scores = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@given(scores)
def test_betting_never_widens_and_stays_in_the_unit(values: list[float]) -> None:
    low, high = betting_sequence(values, grid=100)

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


@given(scores)
def test_empirical_bernstein_agrees_with_a_plain_loop(values: list[float]) -> None:
    centres, widths = empirical_bernstein_sequence(values)
    total = weighted = surprise = running = squares = 0.0
    mean, variance = 0.5, 0.25
    for t, x in enumerate(values, start=1):
        bet = min((2 * np.log(40) / (variance * t * np.log(1 + t))) ** 0.5, 0.5)
        total, weighted = total + bet, weighted + bet * x
        surprise += 4 * (x - mean) ** 2 * (-np.log(1 - bet) - bet) / 4
        running += x
        mean = (0.5 + running) / (t + 1)
        squares += (x - mean) ** 2
        variance = (0.25 + squares) / (t + 1)

    assert centres[-1] == pytest.approx(weighted / total)
    assert widths[-1] == pytest.approx((np.log(40) + surprise) / total)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: BettingSequence().update([1.5]), id="score-above-one"),
        pytest.param(lambda: BettingSequence().update([np.nan]), id="nan"),
        pytest.param(lambda: BettingSequence(grid=1), id="no-grid"),
        pytest.param(lambda: BettingSequence(population=1).update([0, 1]), id="too-many"),
        pytest.param(lambda: BettingSequence(including=[2.0]), id="candidate-above-one"),
        pytest.param(lambda: BettingSequence().update([1.0], [0.0]), id="share-of-none"),
        pytest.param(lambda: empirical_bernstein_sequence([2.0]), id="bernstein-above-one"),
        pytest.param(lambda: normal_mixture_half_width(3, tightest_at=0), id="tightest-at-none"),
        pytest.param(lambda: wins_e_value(-1, 0), id="negative-wins"),
        pytest.param(lambda: RatioTest(0.5, 0.5), id="equal-rates"),
        pytest.param(lambda: crossing_probability([]), id="no-looks"),
        pytest.param(lambda: group_sequential_constant(0, shape="pocock"), id="no-look"),
        pytest.param(
            lambda: group_sequential_constant(2, shape="round"),  # type: ignore[arg-type]
            id="unknown-shape",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|more scores|differ"):
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
