"""The interval of a quantile holds whatever the distribution, and is absent where it must be."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import quantile_interval


@pytest.mark.parametrize("share", [0.5, 0.9, 0.95])
def test_coverage_is_at_least_the_level(share: float) -> None:
    generator = np.random.default_rng(7)
    truth = np.quantile(generator.lognormal(size=1_000_000), share)
    found = [quantile_interval(generator.lognormal(size=150), share) for _ in range(400)]
    hits = [truth in interval for interval in found if interval is not None]

    assert len(hits) == 400
    assert np.mean(hits) >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 400)


@given(st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=60), st.floats(0.2, 0.8))
def test_limits_are_values_around_the_quantile(values: list[float], share: float) -> None:
    found = quantile_interval(values, share)
    if found is not None:
        assert found.low in values
        assert found.high in values
        assert found.low <= np.quantile(values, share, method="inverted_cdf") <= found.high


def test_too_few_values_have_no_interval() -> None:
    assert quantile_interval([1.0, 2.0, 3.0], 0.95) is None


@pytest.mark.parametrize(("share", "level"), [(0.0, 0.95), (1.0, 0.95), (0.5, 1.0)])
def test_shares_and_levels_outside_of_their_range_are_refused(share: float, level: float) -> None:
    with pytest.raises(ValueError, match="must be in"):
        quantile_interval([1.0, 2.0], share, level=level)
