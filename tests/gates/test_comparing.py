"""Gates that compare decide by the paired difference's interval, and rarely by chance."""

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import UsageError
from evalkit.gates.comparing import (
    Compared,
    alarm_p_value,
    decide_difference,
    interval_level,
    margin_of,
    without_chance_alarms,
)
from evalkit.gates.grammar import parse_gates
from evalkit.gates.planning import more_cases
from evalkit.gates.verdict import ConditionVerdict, Verdict
from evalkit.stats import paired_difference, tango_interval
from evalkit.stats.difference import PairedDifference

MEASURED = PairedDifference(
    difference=0.03,
    low=0.01,
    high=0.05,
    level=0.9,
    method="t",
    p_value=0.01,
    effect_size=0.1,
    correlation=0.5,
    n=500,
    n_groups=None,
    standard_error=0.012,
    smallest_detectable=0.03,
    test="t",
)


def verdict(
    gate: str,
    found: PairedDifference = MEASURED,
    *,
    lower: bool = False,
    bounds: tuple[float, float] | None = (0.0, 1.0),
) -> ConditionVerdict:
    compared = Compared(
        difference=found, direction="lower" if lower else "higher", bounds=bounds, baseline="old"
    )
    return decide_difference(parse_gates(gate)[0], compared)


@pytest.mark.parametrize(
    ("gate", "lower", "expected"),
    [
        pytest.param("no_regression(m, margin=0.02)", False, "PASS", id="no-loss"),
        pytest.param("no_regression(m, margin=0)", False, "PASS", id="surely-a-gain"),
        pytest.param("no_regression(m, margin=0.02)", True, "INCONCLUSIVE", id="perhaps-a-loss"),
        pytest.param("no_regression(m, margin=0.005)", True, "FAIL", id="surely-a-loss"),
        pytest.param("no_regression(m, margin=0.06)", True, "PASS", id="loss-within-margin"),
        pytest.param("improves(m)", False, "PASS", id="gain"),
        pytest.param("improves(m, by=0.02)", False, "INCONCLUSIVE", id="perhaps-so-much"),
        pytest.param("improves(m, by=0.05)", False, "FAIL", id="surely-less"),
        pytest.param("improves(m)", True, "FAIL", id="surely-worse"),
        pytest.param("equivalent(m, margin=0.06)", False, "PASS", id="inside"),
        pytest.param("equivalent(m, margin=0.05)", False, "INCONCLUSIVE", id="touches"),
        pytest.param("equivalent(m, margin=0.01)", False, "FAIL", id="outside"),
        pytest.param("equivalent(m, margin=0.06)", True, "PASS", id="inside-whichever-way"),
        pytest.param("improves(m, by=0.03) @ point", False, "FAIL", id="point-not-above"),
        pytest.param("improves(m, by=0.02) @ point", False, "PASS", id="point"),
    ],
)
def test_the_whole_interval_decides(gate: str, lower: bool, expected: str) -> None:
    assert verdict(gate, lower=lower).status == expected


def test_an_undecided_gate_says_how_many_more_cases_it_takes() -> None:
    found = verdict("improves(m, by=0.02)")

    assert found.more_cases == more_cases(0.01, 0.012, 500, level=0.9)
    assert found.more_cases is not None
    assert f"about {found.more_cases:,} more cases for 80 % power" in found.why
    assert "against old" in found.why


def test_more_cases_are_those_of_the_published_formula() -> None:
    # Miller (2024), section 5: 969 cases find 0.03 where the differences' variance is 1/9.
    error = (1 / 9 / 100) ** 0.5

    assert more_cases(0.03, error, 100, level=0.95) == 870


@pytest.mark.parametrize(
    ("distance", "error", "n"),
    [
        pytest.param(0.0, 0.1, 10, id="at-the-threshold"),
        pytest.param(1e-9, 0.1, 10, id="too-close"),
        pytest.param(0.1, 0.0, 10, id="no-error-known"),
    ],
)
def test_no_number_is_told_where_none_would_help(distance: float, error: float, n: int) -> None:
    assert more_cases(distance, error, n, level=0.95) is None


@pytest.mark.parametrize(
    ("gate", "bounds", "margin"),
    [
        pytest.param("no_regression(m)", (0.0, 1.0), 0.02, id="share-of-the-range"),
        pytest.param("no_regression(m)", (0.0, 100.0), 2.0, id="another-range"),
        pytest.param("equivalent(m)", (0.0, 1.0), 0.01, id="equivalent"),
        pytest.param("improves(m)", None, 0.0, id="any-gain"),
        pytest.param("no_regression(m)", None, None, id="unbounded"),
        pytest.param("no_regression(m, margin=3)", None, 3.0, id="written"),
    ],
)
def test_the_default_margin_is_a_share_of_the_range(
    gate: str, bounds: tuple[float, float] | None, margin: float | None
) -> None:
    assert margin_of(parse_gates(gate)[0], bounds) == margin


