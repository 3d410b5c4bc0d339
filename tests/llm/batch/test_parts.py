"""The parts of batches: what a user may ask for, how requests are packed, how lines are read."""

import json
import math
from asyncio import Future
from typing import Any, cast

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalkit._internal.canonical import parse_json
from evalkit.errors import UsageError
from evalkit.llm.batch.api import BatchApi, read_lines, request_line, without_answer
from evalkit.llm.batch.carrier import Wanted, key_of, packed
from evalkit.llm.batch.census import Census, Seat, waiting
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.connection import Connection
from evalkit.llm.limits import PATIENCE, Patience
from evalkit.llm.protocol import ChatReply
from evalkit.llm.retry import Refusal


@pytest.mark.parametrize(
    ("given", "roles"),
    [
        pytest.param(True, ("target", "judge"), id="all"),
        pytest.param("all", ("target", "judge"), id="all-by-name"),
        pytest.param("judge", ("judge",), id="one"),
        pytest.param("judge, target", ("judge", "target"), id="a-list-in-words"),
        pytest.param(["target"], ("target",), id="a-list"),
        pytest.param({"requests": 5}, ("target", "judge"), id="settings-alone"),
        pytest.param({"judge": True, "target": False}, ("judge",), id="a-mapping"),
        pytest.param({"judge": False}, None, id="none-of-a-mapping"),
        pytest.param(False, None, id="no"),
        pytest.param(None, None, id="nothing"),
    ],
)
def test_roles_are_named_in_many_ways(given: Any, roles: tuple[str, ...] | None) -> None:
    found = BatchSettings.of(given)

    assert (None if found is None else found.roles) == roles
    if found is not None:
        assert BatchSettings.of(found.to_json()) == found


@pytest.mark.parametrize(
    ("given", "told"),
    [
        pytest.param("judges", "no role 'judges'. Did you mean 'judge'?", id="near-miss"),
        pytest.param({"request": 5}, "Did you mean 'requests'?", id="unknown-setting"),
        pytest.param({"requests": 0}, "requests must be above 0", id="no-request"),
        pytest.param({"price_share": -1}, "price_share must be at least 0", id="negative"),
        pytest.param({"poll_seconds": "fast"}, "poll_seconds must be", id="no-number"),
        pytest.param(7, "batch= is True, roles, or a mapping", id="a-number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(given: Any, told: str) -> None:
    with pytest.raises(UsageError) as caught:
        BatchSettings.of(given)

    assert told in str(caught.value)


def _wanted(bodies: list[tuple[int, bytes]]) -> list[Wanted]:
    api = BatchApi("http://x", place=("http://x", "m", None), connection=Connection())
    future = cast("Future[ChatReply]", None)
    return [
        Wanted(key=f"{key:04x}", body=body, api=api, settle=lambda reply, _: reply, future=future)
        for key, body in bodies
    ]


bodies = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.text(max_size=80).map(lambda text: json.dumps({"text": text}).encode()),
    ),
    max_size=40,
)


@given(bodies, st.integers(1, 12), st.integers(1, 3000))
def test_every_request_is_in_one_batch_and_no_batch_is_too_large(
    bodies: list[tuple[int, bytes]], requests: int, size: int
) -> None:
    wanted = _wanted(bodies)
    parcels = list(packed(wanted, requests=requests, size=size))

    assert [one for parcel in parcels for one in parcel.wanted.values()] == wanted
    for parcel in parcels:
        lines = parcel.content.splitlines()
        assert len(lines) == len(parcel.wanted) <= requests
        assert len(parcel.content) <= size or len(lines) == 1
        ids = [parse_json(line)["custom_id"] for line in lines]
        assert tuple(ids) == parcel.pending.lines == tuple(dict.fromkeys(ids))
        assert [key_of(one) for one in ids] == [one.key for one in parcel.wanted.values()]
        sent = [parse_json(line)["body"] for line in lines]
        assert sent == [parse_json(one.body) for one in parcel.wanted.values()]


def test_a_line_has_the_form_that_openai_documents() -> None:
    assert json.loads(request_line("k-1", b'{"model":"m","messages":[]}')) == {
        "custom_id": "k-1",
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "m", "messages": []},
    }


