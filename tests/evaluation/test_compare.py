"""Comparisons are paired, refuse what does not compare, and name fixed and broken cases."""

import random
import re
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import UnpairedError, UsageError
from evalkit.evaluation.comparing.comparison import COLUMNS, UnknownSystemError
from evalkit.testing import ScriptedEndpoint

N = 80
ROWS = [
    {"question": f"q{i}", "expected": f"the answer {i}", "topic": "odd" if i % 2 else "even"}
    for i in range(N)
]
SCORERS = ["text.exact_match", "text.token_f1", "text.bleu", "text.edit_distance"]


def bot(share: float, seed: int = 1) -> Any:
    """Return a bot that is right in about *share* of the cases."""

    def answer(question: str) -> str:
        draw = random.Random(f"{question}/{seed}").random()  # noqa: S311  no secret
        return f"the answer {question[1:]}" if draw < share else "no answer at all"

    return answer


@pytest.fixture
def systems() -> evalkit.Comparison:
    """Compare three bots of different skill."""
    targets = {"old": bot(0.4), "new": bot(0.8), "other": bot(0.4, seed=2)}
    return evalkit.sweep(targets, ROWS, SCORERS)


def test_every_system_and_metric_has_a_paired_row(systems: evalkit.Comparison) -> None:
    table = systems.table()

    assert tuple(table.columns) == COLUMNS
    assert len(table) == 2 * 5
    row = table[(table.b == "new") & (table.metric == "text.exact_match")].iloc[0]
    assert row.a == "old"
    assert row.difference == pytest.approx(row.value_b - row.value_a)
    assert row.low < row.difference < row.high
    assert row.low > 0
    assert row.p_adjusted >= row.p_value
    assert row.n_pairs == N
    assert row.n_unmatched == 0
    assert row.smallest_detectable > 0


def test_corpus_metrics_are_compared_by_their_statistics(systems: evalkit.Comparison) -> None:
    found = systems.row("text.bleu", "new").difference

    assert found.method == "paired-bootstrap"
    assert found.test == "approximate-randomization"
    assert found.difference == pytest.approx(
        float(systems["new"]["text.bleu"]) - float(systems["old"]["text.bleu"])
    )
    assert found.low is not None
    assert found.low > 0
    assert found.p_value is not None
    assert found.p_value < 0.01


def test_a_row_metric_is_compared_by_resampling_both(folder: Path) -> None:
    rows = [{"inputs": {"x": i}, "expectations": i % 2} for i in range(60)]
    runs = [
        evalkit.evaluate(
            lambda x, wrong=wrong: (x + (x % wrong == 0)) % 2,
            rows,
            "classification.f1",
            name=f"every {wrong}",
        )
        for wrong in (3, 10)
    ]
    found = evalkit.compare(*runs).row("classification.f1").difference

    assert found.difference > 0
    assert found.low is not None
    assert found.test == "paired-bootstrap"
    assert (folder / "evalkit.db").exists()


def test_fixed_and_broken_cases_come_with_both_answers(systems: evalkit.Comparison) -> None:
    fixed = systems.fixed("text.exact_match", system="new")
    broke = systems.broke("text.exact_match", system="new")
    row = systems.row("text.exact_match", "new")
    a, b = row.pairs.values[1], row.pairs.values[0]

    assert len(fixed) == int(((a == 0) & (b == 1)).sum()) > 0
    assert len(broke) == int(((a == 1) & (b == 0)).sum())
    assert set(fixed.output_a) == {"no answer at all"}
    assert fixed.output_b[0].startswith("the answer")
    assert fixed.expectations[0] == {"target": fixed.output_b[0]}


def test_lower_is_better_turns_fixed_and_broken_around(systems: evalkit.Comparison) -> None:
    fixed = systems.fixed("text.edit_distance.distance", system="new")

    assert (fixed.change < 0).all()
    assert len(fixed) > 0


