"""What a critical reading found once, and must not come back."""

import asyncio
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import evalkit
from evalkit.errors import TargetError, UnknownMetricError, UsageError
from evalkit.evaluation.merge import merge
from evalkit.plugin import CaseBatch, MetricFacts, Rows, ScoreColumn

ROWS = [{"question": f"q{i}", "expected": f"a{i}"} for i in range(30)]


def _right(question: str) -> str:
    return question.replace("q", "a")


def test_loading_a_result_runs_nothing_that_its_folder_names(folder: Path) -> None:
    rows = [{"question": "q", "expected": "y", "output": "y"}] * 12
    result = evalkit.evaluate(data=rows, scorers="classification.f1", name="odd")
    plan = json.loads(result.folder.plan.read_text())
    plan["scorers"][0] |= {
        "class": "subprocess:Popen",
        "parameters": {"args": f"touch {folder}/pwned", "shell": True},
    }
    result.folder.plan.write_text(json.dumps(plan))
    again = evalkit.EvaluationResult.load("odd")

    assert again["classification.f1"].value == 1.0
    assert not (folder / "pwned").exists()
    with pytest.raises(evalkit.EvalkitError, match="is not registered by any plug-in"):
        evalkit.merge([again])


@pytest.mark.parametrize(
    "metadata",
    [pytest.param({"x": object()}, id="no-json"), pytest.param({"x": {1j}}, id="complex")],
)
def test_odd_values_of_a_scorer_fail_their_cell_alone(metadata: dict[str, Any]) -> None:
    @evalkit.scorer
    def odd(outputs: str) -> evalkit.Score:
        return evalkit.Score(1.0, metadata=metadata if outputs == "a1" else None)

    @evalkit.scorer
    def label(outputs: str) -> Any:
        return evalkit.Score(label=5) if outputs == "a2" else "\ud800"  # type: ignore[arg-type]

    result = evalkit.evaluate(_right, ROWS, [odd, label])

    assert (result["odd"].n_scored, result["odd"].n_failed) == (29, 1)
    assert result["label=?"].n_failed == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(evalkit.Output("x", cost="0.1"), id="cost"),  # type: ignore[arg-type]
        pytest.param(evalkit.Output("x", cost=float("nan")), id="nan-cost"),
        pytest.param(evalkit.Output("x", usage=[1]), id="usage"),  # type: ignore[arg-type]
        pytest.param(evalkit.Output("x", time_to_first_token=-1.0), id="time"),
        pytest.param(
            type("Odd", (), {"tolist": lambda _self: dict[str, str]()["x"]})(), id="tolist"
        ),
    ],
)
def test_odd_values_of_a_target_fail_their_case_alone(answer: Any) -> None:
    def bot(question: str) -> Any:
        return answer if question == "q3" else _right(question)

    result = evalkit.evaluate(bot, ROWS, "text.exact_match")

    assert result.failures()[["id", "reason"]].reason.tolist() == ["invalid_response"]
    assert result["text.exact_match"].n_scored == 29


def test_leaving_the_program_inside_a_target_or_scorer_is_a_failure_of_its_case() -> None:
    def bot(question: str) -> str:
        if question == "q4":
            sys.exit(3)
        return _right(question)

    async def cancelled(question: str) -> str:
        if question == "q5":
            raise asyncio.CancelledError
        return _right(question)

    @evalkit.scorer
    def leaving(outputs: str) -> float:
        if outputs == "a6":
            sys.exit("bye")
        return 1.0

    first = evalkit.evaluate(bot, ROWS, [leaving])
    second = evalkit.evaluate(cancelled, ROWS, "text.exact_match")

    assert sorted(first.failures().reason) == ["scorer_error", "target_error"]
    assert second.failures().reason.tolist() == ["target_error"]
    assert second.facts.status == "complete"


def test_labels_and_numbers_may_be_mixed() -> None:
    @evalkit.scorer
    def mixed(outputs: str) -> float | str:
        return "refused" if outputs in {"a1", "a2", "a3"} else 1.0

    result = evalkit.evaluate(_right, ROWS, [mixed])

    assert (result["mixed"].value, result["mixed"].n_scored) == (1.0, 27)
    assert result["mixed=refused"].value == pytest.approx(0.1)


def test_a_key_that_comes_late_keeps_the_failures_before_it() -> None:
    @evalkit.scorer
    def several(outputs: str) -> dict[str, float]:
        return {"a": 1.0} | ({"b": 1.0} if int(outputs[1:]) >= 600 else {})

    def bot(question: str) -> str:
        if int(question[1:]) < 100:
            raise ValueError("down")
        return _right(question)

    rows = [{"question": f"q{i}"} for i in range(700)]
    found = evalkit.evaluate(bot, rows, [several])["several.b"]

    assert (found.n_scored, found.n_skipped, found.n_failed) == (100, 500, 100)


