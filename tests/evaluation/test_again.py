"""Finished work: loaded, scored again, retried, merged, compared, used as data."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import NotFoundError, UsageError
from evalkit.testing import ScriptedEndpoint

QUESTIONS = [{"question": f"q{i}", "expected": f"a{i}"} for i in range(30)]


def _right(question: str) -> str:
    return question.replace("q", "a")


def test_a_result_is_equal_when_loaded_again() -> None:
    @evalkit.scorer
    def tone(outputs: str) -> str:
        return "polite" if outputs.endswith("0") else "rude"

    result = evalkit.evaluate(
        _right, QUESTIONS, [tone, "text.bleu", "text.exact_match"], repeats=2, name="kept"
    )
    again = evalkit.EvaluationResult.load("kept")

    assert again.estimates == result.estimates
    assert again.signatures == result.signatures
    assert again["p50(text.exact_match)"] == result["p50(text.exact_match)"]
    assert again["tone=polite"].value == result["tone=polite"].value
    left, right = again.table(), result.table()
    assert left.astype(str).equals(right.astype(str))


def test_more_scorers_never_call_the_target_again() -> None:
    calls: list[str] = []

    def bot(question: str) -> str:
        calls.append(question)
        return _right(question)

    first = evalkit.evaluate(bot, QUESTIONS, "text.exact_match", repeats=2, name="more")
    more = first.score(["text.token_f1"])

    assert len(calls) == 60
    assert list(more.estimates) == ["text.exact_match", "text.token_f1"]
    assert more["text.exact_match"] == first["text.exact_match"]
    assert more.run_id == first.run_id
    assert list(evalkit.EvaluationResult.load("more").estimates) == list(more.estimates)


def test_retry_runs_only_what_failed() -> None:
    down = True
    calls: Counter[str] = Counter()

    def bot(question: str) -> str:
        calls[question] += 1
        if down and question in {"q3", "q4"}:
            raise ConnectionError("down")
        return _right(question)

    first = evalkit.evaluate(bot, QUESTIONS, "text.exact_match")
    down = False
    second = first.retry("failed", model=bot)

    assert (first["text.exact_match"].n_failed, second["text.exact_match"].n_failed) == (2, 0)
    assert {question for question, count in calls.items() if count > 1} == {"q3", "q4"}
    assert second.run_id != first.run_id
    with pytest.raises(UsageError, match="Nothing failed"):
        second.retry("failed", model=bot)


def test_disjoint_results_merge_into_one() -> None:
    parts = [
        evalkit.evaluate(_right, QUESTIONS[:10], ["text.exact_match", "text.bleu"]),
        evalkit.evaluate(_right, QUESTIONS[10:], ["text.exact_match", "text.bleu"]),
    ]
    whole = evalkit.evaluate(_right, QUESTIONS, ["text.exact_match", "text.bleu"])
    merged = evalkit.merge(parts)

    assert merged.estimates == whole.estimates
    with pytest.raises(UsageError, match="share cases"):
        evalkit.merge([parts[0], parts[0]])


def test_two_results_on_the_same_cases_have_a_paired_difference() -> None:
    def worse(question: str) -> str:
        return _right(question) if int(question[1:]) % 3 else "no"

    good = evalkit.evaluate(_right, QUESTIONS, "text.exact_match", name="good")
    bad = evalkit.evaluate(worse, QUESTIONS, "text.exact_match", name="bad")
    found = good.difference(bad, "text.exact_match")

    assert found.difference == pytest.approx(1 / 3)
    assert found.low is not None
    assert found.low > 0
    assert found.n == 30
    other = evalkit.evaluate(_right, QUESTIONS[:20], "text.exact_match", name="other")
    with pytest.raises(UsageError, match=r"their dataset differs \(.*\): 30 and 20 cases"):
        good.difference(other, "text.exact_match")


def test_two_systems_in_one_table_can_be_compared_once_other_columns_are_dropped() -> None:
    rows = [
        {"question": f"q{i}", "expected": "a", "first": "a", "second": "ab"[i % 2]}
        for i in range(30)
    ]

    def evaluated(system: str, **columns: Any) -> evalkit.EvaluationResult:
        return evalkit.evaluate(
            data=rows, scorers="text.exact_match", columns={"outputs": system, **columns}
        )

    with pytest.raises(UsageError, match=r"their tags differ.*'tags': None"):
        evaluated("first").difference(evaluated("second"), "text.exact_match")
    first, second = evaluated("first", tags=None), evaluated("second", tags=None)
    assert first.difference(second, "text.exact_match").difference == 0.5


def test_an_earlier_result_is_data() -> None:
    first = evalkit.evaluate(_right, QUESTIONS, "text.exact_match")
    again = evalkit.evaluate(data=first, scorers=["text.token_f1"])

    assert again["text.token_f1"].value == 1.0
    assert again.dataset["digest"] == first.dataset["digest"]


def _log(uneven: int = 0) -> list[dict[str, Any]]:
    """Return rows as a log of two epochs has them: one epoch after the other."""
    rows: list[dict[str, Any]] = [
        {"id": f"c{i}", "inputs": {"q": i}, "expectations": "y", "repeat": r, "outputs": "yn"[r]}
        for r in range(2)
        for i in range(12)
    ]
    rows[3] |= {"outputs": None, "error": "it broke"}
    return rows[: len(rows) - uneven]


def test_repeats_in_a_log_are_repeats_of_its_cases() -> None:
    result = evalkit.evaluate(
        data=_log(), scorers="text.exact_match", reducer=["mean", "pass_at_k(2)"], name="log"
    )
    found = result["text.exact_match"]

    assert (found.value, found.n_scored, found.n_failed, found.n_repeats) == (0.5, 11, 1, 2)
    assert result["text.exact_match.pass_at_k(2)"].value == pytest.approx(11 / 12)
    assert result.failures()[["id", "repeat", "explanation"]].to_numpy().tolist() == [
        ["c3", 0, "it broke"]
    ]
    table = result.table()
    assert table.outputs.fillna("none").tolist() == ["y", "n"] * 3 + ["none", "n"] + ["y", "n"] * 8
    assert table.target_status.tolist().count("failed") == 1
    again = evalkit.evaluate(data=result, scorers="text.exact_match")
    assert again["text.exact_match"] == found


def test_uneven_repeats_in_a_log_are_rows_clustered_by_case() -> None:
    found = evalkit.evaluate(data=_log(uneven=1), scorers="text.exact_match")["text.exact_match"]

    assert (found.n_total, found.n_failed, found.n_groups) == (23, 1, 12)


def dead_judge(endpoint: ScriptedEndpoint, model: str) -> Any:
    """Return a judge of a model behind *endpoint*."""
    return evalkit.make_judge(
        "fine", "Is {{ outputs }} fine?", model=model, base_url=endpoint.base_url
    )


def test_a_metric_of_a_dead_judge_is_replaced_or_dropped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-again")
    rows = [{"output": "a", "expected": "a"}, {"output": "b", "expected": "b"}]
    verdict = '{"rationale": "r", "verdict": "yes"}'

    def reply(request: Any) -> str:
        return verdict if request.json["model"] == "good" else "prose"

    with ScriptedEndpoint(reply) as endpoint:
        dead, good = (dead_judge(endpoint, f"openai/{name}") for name in ("dead", "good"))
        first = evalkit.evaluate(
            data=rows, scorers=[dead, "text.exact_match"], gates=["fine >= 0.1 @ point"]
        )
        with pytest.raises(UsageError, match="replace it"):
            first.score([good])
        replaced = first.score([good], replace=True)
        loaded = evalkit.EvaluationResult.load(first.run_id or "")
        dropped = replaced.score([], drop=["fine"])
    with pytest.raises(NotFoundError, match=r"Did you mean 'text\.exact_match'"):
        dropped.score([], drop=["text.exact_mach"])

    assert first["fine"].n_failed == 2
    assert (replaced["fine"].value, replaced["fine"].n_failed) == (1.0, 0)
    assert replaced.verdict.status == "PASS"
    assert loaded["fine"].value == 1.0
    assert [metric.key for metric in replaced.metrics] == ["text.exact_match", "fine"]
    assert [metric.key for metric in dropped.metrics] == ["text.exact_match"]
