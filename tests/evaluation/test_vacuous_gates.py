"""Gates that would decide nothing are refused, or never pass, and say why."""

# ruff: noqa: ARG001, ARG005  targets and scorers are called by the names of their parameters

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit import scorer
from evalkit.errors import GateSyntaxError, UsageError
from evalkit.plugin import CaseBatch, MetricFacts, Score, ScoreColumn
from evalkit.targets.callable import CallableTarget

OFF = evalkit.Runtime(store=False, progress=False)


def rows(n: int = 60, **more: Callable[[int], Any]) -> list[dict[str, Any]]:
    """Give questions of three languages, all answered rightly."""
    return [
        {"id": f"c{i}", "question": f"q{i}", "expected": "a", "output": "a", "lang": "def"[i % 3]}
        | {name: make(i) for name, make in more.items()}
        for i in range(n)
    ]


def judged(data: Any, gates: Any, scorers: Any = "text.exact_match", **options: Any) -> Any:
    return evalkit.evaluate(data=data, scorers=scorers, gates=gates, runtime=OFF, **options).verdict


def cut_off(runtime: evalkit.Runtime) -> Any:
    """Run an evaluation that its budget ends after twenty cases, the d's first."""
    data = sorted(rows(), key=lambda row: row["lang"])
    cases = [{k: v for k, v in row.items() if k != "output"} for row in data]
    return evalkit.evaluate(lambda question: "a", cases, "text.exact_match", runtime=runtime)


@pytest.mark.parametrize(
    "gate",
    [
        "worst(text.exact_match, by=lang) >= 0.5",
        "text.exact_match[lang=d] >= 0.5",
        "text.exact_match >= 0.5",
        "coverage >= 0.98",
        "skipped <= 0.1",
        "n(text.exact_match) >= 5",
        "cost <= 5",
    ],
)
def test_a_run_that_ended_early_passes_nothing(gate: str) -> None:
    result = cut_off(
        evalkit.Runtime(
            store=False, progress=False, concurrency=1, budget={"target": {"calls": 20}}
        )
    )

    assert result["text.exact_match"].n_not_run == 40
    assert result.check(gate).status != "PASS"


# Slices


def test_the_worst_slice_is_named() -> None:
    data = rows(output=lambda i: "b" if i % 3 == 1 else "a")

    verdict = judged(data, "worst(text.exact_match, by=lang) >= 0.5")

    assert verdict.status == "FAIL"
    assert "where lang=e" in verdict.conditions[0].why


def test_a_slice_without_a_value_keeps_the_worst_from_passing() -> None:
    @scorer
    def fine(outputs: str, tags: dict[str, Any]) -> bool | None:
        return None if tags["lang"] == "f" else True

    verdict = judged(rows(), "worst(fine, by=lang) >= 0.5", fine)

    assert verdict.status == "INCONCLUSIVE"
    assert "without a value: lang=f" in verdict.conditions[0].why


def test_a_slice_without_a_value_hides_no_failure() -> None:
    @scorer
    def fine(outputs: str, tags: dict[str, Any]) -> bool | None:
        return {"d": None, "e": False, "f": True}[tags["lang"]]

    assert judged(rows(), "worst(fine, by=lang) >= 0.5", fine).status == "FAIL"


def test_cases_without_the_tag_are_a_slice_too() -> None:
    data = rows(lang=lambda i: "d" if i < 30 else None, output=lambda i: "a" if i < 30 else "b")

    verdict = judged(data, "worst(text.exact_match, by=lang) >= 0.5")

    assert verdict.status == "FAIL"
    assert "where there is no lang" in verdict.conditions[0].why


def test_cases_without_the_tag_are_counted_where_they_pass_too() -> None:
    data = rows(lang=lambda i: "d" if i < 30 else None)

    verdict = judged(data, "worst(text.exact_match, by=lang) >= 0.5")

    assert verdict.status == "PASS"
    assert "30 cases have no lang" in verdict.conditions[0].why