def test_slices_have_their_own_differences(systems: evalkit.Comparison) -> None:
    table = systems.by("topic")
    new = table[(table.b == "new") & (table.metric == "text.exact_match")]

    assert new.topic.tolist() == ["even", "odd"]
    assert new.n_pairs.tolist() == [N / 2, N / 2]
    assert (table.p_adjusted.dropna() >= table.p_value.dropna()).all()


def test_two_equal_systems_differ_by_nothing(folder: Path) -> None:
    runs = [evalkit.evaluate(bot(0.5), ROWS, SCORERS, name=name) for name in ("a", "b")]
    table = evalkit.compare(*runs).table()

    assert table.difference.tolist() == [0.0] * len(table)
    assert not (table.p_value < 0.5).any()
    assert (folder / "evalkit.db").exists()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param({"data": ROWS[:-1]}, "dataset", id="dataset"),
        pytest.param(
            {"scorers": [{"text.token_f1": {"normalize": False}}]}, "signature", id="scorer"
        ),
        pytest.param({"repeats": 2, "reducer": "max"}, "reducer", id="reducer"),
    ],
)
def test_what_differs_is_named_and_may_be_overridden(change: dict[str, Any], what: str) -> None:
    first = evalkit.evaluate(bot(0.5), ROWS, "text.token_f1", name="a")
    arguments: dict[str, Any] = {"data": ROWS, "scorers": "text.token_f1"}
    second = evalkit.evaluate(bot(0.5), name="b", **(arguments | change))

    with pytest.raises(UsageError, match=f"their {what} differs"):
        evalkit.compare(first, second)
    anyway = evalkit.compare(first, second, anyway=True)
    assert anyway.row("text.token_f1").difference.n >= N - 1


def test_runs_are_found_by_name_and_two_of_one_name_are_told_apart() -> None:
    for share in (0.3, 0.6):
        evalkit.evaluate(bot(share), ROWS, "text.exact_match", name="bot")
    found = evalkit.compare("latest~1", "latest")

    assert list(found) == ["bot (1)", "bot (2)"]
    assert found.table().difference[0] > 0
    with pytest.raises(UnknownSystemError, match="Did you mean"):
        found["bot (3)"]


@pytest.mark.parametrize("anyway", [False, True])
@pytest.mark.parametrize("door", ["result", "id", "name", "folder", "file"])
def test_a_run_is_not_compared_with_itself(door: str, anyway: bool, tmp_path: Path) -> None:
    run = evalkit.evaluate(bot(0.5), ROWS, "text.exact_match", name="bot")
    file = run.write_baseline(tmp_path / "bot.baseline.json")
    doors: dict[str, Any] = {
        "result": run,
        "id": run.run_id,
        "name": "bot",
        "folder": run.folder.path,
    }
    again = (doors | {"file": file})[door]

    for pair in ([run, again], [again, again]):
        with pytest.raises(UsageError, match=f"are both run {(run.run_id or '')[:12]}"):
            evalkit.compare(*pair, anyway=anyway)


def test_evaluations_without_a_store_are_told_apart() -> None:
    nowhere = evalkit.Runtime(store=False)
    runs = [evalkit.evaluate(bot(0.5), ROWS, "text.exact_match", runtime=nowhere) for _ in range(2)]

    assert evalkit.compare(*runs).table().difference[0] == 0.0
    with pytest.raises(UsageError, match="are both one evaluation"):
        evalkit.compare(runs[0], runs[0])


def test_a_grid_names_what_varies() -> None:
    found = evalkit.grid(lambda model, mood: (model, mood), model=["m"], mood=["x", "y"])

    assert found == {"mood=x": ("m", "x"), "mood=y": ("m", "y")}
    with pytest.raises(UsageError, match="at least two"):
        evalkit.compare("latest")


def test_a_mapping_in_a_grid_names_its_values() -> None:
    prompts = {"plain": "Q: {{ question }}", "brief": "Be brief.\n\n{{ question }}"}
    found = evalkit.grid(lambda model, prompt: (model, prompt), model=["m"], prompt=prompts)

    assert found == {
        "prompt=plain": ("m", prompts["plain"]),
        "prompt=brief": ("m", prompts["brief"]),
    }


