"""Correlation with human judgement."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kendalltau, pearsonr, spearmanr

from evalkit.stats import correlation, pairwise_accuracy, partial_correlation, williams_test

Equal = Callable[[float | None, str], bool]


def test_the_worked_williams_test_is_reproduced(as_printed: Equal) -> None:
    found = williams_test(0.55, 0.45, 0.8, 100)

    assert as_printed(found.statistic, "1.8613")
    assert as_printed(found.p_value, ".0657")
    assert found.degrees == 97


columns = st.integers(3, 30).flatmap(
    lambda n: st.tuples(*[st.lists(st.integers(0, 6), min_size=n, max_size=n)] * 2)
)


@given(columns)
def test_coefficients_equal_scipy(pair: tuple[list[int], list[int]]) -> None:
    a, b = pair
    constant = len(set(a)) < 2 or len(set(b)) < 2
    for kind, reference in (
        ("pearson", pearsonr),
        ("spearman", spearmanr),
        ("kendall", kendalltau),
    ):
        found = correlation(a, b, kind=kind).value  # type: ignore[arg-type]
        if constant:
            assert found is None
        else:
            expected: Any = reference(a, b)
            assert found == pytest.approx(float(expected[0]), abs=1e-9)


def test_levels_give_different_answers() -> None:
    """Within each document the metric is backwards, over systems it is right."""
    documents, systems = np.repeat(np.arange(4), 3), np.tile(np.arange(3), 4)
    human = systems + 10.0 * documents
    metric = -1.0 * systems + 10.0 * documents
    options: Any = {"kind": "spearman", "groups": documents}

    assert correlation(metric, human).value == pytest.approx(0.99, abs=0.02)
    assert correlation(metric, human, level="group", **options).value == pytest.approx(-1.0)
    assert correlation(metric, human, level="system", **options).value == pytest.approx(1.0)
    assert correlation(metric, human, level="group", **options).n == 4


def test_documents_without_spread_are_left_out() -> None:
    found = correlation([1, 2, 5, 5], [1, 2, 3, 4], level="group", groups=["a", "a", "b", "b"])

    assert found.value == pytest.approx(1.0)
    assert found.n == 1


@pytest.mark.conformance
def test_human_dimensions_of_summeval_correlate_as_scipy_says(shared_data: Path) -> None:
    """The summary level is the mean over documents of the correlation over systems."""
    path = shared_data / "summeval/summaries_scores.jsonl"
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    documents = [row["doc_id"] for row in rows]
    a, b = ([row[name] for row in rows] for name in ("coherence", "relevance"))
    found = correlation(a, b, kind="kendall", level="group", groups=documents)
    parts: list[float] = []
    for document in dict.fromkeys(documents):
        chosen = [place for place, name in enumerate(documents) if name == document]
        x, y = [a[place] for place in chosen], [b[place] for place in chosen]
        if len(set(x)) > 1 and len(set(y)) > 1:
            expected: Any = kendalltau(x, y)
            parts.append(float(expected[0]))

    assert found.n == len(parts)
    assert found.value == pytest.approx(np.mean(parts))


def test_a_confounder_is_taken_out() -> None:
    rng = np.random.default_rng(1)
    system = np.repeat(np.arange(5), 200)
    metric, human = system + rng.normal(size=1000), system + rng.normal(size=1000)
    raw = correlation(metric, human).value

    assert raw is not None
    assert raw > 0.5
    assert partial_correlation(metric, human, system) == pytest.approx(0.0, abs=0.1)
    assert partial_correlation(system, human, system) is None


def test_pairwise_accuracy_counts_ties() -> None:
    found = pairwise_accuracy([1.0, 2.0, 2.0], [1, 2, 3])

    assert found.accuracy == pytest.approx(2 / 3)
    assert found.n_pairs == 3


@given(columns)
def test_the_calibrated_threshold_is_the_best_of_all(pair: tuple[list[int], list[int]]) -> None:
    metric, human = pair
    best = pairwise_accuracy(metric, human, tie_threshold=None)
    tried = [pairwise_accuracy(metric, human, tie_threshold=t).accuracy for t in range(8)]

    assert best.accuracy == pytest.approx(max(tried))
    assert (
        pairwise_accuracy(metric, human, tie_threshold=best.tie_threshold).accuracy == best.accuracy
    )


def test_pairs_are_formed_within_groups_only() -> None:
    found = pairwise_accuracy([1, 2, 9, 8], [1, 2, 3, 4], groups=["a", "a", "b", "b"])

    assert (found.accuracy, found.n_pairs) == (0.5, 2)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: correlation([1.0], [1.0, 2.0]), id="lengths"),
        pytest.param(lambda: correlation([1.0], [1.0], level="system"), id="no-groups"),
        pytest.param(lambda: partial_correlation([1.0], [1.0, 2.0], [1]), id="partial-lengths"),
        pytest.param(lambda: pairwise_accuracy([1.0], [1.0]), id="no-pair"),
        pytest.param(lambda: pairwise_accuracy([1.0], [1.0, 2.0]), id="pair-lengths"),
        pytest.param(lambda: williams_test(0.9, -0.9, 0.9, 10), id="contradiction"),
        pytest.param(lambda: williams_test(0.1, 0.1, 0.1, 3), id="too-few"),
    ],
)
def test_what_cannot_correlate_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|needs|no data|no pair"):
        call()