# Counts


@pytest.mark.parametrize(
    ("gate", "status"),
    [
        ("n(fine) >= 40", "PASS"),
        ("n(fine) >= 41", "FAIL"),
        ("n(fine[lang=d]) >= 20", "PASS"),
        ("n(fine[lang=f]) >= 1", "FAIL"),
        ("skipped <= 0.34", "PASS"),
        ("skipped <= 5 %", "FAIL"),
        ("skipped(fine) <= 5%", "FAIL"),
        ("skipped(text.exact_match) <= 0.05", "PASS"),
        ("skipped(fine[lang=d]) <= 0", "PASS"),
        ("n(fine) >= 40 and fine >= 0.5", "PASS"),
    ],
)
def test_how_many_cases_have_a_value_is_a_condition(gate: str, status: str) -> None:
    @scorer
    def fine(outputs: str, tags: dict[str, Any]) -> bool | None:
        return None if tags["lang"] == "f" else True

    assert judged(rows(), gate, [fine, "text.exact_match"]).status == status


@pytest.mark.parametrize(
    "gate", ["skipped <= 5", "n(worst(m, by=t)) >= 3", "n() >= 3", "skipped(p95(m)) <= 0.1"]
)
def test_counts_are_of_a_metric(gate: str) -> None:
    with pytest.raises(GateSyntaxError):
        judged(rows(), gate)


def test_cases_of_weight_zero_do_not_count() -> None:
    data = rows(w=lambda i: 0.0 if i >= 20 else 1.0, output=lambda i: "b" if i >= 20 else "a")
    result = evalkit.evaluate(
        data=data, scorers=["text.exact_match", "text.bleu"], columns={"weight": "w"}, runtime=OFF
    )
    few = evalkit.evaluate(data=data[:20], scorers="text.exact_match", runtime=OFF)

    for key in ("text.exact_match", "text.bleu"):
        assert (result[key].n_scored, result[key].n_skipped) == (20, 40)
    assert result["text.exact_match"].low == pytest.approx(few["text.exact_match"].low, abs=0.02)
    assert result.check("skipped <= 0.05").status == "FAIL"
    assert any("weigh nothing" in note for note in result.facts.notes)


def test_cases_that_weigh_next_to_nothing_are_told() -> None:
    data = rows(w=lambda i: 1e-9 if i >= 20 else 1.0)

    result = evalkit.evaluate(
        data=data, scorers="text.exact_match", columns={"weight": "w"}, runtime=OFF
    )

    assert any(note.startswith("40 of 60 cases weigh nothing") for note in result.facts.notes)


@pytest.mark.parametrize(("grouped", "noted"), [(False, True), (True, False)])
def test_equal_questions_that_count_as_many_are_said(*, grouped: bool, noted: bool) -> None:
    data = rows(question=lambda i: "the same", g=lambda i: "one" if i % 2 else "two")
    columns = {"group": "g"} if grouped else None
    result = evalkit.evaluate(data=data, scorers="text.exact_match", columns=columns, runtime=OFF)

    assert any("ask what another one asks" in note for note in result.facts.notes) is noted


# Ranges and thresholds


@pytest.mark.parametrize(
    ("gate", "word"),
    [
        ("text.exact_match >= 1.5", "can never be met"),
        ("text.exact_match >= 95", "95 %"),
        ("text.exact_match <= 5", "is always met"),
        ("text.exact_match >= -1", "is always met"),
        ("text.exact_match >= 0", "is always met"),
        ("text.exact_match > 1", "can never be met"),
        ("text.exact_match < 0", "can never be met"),
        ("text.exact_match == 2", "can never be met"),
        ("text.exact_match != 2", "is always met"),
        ("worst(text.exact_match, by=lang) >= 2", "can never be met"),
        ("text.exact_match[lang=d] >= 2", "can never be met"),
        ("rate(text.token_f1) <= 1 @ point", "is always met"),
    ],
)
def test_a_threshold_that_decides_nothing_is_refused(gate: str, word: str) -> None:
    result = evalkit.evaluate(
        data=rows(), scorers=["text.exact_match", "text.token_f1"], runtime=OFF
    )

    with pytest.raises(UsageError, match=word):
        result.check(gate)


