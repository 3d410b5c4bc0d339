"""JSON endpoints as targets, against a real server on loopback."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation, Output, Target
from evalkit.errors import TargetError, UsageError
from evalkit.targets.endpoint import endpoint
from evalkit.targets.open import open_target
from evalkit.testing import Fault, Reply, ScriptedEndpoint

KEY = "sk-planted-7Qw3"
QUESTION = Invocation(
    case=Case(id="a", inputs={"question": "why?", "language": "de"}, session="s"),
    history=[{"inputs": {"question": "who?"}, "outputs": "me"}],
    seed=7,
)


def ask(target: Any, invocations: Sequence[Invocation] = (QUESTION,)) -> list[Any]:
    """Ask all at once; failures take the place of their answers."""

    async def asked() -> list[Any]:
        try:
            calls = [target.acall(invocation) for invocation in invocations]
            return await asyncio.gather(*calls, return_exceptions=True)
        finally:
            await target.aclose()

    return asyncio.run(asked())


def answer(target: Any) -> Output:
    (found,) = ask(target)
    if isinstance(found, BaseException):
        raise found
    assert isinstance(found, Output)
    return found


READS = [
    pytest.param("Paris", None, "Paris", id="output"),
    pytest.param({"response": "Paris", "answer": "Rome"}, None, "Paris", id="the first usual key"),
    pytest.param({"answer": ""}, None, "", id="an empty text is an answer"),
    pytest.param({"predictions": [0.5]}, None, 0.5, id="the sole prediction"),
    pytest.param({"predictions": [1, 2]}, None, [1, 2], id="several predictions"),
    pytest.param({"label": "x", "share": 0.5}, None, {"label": "x", "share": 0.5}, id="all of it"),
    pytest.param({"answer": {"text": "Paris"}}, "answer.text", "Paris", id="a path"),
    pytest.param({"choices": [{"text": "Paris"}]}, "choices.0.text", "Paris", id="through a list"),
]


@pytest.mark.parametrize(("scripted", "reads", "expected"), READS)
def test_the_answer_is_read_from_the_response(
    scripted: Any, reads: str | None, expected: Any
) -> None:
    with ScriptedEndpoint({"*": scripted}) as server:
        assert answer(endpoint(server.url, reads=reads)).value == expected


def test_what_else_the_response_holds_is_kept() -> None:
    scripted = {
        "answer": "Paris",
        "retrieved_context": ["Paris is…"],
        "usage": {"input_tokens": 3},
        "cost": 0.25,
        "tool_calls": "none",
        "model": "m1",
    }
    with ScriptedEndpoint({"*": scripted}) as server:
        found = answer(endpoint(server.url))
    assert found == Output(
        "Paris",
        retrieved_context=["Paris is…"],
        usage={"input_tokens": 3},
        cost=0.25,
        metadata={"model": "m1"},
    )


SENT = [
    pytest.param("", {}, {"question": "why?", "language": "de"}, id="the inputs"),
    pytest.param(
        "invocations",
        {},
        {"dataframe_records": [{"question": "why?", "language": "de"}]},
        id="MLflow by its path",
    ),
    pytest.param(
        "score",
        {"format": "mlflow_inputs"},
        {"inputs": {"question": "why?", "language": "de"}},
        id="MLflow's inputs",
    ),
    pytest.param(
        "",
        {"sends": ["history", "session", "seed"]},
        {
            "question": "why?",
            "language": "de",
            "history": [{"inputs": {"question": "who?"}, "outputs": "me"}],
            "session": "s",
            "seed": 7,
        },
        id="more, where asked for",
    ),
]


@pytest.mark.parametrize(("path", "settings", "expected"), SENT)
def test_the_inputs_are_sent_in_the_form_of_the_endpoint(
    path: str, settings: dict[str, Any], expected: Any
) -> None:
    with ScriptedEndpoint("Paris") as server:
        assert answer(endpoint(server.url + path, **settings)).value == "Paris"
        (request,) = server.requests
    assert request.json == expected
    assert request.headers["content-type"] == "application/json"


def test_get_sends_the_inputs_in_the_address() -> None:
    with ScriptedEndpoint("Paris") as server:
        answer(endpoint(server.url, method="get"))
        (request,) = server.requests
    assert (request.method, request.json) == ("GET", {"question": "why?", "language": "de"})


FAILURES = [
    pytest.param([Fault.RATE_LIMITED] * 4, "rate_limited", 4, id="429"),
    pytest.param([Fault.SERVER_ERROR] * 4, "provider_error", 4, id="500"),
    pytest.param([Fault.UNAVAILABLE] * 4, "provider_error", 4, id="503"),
    pytest.param([Reply(status=408)] * 4, "provider_error", 4, id="408"),
    pytest.param([Fault.RESET] * 4, "connection", 4, id="reset"),
    pytest.param([Fault.CUT_OFF] * 4, "connection", 4, id="cut off in the body"),
    pytest.param([Reply(status=400, body=b"no such field")], "provider_error", 1, id="400"),
    pytest.param([Reply(status=404)], "provider_error", 1, id="404"),
    pytest.param(
        [Reply(status=429, body=b'{"error":{"code":"insufficient_quota"}}')],
        "rate_limited",
        1,
        id="no money left",
    ),
    pytest.param(
        [Reply(status=302, headers={"location": "http://127.0.0.1/x"})],
        "provider_error",
        1,
        id="moved",
    ),
    pytest.param([Fault.HANG], "timeout", 1, id="hang"),
    pytest.param([Fault.TRUNCATED], "invalid_response", 1, id="truncated JSON"),
    pytest.param([Fault.PROSE], "invalid_response", 1, id="prose"),
    pytest.param([Fault.NULL], "empty", 1, id="null"),
    pytest.param([Reply(body=b"")], "empty", 1, id="no body"),
]


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait a thousandth of what a user would."""
    from evalkit.llm.retry import RetryPolicy

    delay = RetryPolicy.delay
    monkeypatch.setattr(RetryPolicy, "delay", lambda *args, **kw: delay(*args, **kw) / 1000)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(("script", "reason", "calls"), FAILURES)
