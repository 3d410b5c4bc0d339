"""Verdicts honour the whole interval, coverage, and the gravest condition."""

import dataclasses
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.entities.estimate import Estimate
from evalkit.gates.grammar import parse_gates
from evalkit.gates.verdict import (
    EXIT_CODES,
    Circumstances,
    ConditionVerdict,
    Verdict,
    decide,
    decide_number,
    describe,
    number,
    together,
)

MEASURED = Estimate(key="m", value=0.7, low=0.6, high=0.8, n_total=100, n_scored=100)


@pytest.mark.parametrize(
    ("gate", "expected"),
    [
        pytest.param("m >= 0.6", "PASS", id="lower-end-reaches"),
        pytest.param("m > 0.6", "INCONCLUSIVE", id="strictly-above"),
        pytest.param("m >= 0.7", "INCONCLUSIVE", id="inside"),
        pytest.param("m >= 0.81", "FAIL", id="below"),
        pytest.param("m <= 0.8", "PASS", id="upper-end-reaches"),
        pytest.param("m <= 0.5", "FAIL", id="above"),
        pytest.param("m >= 0.7 @ point", "PASS", id="point"),
        pytest.param("m >= 0.71 @ point", "FAIL", id="point-below"),
        pytest.param("m == 0.7", "INCONCLUSIVE", id="equal-inside"),
        pytest.param("m != 0.9", "PASS", id="unequal-outside"),
    ],
)
def test_the_whole_interval_decides(gate: str, expected: str) -> None:
    assert decide(parse_gates(gate)[0], MEASURED, Circumstances()).status == expected


@pytest.mark.parametrize(
    ("changes", "around", "expected"),
    [
        pytest.param(
            {"value": None, "low": None, "n_scored": 0, "n_skipped": 100},
            {},
            "INCONCLUSIVE",
            id="nothing-applies",
        ),
        pytest.param({"low": None}, {}, "INCONCLUSIVE", id="no-interval"),
        pytest.param({"n_scored": 90, "n_failed": 10}, {}, "FAIL", id="own-failures"),
        pytest.param(
            {"n_scored": 90, "n_failed": 10},
            {"infrastructure_failures": 10},
            "INFRA",
            id="infrastructure",
        ),
        pytest.param(
            {"n_scored": 90, "n_failed": 10},
            {"infrastructure_failures": 9},
            "INFRA",
            id="mostly-infrastructure",
        ),
        pytest.param(
            {"n_scored": 90, "n_failed": 10}, {"least_coverage": 0.9}, "PASS", id="allowed"
        ),
        pytest.param({"n_scored": 60}, {}, "INCONCLUSIVE", id="interrupted"),
        pytest.param({"n_scored": 60}, {"out_of_budget": True}, "BUDGET", id="budget"),
        pytest.param(
            {"n_scored": 60, "low": 0.1, "high": 0.2, "value": 0.15},
            {"out_of_budget": True},
            "FAIL",
            id="failed-before-the-budget",
        ),
    ],
)
def test_missing_cases_never_pass(
    changes: dict[str, object], around: dict[str, object], expected: str
) -> None:
    estimate = dataclasses.replace(MEASURED, **changes)  # type: ignore[arg-type]
    found = decide(parse_gates("m >= 0.5")[0], estimate, Circumstances(**around))  # type: ignore[arg-type]

    assert found.status == expected
    assert found.why.startswith("m >= 0.5: ")


def test_an_unknown_number_never_passes() -> None:
    gate = parse_gates("cost <= 1")[0]

    assert decide_number(gate, None, "cost").status == "INCONCLUSIVE"
    assert decide_number(gate, 0.5, "cost").status == "PASS"
    assert decide_number(gate, 1.5, "cost").status == "FAIL"


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1))
def test_the_gravest_verdict_wins(verdicts: list[Verdict]) -> None:
    order = ["FAIL", "BUDGET", "INFRA", "INCONCLUSIVE", "PASS", "NONE"]
    conditions = [ConditionVerdict(condition="c", status=v, why="c") for v in verdicts]

    assert together(conditions).status == min(verdicts, key=order.index)


def test_without_a_condition_there_is_no_verdict_and_each_has_its_exit_code() -> None:
    assert together([]).status is Verdict.NONE
    assert [EXIT_CODES[verdict] for verdict in Verdict] == [0, 1, 3, 4, 5, 0]


@given(st.floats(-1e6, 1e6))
def test_numbers_are_shown_without_negative_zero_and_close_to_their_value(value: float) -> None:
    shown = number(value)

    assert shown not in {"-0.00", "-0"}
    assert float(shown) == pytest.approx(value, rel=0.06, abs=0.006)


def test_an_estimate_is_described_with_its_denominators() -> None:
    assert describe(MEASURED) == "0.700 [0.600, 0.800] (n=100/100)"
    assert describe(Estimate(key="m", n_total=3)) == "no value (n=0/3)"


@pytest.mark.parametrize("gate", ["m != 0.5", "m >= 0.5 @ point", "m <= 0.5", "m >= 0.5"])
@pytest.mark.parametrize("member", ["value", "low", "high"])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf], ids=str)
def test_numbers_that_are_not_finite_never_decide(gate: str, member: str, bad: float) -> None:
    sound: dict[str, Any] = {"value": 0.9, "low": 0.8, "high": 0.95} | {member: bad}
    estimate = Estimate(key="m", n_total=9, n_scored=9, **sound)

    found = decide(parse_gates(gate)[0], estimate, Circumstances())

    assert found.status is Verdict.INCONCLUSIVE


@pytest.mark.parametrize(
    ("n_scored", "written"),
    [(4500, "90 %"), (4896, "97.9 %"), (4899, "97.98 %"), (48999, "97.998 %")],
)
def test_a_coverage_just_below_its_bound_does_not_read_like_it(n_scored: int, written: str) -> None:
    total = 5000 if n_scored < 5000 else 50_000
    estimate = dataclasses.replace(MEASURED, n_scored=n_scored, n_failed=total - n_scored)

    why = decide(parse_gates("m >= 0.5")[0], estimate, Circumstances()).why

    assert f"coverage {written} is below 98 %" in str(why)


@pytest.mark.parametrize(
    ("n_scored", "total", "least", "words"),
    [
        (2, 3, 0.666667, "coverage 66.66667 % is below 66.6667 %"),
        (9723, 10_000, 0.9724, "coverage 97.23 % is below 97.24 %"),
        (1, 2, 0.5 + 1e-15, "coverage 50 % is below 50 %"),
    ],
)
def test_a_bound_of_many_digits_is_written_with_them(
    n_scored: int, total: int, least: float, words: str
) -> None:
    estimate = dataclasses.replace(MEASURED, n_scored=n_scored, n_failed=total - n_scored)

    why = decide(parse_gates("m >= 0.5")[0], estimate, Circumstances(least_coverage=least)).why

    assert words in str(why)
