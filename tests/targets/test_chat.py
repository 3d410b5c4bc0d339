"""Chat models as targets, against a real server on loopback."""

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pydantic
import pytest

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation, Output
from evalkit.errors import BindingError, SpecificationError, TargetError, UsageError
from evalkit.targets.chat import ChatTarget, chat
from evalkit.targets.open import open_target, rebuild_target
from evalkit.testing import Fault, Reply, ScriptedEndpoint

KEY = "sk-planted-7Qw3"
MODEL = "openai/gpt-test"
TOOL = {"type": "function", "function": {"name": "search", "parameters": {"type": "object"}}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


class City(pydantic.BaseModel):
    city: str
    population: int = 0


def invocation(inputs: Mapping[str, Any], **more: Any) -> Invocation:
    return Invocation(case=Case(id="a", inputs=inputs), **more)


def ask(target: ChatTarget, asked: Invocation | None = None) -> Output:
    async def answered() -> Output:
        try:
            return await target.acall(asked or invocation({"question": "why?"}))
        finally:
            await target.aclose()

    return asyncio.run(answered())


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


HISTORY = [
    {"inputs": {"question": "who?"}, "outputs": "me"},
    {"inputs": {"question": "when?"}, "outputs": {"year": 1}},
]
MESSAGES = [
    pytest.param({}, {"question": "why?"}, [], [user("why?")], id="the sole text input"),
    pytest.param({}, {"question": "why?", "n": 3}, [], [user("why?")], id="the sole one of texts"),
    pytest.param(
        {}, {"messages": [user("hi")], "topic": "x"}, [], [user("hi")], id="messages as they are"
    ),
    pytest.param(
        {"prompt": "{{ n }} × {{ inputs.question }}"},
        {"question": "why?", "n": 3},
        [],
        [user("3 × why?")],
        id="a template",
    ),
    pytest.param(
        {"system": "Answer in {{ language }}.", "prompt": "{{ question }}"},
        {"question": "why?", "language": "de"},
        [],
        [{"role": "system", "content": "Answer in de."}, user("why?")],
        id="a system message",
    ),
    pytest.param(
        {
            "prompt": "Q: {{ question }}",
            "examples": [("1 + 1?", "2"), {"inputs": {"question": "2 + 2?"}, "outputs": 4}],
        },
        {"question": "why?"},
        [],
        [user("1 + 1?"), assistant("2"), user("Q: 2 + 2?"), assistant("4"), user("Q: why?")],
        id="examples",
    ),
    pytest.param(
        {"prompt": "Q: {{ question }}"},
        {"question": "why?"},
        HISTORY,
        [
            user("Q: who?"),
            assistant("me"),
            user("Q: when?"),
            assistant('{"year":1}'),
            user("Q: why?"),
        ],
        id="history",
    ),
]


@pytest.mark.parametrize(("settings", "inputs", "history", "expected"), MESSAGES)
def test_a_case_becomes_messages(
    settings: dict[str, Any], inputs: dict[str, Any], history: list[Any], expected: list[Any]
) -> None:
    with ScriptedEndpoint("because") as server:
        target = chat(MODEL, base_url=server.base_url, **settings)
        asked = invocation(inputs, history=history)
        target.check(CaseBatch.of([asked.case]))
        assert ask(target, asked).value == "because"
        assert server.requests[0].messages == expected


def test_what_the_user_sets_passes_through_unchanged() -> None:
    with ScriptedEndpoint("because") as server:
        ask(chat(MODEL, base_url=server.base_url, temperature=0.7, stop=["\n"], tools=[TOOL]))
        sent = server.requests[0].json
    assert sent == {
        "model": "gpt-test",
        "messages": [user("why?")],
        "temperature": 0.7,
        "stop": ["\n"],
        "tools": [TOOL],
    }


@pytest.mark.parametrize("suffix", [".md", ".txt", ".j2"])
def test_a_prompt_may_lie_in_a_file(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"cot{suffix}"
    file.write_text("Think: {{ question }}\n", encoding="utf-8")
    for prompt in (file, str(file)):
        assert chat("ollama/x", prompt=prompt).identity.parameters["prompt"] == (
            "Think: {{ question }}"
        )


def test_a_sentence_that_ends_with_a_files_name_is_a_prompt() -> None:
    prompt = "Summarize notes.txt"
    assert chat("ollama/x", prompt=prompt).identity.parameters["prompt"] == prompt


REFUSED = [
    pytest.param({"prompt": "cot.md"}, "is read as a file: No such file", id="no such file"),
    pytest.param({"prompt": "prompts:/qa@v1"}, "arrive with the registry", id="registry"),
    pytest.param({"prompt": "{{ question"}, "no Jinja2 template: line 1", id="syntax"),
    pytest.param({"examples": ["x"]}, r"examples\[0\] is neither", id="examples"),
    pytest.param({"examples": [("q", None)]}, "needs a question and an answer", id="no answer"),
    pytest.param({"api_key": KEY}, "would be recorded", id="key in the open"),
    pytest.param({"extra_headers": {"a": "b"}}, "would be recorded", id="headers in the open"),
    pytest.param({"base_url": "127.0.0.1"}, "no web address", id="address"),
    pytest.param({"response_schema": 3}, "JSON Schema or a pydantic", id="schema"),
]


@pytest.mark.parametrize(("settings", "told"), REFUSED)
def test_what_cannot_work_is_refused_when_the_target_is_made(
    settings: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        chat("ollama/x", **settings)
    assert KEY not in str(caught.value)


UNBOUND = [
    pytest.param({}, {"a": "x", "b": "y"}, "Give prompt=", id="two texts and no prompt"),
    pytest.param({}, {"n": 3}, "the inputs are 'n'", id="no text"),
    pytest.param({"prompt": "{{ qestion }}"}, {"question": "x"}, "Did you mean", id="near miss"),
    pytest.param({"system": "{{ a.b.c }}"}, {"a": {"b": 1}}, "no attribute 'c'", id="a path"),
    pytest.param({"prompt": "{{ 1 / n }}"}, {"n": 0}, "division by zero", id="a calculation"),
    pytest.param(
        {"prompt": "{{ n.__class__.__mro__ }}"}, {"n": 0}, "unsafe|undefined", id="the sandbox"
    ),
    pytest.param({"prompt": "{{ n.append(1) }}"}, {"n": [0]}, "is unsafe", id="no changing"),
]


@pytest.mark.parametrize(("settings", "inputs", "told"), UNBOUND)
def test_a_prompt_that_cannot_be_filled_is_refused_before_the_first_call(
    settings: dict[str, Any], inputs: dict[str, Any], told: str
) -> None:
    target = chat("ollama/x", **settings)
    with pytest.raises(BindingError, match=told) as caught:
        target.check(CaseBatch.of([invocation(inputs).case]))
    assert "Case 'a'" in str(caught.value)


ANSWERS = [
    pytest.param("because", "because", None, id="text"),
    pytest.param("", "", None, id="an empty text is an answer"),
    pytest.param(
        Reply(value=None, tool_calls=[{"name": "search", "arguments": {"q": "x"}}]),
        None,
        [{"name": "search", "arguments": {"q": "x"}, "id": "call_0_0"}],
        id="tool calls",
    ),
    pytest.param(
        Reply(value="hm", tool_calls=[{"name": "search", "arguments": "{broken"}]),
        "hm",
        [{"name": "search", "arguments": "{broken", "id": "call_0_0"}],
        id="arguments that are not JSON",
    ),
    pytest.param(Fault.REFUSAL, "I cannot help with that.", None, id="a refusal is an answer"),
]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(("scripted", "value", "calls"), ANSWERS)
def test_an_answer_is_the_same_whole_and_streamed(
    scripted: Any, value: Any, calls: Any, *, stream: bool
) -> None:
    with ScriptedEndpoint([scripted]) as server:
        found = ask(chat(MODEL, base_url=server.base_url, stream=stream))
    assert found.value == value
    assert found.tool_calls == calls
    assert found.usage is not None
    assert set(found.usage) == {"input_tokens", "output_tokens"}
    assert (found.time_to_first_token is not None) == (stream and scripted != "")


def test_the_server_tells_of_finish_model_and_refusal() -> None:
    with ScriptedEndpoint([Fault.REFUSAL]) as server:
        found = ask(chat(MODEL, base_url=server.base_url))
    assert found.metadata == {"finish_reason": "stop", "model": "gpt-test", "refused": True}


FAILURES = [
    pytest.param(Fault.NULL, {}, "empty", id="null"),
    pytest.param(
        Reply(value="", finish_reason="length"), {}, "truncated", id="no token left for an answer"
    ),
    pytest.param(
        Reply(value=None, finish_reason="content_filter"), {}, "refusal", id="content filter"
    ),
    pytest.param(Fault.WRONG_SCHEMA, {}, "invalid_response", id="wrong response"),
    pytest.param(Fault.PROSE, {}, "invalid_response", id="a web page"),
    pytest.param(Fault.TRUNCATED, {}, "invalid_response", id="truncated JSON"),
    pytest.param(
        Reply(body=b'{"error":{"message":"overloaded"}}'), {}, "provider_error", id="error with 200"
    ),
    pytest.param("not JSON", {"response_schema": SCHEMA}, "invalid_response", id="prose"),
    pytest.param('{"town": 1}', {"response_schema": SCHEMA}, "invalid_response", id="wrong keys"),
    pytest.param('{"city": 1}', {"response_schema": City}, "invalid_response", id="wrong type"),
    pytest.param(
        Reply(value='{"city": "Pa', finish_reason="length"),
        {"response_schema": SCHEMA},
        "truncated",
        id="JSON cut by the limit",
    ),
]


@pytest.mark.parametrize(("scripted", "settings", "reason"), FAILURES)
def test_an_answer_that_is_none_fails_with_its_reason(
    scripted: Any, settings: dict[str, Any], reason: str
) -> None:
    with ScriptedEndpoint([scripted]) as server, pytest.raises(TargetError) as caught:
        ask(chat(MODEL, base_url=server.base_url, **settings))
    assert caught.value.reason == reason


SCHEMAS = [
    pytest.param(SCHEMA, {"city": "Paris"}, id="JSON Schema"),
    pytest.param(City, {"city": "Paris", "population": 0}, id="pydantic model"),
]


@pytest.mark.parametrize(("schema", "expected"), SCHEMAS)
def test_an_answer_by_schema_is_the_parsed_value(schema: Any, expected: Any) -> None:
    with ScriptedEndpoint({"*": {"city": "Paris"}}) as server:
        found = ask(chat(MODEL, base_url=server.base_url, response_schema=schema))
        sent = server.requests[0].json["response_format"]
    assert found.value == expected
    assert sent["type"] == "json_schema"
    assert sent["json_schema"]["schema"]["required"] == ["city"]


def test_the_key_is_sent_and_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ScriptedEndpoint("because", key=KEY) as server:
        target = chat(MODEL, base_url=server.base_url)
        assert ask(target).value == "because"
    assert KEY not in repr(target) + json.dumps(dataclasses.asdict(target.identity))


def test_no_error_shows_a_key_that_the_server_echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    with ScriptedEndpoint("because", key="another") as server:
        target = chat(MODEL, base_url=server.base_url)
        with pytest.raises(TargetError, match=r"401: .*provided: \[secret\]") as caught:
            ask(target)
    assert KEY not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_the_providers_own_server_needs_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_API_BASE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        chat(MODEL).check(CaseBatch.of([invocation({"question": "why?"}).case]))


def test_sampling_and_prompt_are_part_of_the_identity() -> None:
    plain = chat("ollama/x", prompt="{{ q }}", temperature=0.0).identity
    assert plain != chat("ollama/x", prompt="{{ q }}", temperature=1.0).identity
    assert plain != chat("ollama/x", prompt="{{ q }}!", temperature=0.0).identity
    assert plain == chat("ollama/x", prompt="{{ q }}", temperature=0.0).identity


def test_a_text_that_is_nothing_else_opens_as_a_chat_model() -> None:
    target = open_target("ollama/qwen3:8b", name="q")
    assert isinstance(target, ChatTarget)
    assert (target.identity.kind, target.identity.name) == ("chat", "q")


def test_a_target_is_made_again_from_its_identity() -> None:
    made = chat(
        MODEL,
        base_url="http://127.0.0.1:9/v1",
        prompt="{{ q }}",
        system="Be brief.",
        examples=[("a", "b"), {"inputs": {"q": "c"}, "outputs": "d"}],
        tools=[TOOL],
        response_schema=City,
        temperature=0.5,
        name="bot",
        version="2",
    )
    described = json.loads(json.dumps(dataclasses.asdict(made.identity)))
    again = rebuild_target(described)
    assert isinstance(again, ChatTarget)
    asked = invocation({"q": "x"})
    assert again.request(asked) == made.request(asked)
    assert json.loads(json.dumps(dataclasses.asdict(again.identity))) == described


def test_what_was_not_recorded_cannot_be_made_again() -> None:
    identity = chat(MODEL, base_url="http://me:pw@127.0.0.1:9/v1").identity
    assert "pw@" not in repr(identity)
    with pytest.raises(SpecificationError, match="held a secret, which was never kept"):
        rebuild_target(dataclasses.asdict(identity))