@pytest.mark.parametrize("argument", ["1", "1.5", "2 %", "99 %"])
@pytest.mark.parametrize("gate", ["no_regression(m, margin={})", "improves(m, by={})"])
def test_a_margin_of_the_whole_range_decides_nothing(gate: str, argument: str) -> None:
    (condition,) = parse_gates(gate.format(argument))

    if argument.endswith("%"):
        assert margin_of(condition, (0.0, 1.0)) == pytest.approx(float(argument[:-2]) / 100)
    else:
        with pytest.raises(UsageError, match="not below the metric's range of 1"):
            margin_of(condition, (0.0, 1.0))


def test_what_cannot_be_measured_never_passes() -> None:
    nothing = dataclasses.replace(MEASURED, low=None, high=None)
    compared = Compared(difference=MEASURED, direction="none", bounds=(0.0, 1.0), baseline="old")

    assert verdict("no_regression(m)", nothing).status is Verdict.INCONCLUSIVE
    assert verdict("no_regression(m)", bounds=None).status is Verdict.INCONCLUSIVE
    for gate, status in (("improves(m)", "INCONCLUSIVE"), ("equivalent(m, margin=0.9)", "PASS")):
        assert decide_difference(parse_gates(gate)[0], compared).status == status


@pytest.mark.parametrize(
    ("gate", "level", "expected"),
    [
        pytest.param("no_regression(m)", 0.95, 0.9, id="one-sided-5-per-cent"),
        pytest.param("no_regression(m) @ ci99", 0.95, 0.98, id="one-sided-1-per-cent"),
        pytest.param("equivalent(m)", 0.95, 0.9, id="two-one-sided-tests"),
        pytest.param("improves(m)", 0.95, 0.95, id="two-sided"),
        pytest.param("improves(m) @ ci99", 0.95, 0.99, id="two-sided-99"),
        pytest.param("improves(m)", 0.8, 0.8, id="the-runs-own-level"),
    ],
)
def test_the_level_of_the_interval(gate: str, level: float, expected: float) -> None:
    assert interval_level(parse_gates(gate)[0], level) == pytest.approx(expected)


@given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 0.2), st.sampled_from(["higher", "lower"]))
def test_a_wider_margin_never_turns_a_pass_into_something_else(
    value: float, half: float, margin: float, direction: str
) -> None:
    found = dataclasses.replace(MEASURED, difference=value, low=value - half, high=value + half)
    narrow, wide = (
        verdict(f"no_regression(m, margin={size:.6f})", found, lower=direction == "lower").status
        for size in (margin, margin + 0.1)
    )

    assert narrow is not Verdict.PASS or wide is Verdict.PASS


def test_one_alarm_of_several_looks_needs_more_than_chance() -> None:
    fail = ConditionVerdict(condition="a", status=Verdict.FAIL, why="a")
    fine = ConditionVerdict(condition="b", status=Verdict.PASS, why="b")

    alone = without_chance_alarms([fail], [(0, 0.04, 0.05)])
    among = without_chance_alarms([fail, fine], [(0, 0.04, 0.05), (1, 0.9, 0.05)])
    clear = without_chance_alarms([fail, fine], [(0, 0.001, 0.05), (1, 0.9, 0.05)])

    assert [v.status for v in alone] == ["FAIL"]
    assert [v.status for v in among] == ["INCONCLUSIVE", "PASS"]
    assert "Holm" in among[0].why
    assert [v.status for v in clear] == ["FAIL", "PASS"]


def test_the_alarms_p_value_is_that_of_the_score_test_at_its_limit() -> None:
    # Where the interval just excludes the margin, the one-sided p-value is half of what it leaves.
    limits = tango_interval(30, 60, 300, level=0.9)
    found = paired_difference(
        [1] * 30 + [0] * 60 + [0] * 210, [0] * 30 + [1] * 60 + [0] * 210, binary=True, level=0.9
    )
    compared = Compared(difference=found, direction="higher", bounds=(0.0, 1.0), baseline="old")
    p_value = alarm_p_value(parse_gates(f"no_regression(m, margin={-limits.high})")[0], compared)

    assert p_value == pytest.approx(0.05, abs=0.005)