def test_a_failure_has_its_reason_and_is_retried_only_where_that_can_help(
    script: list[Any], reason: str, calls: int
) -> None:
    with ScriptedEndpoint(script) as server:
        target = endpoint(server.url, timeout_seconds=0.5 if script == [Fault.HANG] else 30)
        with pytest.raises(TargetError) as caught:
            answer(target)
        assert (caught.value.reason, server.calls) == (reason, calls)


@pytest.mark.usefixtures("quick_retries")
@pytest.mark.parametrize(
    "fault", [Fault.RESET, Fault.CUT_OFF, Fault.RATE_LIMITED, Fault.SERVER_ERROR, Fault.UNAVAILABLE]
)
def test_a_passing_failure_does_not_cost_the_case(fault: Fault) -> None:
    with ScriptedEndpoint([fault, fault, "Paris"]) as server:
        assert answer(endpoint(server.url)).value == "Paris"
        assert server.calls == 3


def test_no_retries_means_one_call() -> None:
    with ScriptedEndpoint([Fault.SERVER_ERROR, "Paris"]) as server:
        with pytest.raises(TargetError):
            answer(endpoint(server.url, retries=0))
        assert server.calls == 1


def test_nothing_listening_is_a_failed_connection() -> None:
    with ScriptedEndpoint() as server:
        url = server.url
    with pytest.raises(TargetError) as caught:
        answer(endpoint(url, retries=0))
    assert caught.value.reason == "connection"


def test_a_missing_path_says_what_there_is() -> None:
    with (
        ScriptedEndpoint({"*": {"reply": "Paris"}}) as server,
        pytest.raises(TargetError, match=r"no 'answer\.text': its keys are reply") as caught,
    ):
        answer(endpoint(server.url, reads="answer.text"))
    assert caught.value.reason == "invalid_response"


