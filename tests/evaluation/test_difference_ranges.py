"""Paired intervals know the range of a metric, however often a case was repeated."""

from typing import Any

import pytest

import evalkit
from evalkit import scorer
from evalkit.report.comparison_document import comparison_document

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


@pytest.mark.parametrize("gate", ["no_regression(right, margin=2)", "improves(right, by=1.5)"])
def test_a_gate_whose_margin_is_beyond_the_range_never_passes(gate: str) -> None:
    verdict = run(80, right).check([gate], baseline=run(0, right))

    assert str(verdict.status) == "INCONCLUSIVE"
    assert "range of 1" in verdict.conditions[0].why


def test_the_worst_slice_is_named_by_its_gate() -> None:
    rows = [
        {"question": f"q{i}", "expected": "yes", "language": "de" if i % 4 else "fr"}
        for i in range(80)
    ]
    result = evalkit.evaluate(
        lambda question: "no" if int(question[1:]) % 4 == 0 else "yes",
        rows,
        right,
        columns={"tags": ["language"]},
        gates=["worst(right, by=language) >= 0.5"],
        runtime=NOTHING_KEPT,
    )

    assert result["worst(right, by=language)"].note == "where language=fr"
    assert "0.00 [0.00, 0.161] where language=fr (n=20/20)" in result.verdict.conditions[0].why


def claims(new: list[float], old: list[float], more: int) -> tuple[evalkit.Comparison, str]:
    """Return a comparison of two systems by *more* metrics besides, and its text."""

    def result(values: list[float], name: str) -> Any:
        def metric(place: int) -> Any:
            @scorer(name=f"m{place}", low=0, high=1)
            def measure(outputs: list[float]) -> float:
                return outputs[0] if place == 0 else outputs[1]

            return measure

        rows = [{"id": str(i), "x": i, "output": [v, 0.5]} for i, v in enumerate(values)]
        scorers = [metric(place) for place in range(more + 1)]
        return evalkit.evaluate(data=rows, scorers=scorers, name=name, runtime=NOTHING_KEPT)

    comparison = evalkit.compare(result(old, "a"), result(new, "b"))
    return comparison, " ".join(str(comparison).split())


def test_better_is_claimed_where_interval_and_p_values_say_so_alone() -> None:
    gains = [1.0] * 6 + [0.0] * 62
    alone, text = claims(gains, [0.0] * 68, more=0)
    among, text_among = claims(gains, [0.0] * 68, more=7)

    assert "b is better than a on m0" in text
    assert "b may be better than a on m0" in text_among
    assert "among so many comparisons that may be chance (adjusted p = 0.1" in text_among
    for comparison, outcome in ((alone, "better"), (among, "")):
        row = comparison_document(comparison)["rows"][0]
        assert row["outcome"] == outcome
        assert row["low"] > 0
        assert row["p_value"] < 0.05


@scorer(low=0, high=1)
def weighty(outputs: str) -> evalkit.Score:
    """Return the value and the weight that the output names."""
    value, weight = outputs.split()
    return evalkit.Score(float(value), weight=float(weight))


def heavy_first(gain: float, weight: float) -> Any:
    """Score 200 cases of which the first 20 gain something and weigh more."""
    rows = [
        {"question": f"q{i}", "output": f"{0.5 + gain * (i < 20)} {weight if i < 20 else 1.0}"}
        for i in range(200)
    ]
    return evalkit.evaluate(data=rows, scorers=weighty, runtime=NOTHING_KEPT, name=f"{gain}")


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 0.02), (9.0, 0.1), (1e6, 0.2)])
def test_a_difference_heeds_the_weights_of_scores(weight: float, expected: float) -> None:
    better, plain = heavy_first(0.2, weight), heavy_first(0.0, weight)
    change = better.difference(plain, "weighty")

    assert change.difference == pytest.approx(expected, abs=1e-4)
    values = [float(result["weighty"].value or 0.0) for result in (better, plain)]
    assert change.difference == pytest.approx(values[0] - values[1])


def test_a_difference_of_medians_heeds_the_weights_of_scores() -> None:
    better, plain = heavy_first(0.2, 100.0), heavy_first(0.0, 100.0)

    assert better.difference(plain, "median(weighty)").difference == pytest.approx(0.2)


def test_weights_of_both_systems_count_alike() -> None:
    better, plain = heavy_first(0.2, 5.0), heavy_first(0.0, 1.0)
    row = evalkit.compare(plain, better).row("weighty")

    # Their mean is 3 for the first 20, and the values shown are those of the same weights.
    assert row.difference.difference == pytest.approx(0.2 * 60 / 240)
    assert plain.difference(better, "weighty").difference == pytest.approx(-0.2 * 60 / 240)
    shown = float(row.value_b or 0.0) - float(row.value_a or 0.0)
    assert shown == pytest.approx(row.difference.difference)