def test_a_threshold_that_decides_nothing_is_refused_before_the_first_call() -> None:
    calls: list[str] = []
    cases = [{k: v for k, v in row.items() if k != "output"} for row in rows()]

    with pytest.raises(UsageError, match="for a share write 85 %"):
        evalkit.evaluate(
            calls.append, cases, "text.exact_match", gates="text.exact_match >= 85", runtime=OFF
        )
    assert not calls


@pytest.mark.parametrize(
    ("must", "word"),
    [
        ("text.exact_match >= 0", "is always met"),
        ("text.exact_match >= 85", "for a share write 85 %"),
        ("text.exact_match <= 1", "is always met"),
        ("text.exact_mach >= 1", "Did you mean"),
        ("mean(text.exact_match) >= 0.5", "not about a single case"),
        ("coverage >= 0.9", "not about a single case"),
    ],
)
def test_a_must_that_decides_nothing_is_refused_before_the_first_call(must: str, word: str) -> None:
    calls: list[str] = []
    cases = [{k: v for k, v in row.items() if k != "output"} for row in rows()]
    cases[3]["must"] = must

    with pytest.raises(UsageError, match=word):
        evalkit.evaluate(calls.append, cases, "text.exact_match", gates="must_pass", runtime=OFF)
    assert not calls


@pytest.mark.parametrize("margin", ["1", "5"])
def test_a_margin_beyond_the_range_is_refused_before_the_first_call(margin: str) -> None:
    gate = f"no_regression(text.exact_match, margin={margin})"

    with pytest.raises(UsageError, match="not below the metric's range"):
        judged(rows(), gate)


@pytest.mark.parametrize(
    "gate", ["text.exact_match >= 1", "text.exact_match <= 0", "text.exact_match == 1"]
)
def test_a_threshold_at_the_end_of_the_range_is_taken(gate: str) -> None:
    assert judged(rows(), gate).conditions


def test_a_range_that_the_values_leave_keeps_gates_from_passing() -> None:
    @scorer(low=0, high=1)
    def percent(outputs: str, inputs: dict[str, Any]) -> float:
        return 97.0 if int(inputs["question"][1:]) % 2 else 0.5

    verdict = judged(rows(), "percent >= 0.1", percent)

    assert verdict.status == "INCONCLUSIVE"
    assert "leave the range [0, 1]" in verdict.conditions[0].why
    assert "97" in verdict.conditions[0].why


@pytest.mark.parametrize("ends", [{}, {"low": 0.0, "high": 1.0}])
@pytest.mark.parametrize(
    "columns", [{}, {"group": 1}, {"weight": 1}, {"group": 1, "weight": 1}], ids=" ".join
)
@pytest.mark.parametrize("gate", ["m >= 0.5", "no_regression(m)", "p90(m) >= 0.5", "m[lang=d] > 0"])
def test_a_yes_or_no_that_is_neither_decides_nothing(
    ends: dict[str, Any], columns: dict[str, int], gate: str
) -> None:
    @scorer(name="m", binary=True, **ends)
    def seven(inputs: dict[str, Any]) -> float:
        return 7.0 if int(inputs["question"][1:]) % 4 else 0.0

    kinds: Any = {"group": lambda i: str(i % 30), "weight": lambda i: 1 + i % 3}
    data = rows(60, **{name: kinds[name] for name in columns})
    before = evalkit.evaluate(data=data, scorers=seven, runtime=OFF)

    verdict = judged(data, gate, seven, baseline=before)

    assert verdict.status == "INCONCLUSIVE"
    assert "leave the range [0, 1] that the scorer declares: from 7" in verdict.conditions[0].why


