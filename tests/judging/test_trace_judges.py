"""Judges that read traces through tools, against models that really use the tools."""

import asyncio
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score, Status
from evalkit.entities.trace import Trace
from evalkit.errors import UsageError
from evalkit.judging.judge import Judge, make_judge
from evalkit.judging.traces.tools import TOOLS
from evalkit.llm.recorder import Recorder
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.session import ModelSession, use_session
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

Answer = Callable[[SeenRequest], Any]
PLANTED = 137
BLOCK = re.compile(
    r"^<<<DATA ([\w.-]+) ([0-9a-f]{32})>>>\n(.*?)^<<<END DATA \1 \2>>>$", re.MULTILINE | re.DOTALL
)


def judge_of(endpoint: ScriptedEndpoint, **settings: Any) -> Judge:
    judge = make_judge("worked", "Did {{ trace }} do what was asked?", **settings)
    return judge.with_model("scripted", base_url=endpoint.base_url)


def ask(judge: Judge, trace: Any) -> Score:
    return asyncio.run(judge.score(Case(trace=trace)))


def calls(*made: tuple[str, Mapping[str, Any]]) -> Reply:
    listed = [{"name": name, "arguments": arguments} for name, arguments in made]
    return Reply(value=None, tool_calls=listed)


def answers(request: SeenRequest) -> list[tuple[str, str]]:
    """Return name and content of every block that a tool has answered, in order."""
    told = [str(m["content"]) for m in request.messages if m["role"] == "tool"]
    return [(match[1], match[3]) for text in told for match in BLOCK.finditer(text)]


def said(verdict: str, span: str | None = None, why: str = "seen") -> dict[str, Any]:
    return {"rationale": why, "span_id": span, "verdict": verdict}


def test_a_judge_finds_the_planted_span_among_two_hundred(trace: Trace, detective: Answer) -> None:
    with ScriptedEndpoint(detective) as endpoint:
        score = ask(judge_of(endpoint), trace)
        sent = [len(json.dumps(request.messages)) for request in endpoint.requests]

    assert (score.value, score.label) == (False, "no")
    assert score.explanation == "no such table: prices"
    metadata = score.metadata or {}
    assert (metadata["span_id"], metadata["span_name"]) == (f"s{PLANTED}", f"step {PLANTED}")
    assert (metadata["tool_rounds"], metadata["tool_calls"]) == (2, 9)
    assert max(sent) < 15_000 < len(json.dumps(trace.to_json())) / 10


def test_without_its_tools_the_same_model_finds_nothing(trace: Trace, detective: Answer) -> None:
    clean = Trace(trace_id="t", spans=tuple(s for s in trace.spans if s.span_id != f"s{PLANTED}"))
    with ScriptedEndpoint(detective) as endpoint:
        score = ask(judge_of(endpoint), clean)

    assert score.label == "yes"


def lister(request: SeenRequest) -> Any:
    """Page through all spans, and name the slowest by timing."""
    found = answers(request)
    if not found:
        return calls(("list_spans", {}))
    name, content = found[-1]
    if name == "timing":
        seen = sum(len(json.loads(text)["spans"]) for kind, text in found if kind == "list_spans")
        slowest = json.loads(content)["slowest"][0]["id"]
        return said("yes", slowest, f"{seen} spans")
    following = json.loads(content).get("next_offset")
    if following is None:
        return calls(("timing", {}))
    return calls(("list_spans", {"offset": following}))


def test_pages_lead_through_the_whole_trace(trace: Trace) -> None:
    with ScriptedEndpoint(lister) as endpoint:
        score = ask(judge_of(endpoint), trace)

    assert score.explanation == "200 spans"
    assert (score.metadata or {})["span_id"] == "root"


def test_the_prompt_describes_the_trace_and_holds_none_of_its_contents(
    capsys: pytest.CaptureFixture[str], trace: Trace
) -> None:
    with ScriptedEndpoint("unused") as endpoint:
        system, asked = judge_of(endpoint).explain(Case(trace=trace))

    assert 'A trace of 200 spans. Its root is "agent" (AGENT, id root)' in asked["content"]
    assert "lorem" not in asked["content"]
    assert "search_spans" in system["content"]
    printed = capsys.readouterr().out
    assert all(tool.name in printed for tool in TOOLS)


def test_a_template_that_reads_a_field_of_the_trace_has_no_tools(trace: Trace) -> None:
    judge = make_judge("j", "Is {{ trace.status }} fine{% if trace %}?{% endif %}", model="x")
    (_, asked) = judge.messages(Case(trace=trace))

    assert judge.prepared.tool_rounds is None
    assert "ERROR" in asked["content"]