def test_a_resume_without_budget_keeps_what_was_scored() -> None:
    def bot(question: str) -> str:
        return _right(question)

    few = evalkit.Runtime(concurrency=1, budget={"target": {"calls": 5}})
    evalkit.evaluate(bot, ROWS, "text.exact_match", name="short", runtime=few)
    still = evalkit.Runtime(concurrency=1, budget={"target": {"calls": 5}}, resume="short")
    again = evalkit.evaluate(bot, ROWS, "text.exact_match", runtime=still)

    assert again["text.exact_match"].n_scored == 5
    assert again.verdict.status == "BUDGET"
    with pytest.raises(UsageError, match="is not complete, so it is no data"):
        evalkit.evaluate(data=again, scorers="text.exact_match")
    with pytest.raises(UsageError, match="is not complete"):
        merge([again])


def test_gates_on_what_cannot_be_are_refused_before_any_call() -> None:
    def never(question: str) -> str:
        raise AssertionError(question)

    for gate, error in (
        ("text.exact_mach >= 0.5", UnknownMetricError),
        ("text.exact_match[topic=x] >= 0.5", UsageError),
        ("worst(text.exact_match, by=topic) >= 0.5", UsageError),
    ):
        with pytest.raises(error):
            evalkit.evaluate(never, ROWS, "text.exact_match", gates=gate)


def test_a_gate_on_a_key_that_never_came_is_inconclusive_and_loses_nothing() -> None:
    @evalkit.scorer
    def several(outputs: str) -> dict[str, float]:
        return {"a": float(len(outputs))}

    result = evalkit.evaluate(_right, ROWS, [several], gates="several.b >= 1", name="kept")

    assert result.verdict.status == "INCONCLUSIVE"
    assert "several.b" in str(result.verdict)
    assert evalkit.EvaluationResult.load("kept")["several.a"].n_scored == 30


def test_the_worst_slice_may_be_one_that_failed() -> None:
    rows = [{"question": f"q{i}", "language": "de" if i % 5 == 0 else "en"} for i in range(300)]

    @evalkit.scorer
    def english(outputs: str) -> bool:
        if int(outputs[1:]) % 5 == 0:
            raise ValueError("no German")
        return True

    result = evalkit.evaluate(
        _right, rows, [english], columns={"tags": ["language"]}, gates="coverage >= 0.5"
    )

    assert result.check("worst(english, by=language) >= 0.5").status == "FAIL"


def test_an_outage_is_nobodys_failure() -> None:
    def down(question: str) -> str:
        raise TargetError("rate_limited", question)

    result = evalkit.evaluate(down, ROWS, "text.exact_match")

    assert result.check("text.exact_match >= 0.5").status == "INFRA"
    assert result.check("coverage >= 0.98").status == "INFRA"
    assert result.check("coverage != 0.1 and text.exact_match >= 0.5").status == "INFRA"


def test_an_outage_in_one_slice_excuses_no_other() -> None:
    rows = [
        {"question": f"q{i}", "expected": "a", "topic": "bad" if i < 10 else "down"}
        for i in range(50)
    ]

    def shaky(question: str) -> str:
        number = int(question[1:])
        if number < 5:
            raise ValueError(question)
        if number >= 42:
            raise TargetError("rate_limited", question)
        return "a"

    result = evalkit.evaluate(shaky, rows, "text.exact_match", columns={"tags": ["topic"]})

    assert result.check("worst(text.exact_match, by=topic) >= 0.5").status == "FAIL"
    assert result.check("text.exact_match[topic=down] >= 0.5").status == "INFRA"


def test_one_scorers_failures_are_not_those_of_its_namesake() -> None:
    @evalkit.scorer
    def a(outputs: str) -> evalkit.Score:
        return evalkit.Score.failed("rate_limited", outputs)

    @evalkit.scorer
    def ab(outputs: str) -> float:
        raise ValueError(outputs)

    result = evalkit.evaluate(_right, ROWS, [a, ab])

    assert result.check("ab >= 0.5").status == "FAIL"
    assert result.check("a >= 0.5").status == "INFRA"


def test_merging_keeps_repeats_gates_and_refuses_other_targets() -> None:
    def log(start: int) -> list[dict[str, Any]]:
        return [
            {
                "id": f"c{i}",
                "inputs": {"q": i},
                "expectations": "y",
                "repeat": r,
                "outputs": "yn"[r],
            }
            for i in range(start, start + 12)
            for r in range(2)
        ]

    gates = "text.exact_match >= 0.9"
    parts = [
        evalkit.evaluate(data=log(start), scorers="text.exact_match", gates=gates)
        for start in (0, 12)
    ]
    merged = merge(parts)

    assert merged["text.exact_match"].value == 0.5
    assert merged.verdict.status == "FAIL"
    assert merged.score("text.contains")["text.contains"].value == 0.5
    live = evalkit.evaluate(_right, ROWS, "text.exact_match", gates=gates, repeats=2)
    with pytest.raises(UsageError, match="target differ"):
        merge([parts[0], live])


