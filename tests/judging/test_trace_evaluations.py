"""Judges that read traces through tools, against models that really use the tools."""

import asyncio
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import evalkit
from evalkit.entities.case import Case
from evalkit.entities.trace import Trace
from evalkit.evaluation.results.cells import explanations_of
from evalkit.judging.judge import Judge, make_judge
from evalkit.testing import ScriptedEndpoint, SeenRequest

Answer = Callable[[SeenRequest], Any]
PLANTED = 137


def judge_of(endpoint: ScriptedEndpoint, **settings: Any) -> Judge:
    judge = make_judge("worked", "Did {{ trace }} do what was asked?", **settings)
    return judge.with_model("scripted", base_url=endpoint.base_url)


def test_scores_attach_to_the_span_that_they_speak_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trace: Trace, detective: Answer
) -> None:
    monkeypatch.chdir(tmp_path)
    evalkit.tracking.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    with ScriptedEndpoint(detective) as endpoint:
        result = evalkit.evaluate(data=[trace], scorers=[judge_of(endpoint), "operations.latency"])
        again = evalkit.EvaluationResult.load(result.run_id or "")
    kept = evalkit.tracing.assessments(trace_id="t")
    evalkit.tracking.set_tracking_uri(None)

    by_name = {one.name: one for one in kept}
    judged = by_name["worked"]
    assert (judged.value, judged.span_id, judged.run_id) == ("no", f"s{PLANTED}", result.run_id)
    assert (judged.source.source_type, judged.source.source_id) == ("LLM_JUDGE", "scripted")
    assert by_name["operations.latency"].value == 60.0
    assert by_name["operations.latency"].source.source_type == "CODE"
    assert again.assessments() == result.assessments()
    assert {one.assessment_id for one in kept} == {
        one.assessment_id for one in result.assessments()
    }


def test_a_failed_judgement_is_feedback_with_an_error(trace: Trace) -> None:
    with ScriptedEndpoint("prose") as endpoint:
        result = evalkit.evaluate(
            data=[trace], scorers=[judge_of(endpoint)], runtime=evalkit.Runtime(store=False)
        )
    (said_of_it,) = result.assessments()

    assert said_of_it.error is not None
    assert said_of_it.error.error_code == "invalid_response"
    assert said_of_it.trace_id == "t"


def test_a_jury_reads_the_trace_too(trace: Trace, detective: Answer) -> None:
    from evalkit.judging import jury_of

    with ScriptedEndpoint(detective) as endpoint:
        judge = judge_of(endpoint)
        panel = jury_of(judge, [{"model": m, "base_url": endpoint.base_url} for m in ("a", "b")])
        score = asyncio.run(panel.score(dataclasses.replace(Case(), trace=trace)))

        assert endpoint.calls == 6
    assert score.label == "no"


def test_tables_and_reports_name_the_span_beside_the_explanation(
    tmp_path: Path, trace: Trace, detective: Answer
) -> None:
    with ScriptedEndpoint(detective) as endpoint:
        result = evalkit.evaluate(
            data=[trace], scorers=[judge_of(endpoint)], runtime=evalkit.Runtime(store=False)
        )

    assert result.table()["worked.span_id"].tolist() == [f"s{PLANTED}"]
    (metric,) = result.metrics
    assert explanations_of(metric) == {0: f"[step {PLANTED}] no such table: prices"}
    assert result.report(tmp_path / "r.html").stat().st_size > 0


@evalkit.scorer
def boundless(trace: Trace) -> float:
    return float("inf") * len(trace.spans)


def test_an_infinite_score_is_feedback_with_an_error(tmp_path: Path, trace: Trace) -> None:
    runtime = evalkit.Runtime(store=f"sqlite:///{tmp_path}/runs.db")
    result = evalkit.evaluate(data=[trace], scorers=[boundless], runtime=runtime)
    (said_of_it,) = result.assessments()

    assert said_of_it.value is None
    assert said_of_it.error is not None
    assert said_of_it.error.error_code in {"not_finite", "scorer_error"}


def test_a_trace_whose_id_is_too_long_costs_its_assessments_and_no_more(
    tmp_path: Path, trace: Trace, caplog: pytest.LogCaptureFixture
) -> None:
    data = [dataclasses.replace(trace, trace_id=name) for name in ("t1", "t" * 201, "t2")]
    evalkit.tracking.set_tracking_uri(f"sqlite:///{tmp_path}/runs.db")
    result = evalkit.evaluate(data=data, scorers=["operations.latency"])
    kept = evalkit.tracing.assessments(run_id=result.run_id)
    evalkit.tracking.set_tracking_uri(None)

    assert result.facts.status == "complete"
    assert {one.trace_id for one in kept} == {"t1", "t2"}
    (told,) = [record.getMessage() for record in caplog.records if record.name == "evalkit"]
    assert told.startswith("Not logged as assessments of their traces: 1 ")
    assert "at most 200 characters" in told
