"""What `evaluate` promises: honest counts, one call a case and repeat, errors before any call."""

import asyncio
import inspect
import threading
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import BindingError, DataError, NoValueError, UnknownMetricError, UsageError

QUESTIONS = [{"question": f"q{i}", "expected": f"a{i}"} for i in range(30)]


def _right(question: str) -> str:
    return question.replace("q", "a")


def test_failures_of_target_and_scorer_stay_in_the_denominator() -> None:
    def bot(question: str) -> str:
        if int(question[1:]) < 250:
            raise RuntimeError("down")
        return question

    @evalkit.scorer
    def strict(outputs: str) -> bool:
        if outputs != "q499":
            raise KeyError(outputs)
        return True

    rows = [{"question": f"q{i}"} for i in range(500)]
    result = evalkit.evaluate(bot, rows, [strict], gates="strict >= 0.1")
    found = result["strict"]

    assert (found.value, found.n_scored, found.n_failed, found.n_total) == (1.0, 1, 499, 500)
    assert found.coverage == pytest.approx(1 / 500)
    assert result.verdict.status == "FAIL"
    assert "1.00" in str(result)
    assert "1/500" in str(result)
    assert "0.2" in str(result)
    failures = result.failures()
    assert Counter(failures.stage) == {"target": 250, "scorer": 249}
    assert set(failures.reason) == {"target_error", "scorer_error"}
    assert failures.explanation[0] == "RuntimeError: down"


@pytest.mark.parametrize("concurrency", [1, 7])
def test_a_target_is_called_once_for_each_case_and_repeat(concurrency: int) -> None:
    seen: list[tuple[str, int]] = []

    def bot(question: str, repeat: int) -> str:
        seen.append((question, repeat))
        return _right(question)

    runtime = evalkit.Runtime(concurrency=concurrency)
    result = evalkit.evaluate(bot, QUESTIONS, "text.exact_match", repeats=3, runtime=runtime)

    assert sorted(seen) == sorted((row["question"], r) for row in QUESTIONS for r in range(3))
    assert result["text.exact_match"].n_total == 30
    assert result["text.exact_match"].n_repeats == 3
    assert result.usage["target"].calls == 90


class _Bots:
    """The forms a target may have, all with the same answers."""

    @staticmethod
    def plain(question: str) -> str:
        return _right(question)

    @staticmethod
    async def coroutine(question: str) -> str:
        await asyncio.sleep(0)
        return _right(question)

    @staticmethod
    def generator(question: str) -> Iterator[str]:
        yield from _right(question)

    @staticmethod
    async def stream(question: str) -> AsyncIterator[str]:
        for piece in _right(question):
            yield piece

    @staticmethod
    def mapping(inputs: Mapping[str, str]) -> evalkit.Output:
        return evalkit.Output(_right(inputs["question"]), usage={"input_tokens": 2}, cost=0.5)

    class Predictor:
        """An object with `predict`."""

        def predict(self, question: str) -> str:
            return _right(question)


@pytest.mark.parametrize(
    "bot",
    [
        pytest.param(_Bots.plain, id="function"),
        pytest.param(_Bots.coroutine, id="coroutine"),
        pytest.param(_Bots.generator, id="generator"),
        pytest.param(_Bots.stream, id="async-generator"),
        pytest.param(_Bots.mapping, id="inputs-and-output"),
        pytest.param(_Bots.Predictor(), id="predict"),
    ],
)
def test_every_form_of_target_gives_the_same_scores(bot: Any) -> None:
    result = evalkit.evaluate(bot, QUESTIONS, "text.exact_match")

    assert result["text.exact_match"].value == 1.0
    assert result.table().outputs.tolist() == [row["expected"] for row in QUESTIONS]


def test_usage_and_cost_add_up_and_unknown_prices_stay_unknown() -> None:
    priced = evalkit.evaluate(_Bots.mapping, QUESTIONS, "text.exact_match")
    unpriced = evalkit.evaluate(_Bots.plain, QUESTIONS, "text.exact_match")

    assert priced.cost == 15.0
    assert priced.usage["target"].tokens == {"input_tokens": 60}
    assert unpriced.cost is None


def test_concurrency_never_changes_a_result() -> None:
    def bot(question: str, seed: int) -> str:
        return _right(question) if seed % 3 else "no"

    tables = [
        evalkit.evaluate(
            bot, QUESTIONS, "text.exact_match", runtime=evalkit.Runtime(concurrency=n, store=False)
        ).table()["text.exact_match"]
        for n in (1, 4, 30)
    ]

    assert tables[0].tolist() == tables[1].tolist() == tables[2].tolist()
    assert 0 < tables[0].mean() < 1