def test_the_token_comes_from_the_environment_and_goes_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MY_TOKEN", KEY)
    with ScriptedEndpoint("Paris", key=KEY) as server:
        target = endpoint(server.url, auth_environment="MY_TOKEN")
        assert answer(target).value == "Paris"
    shown = repr(target) + repr(target.identity) + json.dumps(dict(target.identity.parameters))
    assert KEY not in shown


def test_no_error_shows_a_secret_that_the_server_echoes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_TOKEN", KEY)

    def echo(request: Any) -> Reply:
        return Reply(status=400, body=json.dumps([request.path, dict(request.headers)]).encode())

    with ScriptedEndpoint(echo) as server:
        target = endpoint(
            server.url + "?api_key=planted-parameter",
            auth_environment="MY_TOKEN",
            headers={"X-Api-Key": "planted-header"},
        )
        with pytest.raises(TargetError) as caught:
            answer(target)
    shown = str(caught.value) + repr(target) + repr(target.identity)
    assert "[secret]" in str(caught.value)
    assert "planted" not in shown
    assert KEY not in shown
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_user_in_the_address_is_sent_and_not_shown() -> None:
    with ScriptedEndpoint("Paris") as server:
        target = endpoint(server.url.replace("http://", "http://me:planted@"))
        assert answer(target).value == "Paris"
        assert server.requests[0].headers["authorization"].startswith("Basic ")
    assert "planted" not in repr(target) + repr(target.identity)


def test_a_token_that_is_not_set_is_an_error_before_the_first_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("NO_TOKEN", raising=False)
    target = endpoint("http://127.0.0.1:9/", auth_environment="NO_TOKEN")
    with pytest.raises(UsageError, match="NO_TOKEN is not set"):
        target.check(CaseBatch.of([QUESTION.case]))


def test_many_calls_are_in_flight_at_a_time() -> None:
    with ScriptedEndpoint("Paris", latency_seconds=0.05) as server:
        found = ask(endpoint(server.url), [QUESTION] * 150)
        assert [output.value for output in found] == ["Paris"] * 150
        assert server.peak_in_flight > 100  # aiohttp's own limit does not hold it back


def test_a_target_can_be_used_in_one_loop_after_another() -> None:
    with ScriptedEndpoint("Paris") as server:
        target = endpoint(server.url)
        assert [answer(target).value for _ in range(2)] == ["Paris", "Paris"]


def test_a_url_opens_as_an_endpoint_under_the_users_name() -> None:
    target = open_target("http://127.0.0.1:9000/invocations", name="churn", version="3")
    assert isinstance(target, Target)
    identity = target.identity
    assert (identity.kind, identity.name, identity.version) == ("endpoint", "churn", "3")
    assert identity.reference == "http://127.0.0.1:9000/invocations"
    assert target.lane == "async"
    assert callable(getattr(target, "acall", None))


REFUSED = [
    pytest.param({"url": "127.0.0.1:9000"}, "no web address", id="no scheme"),
    pytest.param({"url": "http://[::1/x"}, "no web address", id="broken"),
    pytest.param({"format": "mlfow"}, "Did you mean 'mlflow'", id="format"),
    pytest.param({"sends": ["trace"]}, "sends= knows", id="sends"),
    pytest.param({"timeout_seconds": 0}, "above 0", id="timeout"),
    pytest.param(
        {"url": "http://me:pw@127.0.0.1/", "auth_environment": "X"}, "leave one out", id="two users"
    ),
    pytest.param({"retries": -1}, "at least 0", id="retries"),
]


@pytest.mark.parametrize(("settings", "told"), REFUSED)
def test_a_wrong_setting_is_refused(settings: dict[str, Any], told: str) -> None:
    settings = dict(settings)
    with pytest.raises(UsageError, match=told):
        endpoint(settings.pop("url", "http://127.0.0.1/"), **settings)
