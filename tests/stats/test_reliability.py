"""Krippendorff's alpha and intraclass correlations."""

from collections.abc import Callable
from typing import Any

import krippendorff
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.stats import intraclass_correlations, krippendorff_alpha, krippendorff_interval

Equal = Callable[[float | None, str], bool]
NONE = float("nan")
EXAMPLE = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, NONE, NONE, NONE],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, NONE, 3],
    [NONE, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, NONE],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, NONE],
]
"""Krippendorff (2011), section E."""
JUDGES = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
"""Shrout and Fleiss (1979), table 2."""


@pytest.mark.parametrize(
    ("scale", "printed"),
    [("nominal", ".743"), ("ordinal", ".815"), ("interval", ".849"), ("ratio", ".797")],
)
def test_krippendorffs_example_is_reproduced(scale: Any, printed: str, as_printed: Equal) -> None:
    assert as_printed(krippendorff_alpha(EXAMPLE, scale=scale), printed)


def test_shrout_and_fleiss_are_reproduced(as_printed: Equal) -> None:
    found = intraclass_correlations(JUDGES)

    assert as_printed(found.single_random_raters_per_item, ".166")
    assert as_printed(found.single_agreement, ".290")
    assert as_printed(found.single_consistency, ".715")
    assert as_printed(found.average_random_raters_per_item, ".443")
    assert as_printed(found.average_agreement, ".620")
    assert as_printed(found.average_consistency, ".909")


ratings = st.integers(2, 8).flatmap(
    lambda items: st.lists(
        st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.0, NONE]), min_size=items, max_size=items),
        min_size=2,
        max_size=5,
    )
)


@pytest.mark.parametrize("scale", ["nominal", "ordinal", "interval", "ratio"])
@given(table=ratings)
def test_alpha_equals_the_krippendorff_package(scale: Any, table: list[list[float]]) -> None:
    data = np.array(table)
    paired = data[:, (~np.isnan(data)).sum(axis=0) >= 2]
    if np.unique(paired[~np.isnan(paired)]).size < 2:
        assert krippendorff_alpha(data, scale=scale) is None
        return
    expected = krippendorff.alpha(reliability_data=data, level_of_measurement=scale)

    assert krippendorff_alpha(data, scale=scale) == pytest.approx(float(expected), abs=1e-9)


def test_the_interval_holds_alpha_and_repeats_with_its_seed() -> None:
    found = krippendorff_interval(EXAMPLE, seed=1)
    alpha = krippendorff_alpha(EXAMPLE)

    assert found is not None
    assert alpha is not None
    assert alpha in found
    assert found == krippendorff_interval(EXAMPLE, seed=1)


def test_one_value_has_no_alpha() -> None:
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None
    assert krippendorff_interval([[1, 1], [1, 1]]) is None


@given(
    st.lists(st.lists(st.integers(0, 9), min_size=3, max_size=3), min_size=3, max_size=12),
    st.integers(1, 5),
)
def test_consistency_ignores_a_raters_level(table: list[list[int]], shift: int) -> None:
    data = np.array(table, dtype=float)
    if np.ptp(data.mean(axis=1)) < 0.5:
        return
    moved = intraclass_correlations(data + np.array([0, shift, 2 * shift]))

    assert moved.single_consistency == pytest.approx(
        intraclass_correlations(data).single_consistency, abs=1e-6, nan_ok=True
    )


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: krippendorff_alpha([1.0, 2.0]), id="one-dimensional"),
        pytest.param(lambda: krippendorff_alpha([[-1.0], [1.0]], scale="ratio"), id="negative"),
        pytest.param(lambda: intraclass_correlations([[1.0, 2.0]]), id="one-item"),
        pytest.param(lambda: intraclass_correlations([[1.0, 2.0], [NONE, 1.0]]), id="missing"),
    ],
)
def test_tables_that_do_not_fit_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match="must"):
        call()