def test_spans_in_a_template_are_lines_and_no_contents(trace: Trace) -> None:
    text = "{{ trace.spans }} and {% for span in trace.spans %}{{ span }}{% endfor %}"
    asked = make_judge("j", text, model="x").messages(Case(trace=trace))[-1]["content"]

    assert "(160 more)" in asked
    assert "lorem" not in asked


@pytest.mark.parametrize(
    ("span", "kept", "note"),
    [
        pytest.param("s001", "s001", None, id="known"),
        pytest.param("s999", None, "s999", id="unknown"),
        pytest.param(None, None, None, id="none"),
        pytest.param("x" * 500, None, "x" * 80 + "…", id="long"),
    ],
)
def test_a_span_that_is_not_in_the_trace_is_dropped_with_a_note(
    span: str | None, kept: str | None, note: str | None, trace: Trace
) -> None:
    with ScriptedEndpoint(lambda _: said("yes", span)) as endpoint:
        metadata = ask(judge_of(endpoint), trace).metadata or {}

    assert metadata.get("span_id") == kept
    assert metadata.get("unknown_span") == note


def test_rounds_are_bounded_and_the_verdict_is_then_asked_for_by_schema(trace: Trace) -> None:
    def model(request: SeenRequest) -> Any:
        if request.json.get("tool_choice") == "none":
            return said("no", "s001")
        return calls(("get_root_span", {}))

    with ScriptedEndpoint(model) as endpoint:
        score = ask(judge_of(endpoint, tool_rounds=3), trace)
        last = endpoint.requests[-1].json

        assert endpoint.calls == 4
    assert score.label == "no"
    assert "span_id" in last["response_format"]["json_schema"]["schema"]["required"]


@pytest.mark.parametrize(
    "stubborn",
    [
        pytest.param(calls(("get_root_span", {})), id="calls-again"),
        pytest.param("I need more time", id="prose"),
    ],
)
def test_who_gives_no_verdict_after_the_rounds_fails_with_a_reason_of_its_own(
    stubborn: Any, trace: Trace
) -> None:
    def model(request: SeenRequest) -> Any:
        if request.json.get("tool_choice") == "none":
            return stubborn
        return calls(("get_root_span", {}))

    with ScriptedEndpoint(model) as endpoint:
        score = ask(judge_of(endpoint, tool_rounds=2), trace)

    assert (score.status, score.reason) == (Status.FAILED, "tool_rounds")


def test_prose_in_place_of_a_verdict_is_asked_for_once_more_with_the_form(trace: Trace) -> None:
    def model(request: SeenRequest) -> Any:
        return said("yes") if "response_format" in request.json else "All is well, I think."

    with ScriptedEndpoint(model) as endpoint:
        score = ask(judge_of(endpoint), trace)
        last = endpoint.requests[-1]

    assert score.label == "yes"
    assert (score.metadata or {})["repaired"] == "invalid_response"
    assert "All is well" not in json.dumps(last.messages)


def test_a_server_without_schemas_is_asked_by_the_forced_tool(trace: Trace) -> None:
    def model(request: SeenRequest) -> Any:
        if "response_format" in request.json:
            return Reply(status=400, body=b'{"error":{"message":"response_format: unsupported"}}')
        if isinstance(request.json.get("tool_choice"), dict):
            return calls(("give_verdict", said("no", "s002")))
        return "hm"

    with ScriptedEndpoint(model) as endpoint:
        score = ask(judge_of(endpoint), trace)

    assert (score.label, (score.metadata or {})["format"]) == ("no", "tool")
    assert (score.metadata or {})["span_id"] == "s002"


def test_a_server_that_refuses_a_temperature_is_asked_without(
    trace: Trace, detective: Answer
) -> None:
    def model(request: SeenRequest) -> Any:
        if "temperature" in request.json:
            body = b'{"error":{"message":"temperature is not supported with this model"}}'
            return Reply(status=400, body=body)
        return detective(request)

    with ScriptedEndpoint(model) as endpoint:
        score = ask(judge_of(endpoint), trace)

        assert endpoint.calls == 4
    assert (score.metadata or {})["sampling"] == {}


def test_calls_beyond_the_bound_are_answered_and_not_made(trace: Trace) -> None:
    def model(request: SeenRequest) -> Any:
        if not answers(request):
            return calls(*[("get_root_span", {})] * 12)
        refused = [text for _, text in answers(request) if "at most 8 calls" in text]
        return said("yes", None, f"{len(answers(request))} {len(refused)}")

    with ScriptedEndpoint(model) as endpoint:
        score = ask(judge_of(endpoint), trace)

    assert score.explanation == "12 4"
    assert (score.metadata or {})["failed_tool_calls"] == 4