def test_a_sweep_maps_what_every_target_returns_and_shares_one_budget() -> None:
    def bot(question: str) -> dict[str, str]:
        return {"text": _right(question), "ctx": f"about {question}"}

    @evalkit.scorer
    def grounded(retrieved_context: str) -> bool:
        return retrieved_context.startswith("about")

    found = evalkit.sweep(
        {"a": bot, "b": bot}, ROWS, [grounded], columns={"retrieved_context": "outputs.ctx"}
    )
    assert [found[name]["grounded"].value for name in found] == [1.0, 1.0]
    with pytest.raises(UsageError, match="baseline='c' is none of a, b"):
        evalkit.sweep({"a": bot, "b": bot}, ROWS, [grounded], baseline="c")


def test_more_scorers_after_a_notebooks_own_and_in_another_store(folder: Path) -> None:
    @evalkit.scorer
    def mine(outputs: str) -> float:
        return float(len(outputs))

    elsewhere = evalkit.Runtime(store=f"sqlite:///{folder}/other.db")
    first = evalkit.evaluate(_right, ROWS, [mine], runtime=elsewhere)
    more = first.score("text.exact_match")

    assert list(more.estimates) == ["mine", "text.exact_match"]
    assert more["mine"] == first["mine"]


def test_a_score_that_dies_leaves_the_finished_evaluation_in_place() -> None:
    first = evalkit.evaluate(_right, ROWS, "text.exact_match", name="whole")

    class Dying:
        """A scorer whose disk is full."""

        name = "dying"
        facts = evalkit.get_scorer("text.exact_match").facts

        def score_batch(self, batch: object) -> None:
            raise MemoryError(str(batch))

    with pytest.raises(UsageError, match="already"):
        first.score("text.exact_match")
    more = first.score([Dying()])
    assert more["dying"].n_failed == 30
    assert evalkit.EvaluationResult.load("whole")["text.exact_match"].n_scored == 30


def test_a_scorer_that_leaves_its_declared_range_is_treated_as_unbounded() -> None:
    @evalkit.scorer(low=0.0, high=1.0)
    def share(outputs: str) -> float:
        return 7.0 if outputs == "a1" else 0.5

    first = evalkit.evaluate(_right, ROWS, [share], name="first")
    second = evalkit.evaluate(_right, ROWS, [share], name="second")

    assert first["share"].value == pytest.approx((7.0 + 29 * 0.5) / 30)
    assert first.difference(second, "share").difference == 0.0


def test_a_call_that_is_made_anew_is_scored_anew(tmp_path: Path) -> None:
    answers = {"first": True}

    def changing(question: str) -> str:
        return "a" if answers["first"] else f"b {question}"

    @evalkit.scorer(name="waited")
    async def waited(outputs: str) -> float:
        return float(outputs == "a")

    rows = [{"question": f"q{i}", "expected": "a"} for i in range(600)]
    store = f"sqlite:///{tmp_path}/runs.db"
    runtime = evalkit.Runtime(store=store, budget={"target": {"calls": 560}}, concurrency=1)
    part = evalkit.evaluate(changing, rows, ["text.exact_match", waited], runtime=runtime)
    journal = part.folder.path / "journal"
    content = bytearray(journal.read_bytes())
    for cell in (3, 550):  # of a shard that is scored whole, and of one that is not
        place = content.index(f'"cell":{cell},'.encode())
        content[place] ^= 1
    journal.write_bytes(content)
    answers["first"] = False

    resumed = evalkit.Runtime(store=store, resume=part.run_id)
    result = evalkit.evaluate(changing, rows, ["text.exact_match", waited], runtime=resumed)

    table = result.table().set_index("id", drop=False)
    values = (table["outputs"] == "a").astype(float).tolist()
    assert table["outputs"].tolist()[3] == "b q3"
    assert table["text.exact_match"].tolist() == values
    assert table["waited"].tolist() == values


def test_a_batch_that_is_awaited_too_long_is_given_up() -> None:
    @dataclass(frozen=True)
    class Slow:
        name: str = "slow"
        facts = MetricFacts()

        async def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
            await asyncio.sleep(60)
            return ScoreColumn.from_values([1.0] * len(batch))

    rows = [{"output": "a"}] * 3
    runtime = evalkit.Runtime(store=False, timeout_seconds=0.05)
    result = evalkit.evaluate(data=rows, scorers=Slow(), runtime=runtime)

    assert set(result.failures()["reason"]) == {"timeout"}
    assert result["slow"].n_failed == 3


