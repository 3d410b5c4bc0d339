"""Quantiles and rates with weights and groups, corpus metrics without reducers, many slices."""

from typing import Any

import numpy as np
import pytest

import evalkit
from evalkit import Runtime, Score, scorer
from evalkit.errors import DataError, UnknownMetricError
from evalkit.evaluation.results import estimates

QUIET = Runtime(progress=False, store=False)


@scorer(name="v")
def number(outputs: str) -> float:
    """Return the output as a number."""
    return float(outputs)


def numbers(values: list[float], **more: list[Any]) -> list[dict[str, Any]]:
    """Return rows of numbers, with other columns."""
    return [
        {"question": f"q{i}", "output": str(value), **{name: more[name][i] for name in more}}
        for i, value in enumerate(values)
    ]


def test_a_quantile_heeds_the_weights_of_cases() -> None:
    rows = numbers([float(i) for i in range(100)], w=[100 if i >= 90 else 1 for i in range(100)])
    result = evalkit.evaluate(data=rows, scorers=number, columns={"weight": "w"}, runtime=QUIET)
    found = result["median(v)"]

    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    assert found.value >= 90
    assert 85 <= found.low <= found.value <= found.high
    assert found.method == "woodruff"


def test_a_quantile_of_groups_is_as_uncertain_as_its_groups() -> None:
    generator = np.random.default_rng(1)
    centres = np.repeat(generator.normal(size=20), 50)
    values = (centres + generator.normal(0, 0.01, size=1000)).tolist()
    rows = numbers(values, g=[f"g{i // 50}" for i in range(1000)])
    grouped = evalkit.evaluate(data=rows, scorers=number, columns={"group": "g"}, runtime=QUIET)
    alone = evalkit.evaluate(data=numbers(values), scorers=number, runtime=QUIET)
    wide, narrow = grouped["median(v)"], alone["median(v)"]

    assert wide.high is not None
    assert wide.low is not None
    assert narrow.high is not None
    assert narrow.low is not None
    assert (wide.n_groups, wide.method, narrow.method) == (20, "woodruff", "order")
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_weights_of_the_scorer_count_in_rates_and_quantiles() -> None:
    @scorer
    def weighty(inputs: dict[str, Any]) -> Score:
        first = int(inputs["question"][1:]) < 10
        return Score(float(first), weight=9.0 if first else 1.0)

    result = evalkit.evaluate(data=numbers([0.0] * 100), scorers=weighty, runtime=QUIET)
    assert result["weighty"].value == pytest.approx(0.5)
    assert result["rate(weighty)"].value == pytest.approx(0.5)
    assert result["p60(weighty)"].value == 1.0


def test_cells_without_value_are_in_no_rate_and_no_quantile() -> None:
    @scorer
    def mixed(inputs: dict[str, Any]) -> Score:
        place = int(inputs["question"][1:])
        return Score(label="refused") if place % 2 else Score(1.0)

    result = evalkit.evaluate(data=numbers([0.0] * 40), scorers=mixed, runtime=QUIET)
    assert (result["rate(mixed)"].value, result["rate(mixed)"].n_scored) == (1.0, 20)
    assert result["median(mixed)"].value == 1.0


@pytest.mark.parametrize("key", ["median(classification.f1)", "rate(classification.f1)"])
def test_functions_of_cells_have_no_value_where_cells_have_none(key: str) -> None:
    result = evalkit.evaluate(data=classes(40), scorers="classification.f1", runtime=QUIET)
    assert result[key].value is None
    assert result[key].note