def test_sessions_run_by_turn_with_their_history() -> None:
    rows = [
        {"inputs": {"text": f"s{s}t{t}"}, "expectations": "x", "session": f"s{s}", "turn": t}
        for t in (2, 1, 3)
        for s in range(3)
    ]
    heard: dict[str, list[str]] = {}

    def bot(inputs: Mapping[str, str], history: Sequence[Mapping[str, Any]]) -> str:
        heard[inputs["text"]] = [turn["outputs"] for turn in history]
        return f"re {inputs['text']}"

    result = evalkit.evaluate(bot, rows, "text.exact_match")

    assert heard["s1t1"] == []
    assert heard["s1t3"] == ["re s1t1", "re s1t2"]
    assert result["text.exact_match"].n_groups == 3


def test_a_failed_turn_fails_the_turns_after_it_without_a_call() -> None:
    rows = [{"inputs": {"t": t}, "session": "s", "turn": t, "expectations": "x"} for t in range(3)]
    called: list[int] = []

    def bot(t: int) -> str:
        called.append(t)
        raise ValueError("no")

    result = evalkit.evaluate(bot, rows, "text.exact_match")

    assert called == [0]
    assert result["text.exact_match"].n_failed == 3
    assert result.failures().reason.tolist() == ["target_error", "earlier_turn", "earlier_turn"]
    assert result.usage["target"].calls == 1


def test_a_target_that_returns_nothing_or_no_json_is_a_failure() -> None:
    answers: dict[str, Any] = {"q0": None, "q1": object(), "q2": "a2", "q3": float("nan")}
    result = evalkit.evaluate(lambda question: answers[question], QUESTIONS[:4], "text.exact_match")

    assert result.failures().reason.tolist() == ["empty", "invalid_response", "empty"]


def test_scorers_may_return_anything_sensible() -> None:
    @evalkit.scorer
    def several(outputs: str) -> dict[str, float | bool | None]:
        return {"length": len(outputs), "short": len(outputs) < 3, "never": None}

    @evalkit.scorer
    def tone(outputs: str) -> str:
        return "polite" if outputs.endswith("0") else "rude"

    @evalkit.scorer
    async def later(case: evalkit.Case) -> evalkit.Score:
        return evalkit.Score(1, explanation=f"for {case.id}", weight=2.0)

    @evalkit.scorer
    def bad(outputs: str) -> float:
        return float("nan") if outputs == "a1" else 1.0

    result = evalkit.evaluate(_right, QUESTIONS, [several, tone, later, bad])

    assert result["several.length"].value == pytest.approx(80 / 30)
    assert result["several.short"].method == "wilson"
    assert result["several.never"].n_skipped == 30
    assert result["tone=polite"].value == pytest.approx(0.1)
    assert result["later"].value == 1.0
    assert (result["bad"].n_scored, result["bad"].n_failed) == (29, 1)
    assert result.table()["later.explanation"][0].startswith("for ")


def test_a_mapping_scorer_that_fails_fails_all_its_metrics() -> None:
    @evalkit.scorer
    def several(outputs: str) -> dict[str, float]:
        if outputs == "a7":
            raise ValueError("seven")
        return {"x": 1.0, "y": 0.0}

    result = evalkit.evaluate(_right, QUESTIONS, [several])

    assert list(result.estimates) == ["several.x", "several.y"]
    assert result["several.x"].n_failed == result["several.y"].n_failed == 1


def test_a_slow_score_is_given_up_and_the_others_are_kept() -> None:
    release = threading.Event()

    @evalkit.scorer
    def slow(outputs: str) -> float:
        if outputs == "a2":
            release.wait()
        return 1.0

    result = evalkit.evaluate(
        _right, QUESTIONS[:5], [slow], runtime=evalkit.Runtime(timeout_seconds=1.0)
    )
    release.set()

    assert (result["slow"].n_scored, result["slow"].n_failed) == (4, 1)
    assert result.failures().reason.tolist() == ["timeout"]


def test_skips_do_not_count_against_coverage_and_nothing_scored_never_passes() -> None:
    @evalkit.scorer
    def rarely(outputs: str) -> float | None:
        return 1.0 if outputs == "a1" else None

    @evalkit.scorer
    def never(outputs: str) -> None:
        assert outputs

    result = evalkit.evaluate(_right, QUESTIONS, [rarely, never], gates=["never >= 0"])

    assert (result["rarely"].n_scored, result["rarely"].n_skipped) == (1, 29)
    assert result["rarely"].coverage == 1.0
    assert result.verdict.status == "INCONCLUSIVE"
    with pytest.raises(NoValueError, match="never has no value: the scorer applies to no case"):
        float(result["never"])