@pytest.mark.parametrize(
    ("returned", "what"),
    [
        (ScoreColumn.from_values([1.0]), "a ScoreColumn of length 1 for 6 cases"),
        (ScoreColumn.from_values([1.0] * 4), "a ScoreColumn of length 4 for 6 cases"),
        ({"a": ScoreColumn.from_values([1.0])}, "a ScoreColumn of length 1 under 'a' for 6 cases"),
        ([1.0] * 6, "list, not ScoreColumn"),
        (None, "NoneType, not ScoreColumn"),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_batch_of_scores_that_is_none_names_the_scorer_and_the_lengths(
    returned: Any, what: str, is_async: bool
) -> None:
    @dataclass(frozen=True)
    class Whole:
        name: str = "odd"
        facts = MetricFacts()

        def score_batch(self, _batch: CaseBatch, /) -> Any:
            return returned

    @dataclass(frozen=True)
    class Awaited(Whole):
        async def score_batch(self, _batch: CaseBatch, /) -> Any:
            return returned

    made = Awaited() if is_async else Whole()
    result = evalkit.evaluate(data=[{"output": "a"}] * 6, scorers=made)

    assert result["odd"].n_failed == 6
    why = f"score_batch of odd returned {what}."
    assert set(result.failures()["explanation"]) == {why}


def test_what_a_target_left_out_is_no_failure_to_retry() -> None:
    calls: list[str] = []

    def choosy(question: str) -> str:
        calls.append(question)
        if question == "q1":
            raise TargetError("skipped", "not for me")
        if question == "q2" and calls.count("q2") == 1:
            raise ValueError("once")
        return "a"

    rows = [{"question": f"q{i}", "expected": "a"} for i in range(4)]
    first = evalkit.evaluate(choosy, rows, "text.exact_match", runtime=evalkit.Runtime(store=False))
    again = first.retry(model=choosy)

    assert calls.count("q1") == 1
    assert calls.count("q2") == 2
    assert again["text.exact_match"].n_skipped == 1


def test_a_budget_of_a_role_in_dollars_is_shared_by_the_targets_of_a_sweep() -> None:
    rows = [{"question": f"q{i}", "expected": f"q{i}"} for i in range(12)]
    budget = {"calls": 9, "target": {"calls": 16}, "judge": 0.5}
    runtime = evalkit.Runtime(store=False, budget=budget, concurrency=1)

    comparison = evalkit.sweep(
        {"first": lambda question: question, "second": lambda question: question},
        rows,
        "text.exact_match",
        runtime=runtime,
    )

    calls = [result.usage["target"].calls for result in comparison.results.values()]
    assert calls == [12, 4]


class Corpus:
    """A stranger's corpus metric, which raises where *broken* is called."""

    name, facts, corpus = "s", MetricFacts(low=0, high=1), "rows"

    def __init__(self, broken: str = "") -> None:
        if broken:
            setattr(self, broken, lambda *_, **__: 1 / 0)

    def score_batch(self, batch: CaseBatch, /) -> ScoreColumn:
        column = ScoreColumn.from_values([1.0] * len(batch))
        column.statistics = Rows({"a": np.ones(len(batch))})
        return column

    def compute(self, *_: Any) -> float:
        return 0.5


@pytest.mark.parametrize("broken", ["compute", "interval", "note", "draws", "means"])
def test_a_corpus_metric_that_raises_loses_no_run(broken: str) -> None:
    @evalkit.scorer
    def each(outputs: str) -> int:
        return len(outputs)

    result = evalkit.evaluate(
        data=[{"output": "a"}] * 30, scorers=[Corpus(broken), each], gates="s >= 0.1"
    )

    why = "its computation raised ZeroDivisionError: division by zero"
    assert (result["s"].value, result["s"].note) == (None, why)
    assert result.verdict.status == "INCONCLUSIVE"
    assert why in result.verdict.conditions[0].why
    assert result["each"].value == 1


def test_artifacts_that_cannot_be_made_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    result = evalkit.evaluate(data=[{"output": "a"}] * 30, scorers=Corpus("artifacts"))

    assert result["s"].value == 0.5
    assert "s has no artifacts: ZeroDivisionError: division by zero" in caplog.messages


def test_a_corpus_metric_that_cannot_be_compared_is_named() -> None:
    first, second = (
        evalkit.evaluate(data=[{"output": "a"}] * 30, scorers=Corpus("difference")) for _ in "ab"
    )

    with pytest.raises(UsageError, match=r"^s cannot be compared: ZeroDivisionError"):
        first.difference(second, "s")
    verdict = first.check("no_regression(s)", baseline=second)
    assert verdict.status == "INCONCLUSIVE"