@pytest.mark.parametrize(
    ("values", "names"),
    [
        pytest.param(["a\nb", "c\nd"], ["x=#1", "x=#2"], id="several-lines"),
        pytest.param(["short", "long " * 20], ["x=short", "x=#2"], id="too-long"),
        pytest.param([0.0, 1.0], ["x=0.0", "x=1.0"], id="numbers"),
        pytest.param((None, True), ["x=None", "x=True"], id="anything"),
        pytest.param([len, max], ["x=len", "x=max"], id="functions"),
        pytest.param(["1", 1], ["x=#1", "x=#2"], id="equal-texts"),
    ],
)
def test_systems_of_a_grid_have_short_names_of_their_own(values: Any, names: list[str]) -> None:
    found = evalkit.grid(lambda x: x, x=values)

    assert list(found) == names
    assert list(found.values()) == list(values)


@pytest.mark.parametrize("value", ["openai/small", 0.0, None, b"bytes"])
def test_a_bare_value_in_a_grid_is_refused_and_the_list_shown(value: Any) -> None:
    with pytest.raises(UsageError, match=re.escape(f"give x=[{value!r}]")):
        evalkit.grid(lambda x: x, x=value)


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        pytest.param({"prompt": "plain"}, True, id="prompt"),
        pytest.param({"prompt": "plain", "system": "Be kind."}, True, id="both"),
        pytest.param({"prompt": "Go.", "system": "About {{ question }}."}, False, id="system"),
        pytest.param({"prompt": "Q: {{ question }}"}, False, id="read"),
        pytest.param({"prompt": "{% for k in inputs %}{{ k }}{% endfor %}"}, False, id="all"),
        pytest.param({}, False, id="none"),
    ],
)
def test_a_chat_prompt_that_reads_no_input_is_noted(options: Any, warned: bool) -> None:
    with ScriptedEndpoint(lambda _: "yes") as endpoint:
        target = evalkit.chat("scripted", base_url=endpoint.base_url, **options)
        rows = [{"question": f"q{i}", "expected": "yes"} for i in range(3)]
        result = evalkit.evaluate(target, rows, "text.exact_match")

    assert any("reads none of the inputs" in note for note in result.facts.notes) is warned


def test_what_is_compared_anyway_says_what_differs_and_lists_what_has_no_pair() -> None:
    first = evalkit.evaluate(bot(0.4), ROWS[:60], SCORERS, name="first")
    second = evalkit.evaluate(bot(0.8), ROWS[20:], SCORERS, name="second")
    found = evalkit.compare(first, second, anyway=True)

    (note,) = found.notes
    assert "'second' and 'first' are compared although their dataset differs" in note
    unmatched = found.unmatched()
    assert unmatched["only_in"].tolist() == ["first"] * 20 + ["second"] * 20
    assert unmatched["inputs"][0] == {"question": "q0"}
    assert found.row("text.exact_match").pairs.n_unmatched == len(unmatched)
    row = found.row("text.exact_match")
    assert row.value_a is not None
    assert row.value_b is not None
    assert row.value_a != first["text.exact_match"].value
    assert row.difference.difference == pytest.approx(row.value_b - row.value_a)
    shown = str(found)
    assert "Only in first, 20 cases" in shown
    assert "and 0 more" not in shown


def test_systems_on_the_same_cases_leave_nothing_unmatched(systems: evalkit.Comparison) -> None:
    assert systems.notes == []
    assert len(systems.unmatched("other")) == 0


def test_a_metric_without_a_pair_is_left_out_and_named() -> None:
    never = "operations.time_to_first_token"
    targets = {"old": bot(0.4), "new": bot(0.8)}

    comparison = evalkit.sweep(targets, ROWS, ["text.exact_match", never])

    assert comparison.metrics == comparison.table().metric.tolist() == ["text.exact_match"]
    assert any(never in note for note in comparison.notes)
    with pytest.raises(UnpairedError, match=never):
        evalkit.compare(comparison["old"], comparison["new"], metrics=[never])
    with pytest.raises(UnpairedError, match=never):
        evalkit.sweep(targets, ROWS, never)