def test_a_column_of_yes_and_no_that_holds_neither_is_compared_without_a_range() -> None:
    class Sevens:
        name, facts = "m", MetricFacts()

        def score_batch(self, batch: CaseBatch) -> ScoreColumn:
            return ScoreColumn.from_values([7.0 * (i % 2) for i in range(len(batch))], binary=True)

    target = CallableTarget(lambda question: "a", name="t")
    cases = [{k: v for k, v in row.items() if k != "output"} for row in rows()]
    for repeats in (1, 2):
        options: Any = {"repeats": repeats, "gates": "m >= 0.5", "runtime": OFF}
        first, second = (evalkit.evaluate(target, cases, Sevens(), **options) for _ in "ab")

        assert first.verdict.status == "INCONCLUSIVE"
        assert first.difference(second, "m").difference == 0.0


@pytest.mark.parametrize(
    "gate",
    [
        *("n(text.exact_match) >= 0", "n(text.exact_match) < 0", "skipped <= 1", "skipped >= 0"),
        *("coverage >= 0", "coverage <= 100 %", "coverage > 100 %", "cost >= 0", "cost < 0"),
    ],
)
def test_a_count_that_decides_nothing_does_not_parse(gate: str) -> None:
    with pytest.raises(GateSyntaxError, match=r"always met|never be met") as caught:
        judged(rows(), gate)

    assert gate[caught.value.position :].strip(" %").isdigit()


@pytest.mark.parametrize("gate", ["m >= 0.5 @ ci50", "m >= 0.5 @ ci01", "improves(m) @ ci49"])
def test_a_guess_is_no_level_of_a_gate(gate: str) -> None:
    with pytest.raises(GateSyntaxError, match="a level above ci50"):
        judged(rows(), gate)


@pytest.mark.parametrize(
    "score", ["good", Score(label="good"), {"tone": "good"}], ids=["text", "score", "key"]
)
@pytest.mark.parametrize("repeats", [1, 2])
def test_a_gate_on_the_value_of_labels_says_that_they_are_no_numbers(
    score: Any, repeats: int
) -> None:
    @scorer
    def tone(outputs: str) -> Any:
        return score

    key = "tone.tone" if isinstance(score, dict) else "tone"
    cases = [{k: v for k, v in row.items() if k != "output"} for row in rows(12)]
    target = CallableTarget(lambda question: "a", name="t")
    verdict = evalkit.evaluate(
        target, cases, tone, gates=f"{key} >= 0.5", repeats=repeats, runtime=OFF
    ).verdict

    assert verdict.status == "INCONCLUSIVE"
    assert "its scores are labels, not numbers" in verdict.conditions[0].why


def test_a_score_whose_value_is_a_text_is_told_where_it_belongs() -> None:
    with pytest.raises(TypeError, match="must be a number, got 'good'; use label="):
        Score("good")  # type: ignore[arg-type]


def test_a_label_that_no_case_has_is_said() -> None:
    @scorer
    def safety(outputs: str) -> str:
        return "safe" if outputs == "a" else "unsafe"

    verdict = judged(rows(), ["safety=unsaffe <= 0.1", "safety=safe >= 0.5"], [safety])

    assert "no case is labelled 'unsaffe', there are safe." in verdict.conditions[0].why
    assert "labelled" not in verdict.conditions[1].why


def test_cases_that_are_missing_of_grouped_data_are_groups() -> None:
    data = rows(20, g=lambda i: "ab"[i % 2])
    why = judged(data, "text.exact_match >= 0.7", columns={"group": "g"}).conditions[0].why

    assert "about 8 more groups for 80 % power" in why  # Wilson's limit of 10 of 10 is 0.72


def test_that_higher_is_better_is_said_of_a_threshold_from_above() -> None:
    data = rows(output=lambda i: "b")

    assert "mind that higher is better" in judged(data, "text.exact_match <= 0.9").conditions[0].why


