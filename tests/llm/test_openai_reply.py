"""Reading chat completions, whole and streamed, also where servers take liberties."""

import contextlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit.errors import TargetError
from evalkit.llm.openai_reply import StreamedReply, read_reply, reply_of
from evalkit.llm.protocol import ChatReply
from evalkit.testing.replies import Reply, SeenRequest, completion, events

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
REQUEST = SeenRequest(
    number=0,
    method="POST",
    path="/v1/chat/completions",
    body=orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "two words"}]}),
)


def message(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"message": fields}]}


TEXTS = [
    pytest.param(message(content="a"), "a", id="text"),
    pytest.param(message(content=""), "", id="empty"),
    pytest.param(message(content=None), None, id="null"),
    pytest.param(message(), None, id="absent"),
    pytest.param(message(content=[{"type": "text", "text": "a"}, {"text": "b"}]), "ab", id="parts"),
    pytest.param(message(content=[{"type": "image"}]), None, id="parts without text"),
]


@pytest.mark.parametrize(("body", "text"), TEXTS)
def test_the_text_is_read_wherever_servers_put_it(body: Any, text: str | None) -> None:
    assert reply_of(body).text == text


def test_an_answer_cut_within_a_character_is_read() -> None:
    body = rb'{"choices": [{"message": {"content": "a\ud83d"}, "finish_reason": "length"}]}'

    reply = read_reply(body)

    assert (reply.text, reply.finish_reason) == ("a\ufffd", "length")


BROKEN = [
    pytest.param(b"", "invalid_response", id="nothing"),
    pytest.param(b"<html>", "invalid_response", id="a web page"),
    pytest.param(b'{"choices": []}', "invalid_response", id="no choice"),
    pytest.param(b'{"choices": [null]}', "invalid_response", id="a null choice"),
    pytest.param(b"[]", "invalid_response", id="a list"),
    pytest.param(b'{"error": {"message": "no"}}', "provider_error", id="an error"),
    pytest.param(b'{"error": "no"}', "provider_error", id="an error in one word"),
]


@pytest.mark.parametrize(("body", "reason"), BROKEN)
def test_what_is_no_completion_has_its_reason(body: bytes, reason: str) -> None:
    with pytest.raises(TargetError) as caught:
        read_reply(body)
    assert caught.value.reason == reason


@given(body=JSON)
def test_any_json_is_a_reply_or_a_known_failure(body: Any) -> None:
    for shape in (body, {"choices": body}, {"choices": [{"message": {"content": body}}]}):
        with contextlib.suppress(TargetError):
            assert isinstance(reply_of(shape), ChatReply)


@given(
    text=st.none() | st.text("ab \n", max_size=30),
    arguments=st.dictionaries(st.text(max_size=8), st.text(max_size=30), max_size=3),
    calls=st.integers(0, 2),
)
def test_a_streamed_answer_equals_the_whole_one(
    text: str | None, arguments: dict[str, str], calls: int
) -> None:
    tools = [{"name": f"tool{index}", "arguments": arguments} for index in range(calls)]
    logprobs = [{"a": 0.75, "b": 0.25}] if text else []  # there is none without a token
    scripted = Reply(value=text, tool_calls=tools, logprobs=logprobs)
    whole = reply_of(completion(scripted, REQUEST))
    streamed = StreamedReply()
    for event in events(scripted, REQUEST):
        streamed.add(event)
    found = streamed.reply(None)
    assert (found.text, found.tool_calls, found.usage) == (
        whole.text,
        whole.tool_calls,
        whole.usage,
    )
    assert (found.finish_reason, found.logprobs) == (whole.finish_reason, whole.logprobs)
    assert streamed.complete


def test_an_error_in_the_middle_of_a_stream_is_the_providers() -> None:
    streamed = StreamedReply()
    streamed.add({"choices": [{"delta": {"content": "a"}}]})
    with pytest.raises(TargetError, match="overloaded"):
        streamed.add({"error": {"message": "overloaded"}})


def test_details_of_the_tokens_are_kept_apart() -> None:
    body = message(content="a") | {
        "usage": {
            "prompt_tokens": 9,
            "completion_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 4},
            "completion_tokens_details": {"reasoning_tokens": 3},
        }
    }
    assert reply_of(body).usage == {
        "input_tokens": 9,
        "output_tokens": 5,
        "cached_tokens": 4,
        "reasoning_tokens": 3,
    }
