"""Assessments logged by hand, and found again."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit import tracing, tracking
from evalkit.errors import UsageError


@pytest.fixture(autouse=True)
def _own_store(tmp_path: Path) -> Iterator[None]:
    tracking.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    yield
    tracking.set_tracking_uri(None)


@pytest.mark.parametrize(
    "value",
    [True, 0, 0.25, "polite", ["a", 1], {"fluent": 1}],
    ids=lambda value: type(value).__name__,
)
def test_a_feedback_comes_back_as_it_was_logged(value: Any) -> None:
    said = tracing.log_feedback(
        trace_id="t",
        span_id="a",
        name="quality",
        value=value,
        rationale="since",
        metadata={"n": 1},
        source=tracing.AssessmentSource("HUMAN", "ann"),
        run_id="r",
    )

    assert tracing.assessments(trace_id="t") == [said]


def test_an_error_is_feedback_without_a_value() -> None:
    tracing.log_feedback(trace_id="t", name="x", error=ValueError("no answer"))

    (found,) = tracing.assessments(name="x")
    assert found.error == tracing.AssessmentError("ValueError", "no answer")


def test_the_newest_comes_first_and_each_filter_counts() -> None:
    for span, name in (("a", "one"), ("b", "one"), ("a", "two")):
        tracing.log_feedback(trace_id="t", span_id=span, name=name, value=1)
    tracing.log_expectation(trace_id="u", value="Lima")

    def shown(**filters: Any) -> list[tuple[str | None, str]]:
        return [(one.span_id, one.name) for one in tracing.assessments(**filters)]

    assert shown(trace_id="t") == [("a", "two"), ("b", "one"), ("a", "one")]
    assert shown(span_id="a", name="one") == [("a", "one")]
    assert shown(limit=1) == [(None, "expected_response")]
    assert shown(run_id="r") == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        pytest.param({"value": None}, "needs a value", id="nothing"),
        pytest.param({"value": 1, "error": ValueError("x")}, "needs a value, or else", id="both"),
        pytest.param({"value": 1, "name": ""}, "needs a name", id="nameless"),
        pytest.param({"value": float("inf")}, "finite number", id="endless"),
        pytest.param({"value": float("nan")}, "finite number", id="no-number"),
        pytest.param({"value": 10**400}, "finite number", id="too-large"),
        pytest.param({"value": Decimal("-inf")}, "finite number", id="endless-decimal"),
        pytest.param({"value": np.float32("inf")}, "finite number", id="endless-numpy"),
        pytest.param({"value": 1, "name": "n" * 501}, "at most 500", id="long-name"),
    ],
)
def test_what_is_no_feedback_is_refused(arguments: dict[str, Any], told: str) -> None:
    given: dict[str, Any] = {"trace_id": "t", "name": "x", **arguments}
    with pytest.raises(UsageError, match=told):
        tracing.log_feedback(**given)


def test_an_unknown_kind_of_source_is_refused_with_the_near_one() -> None:
    with pytest.raises(UsageError, match="Did you mean 'LLM_JUDGE'"):
        tracing.AssessmentSource("LLM_JUGDE")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_no_fewer_than_one_can_be_asked_for() -> None:
    with pytest.raises(UsageError, match="at least 1"):
        tracing.assessments(limit=0)
