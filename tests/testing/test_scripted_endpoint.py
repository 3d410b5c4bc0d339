"""The scripted endpoint itself, seen by the standard library's client."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from evalkit.errors import UsageError
from evalkit.testing import Fault, RateLimit, Reply, ScriptedEndpoint, SeenRequest

CHAT = {"model": "m", "messages": [{"role": "user", "content": "two words"}]}


def post(url: str, value: Any, **headers: str) -> tuple[int, dict[str, str], bytes]:
    request = urllib.request.Request(url, json.dumps(value).encode(), headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=300) as response:  # noqa: S310
            return response.status, dict(response.headers), response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


SCRIPTS = [
    pytest.param("ok", ["ok", "ok"], id="one answer for all"),
    pytest.param(Reply(value="ok"), ["ok", "ok"], id="one reply for all"),
    pytest.param(["a", "b"], ["a", "b"], id="in order"),
    pytest.param({"q1": "a", "*": "b"}, ["a", "b"], id="by prompt"),
    pytest.param(lambda request: request.prompt * 2, ["q1q1", "q2q2"], id="a function"),
    pytest.param([3, None], [3, None], id="any JSON value"),
]


@pytest.mark.parametrize(("script", "expected"), SCRIPTS)
def test_a_script_says_what_is_answered(script: Any, expected: list[Any]) -> None:
    with ScriptedEndpoint(script) as server:
        found = [json.loads(post(server.url, {"question": q})[2])["output"] for q in ("q1", "q2")]
    assert found == expected


MISSING = [
    pytest.param([], "no more", id="a list at its end"),
    pytest.param({"other": "a"}, "lacks", id="a mapping without the prompt"),
    pytest.param(lambda _: 1 / 0, "ZeroDivisionError", id="a function that raises"),
]


@pytest.mark.parametrize(("script", "told"), MISSING)
def test_a_gap_in_the_script_is_told_to_the_client(script: Any, told: str) -> None:
    with ScriptedEndpoint(script) as server:
        status, _, body = post(server.url, {"question": "q1"})
    assert status == 400
    assert told in body.decode()


def test_a_chat_completion_has_openais_form() -> None:
    with ScriptedEndpoint({"two words": "an answer of five words"}) as server:
        _, headers, body = post(server.base_url + "/chat/completions", CHAT)
    found = json.loads(body)
    assert headers["content-type"] == "application/json"
    assert found["object"] == "chat.completion"
    assert found["choices"][0]["message"]["content"] == "an answer of five words"
    assert found["usage"] == {"prompt_tokens": 2, "completion_tokens": 5, "total_tokens": 7}


def test_a_stream_ends_with_its_usage_and_done() -> None:
    with ScriptedEndpoint("an answer") as server:
        _, headers, body = post(server.base_url + "/chat/completions", {**CHAT, "stream": True})
    lines = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    texts = [
        choice["delta"].get("content", "")
        for line in lines[:-1]
        for choice in json.loads(line)["choices"]
    ]
    assert headers["content-type"] == "text/event-stream"
    assert "".join(texts) == "an answer"
    assert json.loads(lines[-2])["usage"]["completion_tokens"] == 2
    assert lines[-1] == "[DONE]"


def test_mlflows_route_answers_each_record() -> None:
    with ScriptedEndpoint("yes") as server:
        body = post(server.url + "invocations", {"dataframe_records": [{"x": 1}, {"x": 2}]})[2]
    assert json.loads(body) == {"predictions": ["yes", "yes"]}


STATUS = [(Fault.RATE_LIMITED, 429), (Fault.SERVER_ERROR, 500), (Fault.UNAVAILABLE, 503)]


@pytest.mark.parametrize(("fault", "status"), STATUS)
def test_a_fault_has_its_status(fault: Fault, status: int) -> None:
    with ScriptedEndpoint([fault]) as server:
        assert post(server.url, {})[0] == status


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CUT_OFF])
def test_a_broken_connection_is_seen_as_one(fault: Fault) -> None:
    import http.client

    with (
        ScriptedEndpoint([fault]) as server,
        pytest.raises((ConnectionError, http.client.IncompleteRead, urllib.error.URLError)),
    ):
        post(server.url, {})


def test_a_hanging_request_does_not_hold_up_the_end() -> None:
    with ScriptedEndpoint([Fault.HANG]) as server:
        request = urllib.request.Request(server.url, b"{}")  # noqa: S310
        with pytest.raises(TimeoutError):
            urllib.request.urlopen(request, timeout=0.5)  # noqa: S310
    assert server.calls == 1


def test_a_wrong_key_is_refused_and_echoed_as_some_servers_do() -> None:
    with ScriptedEndpoint(key="right") as server:
        status, _, body = post(server.url, {}, Authorization="Bearer wrong")
        assert post(server.url, {}, Authorization="Bearer right")[0] == 200
    assert (status, b"wrong" in body) == (401, True)


def test_a_rate_limit_tells_what_is_left_and_how_long_to_wait() -> None:
    with ScriptedEndpoint(rate_limit=RateLimit(0.001, burst=2)) as server:
        found = [post(server.url, {}) for _ in range(3)]
    assert [status for status, _, _ in found] == [200, 200, 429]
    assert [h["x-ratelimit-remaining-requests"] for _, h, _ in found] == ["1", "0", "0"]
    assert float(found[2][1]["retry-after"]) > 900


def test_a_rate_may_change_with_time() -> None:
    asked: list[float] = []

    def rate(seconds: float) -> float:
        asked.append(seconds)
        return 5.0

    limit = RateLimit(rate, burst=1)
    assert limit.take()[0]
    assert asked[0] >= 0.0


def test_requests_are_kept_as_they_came() -> None:
    with ScriptedEndpoint() as server:
        post(server.url + "x?a=1", {"question": "q1"}, **{"X-Mark": "m"})
    (seen,) = server.requests
    assert isinstance(seen, SeenRequest)
    assert (seen.number, seen.method, seen.path) == (0, "POST", "/x?a=1")
    assert seen.headers["x-mark"] == "m"
    assert (seen.json, seen.prompt) == ({"question": "q1"}, "q1")
    assert (server.in_flight, server.peak_in_flight) == (0, 1)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        pytest.param({"logprobs": [{"yes": -0.1}]}, r"probabilities.*math\.exp", id="logarithms"),
        pytest.param({"logprobs": [{}]}, "probabilities", id="no-token"),
        pytest.param(
            {"tool_calls": [{"type": "function", "function": {"name": "add"}}]},
            "name and arguments",
            id="openais-tool-call",
        ),
    ],
)
def test_an_answer_of_another_shape_is_refused_where_it_is_made(
    given: dict[str, Any], says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        Reply(value="yes", **given)


def test_an_answer_of_ones_own_is_sent_as_it_is() -> None:
    reply = Reply(status=418, headers={"x-mark": "m"}, body=b"short and stout")
    with ScriptedEndpoint([reply]) as server:
        status, headers, body = post(server.url, {})
    assert (status, headers["x-mark"], body) == (418, "m", b"short and stout")
