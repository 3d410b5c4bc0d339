"""Targets that somebody else has written, and written wrong: no case is lost without a word."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.plugin import CaseBatch, Failure, Invocation, Output, TargetIdentity

ROWS = [{"question": "q", "expected": "q"}, {"question": "r", "expected": "q"}]


class Target:
    """Answers by a function; of the lane that a test asks for."""

    identity: ClassVar = TargetIdentity(kind="own", name="own")

    def __init__(self, lane: str, answer: Callable[[Any], Any]) -> None:
        self.lane = lane
        self.answer = answer

    def check(self, batch: CaseBatch) -> None:
        """Refuse nothing."""

    def call(self, invocation: Invocation) -> Any:
        return self.answer(invocation)

    async def acall(self, invocation: Invocation) -> Any:
        return self.answer(invocation)

    def call_batch(self, batch: CaseBatch) -> Any:
        return self.answer(batch)


def evaluated(target: object) -> evalkit.EvaluationResult:
    runtime = evalkit.Runtime(store=False, progress=False)
    return evalkit.evaluate(target, ROWS, ["text.exact_match"], runtime=runtime)


@pytest.mark.parametrize("lane", ["thread", "async"])
@pytest.mark.parametrize(
    ("answer", "why"),
    [
        pytest.param("q", "The target returned str, and an Output is due.", id="text"),
        pytest.param(None, "The target returned NoneType, and an Output is due.", id="nothing"),
        pytest.param(Failure("refusal", "no"), "no", id="failure"),
    ],
)
def test_what_is_no_output_fails_its_case(lane: str, answer: object, why: str) -> None:
    failures = evaluated(Target(lane, lambda _: answer)).failures()

    assert failures["explanation"].tolist() == [why, why]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        pytest.param([Output("q")], ["ValueError: 1 answers for 2 cases"] * 2, id="too-few"),
        pytest.param([Output("q")] * 3, ["ValueError: 3 answers for 2 cases"] * 2, id="too-many"),
        pytest.param(None, ["TypeError: 'NoneType' object is not iterable"] * 2, id="nothing"),
        pytest.param(
            [Output("q"), "r"], ["The target returned str, and an Output is due."], id="text"
        ),
    ],
)
def test_a_batch_without_an_output_for_each_case_fails(answers: object, why: list[str]) -> None:
    failures = evaluated(Target("batch", lambda _: answers)).failures()

    assert failures["explanation"].tolist() == why


@pytest.mark.parametrize(
    ("lane", "without", "why"),
    [
        ("sync", "", "lane 'sync' is none of 'async', 'thread', 'batch'"),
        ("thread", "call", "Target of lane 'thread' has no call"),
        ("async", "acall", "Target of lane 'async' has no acall"),
        ("batch", "call_batch", "Target of lane 'batch' has no call_batch"),
    ],
)
def test_a_target_without_the_method_of_its_lane_is_refused_before_a_case_is_lost(
    lane: str, without: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if without:
        monkeypatch.delattr(Target, without)

    with pytest.raises(UsageError, match=f"model= is no target: {why}"):
        evaluated(Target(lane, Output))
