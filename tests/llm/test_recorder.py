"""Recording and replaying model calls: one call for equal questions, none for known ones."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest

from evalkit.errors import NotRecordedError, TargetError
from evalkit.llm.cache import Cache
from evalkit.llm.mode import Mode
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of, recording_of_call
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.session import ModelSession
from evalkit.testing import Fault, Reply, ScriptedEndpoint, SeenRequest

T = TypeVar("T")


def question(text: str, **sampling: object) -> ChatRequest:
    """Return a request that asks *text*."""
    return ChatRequest(messages=[{"role": "user", "content": text}], sampling=sampling)


def caching(folder: Path, mode: Mode = "auto") -> Recorder:
    """Return a recorder on the cache in *folder*."""
    return Recorder(mode=mode, places=[Cache(folder / "calls.db")])


def with_model(base_url: str, work: Callable[[ChatModel], Awaitable[T]], *, retries: int = 0) -> T:
    """Run *work* with a client of *base_url*, and close it."""

    async def run() -> T:
        model = open_chat_model("openai/m", base_url=base_url, retries=retries)
        try:
            return await work(model)
        finally:
            await model.aclose()

    return asyncio.run(run())


def ask_all(
    session: ModelSession, base_url: str, requests: Sequence[ChatRequest], *, retries: int = 0
) -> list[ChatReply | BaseException]:
    """Ask all of *requests* at once; return replies and errors, in order."""

    async def work(model: ChatModel) -> list[ChatReply | BaseException]:
        asked = (session.complete(model, request, role="judge") for request in requests)
        return await asyncio.gather(*asked, return_exceptions=True)

    return with_model(base_url, work, retries=retries)


def texts(found: list[ChatReply | BaseException]) -> list[str | None]:
    """Return the texts of replies, and raise the first error."""
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one.text for one in found if isinstance(one, ChatReply)]


def test_forty_equal_questions_at_once_make_one_call(tmp_path: Path) -> None:
    session = ModelSession(recorder=caching(tmp_path))
    with ScriptedEndpoint("4", latency_seconds=0.05) as endpoint:
        found = ask_all(session, endpoint.base_url, [question("2+2?")] * 40)

        assert endpoint.calls == 1
    assert texts(found) == ["4"] * 40
    spent = session.ledger["judge"]
    assert (spent.calls, spent.cached) == (1, 39)


def test_an_error_of_a_shared_call_reaches_all_who_wait(tmp_path: Path) -> None:
    session = ModelSession(recorder=caching(tmp_path))
    with ScriptedEndpoint(Fault.SERVER_ERROR, latency_seconds=0.05) as endpoint:
        found = ask_all(session, endpoint.base_url, [question("2+2?")] * 5)

        assert endpoint.calls == 1
    assert [type(one) for one in found] == [TargetError] * 5


def test_a_cancelled_caller_leaves_the_call_to_the_next(tmp_path: Path) -> None:
    session, cancelled = ModelSession(recorder=caching(tmp_path)), threading.Event()

    def answer(_: SeenRequest) -> str:
        cancelled.wait(300)  # so that no reply comes before the caller is gone
        return "a"

    async def work(model: ChatModel) -> ChatReply:
        first = asyncio.create_task(session.complete(model, question("q"), role="judge"))
        second = asyncio.create_task(session.complete(model, question("q"), role="judge"))
        while endpoint.calls == 0:  # noqa: ASYNC110  the endpoint lives in another thread
            await asyncio.sleep(0)
        first.cancel()
        cancelled.set()
        return await second

    with ScriptedEndpoint(answer) as endpoint:
        reply = with_model(endpoint.base_url, work)

        assert endpoint.calls == 2
    assert reply.text == "a"


def test_a_second_run_asks_nothing_and_costs_nothing(tmp_path: Path) -> None:
    asked = [question(f"q{number}") for number in range(20)]
    with ScriptedEndpoint("a") as endpoint:
        first = ask_all(ModelSession(recorder=caching(tmp_path)), endpoint.base_url, asked)
        again = ModelSession(recorder=caching(tmp_path))
        second = ask_all(again, endpoint.base_url, asked)

        assert endpoint.calls == 20
    assert texts(first) == texts(second)
    spent = again.ledger["judge"]
    assert (spent.calls, spent.cached, spent.price) == (0, 20, 0.0)


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(question("q", temperature=1.0), id="sampling"),
        pytest.param(question("other"), id="messages"),
    ],
)
def test_what_is_asked_otherwise_is_another_call(tmp_path: Path, other: object) -> None:
    session = ModelSession(recorder=caching(tmp_path))
    with ScriptedEndpoint("a") as endpoint:
        ask_all(session, endpoint.base_url, [question("q"), other, question("q")])  # type: ignore[list-item]

        assert endpoint.calls == 2


def test_repeats_of_one_question_are_different_calls(tmp_path: Path) -> None:
    session = ModelSession(recorder=caching(tmp_path))

    async def work(model: ChatModel) -> None:
        for repeat in (0, 1, 2, 1):
            await session.complete(model, question("q"), role="judge", repeat=repeat)

    with ScriptedEndpoint("a") as endpoint:
        with_model(endpoint.base_url, work)

        assert endpoint.calls == 3


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Fault.SERVER_ERROR, id="error"),
        pytest.param(Fault.REFUSAL, id="refusal"),
        pytest.param(Fault.EMPTY, id="empty"),
        pytest.param(Reply(value="half", finish_reason="content_filter"), id="content-filter"),
    ],
)
def test_errors_and_refusals_are_not_recorded(tmp_path: Path, answer: object) -> None:
    with ScriptedEndpoint([answer, "fine"]) as endpoint:
        ask_all(ModelSession(recorder=caching(tmp_path)), endpoint.base_url, [question("q")])
        session = ModelSession(recorder=caching(tmp_path))
        found = ask_all(session, endpoint.base_url, [question("q")])

    assert texts(found) == ["fine"]


@pytest.mark.parametrize(("mode", "calls"), [("auto", 1), ("live", 2), ("none", 2)])
def test_the_mode_decides_what_is_asked_again(tmp_path: Path, mode: Mode, calls: int) -> None:
    with ScriptedEndpoint("a") as endpoint:
        ask_all(ModelSession(recorder=caching(tmp_path)), endpoint.base_url, [question("q")])
        recorder = caching(tmp_path, mode)
        recorder.since = 2**62
        ask_all(ModelSession(recorder=recorder), endpoint.base_url, [question("q")])

        assert endpoint.calls == calls


def test_a_live_run_that_goes_on_keeps_what_it_has_recorded(tmp_path: Path) -> None:
    with ScriptedEndpoint("a") as endpoint:
        for _ in range(2):
            recorder = caching(tmp_path, "live")
            recorder.since = 1
            ask_all(ModelSession(recorder=recorder), endpoint.base_url, [question("q")])

        assert endpoint.calls == 1


def test_a_replay_needs_neither_server_nor_key_and_tells_what_is_missing(tmp_path: Path) -> None:
    folder = RecordingFolder(tmp_path / "cassettes")
    with ScriptedEndpoint("4") as endpoint:
        recorder = Recorder(mode="auto", places=[folder])
        ask_all(ModelSession(recorder=recorder), endpoint.base_url, [question("2+2?")])
        base_url, calls = endpoint.base_url, endpoint.calls

    recorder = Recorder(mode="replay", places=[RecordingFolder(tmp_path / "cassettes")])
    session = ModelSession(recorder=recorder)
    asked = [question("2+2?"), question("2+2?", temperature=0.5), question("3+3?")]
    found = ask_all(session, base_url, asked)

    assert calls == 1
    assert isinstance(found[0], ChatReply)
    assert isinstance(found[1], NotRecordedError)
    assert "another sampling" in str(found[1])
    assert isinstance(found[2], NotRecordedError)
    assert "has these messages" in str(found[2])


def test_a_folder_takes_over_what_the_cache_has(tmp_path: Path) -> None:
    with ScriptedEndpoint("a") as endpoint:
        ask_all(ModelSession(recorder=caching(tmp_path)), endpoint.base_url, [question("q")])
        recorder = caching(tmp_path)
        folder = RecordingFolder(tmp_path / "cassettes")
        recorder.places = [folder, *recorder.places]
        ask_all(ModelSession(recorder=recorder), endpoint.base_url, [question("q")])

        assert endpoint.calls == 1
    assert len(list(folder.files())) == 1


def test_a_recorded_reply_is_the_one_that_came(tmp_path: Path) -> None:
    answer = Reply(
        value="yes",
        logprobs=[{"yes": 0.9, "no": 0.1}],
        tool_calls=[{"name": "look", "arguments": {"x": 1}}],
    )
    with ScriptedEndpoint(lambda _: answer) as endpoint:
        session = ModelSession(recorder=caching(tmp_path))
        (came,) = ask_all(session, endpoint.base_url, [question("q")])
        (found,) = ask_all(session, endpoint.base_url, [question("q")])

    assert isinstance(came, ChatReply)
    assert isinstance(found, ChatReply)
    for name in ("text", "usage", "finish_reason", "logprobs", "model"):
        assert getattr(found, name) == getattr(came, name)
    assert list(found.tool_calls) == list(came.tool_calls)


def test_a_secret_setting_is_in_no_key() -> None:
    class Model:
        name, base_url = "m", None

    asked = recording_of_call(Model(), question("q", api_key="sk-planted"), 0)  # type: ignore[arg-type]

    assert "planted" not in str(asked)


@pytest.mark.parametrize(("version", "hinted"), [("a" * 40, True), ("2.1", False)])
def test_a_commit_is_told_that_it_cannot_hold_its_recordings(
    tmp_path: Path, version: str, hinted: bool
) -> None:
    folder = RecordingFolder(tmp_path)
    asked = {"inputs": {"q": 1}, "version": "b" * 40}
    folder.put(recording_of(asked, label="bot", subject=asked["inputs"]), {"status": 0})
    new = recording_of({**asked, "version": version}, label="bot", subject=asked["inputs"])
    with pytest.raises(NotRecordedError, match="has another version") as caught:
        Recorder(mode="replay", places=[folder]).find(new)

    assert ("version='files:…'" in str(caught.value)) == hinted
