"""Reducers: one value a case, failures honest, pass@k and pass^k as published."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import comb

from evalkit.entities.score import Status
from evalkit.errors import UsageError
from evalkit.scoring.reduce import parse_reducer, reduce_repeats

NAN = math.nan


def reduced(
    reducer: str, cells: list[float], status: list[Status] | None = None, *, target: bool = False
) -> tuple[float, Status]:
    """Reduce the repeats of a single case."""
    codes = np.array([status or [Status.OK] * len(cells)], dtype=np.int8)
    failed = (codes == Status.FAILED) & target
    values, outcome = reduce_repeats(
        np.array([cells]), codes, failed, parse_reducer(reducer, len(cells))
    )
    return float(values[0]), Status(int(outcome[0]))


@pytest.mark.parametrize(
    ("reducer", "cells", "expected"),
    [
        pytest.param("mean", [0.0, 1.0, 0.5], 0.5, id="mean"),
        pytest.param("median", [0.0, 9.0, 1.0], 1.0, id="median"),
        pytest.param("max", [0.0, 0.25], 0.25, id="max"),
        pytest.param("majority", [1.0, 0.0, 1.0], 1.0, id="majority"),
        pytest.param("majority", [1.0, 0.0], 0.5, id="majority-tie"),
        pytest.param("at_least(2)", [1.0, 0.0, 1.0], 1.0, id="at-least"),
        pytest.param("at_least(3)", [1.0, 0.0, 1.0], 0.0, id="not-at-least"),
        pytest.param("pass_at_k(3)", [1.0, 1.0, 0.0, 0.0, 0.0], 0.9, id="pass-at-k"),
        pytest.param("pass_hat_k(2)", [1.0] * 6 + [0.0] * 2, 15 / 28, id="pass-hat-k"),
    ],
)
def test_repeats_become_one_value(reducer: str, cells: list[float], expected: float) -> None:
    value, status = reduced(reducer, cells)

    assert value == pytest.approx(expected)
    assert status is Status.OK


@given(st.lists(st.booleans(), min_size=1, max_size=12), st.data())
def test_pass_at_k_equals_its_definition(passes: list[bool], data: st.DataObject) -> None:
    n, c = len(passes), sum(passes)
    k = data.draw(st.integers(1, n))
    at, _ = reduced(f"pass_at_k({k})", [float(p) for p in passes])
    hat, _ = reduced(f"pass_hat_k({k})", [float(p) for p in passes])

    assert at == pytest.approx(1 - comb(n - c, k) / comb(n, k))
    assert hat == pytest.approx(comb(c, k) / comb(n, k))


@pytest.mark.parametrize(
    ("reducer", "target", "expected", "status"),
    [
        pytest.param("mean", True, NAN, Status.FAILED, id="mean-fails"),
        pytest.param("pass_at_k(2)", True, 1.0, Status.OK, id="a-target-error-is-a-miss"),
        pytest.param("pass_at_k(2)", False, NAN, Status.FAILED, id="a-scorer-error-is-missing"),
        pytest.param("at_least(2)", True, 0.0, Status.OK, id="at-least-counts-a-miss"),
    ],
)
def test_a_failed_repeat(reducer: str, expected: float, status: Status, *, target: bool) -> None:
    value, outcome = reduced(reducer, [1.0, NAN], [Status.OK, Status.FAILED], target=target)

    assert value == pytest.approx(expected, nan_ok=True)
    assert outcome is status


def test_skipped_repeats_are_left_out_and_unreached_ones_leave_the_case_unreached() -> None:
    assert reduced("mean", [1.0, NAN], [Status.OK, Status.SKIPPED]) == (1.0, Status.OK)
    assert reduced("mean", [NAN, NAN], [Status.SKIPPED] * 2)[1] is Status.SKIPPED
    assert reduced("mean", [1.0, NAN], [Status.OK, Status.NOT_RUN])[1] is Status.NOT_RUN


@pytest.mark.parametrize("text", ["avg", "pass_at_k", "mean(2)", "pass_at_k(9)", "at_least(0)", ""])
def test_a_wrong_reducer_is_refused_with_the_list(text: str) -> None:
    with pytest.raises(UsageError, match=r"Reducers|1 <= k <= repeats"):
        parse_reducer(text, 4)