def test_every_call_is_answered_under_its_own_id(trace: Trace, detective: Answer) -> None:
    with ScriptedEndpoint(detective) as endpoint:
        ask(judge_of(endpoint), trace)
        sent = endpoint.requests[-1].messages

    asked = [call["id"] for m in sent if m["role"] == "assistant" for call in m["tool_calls"]]
    answered = [m["tool_call_id"] for m in sent if m["role"] == "tool"]
    assert asked == answered
    assert len(set(asked)) == len(asked) == 9


@pytest.mark.parametrize(
    ("given", "status", "reason", "explanation"),
    [
        pytest.param(None, Status.SKIPPED, None, "has no trace", id="absent"),
        pytest.param({"steps": [1]}, Status.FAILED, "broken_trace", "is no trace", id="other"),
        pytest.param(
            {"spans": [{"span_id": "a", "name": "a", "parent_id": "a"}]},
            Status.FAILED,
            "broken_trace",
            "circle",
            id="circle",
        ),
    ],
)
def test_what_cannot_be_read_costs_no_call(
    given: Any, status: Status, reason: str | None, explanation: str
) -> None:
    with ScriptedEndpoint("unused") as endpoint:
        score = ask(judge_of(endpoint), given)

        assert endpoint.calls == 0
    assert (score.status, score.reason) == (status, reason)
    assert explanation in (score.explanation or "")


def test_an_empty_trace_can_be_judged() -> None:
    with ScriptedEndpoint([calls(("get_root_span", {})), said("no")]) as endpoint:
        assert ask(judge_of(endpoint), Trace(trace_id="t")).label == "no"


def test_probabilities_cannot_be_had_of_a_trace() -> None:
    with pytest.raises(UsageError, match="cannot read a trace"):
        make_judge("j", "{{ trace }}?", choices={"a": 1, "b": 0}, method="logprobs")


def test_every_turn_is_recorded_so_that_a_replay_asks_nobody(
    tmp_path: Path, trace: Trace, detective: Answer
) -> None:
    def scored(judge: Judge, mode: Any) -> Score:
        recorder = Recorder(mode=mode, places=[RecordingFolder(tmp_path)])
        with use_session(ModelSession(recorder=recorder)) as session:
            score = ask(judge, trace)
            session.close()
        return score

    with ScriptedEndpoint(detective) as endpoint:
        judge = judge_of(endpoint)
        live = scored(judge, "auto")
        assert endpoint.calls == 3
        assert scored(judge, "replay") == live
        assert endpoint.calls == 3


def test_samples_read_the_trace_each_on_their_own(trace: Trace, detective: Answer) -> None:
    with ScriptedEndpoint(detective) as endpoint:
        score = ask(judge_of(endpoint, samples=3, temperature=1.0), trace)

        assert endpoint.calls == 9
    assert (score.metadata or {})["agreement"] == 1.0
    assert (score.metadata or {})["span_id"] == f"s{PLANTED}"


def test_parts_can_name_a_span_each(trace: Trace) -> None:
    rows = [
        {"text": "look up", "rationale": "done", "span_id": "s001", "verdict": "yes"},
        {"text": "tell", "rationale": "not done", "span_id": "s999", "verdict": "no"},
    ]
    with ScriptedEndpoint(lambda _: {"steps": rows}) as endpoint:
        judge = judge_of(endpoint, parts="steps", choices={"yes": 1.0, "no": 0.0})
        metadata = ask(judge, trace).metadata or {}

    assert [row.get("span_id") for row in metadata["parts"]] == ["s001", None]
    assert metadata["unknown_span"] == "s999"


def test_an_example_can_show_real_calls(trace: Trace) -> None:
    small = {"trace_id": "e", "spans": [{"span_id": "a", "name": "agent", "status": "ERROR"}]}
    example = {
        "trace": small,
        "calls": [{"search_spans": {"status": "ERROR"}}],
        "span_id": "a",
        "choice": "no",
        "explanation": "It failed.",
    }
    judge = make_judge("j", "Did {{ trace }} work?", examples=[example], model="x")
    shown = judge.messages(Case(trace=trace))

    roles = [message["role"] for message in shown]
    assert roles == ["system", "user", "assistant", "tool", "assistant", "user"]
    assert '"id": "a"' in shown[3]["content"]
    assert '"span_id": "a"' in shown[4]["content"]


def test_an_example_whose_call_fails_is_refused(trace: Trace) -> None:
    example = {"trace": trace, "calls": [{"get_span": {"span_id": "zz"}}], "choice": "no"}
    with pytest.raises(UsageError, match="its call of get_span fails"):
        make_judge("j", "Did {{ trace }} work?", examples=[example])
