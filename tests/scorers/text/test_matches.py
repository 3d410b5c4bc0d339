"""The yes-or-no scorers: normalized_match, contains, regex."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.plugin import CaseBatch, Status, UsageError
from evalkit_scorers.text.matches import (
    Contains,
    NormalizedMatch,
    Regex,
    contains,
    normalized_match,
    regex,
)
from evalkit_scorers.text.token_f1 import token_f1

MakeBatch = Callable[..., CaseBatch]
texts = st.text(alphabet="abtheAB .,\n'é", max_size=24)


@pytest.mark.parametrize(
    ("output", "reference", "expected"),
    [
        pytest.param("The Eiffel Tower.", "eiffel tower", True, id="article-case-punctuation"),
        pytest.param("eiffel  tower", "eiffel tower", True, id="white-space"),
        pytest.param("1,000", "1000", True, id="punctuation-inside-numbers"),
        pytest.param("a", "the", False, id="articles-alone-are-themselves"),
        pytest.param("theatre", "atre", False, id="articles-inside-words-count"),
        pytest.param("", "x", False, id="one-empty"),
        pytest.param("", "", True, id="both-empty"),
    ],
)
def test_normalized_match_value(output: str, reference: str, *, expected: bool) -> None:
    assert normalized_match(output, reference) is expected


@given(texts, texts)
def test_texts_that_match_normalized_share_every_word(left: str, right: str) -> None:
    # SQuAD's two measures agree: an exact match has the full F1.
    if normalized_match(left, right):
        assert token_f1(left, right, normalize=True) == 1.0
    assert normalized_match(left, left)


@pytest.mark.parametrize(
    ("output", "references", "match", "ignore_case", "expected"),
    [
        pytest.param("It is Paris.", ["Paris"], "any", False, True, id="inside"),
        pytest.param("It is Paris.", ["paris"], "any", False, False, id="case-counts"),
        pytest.param("It is Paris.", ["paris"], "any", True, True, id="case-ignored"),
        pytest.param("GROSSE", ["große"], "any", True, True, id="case-folding-is-unicode"),
        pytest.param("a b", ["a", "c"], "any", False, True, id="one-is-enough"),
        pytest.param("a b", ["a", "c"], "all", False, False, id="all-are-needed"),
        pytest.param("a b", ["a", "b"], "all", False, True, id="all-occur"),
        pytest.param("", [""], "any", False, True, id="empty-in-empty"),
        pytest.param("", ["a"], "any", False, False, id="nothing-in-empty"),
    ],
)
def test_contains_value(
    output: str, references: list[str], match: Any, *, ignore_case: bool, expected: bool
) -> None:
    assert contains(output, references, match=match, ignore_case=ignore_case) is expected


@given(texts, texts, texts)
def test_a_text_contains_its_parts(before: str, part: str, after: str) -> None:
    whole = before + part + after

    assert contains(whole, [part])
    assert contains(whole, [before, after, part], match="all")
    # The escaped text as a pattern is an independent way to look for it.
    assert contains(before, [part]) == regex(before, re.escape(part))


@pytest.mark.parametrize(
    ("output", "pattern", "full", "ignore_case", "expected"),
    [
        pytest.param("Answer: 42", r"\d+", False, False, True, id="somewhere"),
        pytest.param("Answer: 42", r"\d+", True, False, False, id="not-the-whole"),
        pytest.param("42", r"\d+", True, False, True, id="the-whole"),
        pytest.param("YES", "yes", False, False, False, id="case-counts"),
        pytest.param("YES", "yes", False, True, True, id="case-ignored"),
        pytest.param("a\nb", "a.b", False, False, False, id="dot-stops-at-line-ends"),
        pytest.param("a\nb", "(?s)a.b", False, False, True, id="flags-in-the-pattern"),
        pytest.param("", "", True, False, True, id="empty"),
    ],
)
def test_regex_value(
    output: str, pattern: str, *, full: bool, ignore_case: bool, expected: bool
) -> None:
    assert regex(output, pattern, full=full, ignore_case=ignore_case) is expected


def test_a_case_without_pattern_is_skipped_unless_one_is_for_all(batch: MakeBatch) -> None:
    cases = batch(["a1", "b", None], [r"\d", None, "x"])

    own, common = Regex().score_batch(cases), Regex(pattern=r"[a-z]$").score_batch(cases)

    assert own.status.tolist() == [Status.OK, Status.SKIPPED, Status.SKIPPED]
    assert own.values[0] == 1.0
    assert common.status.tolist() == [Status.OK, Status.OK, Status.SKIPPED]
    assert common.values[:2].tolist() == [0.0, 1.0]


def test_any_of_several_patterns_is_enough(batch: MakeBatch) -> None:
    assert Regex().score_batch(batch(["cab"], [["x", "b$"]])).values.tolist() == [1.0]


def test_a_broken_pattern_of_a_case_fails_that_case_alone(batch: MakeBatch) -> None:
    column = Regex().score_batch(batch(["a", "a"], ["(", "a"]))

    assert column.status.tolist() == [Status.FAILED, Status.OK]
    assert column.reasons == {0: "scorer_error"}
    assert "not a regular expression" in column.explanations[0]


def test_a_regex_needs_expectations_only_without_a_pattern_of_its_own() -> None:
    assert Regex().requires == {"outputs", "expectations"}
    assert Regex(pattern="x").requires == {"outputs"}


@pytest.mark.parametrize(
    ("make", "named"),
    [
        pytest.param(lambda: Regex(pattern="("), "pattern=", id="broken-pattern"),
        pytest.param(lambda: Contains(match="some"), "match=", id="unknown-match"),  # type: ignore[arg-type]
    ],
)
def test_a_wrong_parameter_is_refused(make: Callable[[], Any], named: str) -> None:
    with pytest.raises(UsageError, match=named):
        make()


@pytest.mark.parametrize(
    "scorer",
    [
        pytest.param(NormalizedMatch(), id="normalized_match"),
        pytest.param(Contains(), id="contains"),
        pytest.param(Contains(match="all", ignore_case=True), id="contains-all"),
    ],
)
def test_a_missing_text_is_skipped_and_an_empty_one_scored(
    batch: MakeBatch, scorer: NormalizedMatch | Contains
) -> None:
    column = scorer.score_batch(batch([None, "x", "", "x"], ["x", None, "x", ["x", "x"]]))

    assert column.binary
    skipped, scored = Status.SKIPPED, Status.OK
    assert column.status.tolist() == [skipped, skipped, scored, scored]
    assert column.values[2:].tolist() == [0.0, 1.0]
