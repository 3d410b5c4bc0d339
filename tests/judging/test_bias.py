from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from evalkit.entities.calibration import CalibrationPart
from evalkit.errors import DataError
from evalkit.judging import BiasEffect
from evalkit.judging.bias_measures import position_bias, self_preference_bias, verbosity_bias
from evalkit.judging.calibration import Calibration


@pytest.mark.parametrize(
    ("first", "last", "p_value"),
    [pytest.param(20, 10, 0.099, id="gpt-4"), pytest.param(133, 10, 1e-28, id="chatgpt")],
)
def test_the_position_biases_of_judges_on_llmbar_are_reproduced(
    first: int, last: int, p_value: float
) -> None:
    pairs = [1.0] * first + [-1.0] * last + [0.0] * (419 - first - last)

    found = position_bias(pairs)

    assert found.p_value == binomtest(first, first + last).pvalue
    assert found.p_value == pytest.approx(p_value, rel=0.5)
    assert found.effect == pytest.approx((first - last) / 419)
    assert found.shown == (p_value < 0.05)


def test_a_judge_without_a_tie_to_places_has_no_position_bias() -> None:
    found = position_bias([0.0] * 40)

    assert (found.effect, found.p_value, found.n) == (0.0, 1.0, 40)
    assert not found.shown


def test_length_that_moves_the_verdict_beyond_the_label_is_verbosity() -> None:
    draw = np.random.default_rng(0)
    human = draw.integers(0, 2, 300).astype(float)
    words = draw.integers(5, 80, 300)
    honest = np.where(draw.random(300) < 0.85, human, 1 - human)
    windy = (honest + (words > 40) >= 1).astype(float)

    none, some = (verbosity_bias(said, human, words) for said in (honest, windy))

    assert not none.shown
    assert some.shown
    assert some.effect is not None
    assert some.effect > 0.05


def test_equal_lengths_show_no_verbosity_and_say_so() -> None:
    found = verbosity_bias([0, 1] * 20, [0, 1] * 20, [7] * 40)

    assert found.effect is None
    assert found.explanation.startswith("not measured: ")


def test_self_preference_is_what_the_labels_do_not_explain() -> None:
    draw = np.random.default_rng(1)
    own = draw.random(400) < 0.5
    human = (draw.random(400) < np.where(own, 0.7, 0.4)).astype(float)  # its answers are better
    fair = np.where(draw.random(400) < 0.9, human, 1 - human)
    vain = np.where(own & (draw.random(400) < 0.4), 1.0, fair)

    assert not self_preference_bias(human, human, own).shown
    assert self_preference_bias(vain, human, own).shown


def card_with(effect: BiasEffect) -> dict[str, Any]:
    """Return a card with one effect, as JSON."""
    part = CalibrationPart(n_labelled=0, n_judged=0)
    card = Calibration(
        judge="j", signature="j", dataset={}, kind="binary", held_out=part, biases=(effect,)
    )
    return card.to_json()


numbers = st.none() | st.floats(-1, 1)


@given(numbers, numbers, numbers, st.integers(0, 1000), st.text(max_size=20))
def test_an_effect_comes_back_from_json(
    effect: float | None, low: float | None, p_value: float | None, n: int, told: str
) -> None:
    made = BiasEffect(
        name="x", effect=effect, low=low, high=low, p_value=p_value, n=n, explanation=told
    )

    written = card_with(made)
    written["biases"][0]["newer"] = 1
    assert Calibration.from_json(written).biases == (made,)


def test_an_effect_that_is_not_whole_or_not_finite_is_refused() -> None:
    whole = BiasEffect(name="x", effect=0.5, low=None, high=None, p_value=None, n=1, explanation="")
    written = card_with(whole)
    del written["biases"][0]["effect"]
    with pytest.raises(DataError, match=r"biases\.0\.effect is missing"):
        Calibration.from_json(written)
    with pytest.raises(ValueError, match="finite"):
        BiasEffect(
            name="x", effect=float("nan"), low=None, high=None, p_value=None, n=1, explanation=""
        )


def test_a_position_bias_outside_of_its_range_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[-1, 1\]"):
        position_bias([2.0])