def _line(**fields: Any) -> bytes:
    return json.dumps({"custom_id": "k", "response": None, "error": None, **fields}).encode()


GOOD = {"choices": [{"message": {"content": "yes"}}]}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        pytest.param(
            _line(response={"status_code": 429, "body": {"error": {"message": "slow"}}}),
            ("rate_limited", True),
            id="429",
        ),
        pytest.param(
            _line(response={"status_code": 429, "body": {"error": {"code": "insufficient_quota"}}}),
            ("rate_limited", False),
            id="no-money-left",
        ),
        pytest.param(_line(response={"status_code": 503}), ("provider_error", True), id="503"),
        pytest.param(_line(response={"status_code": 400}), ("provider_error", False), id="400"),
        pytest.param(_line(error={"code": "batch_expired"}), ("timeout", True), id="expired"),
        pytest.param(_line(error={"message": "lost"}), ("provider_error", True), id="other-error"),
        pytest.param(
            _line(response={"status_code": 200, "body": {}}), ("invalid_response", False), id="none"
        ),
    ],
)
def test_a_line_without_answer_says_why(line: bytes, expected: tuple[str, bool]) -> None:
    ((custom_id, found),) = read_lines(line)

    assert custom_id == "k"
    assert isinstance(found, Refusal)
    assert (found.reason, found.again) == expected


def test_lines_that_say_nothing_are_left_out() -> None:
    good = _line(response={"status_code": 200, "body": GOOD})
    content = b"\n".join([b"no json", b"[]", b'{"custom_id": 3}', good, b""])

    ((custom_id, found),) = read_lines(content)

    assert custom_id == "k"
    assert isinstance(found, ChatReply)
    assert found.text == "yes"


def test_a_batch_that_failed_tells_its_first_error() -> None:
    errors = {"data": [{"code": "token_limit_exceeded", "message": "Enqueued token limit"}]}

    assert "Enqueued token limit" in without_answer({"status": "failed", "errors": errors}).text
    assert without_answer({"status": "completed"}).reason == "provider_error"


def test_who_waits_gives_its_place_to_the_next_and_takes_one_again() -> None:
    async def work() -> list[str]:
        census, limiter, told = Census(), anyio.CapacityLimiter(1), list[str]()
        answers = anyio.Event()

        async def call(name: str) -> None:
            seat = Seat(limiter)
            await seat.acquire()
            with census.caller(seat):
                told.append(f"{name} asks")
                async with waiting():
                    if census.waiting == 3:
                        answers.set()
                    await answers.wait()
                assert limiter.borrowed_tokens == 1
                told.append(f"{name} goes on")

        async with anyio.create_task_group() as group:
            for name in "abc":
                group.start_soon(call, name)
        assert (census.at_work, census.waiting, limiter.borrowed_tokens) == (0, 0, 0)
        return told

    told = anyio.run(work)
    assert told[:3] == ["a asks", "b asks", "c asks"]
    assert len(told) == 6


def test_a_caller_that_is_given_up_leaves_the_counts_right() -> None:
    async def work() -> tuple[int, int, float]:
        census, limiter = Census(), anyio.CapacityLimiter(2)
        seat = Seat(limiter)
        await seat.acquire()
        with anyio.CancelScope() as scope, census.caller(seat):
            async with waiting():
                scope.cancel()
                await anyio.sleep(1)
        return census.at_work, census.waiting, limiter.borrowed_tokens

    assert anyio.run(work) == (0, 0, 0)


def test_the_clock_of_a_time_limit_stands_while_any_request_waits() -> None:
    async def work() -> tuple[float, bool, bool]:
        census = Census()
        with anyio.fail_after(300) as scope, census.caller():
            patience = Patience(scope)
            PATIENCE.set(patience)
            before = scope.deadline
            async with waiting():
                async with waiting():
                    stopped = math.isinf(scope.deadline)
                stopped = stopped and math.isinf(scope.deadline)
            return scope.deadline - before, stopped, patience.batched

    later, stopped, batched = anyio.run(work)
    assert 0 <= later < 60
    assert stopped
    assert batched
