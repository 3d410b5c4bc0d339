"""What servers refuse is left out, and remembered for the connection."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from evalkit.entities.case import Case
from evalkit.entities.score import Score
from evalkit.judging.judge import Judge, make_judge
from evalkit.llm.recorder import Mode, Recorder
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.session import ModelSession, use_session
from evalkit.testing import Reply, ScriptedEndpoint, SeenRequest

VERDICT = {"rationale": "r", "verdict": "yes"}


def refusing(*names: str) -> Any:
    """Answer as a server that knows nothing of *names* in a request."""

    def answer(request: SeenRequest) -> Any:
        asked = request.json
        unknown = next((name for name in names if name in asked), None)
        if unknown is not None:
            text = f'{{"error": {{"message": "unsupported parameter: {unknown}"}}}}'
            return Reply(status=400, body=text.encode())
        if "tools" in asked:
            return Reply(value=None, tool_calls=[{"name": "give_verdict", "arguments": VERDICT}])
        return VERDICT

    return answer


def scores(endpoint: ScriptedEndpoint, n: int, **settings: Any) -> list[Score]:
    judge: Judge = make_judge("j", "Is {{ outputs }} good?", **settings)
    bound = judge.with_model("scripted", base_url=endpoint.base_url)

    async def one_by_one() -> list[Score]:
        return [await bound.score(Case(outputs=f"answer {place}")) for place in range(n)]

    return asyncio.run(one_by_one())


@pytest.mark.parametrize(
    ("refused", "used", "calls"),
    [
        ((), "schema", 3),
        (("response_format",), "tool", 4),
        (("response_format", "tools"), "json", 5),
    ],
    ids=["knows-schemas", "knows-tools", "knows-neither"],
)
def test_a_server_without_schemas_is_asked_in_the_next_best_way_and_only_once(
    refused: tuple[str, ...], used: str, calls: int
) -> None:
    with ScriptedEndpoint(refusing(*refused)) as endpoint:
        found = scores(endpoint, 3)
        assert endpoint.calls == calls

    assert [score.value for score in found] == [True] * 3
    assert [(score.metadata or {})["format"] for score in found] == [used] * 3


def test_the_tool_is_forced_and_the_only_one() -> None:
    with ScriptedEndpoint(refusing("response_format")) as endpoint:
        scores(endpoint, 1)
        asked = endpoint.requests[-1].json

    assert [tool["function"]["name"] for tool in asked["tools"]] == ["give_verdict"]
    assert asked["tool_choice"]["function"]["name"] == "give_verdict"


def test_a_temperature_that_a_model_refuses_is_left_out_and_said_so() -> None:
    with ScriptedEndpoint(refusing("temperature")) as endpoint:
        found = scores(endpoint, 2)
        assert endpoint.calls == 3

    assert [(score.metadata or {})["sampling"] for score in found] == [{}, {}]


def test_many_at_a_time_find_out_together() -> None:
    judge = make_judge("j", "Is {{ outputs }} good?")
    with ScriptedEndpoint(refusing("response_format"), latency_seconds=0.01) as endpoint:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)

        async def all_at_once() -> list[Score]:
            cases = [Case(outputs=f"answer {place}") for place in range(20)]
            return await asyncio.gather(*(bound.score(case) for case in cases))

        found = asyncio.run(all_at_once())

    assert all(score.value is True for score in found)


def test_a_call_that_is_refused_for_good_ends() -> None:
    refusal = Reply(status=400, body=b'{"error": {"message": "no such model"}}')
    with ScriptedEndpoint(lambda _: refusal) as endpoint:
        (found,) = scores(endpoint, 1)
        assert endpoint.calls == 3

    assert found.reason == "provider_error"


def test_a_providers_content_filter_is_a_refusal() -> None:
    refusal = Reply(status=400, body=b'{"error": {"code": "content_filter"}}')
    with ScriptedEndpoint(lambda _: refusal) as endpoint:
        (found,) = scores(endpoint, 1)
        assert endpoint.calls == 1

    assert found.reason == "refusal"


def test_only_one_of_many_finds_out_what_a_server_takes() -> None:
    judge = make_judge("j", "Is {{ outputs }} good?")
    known_to_neither = refusing("response_format", "tools")
    with ScriptedEndpoint(known_to_neither, latency_seconds=0.02) as endpoint:
        bound = judge.with_model("scripted", base_url=endpoint.base_url)

        async def all_at_once() -> None:
            cases = [Case(outputs=f"answer {place}") for place in range(20)]
            await asyncio.gather(*(bound.score(case) for case in cases))

        asyncio.run(all_at_once())
        tried = [request.json for request in endpoint.requests]

    assert sum("tools" in request for request in tried) == 1
    assert len(tried) == 20 + 1 + 20


@pytest.mark.parametrize("mode", ["auto", "replay"])
def test_what_was_recorded_in_another_way_is_found_by_a_new_session(
    tmp_path: Path, mode: Mode
) -> None:
    with ScriptedEndpoint(refusing("response_format", "temperature")) as endpoint:
        session = ModelSession()
        for which in ("auto", mode):
            recorder = Recorder(mode=which, places=[RecordingFolder(tmp_path)])
            session = ModelSession(recorder=recorder)
            with use_session(session):
                found = scores(endpoint, 2)
                assert [score.value for score in found] == [True, True]
            session.close()

    assert session.ledger["judge"].calls == 0
    assert session.ledger["judge"].cached == 2


def test_a_session_finds_out_once_and_tells_no_other() -> None:
    with ScriptedEndpoint(refusing("response_format")) as endpoint:
        counts: list[int] = []
        for _ in range(2):
            with use_session(ModelSession()):
                for _ in range(2):  # each in an event loop, and so with a client, of its own
                    scores(endpoint, 2)
                    counts.append(endpoint.calls)

    assert counts == [3, 5, 8, 10]
