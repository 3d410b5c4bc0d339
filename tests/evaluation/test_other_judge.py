"""Judges at another model or address than they were: named once, replaced, and forgotten."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.judging.jury import Jury
from evalkit.judging.pairwise import PairwiseJudge
from evalkit.scoring.configured import ConfiguredScorer
from evalkit.testing import Reply, ScriptedEndpoint
from evalkit.tracking import get_metric_history, get_run

ROWS = [{"question": f"q{n}", "expected": "a"} for n in range(6)]
JUDGE = evalkit.make_judge("fine", "Is {{ outputs }} fine?")


class Judges:
    """Models behind one address, of which some are not there, and one answers prose."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        """Questions by model that were answered."""

    def __call__(self, request: Any) -> Reply:
        """Answer as the model of that name does."""
        model = request.json["model"]
        if model == "gone":
            body = b'{"error":{"message":"The model `gone` does not exist"}}'
            return Reply(status=404, body=body)
        self.asked[model] += 1
        if model == "vague" and "q3" in request.prompt:
            return Reply(value="who knows")
        return Reply(value={"rationale": "r", "verdict": "yes" if model != "severe" else "no"})


@pytest.fixture
def judges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Judges, str]]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-other-judge")
    models = Judges()
    with ScriptedEndpoint(models) as endpoint:
        yield models, endpoint.base_url


def bot(question: str) -> str:
    """Return an answer that tells the question."""
    return f"answer to {question}"


def evaluated(model: str, url: str, scorers: Any = JUDGE, **options: Any) -> Any:
    """Return an evaluation whose judges ask *model* at *url*."""
    return evalkit.evaluate(bot, ROWS, scorers, judge_model=model, judge_base_url=url, **options)


def test_a_run_that_a_wrong_judge_model_ended_goes_on_with_another(
    judges: tuple[Judges, str],
) -> None:
    models, url = judges
    questions: list[str] = []

    def counting(question: str) -> str:
        questions.append(question)
        return question

    first = evalkit.evaluate(
        counting, ROWS, [JUDGE, "text.exact_match"], judge_model="openai/gone", judge_base_url=url
    )
    with pytest.raises(UsageError, match="is not complete"):
        first.retry(model=counting)
    mended = first.retry(model=counting, judge_model="openai/good")
    loaded = evalkit.EvaluationResult.load(mended.run_id or "")

    assert (first.facts.status, mended.facts.status) == ("outage", "complete")
    assert f"evalkit retry {first.run_id} --judge-model MODEL" in " ".join(str(first).split())
    assert (mended["fine"].value, mended["fine"].n_scored) == (1.0, 6)
    assert models.asked == {"good": 6}
    assert sorted(questions) == [f"q{n}" for n in range(6)]
    assert loaded.facts.plan.judge_model == "openai/good"
    assert loaded.facts.plan.judge_base_url == url
    assert "openai/good" in loaded.signatures["fine"]


def test_another_model_judges_every_case_anew(judges: tuple[Judges, str]) -> None:
    models, url = judges
    renamed = ConfiguredScorer(inner=JUDGE, name="again")
    own = evalkit.make_judge("own", "Is {{ outputs }} fine?", model="openai/own", base_url=url)
    first = evaluated("openai/vague", url, [JUDGE, renamed, own])
    models.asked.clear()
    mended = first.retry(model=bot, judge_model="openai/severe")

    assert first["fine"].n_failed == 1
    assert (mended["fine"].value, mended["fine"].n_scored) == (0.0, 6)
    assert mended["again"].value == 0.0
    assert mended["own"].value == 1.0
    assert set(models.asked) == {"severe"}
    assert " · judged by openai/vague, openai/own · " in str(first)
    assert " · judged by openai/severe, openai/own · " in str(mended)


def test_a_model_that_no_judge_of_the_run_can_take_is_an_error(judges: tuple[Judges, str]) -> None:
    _, url = judges
    own = evalkit.make_judge("own", "Is {{ outputs }} fine?", model="openai/own", base_url=url)
    first = evalkit.evaluate(bot, ROWS, own)

    with pytest.raises(UsageError, match="replace=True"):
        first.retry(model=bot, judge_model="openai/good")
    with pytest.raises(UsageError, match="retry with judge_model="):
        first.retry(model=bot, scorers=own.with_model("openai/good"), judge_model="openai/x")


def test_the_address_reaches_judges_wherever_they_are(judges: tuple[Judges, str]) -> None:
    _, url = judges
    rows = [{"output": "a", "expected_response": "b"}]
    pair = PairwiseJudge(judge=PairwiseJudge().judge)
    jury = Jury(judges=(JUDGE, JUDGE.with_model("openai/own", base_url=url)))
    result = evalkit.evaluate(
        data=rows, scorers=[jury, JUDGE], judge_model="openai/good", judge_base_url=url
    )

    assert (result["jury"].value, result["fine"].value) == (1.0, 1.0)
    assert result.facts.plan.judge_models == {
        "jury": ["openai/good", "openai/own"],
        "fine": ["openai/good"],
    }
    assert pair.with_model("openai/good", base_url=url).judge.base_url == url
    assert evalkit.audit(
        JUDGE, rows, probes="garbage", judge_model="openai/good", judge_base_url=url
    ).batteries
    labelled = [{"output": f"{n}", "human": "yes" if n % 3 else "no"} for n in range(20)]
    card = JUDGE.calibrate(
        labelled, columns={"labels.fine": "human"}, judge_model="openai/good", judge_base_url=url
    )
    assert f"|base_url:{url}|" in card.signature


def test_more_judges_ask_where_the_run_asked(judges: tuple[Judges, str]) -> None:
    models, url = judges
    first = evaluated("openai/good", url)
    other = evalkit.make_judge("other", "Is {{ outputs }} kind?")
    more = first.score(other)
    models.asked.clear()
    severe = more.score(other, replace=True, judge_model="openai/severe")

    assert (more["other"].value, severe["other"].value) == (1.0, 0.0)
    assert models.asked == {"severe": 6}


def test_numbers_that_were_replaced_or_dropped_leave_the_store(judges: tuple[Judges, str]) -> None:
    _, url = judges
    first = evaluated("openai/good", url, [JUDGE, "text.exact_match"])
    run = first.run_id or ""
    before = get_run(run).data.metrics
    replaced = first.score(JUDGE, replace=True, judge_model="openai/severe")
    after = get_run(run).data.metrics
    replaced.score([], drop=["fine"])

    assert before == {"text.exact_match": 0.0, "fine": 1.0}
    assert after == {"text.exact_match": 0.0, "fine": 0.0}
    assert get_run(run).data.metrics == {"text.exact_match": 0.0}
    assert not get_metric_history(run, "fine")


def test_a_metric_without_a_value_any_more_shows_no_old_one(judges: tuple[Judges, str]) -> None:
    _, url = judges
    first = evaluated("openai/good", url, [JUDGE, "text.exact_match"])
    first.score(JUDGE, replace=True, judge_model="openai/gone")
    mended = first.score(JUDGE, replace=True, judge_model="openai/good")

    assert get_run(first.run_id or "").data.metrics["fine"] == 1.0
    assert mended["fine"].value == 1.0
