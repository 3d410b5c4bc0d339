"""The desk takes up what an earlier process has left on its way, whenever that was killed."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from evalkit.errors import BatchPendingError, TargetError
from evalkit.llm.batch.api import MARK
from evalkit.llm.batch.carrier import Pending, PendingFolder
from evalkit.llm.batch.desk import Desk
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of_call
from evalkit.llm.recordings import RecordingFolder
from evalkit.llm.session import ModelSession
from evalkit.llm.usage import Charge
from evalkit.testing import Fault, ScriptedBatches, ScriptedEndpoint, SeenRequest
from evalkit.testing.replies import Reply

pytestmark = pytest.mark.anyio
QUICK = BatchSettings(poll_seconds=0.05)


class Faulty(ScriptedBatches):
    """A batch endpoint that says *replies*, one after the other, to the calls *at* one place."""

    def __init__(self, *, at: tuple[str, str], replies: Sequence[Reply]) -> None:
        super().__init__()
        self.at = at
        self.replies = list(replies)

    def reply(self, route: Any, request: SeenRequest, answer: Any) -> Reply:
        """Do what was asked, and say what the script says of it."""
        done = super().reply(route, request, answer)
        here = (request.method, request.path.partition("?")[0]) == self.at
        return self.replies.pop(0) if here and self.replies else done


@pytest.fixture
def anyio_backend() -> str:
    """Return the only loop that connections run on."""
    return "asyncio"


def request_of(text: str) -> ChatRequest:
    """Return a request that asks *text*."""
    return ChatRequest(messages=[{"role": "user", "content": text}])


async def asked(
    model: ChatModel, texts: Sequence[str], folder: Path, *, since: int = 0
) -> list[str | None]:
    """Return the answers to *texts*, through a session that batches and records."""
    desk = Desk(QUICK, folder=PendingFolder(folder / "batches"), since=since)
    recorder = Recorder(mode="auto", places=[RecordingFolder(folder / "recordings")])
    session = ModelSession(recorder=recorder, desk=desk)
    found: dict[str, str | None] = {}

    async def ask(text: str) -> None:
        with session.caller():
            reply = await session.complete(model, request_of(text), role="judge")
        found[text] = reply.text

    async with session.open(), anyio.create_task_group() as group:
        for text in texts:
            group.start_soon(ask, text)
    await model.aclose()
    return [found[text] for text in texts]


def left(model: ChatModel, texts: Sequence[str], folder: Path, **facts: Any) -> Pending:
    """Leave a batch of *texts* written down, as a process does that is killed."""
    keys = tuple(recording_of_call(model, request_of(text), 0).key for text in texts)
    pending = Pending(server=model.base_url or "", model=model.name, lines=keys, **facts)
    PendingFolder(folder / "batches").write(pending)
    return pending


def sent(batches: ScriptedBatches, pending: Pending, texts: Sequence[str], mark: str) -> str:
    """Put the batch of *texts* at the provider, as the killed process had done."""
    lines = [
        b'{"custom_id":"%s","method":"POST","url":"/v1/chat/completions","body":'
        b'{"model":"m","messages":[{"role":"user","content":"%s"}]}}'
        % (line.encode(), text.encode())
        for line, text in zip(pending.lines, texts, strict=True)
    ]
    batches.files["file-0"] = b"\n".join(lines)
    return batches.start("file-0", {MARK: mark})


def files(folder: Path) -> list[Path]:
    """Return the files of batches on their way."""
    return list((folder / "batches").glob("*.json"))


async def test_killed_before_the_upload_the_requests_are_sent(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        left(model, ["a", "b"], tmp_path)
        assert await asked(model, ["a", "b"], tmp_path) == ["yes", "yes"]

    assert len(batches.created) == 1
    assert files(tmp_path) == []


async def test_killed_between_creation_and_noting_it_the_batch_is_found(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        pending = left(model, ["a", "b"], tmp_path, file_id="file-0")
        sent(batches, pending, ["a", "b"], pending.mark)
        assert await asked(model, ["a", "b"], tmp_path) == ["yes", "yes"]

    assert len(batches.created) == 1
    assert len(batches.answered) == 2
    assert files(tmp_path) == []


async def test_a_batch_that_is_gone_is_sent_anew(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        left(model, ["a"], tmp_path, file_id="file-7", batch_id="batch-7")
        assert await asked(model, ["a"], tmp_path) == ["yes"]

    assert len(batches.created) == 1


async def test_who_asks_after_a_batch_was_given_up_is_told_at_once(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", key="the right one", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        left(model, ["a", "b"], tmp_path, file_id="file-0", batch_id="batch-0")
        desk = Desk(QUICK, folder=PendingFolder(tmp_path / "batches"))
        session = ModelSession(desk=desk)
        session.health.active = False
        async with session.open():
            for text in ("a", "b", "a"):
                with (
                    anyio.fail_after(300),
                    session.caller(),
                    pytest.raises(TargetError, match="status 401"),
                ):
                    await session.complete(model, request_of(text), role="judge")
        await model.aclose()

    assert len(files(tmp_path)) == 1
    assert batches.created == []


class Unreachable(ScriptedBatches):
    """A batch endpoint whose answers are lost from the creation of a batch on, while *down*."""

    down = True

    def reply(self, route: Any, request: SeenRequest, answer: Any) -> Reply:
        """Do what was asked; say nothing of it once there is a batch."""
        done = super().reply(route, request, answer)
        return Reply(fault=Fault.RESET) if self.created and self.down else done


async def test_a_batch_whose_creation_was_not_heard_of_is_found_by_the_next_run(
    tmp_path: Path,
) -> None:
    batches = Unreachable()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url, retries=0)
        for _ in range(2):  # the second run hears nothing either
            with pytest.raises(ExceptionGroup) as caught:
                await asked(model, ["a", "b"], tmp_path)
            assert caught.group_contains(TargetError, match="the next run looks for it")
            assert len(files(tmp_path)) == 1
        batches.down = False
        assert await asked(model, ["a", "b"], tmp_path) == ["yes", "yes"]

    assert len(batches.created) == 1
    assert len(batches.answered) == 2
    assert files(tmp_path) == []


async def test_a_batch_that_was_refused_is_not_kept(tmp_path: Path) -> None:
    refused = Reply(status=400, body=b'{"error":"status 502, says the upstream"}')
    batches = Faulty(at=("POST", "/v1/batches"), replies=[refused])
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        with pytest.raises(ExceptionGroup) as caught:
            await asked(model, ["a"], tmp_path)

    assert caught.group_contains(TargetError, match="status 400")
    assert [r.method for r in endpoint.requests if r.path == "/v1/batches"] == ["POST"]
    assert files(tmp_path) == []


async def test_an_error_that_mentions_an_absence_is_none(tmp_path: Path) -> None:
    told = Reply(status=502, body=b'{"error":"upstream answered with status 404"}')
    batches = Faulty(at=("GET", "/v1/batches/batch-0"), replies=[told])
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url, retries=0)
        assert await asked(model, ["a"], tmp_path) == ["yes"]

    assert len(batches.created) == len(batches.answered) == 1


@pytest.mark.parametrize("status", [404, 410])
async def test_answers_that_are_gone_are_told_of_once_and_forgotten(
    status: int, tmp_path: Path
) -> None:
    gone = Reply(status=status, body=b'{"error":"No such File object"}')
    batches = Faulty(at=("GET", "/v1/files/file-1/content"), replies=[gone])
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        with pytest.raises(ExceptionGroup) as caught:
            await asked(model, ["a", "b"], tmp_path)
        assert caught.group_contains(TargetError, match=f"run again to ask anew.*status {status}")
        assert files(tmp_path) == []
        assert len(batches.created) == 1
        assert await asked(model, ["a", "b"], tmp_path) == ["yes", "yes"]

    assert len(batches.created) == 2


async def test_what_nobody_has_claimed_yet_stays_written_down(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        pending = left(model, ["a", "b"], tmp_path)
        sent(batches, pending, ["a", "b"], pending.mark)
        await asked(model, ["a"], tmp_path)
        assert len(files(tmp_path)) == 1
        assert await asked(model, ["b"], tmp_path) == ["yes"]

    assert len(batches.answered) == 2


async def test_a_run_that_asks_anew_takes_over_no_earlier_batch(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        pending = left(model, ["a"], tmp_path)
        sent(batches, pending, ["a"], pending.mark)
        await asked(model, ["a"], tmp_path, since=pending.created + 1)

    assert len(batches.created) == 2


async def test_what_no_provider_keeps_any_more_is_forgotten(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        left(model, ["z"], tmp_path, created=1, batch_id="batch-3")
        (tmp_path / "batches" / "broken.json").write_text("{", encoding="utf-8")
        assert await asked(model, ["a"], tmp_path) == ["yes"]

    assert [path.name for path in files(tmp_path)] == ["broken.json"]


async def test_who_wants_an_end_is_not_kept_waiting(tmp_path: Path) -> None:
    batches = ScriptedBatches(polls=10_000)
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        folder = PendingFolder(tmp_path / "batches")
        desk = Desk(QUICK, folder=folder, stopped=lambda: desk.on_the_way[0] > 0)
        session = ModelSession(desk=desk)
        async with session.open():
            with session.caller(), pytest.raises(BatchPendingError, match="1 requests in 1"):
                await session.complete(model, request_of("a"), role="judge")
        await model.aclose()

    assert len(files(tmp_path)) == 1
    assert session.ledger["judge"].failed == 0


async def test_a_batch_is_found_behind_hundreds_of_newer_ones(tmp_path: Path) -> None:
    batches = ScriptedBatches()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        pending = left(model, ["a", "b"], tmp_path, file_id="file-0")
        sent(batches, pending, ["a", "b"], pending.mark)
        for number in range(200):
            batches.start("file-0", {MARK: f"other-{number}"})
        assert await asked(model, ["a", "b"], tmp_path) == ["yes", "yes"]

    assert len(batches.created) == 201
    assert len(batches.answered) == 2


async def test_a_server_that_knows_no_pages_is_asked_twice_at_most(tmp_path: Path) -> None:
    other = b'{"data":[{"id":"batch-9","metadata":{}}],"has_more":true}'
    batches = Faulty(at=("GET", "/v1/batches"), replies=[Reply(body=other)] * 9)
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        left(model, ["a"], tmp_path, file_id="file-0")
        assert await asked(model, ["a"], tmp_path) == ["yes"]

    assert len(batches.created) == 1
    assert len(batches.replies) == 9 - 1 - 2  # whether there is an endpoint, and two pages


async def test_a_line_that_is_fetched_again_is_charged_once(tmp_path: Path) -> None:
    """Killed between the charge and the recording, the next process fetches the answer anew."""
    batches = ScriptedBatches()
    journal = list[tuple[str, Charge]]()
    with ScriptedEndpoint("yes", batches=batches) as endpoint:
        model = open_chat_model("openai/m", base_url=endpoint.base_url)
        pending = left(model, ["a", "b"], tmp_path)
        sent(batches, pending, ["a", "b"], pending.mark)
        for _ in range(2):
            PendingFolder(tmp_path / "batches").write(pending)
            session = ModelSession(desk=Desk(QUICK, folder=PendingFolder(tmp_path / "batches")))
            for role, charge in journal:
                session.ledger.restore(role, charge)
            session.report(lambda role, charge: journal.append((role, charge)))
            async with session.open(), anyio.create_task_group() as group:
                for text in ("a", "b"):
                    ask = partial(session.complete, model, request_of(text), role="judge")
                    group.start_soon(ask)
            assert session.ledger["judge"].calls == len(journal) == 2
        await model.aclose()

    assert len(batches.answered) == 2
