"""Agreement of raters on labels."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats import inter_rater

from evalkit.stats import cohen_kappa, fleiss_kappa, gwet_ac1
from evalkit.stats.agreement import contingency_table

Equal = Callable[[float | None, str], bool]
PSYCHIATRY = [[75, 1, 4], [5, 4, 1], [0, 0, 10]]
"""Fleiss, Levin and Paik (2003), table 18.1."""
TEN_BY_FIVE = (
    "0 0 0 0 14 / 0 2 6 4 2 / 0 0 3 5 6 / 0 3 9 2 0 / 2 2 8 1 1 / "
    "7 7 0 0 0 / 3 2 6 3 0 / 2 5 3 2 2 / 6 5 2 1 0 / 0 2 2 3 7"
)


def test_the_published_kappa_and_its_errors_are_reproduced(as_printed: Equal) -> None:
    found = cohen_kappa(PSYCHIATRY)

    assert as_printed(found.value, ".67647")
    assert as_printed(found.standard_error, ".08770")
    assert as_printed(found.null_error, ".07619")
    assert as_printed(cohen_kappa(PSYCHIATRY, weights="linear").value, ".72222")
    assert as_printed(cohen_kappa(PSYCHIATRY, weights="quadratic").value, ".75532")


def test_gwets_published_example_is_reproduced(as_printed: Equal) -> None:
    table = [[118, 5], [2, 0]]
    found = gwet_ac1(table)

    assert as_printed(found.value, ".94078")
    assert as_printed(found.standard_error, ".02306")
    assert as_printed(cohen_kappa(table).value, "-.0234")


def test_the_published_fleiss_kappa_is_reproduced(as_printed: Equal) -> None:
    counts = [[int(n) for n in row.split()] for row in TEN_BY_FIVE.split("/")]

    assert as_printed(fleiss_kappa(counts).value, ".20993")


@pytest.mark.conformance
def test_the_published_kappas_of_pandalm_are_reproduced(
    shared_data: Path, as_printed: Equal
) -> None:
    rows = json.loads((shared_data / "pandalm/testset-v1.json").read_text(encoding="utf-8"))
    said = {i: [int(row[f"annotator{i}"]) for row in rows] for i in (1, 2, 3)}

    for pair, printed in (((1, 2), ".852"), ((1, 3), ".879"), ((2, 3), ".862")):
        table = contingency_table(said[pair[0]], said[pair[1]])
        assert as_printed(cohen_kappa(table).value, printed)


labels = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=60).filter(
    lambda rows: len({label for row in rows for label in row}) > 1
)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@given(rows=labels)
def test_kappa_equals_scikit_learn(weights: Any, rows: list[tuple[int, int]]) -> None:
    a, b = zip(*rows, strict=True)
    found = cohen_kappa(contingency_table(a, b, labels=range(4)), weights=weights)
    if found.value is None:
        return
    expected = cohen_kappa_score(a, b, labels=range(4), weights=weights)
    assert found.value == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("weights", [None, "linear", "quadratic"])
@given(table=st.lists(st.lists(st.integers(0, 20), min_size=3, max_size=3), min_size=3, max_size=3))
def test_the_error_of_kappa_equals_statsmodels(weights: Any, table: list[list[int]]) -> None:
    counts = np.array(table) + 1
    found = cohen_kappa(counts, weights=weights)
    penalty = np.abs(np.subtract.outer(np.arange(3), np.arange(3)))
    power = 1 if weights == "linear" else 2
    given_weights: Any = None if weights is None else penalty**power
    expected: Any = inter_rater.cohens_kappa(counts, weights=given_weights)

    assert found.value == pytest.approx(expected.kappa)
    assert found.standard_error == pytest.approx(expected.std_kappa, abs=1e-9)


@given(st.lists(st.lists(st.integers(0, 2), min_size=4, max_size=4), min_size=2, max_size=20))
def test_fleiss_kappa_equals_statsmodels(ratings: list[list[int]]) -> None:
    counts = np.array([np.bincount(row, minlength=3) for row in ratings])
    found = fleiss_kappa(counts)
    if found.value is None:
        assert len({label for row in ratings for label in row}) == 1
        return
    assert found.value == pytest.approx(float(inter_rater.fleiss_kappa(counts)))


@given(labels)
def test_raters_may_change_places(rows: list[tuple[int, int]]) -> None:
    a, b = zip(*rows, strict=True)
    forth, back = contingency_table(a, b), contingency_table(b, a)

    assert cohen_kappa(forth).value == pytest.approx(cohen_kappa(back).value)
    assert gwet_ac1(forth).value == pytest.approx(gwet_ac1(back).value)


def test_perfect_agreement_is_one() -> None:
    table = contingency_table(["a", "b", "c"], ["a", "b", "c"])

    assert cohen_kappa(table).value == pytest.approx(1.0)
    assert gwet_ac1(table).value == pytest.approx(1.0)
    assert fleiss_kappa([[3, 0], [0, 3]]).value == pytest.approx(1.0)


def test_agreement_on_a_single_label_says_nothing() -> None:
    assert cohen_kappa([[5, 0], [0, 0]]).value is None
    assert fleiss_kappa([[3, 0], [3, 0]]).value is None


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: cohen_kappa([[1, 2]]), id="not-square"),
        pytest.param(lambda: cohen_kappa([[0, 0], [0, 0]]), id="no-counts"),
        pytest.param(lambda: gwet_ac1([[3]]), id="one-label"),
        pytest.param(lambda: fleiss_kappa([[1, 1], [3, 0]]), id="other-raters"),
        pytest.param(lambda: fleiss_kappa([1, 1]), id="one-dimensional"),
        pytest.param(lambda: contingency_table([1], [1, 2]), id="lengths"),
        pytest.param(lambda: contingency_table([1], [2], labels=[1]), id="unknown-label"),
    ],
)
def test_what_cannot_agree_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|needs|not among"):
        call()


@pytest.mark.parametrize("weights", ["linear", "quadratic"])
@given(st.lists(st.tuples(st.sampled_from([1, 2, 5]), st.sampled_from([1, 2, 5])), min_size=2))
def test_weights_measure_between_values_where_a_step_went_unused(
    weights: Any, rows: list[tuple[int, int]]
) -> None:
    a, b = zip(*rows, strict=True)
    table = contingency_table(a, b, labels=[1, 2, 5])
    found = cohen_kappa(table, weights=weights, values=[1, 2, 5]).value
    if found is not None:
        theirs = cohen_kappa_score(a, b, weights=weights, labels=[1, 2, 3, 4, 5])
        assert found == pytest.approx(theirs, abs=1e-9)