def test_an_empty_text_is_a_value_and_a_missing_output_is_not() -> None:
    rows = [
        {"question": "a", "expected": "", "output": ""},
        {"question": "b", "expected": "x", "output": None},
    ]
    found = evalkit.evaluate(data=rows, scorers="text.exact_match")["text.exact_match"]

    assert (found.value, found.n_scored, found.n_skipped, found.n_failed) == (1.0, 1, 0, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        pytest.param({"data": None}, UsageError, "No data", id="no-data"),
        pytest.param(
            {"model": [{"question": "q"}], "data": None},
            UsageError,
            "the first argument is the model, not a list; did you mean data=",
            id="rows-as-model",
        ),
        pytest.param(
            {"runtime": {"store": False}}, UsageError, "evalkit.Runtime.* not a dict", id="runtime"
        ),
        pytest.param({"data": "gone.jsonl"}, DataError, "gone.jsonl", id="no-file"),
        pytest.param({"model": "rows.jsonl"}, UsageError, "data=", id="data-as-model"),
        pytest.param({"scorers": []}, UsageError, "No scorers", id="no-scorer"),
        pytest.param({"scorers": "text.exactmatch"}, LookupError, "Did you mean", id="near-miss"),
        pytest.param({"scorers": ["text.bleu"] * 2}, UsageError, "name=", id="twice"),
        pytest.param({"repeats": 0}, UsageError, "repeats", id="repeats"),
        pytest.param({"reducer": "avg"}, UsageError, "Reducers: mean", id="reducer"),
        pytest.param({"reducer": "pass_at_k(2)"}, UsageError, "1 <= k <= repeats", id="k"),
        pytest.param({"gates": "text.bleu >> 3"}, UsageError, "expected a number", id="gate"),
        pytest.param({"level": 95}, UsageError, "level", id="level"),
        pytest.param(
            {"model": lambda topic, style: f"{topic}{style}"}, BindingError, "topic", id="binding"
        ),
        pytest.param({"columns": {"inputs": "que"}}, LookupError, "question", id="column"),
    ],
)
def test_what_is_wrong_is_said_before_any_call(
    arguments: dict[str, Any], error: type[Exception], text: str, folder: Path
) -> None:
    given: dict[str, Any] = {"data": QUESTIONS, "scorers": "text.exact_match", "model": _never}
    with pytest.raises(error, match=text):
        evalkit.evaluate(**(given | arguments))
    assert not list(folder.glob("evalkit-artifacts/*/*"))


def _never(question: str) -> str:
    raise AssertionError(f"called with {question}")


def test_a_function_that_asks_for_another_expectation_learns_which_there_are() -> None:
    def same(outputs: str, expectations: Mapping[str, Any]) -> bool:
        return bool(outputs == expectations["expected"])

    rows = [{"question": "q", "expected": "a", "output": "a"}]
    found = evalkit.evaluate(data=rows, scorers=[same]).failures()

    assert found.explanation[0] == "KeyError: 'expected' The expectations have: target."


def test_a_scorer_without_its_input_says_how_to_map_one() -> None:
    rows = [{"question": "q", "output": "a"}]

    with pytest.raises(UsageError, match=r"'text\.exact_match' needs expectations.*columns="):
        evalkit.evaluate(data=rows, scorers="text.exact_match")


def test_the_data_is_left_as_it_was() -> None:
    rows = [{"inputs": {"question": "q"}, "expectations": {"target": "a"}, "outputs": "a"}]
    before = repr(rows)
    evalkit.evaluate(data=rows, scorers="text.exact_match")

    assert repr(rows) == before


def test_a_missing_key_lists_near_misses() -> None:
    result = evalkit.evaluate(_right, QUESTIONS, "text.exact_match")

    with pytest.raises(UnknownMetricError, match=r"Did you mean 'text\.exact_match'"):
        result["text.exact_mach"]


def test_evaluate_works_inside_a_running_loop_and_aevaluate_beside_it() -> None:
    async def main() -> tuple[float, float]:
        inside = evalkit.evaluate(_Bots.coroutine, QUESTIONS, "text.exact_match")
        loop = asyncio.get_running_loop()

        async def bot(question: str) -> str:
            assert asyncio.get_running_loop() is loop
            return _right(question)

        beside = await evalkit.aevaluate(bot, QUESTIONS, ["text.exact_match"])
        return float(inside["text.exact_match"]), float(beside["text.exact_match"])

    assert asyncio.run(main()) == (1.0, 1.0)


def test_without_a_store_nothing_is_kept(folder: Path) -> None:
    result = evalkit.evaluate(
        _right, QUESTIONS, "text.exact_match", runtime=evalkit.Runtime(store=False)
    )
    kept = result.folder.path

    assert result.run_id is None
    assert list(folder.iterdir()) == []
    assert kept.is_dir()
    del result
    assert not kept.exists()


_WORDS = dict.fromkeys(set(inspect.signature(evalkit.evaluate).parameters) - {"model", "data"})


def test_none_is_the_default_of_each_argument() -> None:
    words: Any = {**_WORDS, "scorers": "text.exact_match"}
    results = [
        evalkit.evaluate(_right, QUESTIONS, **words),
        asyncio.run(evalkit.aevaluate(_right, QUESTIONS, **words)),
        *evalkit.sweep({"a": _right, "b": len}, QUESTIONS, **words).results.values(),
    ]

    assert [result["text.exact_match"].value for result in results] == [1.0, 1.0, 1.0, 0.0]
    assert {(r.repeats, r.facts.plan.level, r.facts.plan.seed) for r in results} == {(1, 0.95, 0)}
    assert results[0].check(None).conditions == ()
    with pytest.raises(UsageError, match="No scorers"):
        evalkit.evaluate(_right, QUESTIONS, None)
