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

from evalkit.stats import correlation

Equal = Callable[[float | None, str], bool]


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


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda: correlation([1.0], [1.0, 2.0]), id="lengths"),
        pytest.param(lambda: correlation([1.0], [1.0], level="system"), id="no-groups"),
    ],
)
def test_what_cannot_correlate_is_refused(call: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|needs|no data|no pair"):
        call()
