from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.distance import edit_distance as nltk_distance

from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.text.edit_distance import EditDistance, edit_distance, edit_similarity

MakeBatch = Callable[..., CaseBatch]
texts = st.text(alphabet="abé日\n", max_size=12)


@pytest.mark.parametrize(
    ("output", "reference", "distance", "similarity"),
    [
        pytest.param("kitten", "sitting", 3, 4 / 7, id="textbook"),
        pytest.param("abc", "abc", 0, 1.0, id="equal"),
        pytest.param("", "abc", 3, 0.0, id="one-empty"),
        pytest.param("", "", 0, 1.0, id="both-empty"),
        pytest.param("ab", "ba", 2, 0.0, id="swapping-is-two-edits"),
        pytest.param("日本語", "日本", 1, 2 / 3, id="characters-not-bytes"),
    ],
)
def test_edit_distance_value(output: str, reference: str, distance: int, similarity: float) -> None:
    assert edit_distance(output, reference) == distance
    assert edit_similarity(output, reference) == pytest.approx(similarity)


@given(texts, texts)
def test_edit_distance_equals_nltks(left: str, right: str) -> None:
    assert edit_distance(left, right) == nltk_distance(left, right)
    assert 0.0 <= edit_similarity(left, right) == edit_similarity(right, left) <= 1.0


def test_the_nearest_reference_counts_for_each_metric_by_itself(batch: MakeBatch) -> None:
    columns = EditDistance().score_batch(batch(["abcd"], [["abcdefgh", "ab"]]))

    assert columns["distance"].values.tolist() == [2.0]
    assert columns["similarity"].values.tolist() == [0.5]


def test_case_can_be_ignored(batch: MakeBatch) -> None:
    columns = EditDistance(ignore_case=True).score_batch(batch(["STRASSE"], ["straße"]))

    assert columns["distance"].values.tolist() == [0.0]


def test_a_missing_text_is_skipped_and_an_empty_one_scored(batch: MakeBatch) -> None:
    for column in EditDistance().score_batch(batch([None, "x", ""], ["x", None, ""])).values():
        assert column.status.tolist() == [Status.SKIPPED, Status.SKIPPED, Status.OK]


def test_similarity_is_better_high_and_distance_low() -> None:
    directions = {key: facts.direction for key, facts in EditDistance.metric_facts.items()}

    assert directions == {"similarity": "higher", "distance": "lower"}