def classes(n: int) -> list[dict[str, Any]]:
    """Return rows of two classes, some of them wrong."""
    return [{"question": f"q{i}", "expected": i % 2, "output": (i // 2) % 2} for i in range(n)]


def test_reducers_are_not_offered_for_corpus_metrics() -> None:
    def target(question: str, repeat: int) -> int:
        return (int(question[1:]) + repeat) % 2

    cases = [{"question": f"q{i}", "expected": i % 2} for i in range(20)]
    result = evalkit.evaluate(
        target,
        cases,
        scorers=["classification.f1", "text.exact_match"],
        repeats=2,
        reducer=["mean", "max"],
        runtime=QUIET,
    )
    assert list(result.estimates) == [
        "classification.f1",
        "text.exact_match",
        "text.exact_match.max",
    ]
    with pytest.raises(KeyError, match="computed of all cells at once; max reduces nothing"):
        result["classification.f1.max"]


def test_a_gate_on_a_reduced_corpus_metric_is_refused_before_the_run() -> None:
    def target(question: str) -> int:
        raise AssertionError(question)

    with pytest.raises(UnknownMetricError, match="max reduces nothing"):
        evalkit.evaluate(
            target,
            [{"question": "q0", "expected": 1}],
            scorers="classification.f1",
            repeats=2,
            reducer=["mean", "max"],
            gates="classification.f1.max >= 0.5",
            runtime=QUIET,
        )


def test_a_corpus_metric_whose_cases_weigh_nothing_has_no_value() -> None:
    rows = [{**row, "w": 0.0} for row in classes(20)]
    result = evalkit.evaluate(
        data=rows, scorers="classification.f1", columns={"weight": "w"}, runtime=QUIET
    )
    found = result["classification.f1"]
    assert (found.value, found.low, found.note) == (None, None, "all weights are 0")


def test_slices_of_labels_cost_the_column_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    original = estimates.label_metric

    def counted(metric: Any, label: str) -> Any:
        made.append(label)
        return original(metric, label)

    monkeypatch.setattr(estimates, "label_metric", counted)

    @scorer
    def tone(inputs: dict[str, Any]) -> str:
        return "polite" if int(inputs["question"][1:]) % 3 else "rude"

    rows = numbers([0.0] * 60, lang=[f"l{i % 20}" for i in range(60)])
    result = evalkit.evaluate(data=rows, scorers=tone, columns={"tags": ["lang"]}, runtime=QUIET)
    table = result.by("lang")

    assert len(table) == 40
    assert made == ["polite", "rude"]
    rude = table[table["metric"] == "tone=rude"]
    assert (rude["value"] * rude["n_scored"]).sum() == 20


@pytest.mark.parametrize("left_out", ["skipped", "failed"])
def test_a_repeat_without_a_score_does_not_dilute_the_weight_of_its_case(left_out: str) -> None:
    said = {"A": ["good", "good"], "B": ["bad", left_out]}
    turns = {name: iter(answers) for name, answers in said.items()}

    def bot(q: str) -> str:
        return next(turns[q])

    @scorer
    def graded(outputs: str) -> Score:
        if outputs == "skipped":
            return Score.skipped()
        if outputs == "failed":
            return Score.failed("scorer_error", "no")
        return Score(1.0 if outputs == "good" else 0.0, weight=100.0)

    result = evalkit.evaluate(
        bot,
        [{"inputs": {"q": "A"}}, {"inputs": {"q": "B"}}],
        graded,
        repeats=2,
        runtime=Runtime(store=False, progress=False, concurrency=1),
    )

    assert result["graded"].value == (0.5 if left_out == "skipped" else 1.0)


@pytest.mark.parametrize("absent", [None, float("nan")])
def test_a_weight_that_is_missing_beside_others_is_an_error(absent: float | None) -> None:
    with pytest.raises(DataError, match="line 2, column 'w': a weight must be a number"):
        evalkit.evaluate(
            data=numbers([1.0, 2.0], w=[3.0, absent]),
            scorers=number,
            columns={"weight": "w"},
            runtime=QUIET,
        )


def test_a_case_that_states_no_weight_counts_once() -> None:
    rows = [{"question": "a", "output": "0", "weight": 3}, {"question": "b", "output": "1"}]

    assert evalkit.evaluate(data=rows, scorers=number, runtime=QUIET)["v"].value == 0.25
