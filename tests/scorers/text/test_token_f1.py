from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics import f_measure

from evalkit.plugin import CaseBatch, Status
from evalkit_scorers.text.matches import squad_normalized
from evalkit_scorers.text.token_f1 import TokenF1, token_f1

MakeBatch = Callable[..., CaseBatch]
texts = st.text(alphabet="abAB \n.é", max_size=30)
word_sets = st.sets(
    st.sampled_from(["one", "two", "three", "four", "five", "six", "seven"]), min_size=1
)


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        pytest.param("my cat sat", "my cat ran", 2 / 3, id="two-of-three-shared"),
        pytest.param("my my my", "my cat", 2 / 5, id="repeats-count-once-per-match"),
        pytest.param("THE CAT", "the cat", 1.0, id="case-is-ignored"),
        pytest.param("cat.", "cat", 1.0, id="punctuation-is-left-out"),
        pytest.param("", "", 1.0, id="both-empty-agree"),
        pytest.param(" \n", "", 1.0, id="white-space-is-no-word"),
        pytest.param("", "cat", 0.0, id="one-empty-disagrees"),
        pytest.param("日本 語", "日本", 4 / 5, id="characters-of-other-scripts"),
    ],
)
def test_token_f1_value(output: str, reference: str, expected: float) -> None:
    assert token_f1(output, reference) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        pytest.param("The cat!", "a cat", 1.0, id="articles-and-punctuation-go"),
        pytest.param("the", "an", 0.0, id="articles-alone-are-themselves"),
        pytest.param("the cat sat", "the cat ran", 1 / 2, id="articles-do-not-count-as-shared"),
        pytest.param("U.S. president", "us President", 1.0, id="punctuation-leaves-no-gap"),
        pytest.param("", "cat", 0.0, id="one-empty-disagrees"),
    ],
)
def test_token_f1_value_normalized_as_squad(output: str, reference: str, expected: float) -> None:
    assert token_f1(output, reference, normalize=True) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("The  cat,\tand a dog", "cat and dog", id="articles-commas-spaces"),
        pytest.param("theatre another", "theatre another", id="articles-inside-words-stay"),
        pytest.param("the-cat", "thecat", id="punctuation-goes-before-articles"),
        pytest.param("«Zoë»", "«zoë»", id="only-ascii-punctuation-goes"),
        pytest.param("", "", id="empty"),
    ],
)
def test_squad_normalization(text: str, expected: str) -> None:
    assert squad_normalized(text) == expected


@given(texts, texts, st.booleans())
def test_token_f1_is_symmetric_and_bounded(left: str, right: str, normalize: bool) -> None:
    value = token_f1(left, right, normalize=normalize)

    assert value == token_f1(right, left, normalize=normalize)
    assert 0.0 <= value <= 1.0


@given(texts, st.booleans())
def test_token_f1_of_a_text_with_itself_is_one(text: str, normalize: bool) -> None:
    assert token_f1(text, text, normalize=normalize) == 1.0


@given(word_sets, word_sets)
def test_token_f1_of_distinct_words_is_nltks_f_measure(left: set[str], right: set[str]) -> None:
    expected = f_measure(right, left, alpha=0.5)

    assert token_f1(" ".join(left), " ".join(right)) == pytest.approx(expected or 0.0, abs=1e-12)


def test_the_best_reference_counts(batch: MakeBatch) -> None:
    column = TokenF1().score_batch(batch(["the cat"], [["dog", "the cat", "the"]]))

    assert column.values.tolist() == [1.0]


def test_a_missing_text_is_skipped_and_an_empty_one_scored(batch: MakeBatch) -> None:
    column = TokenF1(normalize=True).score_batch(batch([None, "x", ""], ["x", None, "x"]))

    assert column.status.tolist() == [Status.SKIPPED, Status.SKIPPED, Status.OK]
    assert column.cell(2).value == 0.0