@pytest.mark.parametrize(
    ("gate", "loss", "wrong"),
    [
        pytest.param("no_regression(m, margin=0)", 0.0, "FAIL", id="false-alarm-of-no-regression"),
        pytest.param("improves(m)", 0.0, "PASS", id="false-gain"),
        pytest.param("no_regression(m, margin=0.05)", 0.05, "PASS", id="a-loss-let-through"),
        pytest.param("equivalent(m, margin=0.05)", 0.05, "PASS", id="a-difference-let-through"),
    ],
)
@pytest.mark.parametrize("binary", [True, False], ids=["rates", "means"])
def test_gates_err_no_more_often_than_they_say(
    gate: str, loss: float, wrong: str, binary: bool
) -> None:
    generator = np.random.default_rng(4)
    condition = parse_gates(gate)[0]
    level = interval_level(condition, 0.95)
    errors, rounds, n = 0, 1_000, 200
    for _ in range(rounds):
        skill = generator.beta(2.0, 2.0, n)  # shared by both systems, so that they correlate
        a, b = (
            (generator.random(n) < skill * (1 - 2 * shift)).astype(float) for shift in (loss, 0.0)
        )
        if not binary:
            a, b = (scores * 0.5 + skill * 0.5 for scores in (a, b))
        found = paired_difference(a, b, binary=binary, bounds=(0.0, 1.0), level=level)
        compared = Compared(difference=found, direction="higher", bounds=(0.0, 1.0), baseline="old")
        scaled = condition
        if not binary and condition.margin:
            scaled = dataclasses.replace(condition, margin=condition.margin / 2)
        errors += decide_difference(scaled, compared).status == wrong

    # 5 % one-sided, and three standard deviations of a rate over the rounds.
    assert errors / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


@pytest.mark.parametrize(
    ("n", "expected"),
    [pytest.param(4, "INCONCLUSIVE", id="four"), pytest.param(40, "PASS", id="forty")],
)
def test_a_handful_of_pairs_shows_nothing_however_clear(n: int, expected: str) -> None:
    found = paired_difference([1.0] * n, [0.0] * n, binary=True)
    compared = Compared(difference=found, direction="higher", bounds=(0.0, 1.0), baseline="old")

    decided = decide_difference(parse_gates("improves(m)")[0], compared)

    assert decided.status.value == expected


@pytest.mark.parametrize("gate", ["no_regression(m)", "improves(m)", "equivalent(m, margin=0.5)"])
@pytest.mark.parametrize(
    ("changes", "few"),
    [
        pytest.param({"low": 0.01, "high": 0.02, "n": 9}, "9 pairs", id="clear"),
        pytest.param({"low": None, "high": None, "n": 9}, "9 pairs", id="no-interval"),
        pytest.param({"n_groups": 9}, "9 groups", id="groups"),
    ],
)
def test_below_ten_pairs_the_gate_says_what_is_missing(
    gate: str, changes: dict[str, Any], few: str
) -> None:
    decided = verdict(gate, dataclasses.replace(MEASURED, **changes))

    assert (decided.status, decided.more_cases) == (Verdict.INCONCLUSIVE, 1)
    assert f"{few} of the 10 without which it cannot pass" in decided.why


def test_an_undecided_gate_never_asks_for_fewer_than_ten_pairs() -> None:
    few = dataclasses.replace(MEASURED, n=3, low=-0.001, high=0.061, standard_error=0.012)

    assert verdict("improves(m)", few).more_cases == 7


@pytest.mark.parametrize("gate", ["no_regression(m, margin={})", "equivalent(m, margin={})"])
@pytest.mark.parametrize("margin", [1.01, 2, 5])
def test_a_margin_beyond_the_range_decides_nothing_and_is_refused(gate: str, margin: float) -> None:
    found = paired_difference([0.0] * 100, [1.0, 0.0] * 50, binary=True)
    compared = Compared(difference=found, direction="higher", bounds=(0, 1), baseline="old")
    condition = parse_gates(gate.format(margin))[0]

    with pytest.raises(UsageError, match=rf"margin={margin} .* range of 1, .* such as 0.02"):
        margin_of(condition, (0, 1))
    verdict = decide_difference(condition, compared)
    assert verdict.status is Verdict.INCONCLUSIVE
    assert "range of 1" in verdict.why
    assert alarm_p_value(condition, compared) is None


def test_a_margin_within_a_wider_range_is_taken() -> None:
    found = paired_difference([5.0] * 100, [5.0] * 100, bounds=(0, 10))
    compared = Compared(difference=found, direction="higher", bounds=(0, 10), baseline="old")

    verdict = decide_difference(parse_gates("no_regression(m, margin=2)")[0], compared)
    assert verdict.status is Verdict.PASS
