"""Differences of corpus metrics and quantiles: resampled in pairs, and honest without variance."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import bootstrap

import evalkit
from evalkit.evaluation.comparing import resampled
from evalkit.evaluation.comparing.distinct import kinds_of_cases
from evalkit.evaluation.comparing.resampled import quantile_difference
from evalkit.scoring.column import Rows
from evalkit.scoring.estimate import Design

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


def test_drawing_kinds_of_cases_is_drawing_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    good, poor = classified(0.85, 1), classified(0.7, 2)
    by_kind = good.difference(poor, "classification.f1")
    monkeypatch.setattr(resampled, "kinds_of_cases", lambda *_: None)
    by_case = good.difference(poor, "classification.f1")

    assert by_kind.difference == by_case.difference
    assert by_kind.standard_error == pytest.approx(by_case.standard_error, rel=0.15)
    assert (by_kind.low, by_kind.high) == pytest.approx((by_case.low, by_case.high), abs=0.02)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz")), min_size=1, max_size=400))
def test_kinds_hold_every_case_once(cells: list[tuple[str, str]]) -> None:
    first, second = (
        Rows({"output": np.array([cell[place] for cell in cells], dtype=object)})
        for place in (0, 1)
    )
    found = kinds_of_cases(first, second)

    if len(set(cells)) * 32 > len(cells):
        assert found is None
        return
    assert found is not None
    rows, counts = found
    assert {cells[row]: int(count) for row, count in zip(rows, counts, strict=True)} == {
        kind: cells.count(kind) for kind in set(cells)
    }


def test_systems_that_never_differ_still_have_an_interval_where_the_range_is_known() -> None:
    found = classified(0.8, 1).difference(classified(0.8, 1), "classification.f1")

    assert found.difference == 0.0
    assert found.method == "tango-mean"
    z = 1.959963984540054
    assert found.high == pytest.approx(z**2 / (400 + z**2))
    assert found.low == pytest.approx(-(z**2) / (400 + z**2))


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
