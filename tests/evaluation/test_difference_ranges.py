"""Paired intervals know the range of a metric, however often a case was repeated."""

from typing import Any

import pytest

import evalkit
from evalkit import scorer

NOTHING_KEPT = evalkit.Runtime(store=False)


@scorer
def right(outputs: str, expectations: Any) -> bool:
    return bool(outputs == expectations["target"])


@scorer(low=0, high=1)
def declared(outputs: str, expectations: Any) -> float:
    return float(outputs == expectations["target"])


def run(wrong: int, metric: Any, **options: Any) -> Any:
    rows = [{"question": f"q{i}", "expected": "yes"} for i in range(200)]
    asked = {f"q{i}" for i in range(wrong)}

    def bot(question: str) -> str:
        return "no" if question in asked else "yes"

    return evalkit.evaluate(bot, rows, metric, runtime=NOTHING_KEPT, **options)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"repeats": 2}, id="mean"),
        pytest.param({"repeats": 3, "reducer": "majority"}, id="majority"),
        pytest.param({"repeats": 2, "reducer": "pass_at_k(2)"}, id="pass-at-k"),
        pytest.param({"repeats": 2, "reducer": "max"}, id="max"),
    ],
)
@pytest.mark.parametrize("wrong", [0, 1, 40])
def test_yes_or_no_keeps_its_range_under_repeats(wrong: int, options: dict[str, Any]) -> None:
    found, expected = (
        run(wrong, metric, **options).difference(run(0, metric, **options), metric.name)
        for metric in (right, declared)
    )

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.low is not None


def test_an_equal_system_passes_no_regression_with_repeats() -> None:
    verdict = run(0, right, repeats=2).check(
        ["no_regression(right, margin=0.05)"], baseline=run(0, right, repeats=2)
    )

    assert str(verdict.status) == "PASS"