def test_another_level_is_said_and_a_guess_is_no_level() -> None:
    verdict = judged(rows(), "text.exact_match >= 0.5", level=0.8)

    assert "80 %" in verdict.conditions[0].why
    with pytest.raises(UsageError, match="level"):
        judged(rows(), "text.exact_match >= 0.5", level=0.01)


# Undecided


@pytest.mark.parametrize(
    ("gate", "straddles"),
    [
        pytest.param("text.exact_match >= 0.5", True, id="straddles"),
        pytest.param("no_regression(text.exact_match)", False, id="no-baseline"),
        pytest.param("must_pass", False, id="no-musts"),
        pytest.param("cost <= 1", False, id="unknown-cost"),
        pytest.param("min(text.exact_match) >= 0.5", False, id="no-interval"),
    ],
)
def test_what_straddles_is_told_from_what_could_not_be_judged(
    gate: str, *, straddles: bool
) -> None:
    data = rows(output=lambda i: "a" if i % 2 else "b")
    cases = [{k: v for k, v in row.items() if k != "output"} for row in data]
    odd = {row["question"] for row in data if row["output"] == "a"}

    def bot(question: str) -> evalkit.Output:
        return evalkit.Output("a" if question in odd else "b")

    result = evalkit.evaluate(bot, cases, "text.exact_match", runtime=OFF)
    condition = result.check(gate).conditions[0]

    assert condition.status == "INCONCLUSIVE"
    assert condition.straddles is straddles


def test_a_resume_after_the_code_has_changed_says_so(tmp_path: Path) -> None:
    cases = [{k: v for k, v in row.items() if k != "output"} for row in rows()]
    store = f"sqlite:///{tmp_path}/e.db"

    def answer(question: str) -> str:  # pyright: ignore[reportRedeclaration]
        return "a"

    old = answer
    first = evalkit.Runtime(
        store=store, progress=False, concurrency=1, budget={"target": {"calls": 20}}
    )
    evalkit.evaluate(old, cases, "text.exact_match", name="r", runtime=first)

    def answer(question: str) -> str:  # type: ignore[no-redef]
        return "a" + "b"

    more = evalkit.Runtime(
        store=store, progress=False, resume="r", budget={"target": {"calls": 99}}
    )
    result = evalkit.evaluate(answer, cases, "text.exact_match", runtime=more)

    assert any("has changed since the run began" in note for note in result.facts.notes)


@pytest.mark.parametrize(
    ("change", "n"),
    [
        pytest.param(lambda text: text.replace('"output": "b"', '"output": "a"'), 2, id="answers"),
        pytest.param(lambda text: text.replace("  ", " "), 0, id="layout"),
        pytest.param(lambda text: text, 0, id="nothing"),
        pytest.param(
            lambda text: re.sub('"digest": "[0-9a-f]+"', '"digest": ""', text), 6, id="all"
        ),
    ],
)
def test_recordings_that_were_changed_by_hand_are_said(
    change: Callable[[str], str], n: int, tmp_path: Path
) -> None:
    cases = [{"question": f"q{i}", "expected": "a"} for i in range(6)]

    def bot(question: str) -> str:
        return "b\ud800" if question == "q5" else "ab"[int(question[1]) % 2]

    def run(mode: Any) -> evalkit.EvaluationResult:
        runtime = evalkit.Runtime(store=False, recordings=str(tmp_path), mode=mode)
        target = CallableTarget(bot, version="1")
        return evalkit.evaluate(target, cases, "text.exact_match", runtime=runtime)

    run("live")
    for path in tmp_path.glob("*/*.json"):
        path.write_text(change(path.read_text("utf-8")), "utf-8")
    notes = [note for note in run("replay").facts.notes if "by hand" in note]

    assert notes == ([f"{n} recordings replayed as changed by hand."] if n else [])
