"""Time, money and length of answers."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.plugin import Case, CaseBatch, Status
from evalkit_scorers.operations.measured import Cost, Latency, OutputLength, TimeToFirstToken

MEASURED = [
    pytest.param(Latency(), "latency_seconds", "seconds", id="latency"),
    pytest.param(TimeToFirstToken(), "time_to_first_token", "seconds", id="first-token"),
    pytest.param(Cost(), "cost", "USD", id="cost"),
]


@pytest.mark.parametrize(
    ("measured", "status"),
    [
        pytest.param(0.25, Status.OK, id="measured"),
        pytest.param(0, Status.OK, id="zero"),
        pytest.param(None, Status.SKIPPED, id="not-measured"),
        pytest.param(-1.0, Status.FAILED, id="negative"),
        pytest.param(float("nan"), Status.FAILED, id="not-a-number"),
        pytest.param("fast", Status.FAILED, id="text"),
    ],
)
@pytest.mark.parametrize(("scorer", "field", "unit"), MEASURED)
def test_what_was_measured_is_passed_on(
    scorer: Any, field: str, unit: str, measured: Any, status: Status
) -> None:
    column = scorer.score_batch(CaseBatch({field: [measured]}, length=1))

    assert column.status.tolist() == [status]
    assert column.cell(0).value == (measured if status is Status.OK else None)
    assert (scorer.facts.unit, scorer.facts.direction) == (unit, "lower")


@pytest.mark.parametrize(("scorer", "field", "unit"), MEASURED)
def test_data_in_which_nothing_was_measured_is_skipped(scorer: Any, field: str, unit: str) -> None:
    column = scorer.score_batch(CaseBatch.of([Case(outputs="a"), Case()]))

    assert field != unit
    assert column.status.tolist() == [Status.SKIPPED, Status.SKIPPED]


@pytest.mark.parametrize(
    ("output", "words", "characters"),
    [
        pytest.param("It is  Paris.\n", 3, 14, id="text"),
        pytest.param("", 0, 0, id="empty-is-an-answer"),
        pytest.param("猫が好き", 1, 4, id="no-spaces"),
        pytest.param("👩‍👩‍👧", 1, 5, id="code-points"),
        pytest.param({"a": 1}, 1, 7, id="json"),
        pytest.param(None, None, None, id="no-output"),
    ],
)
def test_length_of_an_output(output: Any, words: int | None, characters: int | None) -> None:
    batch = CaseBatch.of([Case(outputs=output)])

    assert OutputLength().score_batch(batch).cell(0).value == words
    assert OutputLength(unit="characters").score_batch(batch).cell(0).value == characters


@given(st.text(), st.text())
def test_characters_of_two_texts_add_up(left: str, right: str) -> None:
    batch = CaseBatch.of([Case(outputs=text) for text in (left, right, left + right)])

    one, other, both = OutputLength(unit="characters").score_batch(batch).values

    assert one + other == both


def test_a_unit_that_is_not_known_is_refused() -> None:
    with pytest.raises(ValueError, match="unit must be words or characters"):
        OutputLength(unit="tokens")  # type: ignore[arg-type]
