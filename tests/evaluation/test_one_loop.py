"""Synchronous calls share one event loop, so that an async client outlives each of them."""

import asyncio
import gc
import threading
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import evalkit
from evalkit._internal.background import forget, in_background
from evalkit.evaluation.forecast import forecast
from evalkit.evaluation.running.thread import run_in_thread
from evalkit.testing import Reply, ScriptedEndpoint

OFF = evalkit.Runtime(store=False, progress=False)
ROWS = [{"question": f"q{n}", "expected": "a"} for n in range(6)]


class Bot:
    """An application that keeps one async client for as long as the process lives."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client: aiohttp.ClientSession | None = None

    async def __call__(self, question: str) -> str:
        """Return the server's answer."""
        self.client = self.client or aiohttp.ClientSession()
        async with self.client.post(self.url, json={"question": question}) as answer:
            return str((await answer.json())["output"])

    async def aclose(self) -> None:
        """Close the client in the loop that opened it."""
        if self.client is not None:
            await self.client.close()


def value(target: Any) -> float | None:
    """Return the share of right answers of *target*."""
    return evalkit.evaluate(target, ROWS, "text.exact_match", runtime=OFF)["text.exact_match"].value


def judge(server: ScriptedEndpoint, **settings: Any) -> Any:
    """Return a judge whose model is *server*."""
    return evalkit.make_judge(
        "fine", "Is {{ outputs }} fine?", model="openai/j", base_url=server.base_url, **settings
    )


VERDICT = Reply(value={"rationale": "r", "verdict": "yes"})


def test_an_async_client_of_the_module_answers_every_evaluation() -> None:
    with ScriptedEndpoint("a") as server:
        bot = Bot(server.url)

        def plain(question: str) -> Any:
            return bot(question)

        values = [value(bot), value(bot), value(plain), value(bot)]
        in_background(bot.aclose()).result()

    assert values == [1.0] * 4


def test_an_evaluation_within_an_evaluation_does_not_wait_for_itself() -> None:
    async def inner(question: str) -> str:
        del question
        return "a"

    async def outer(question: str) -> str:
        del question
        return "a" if value(inner) == 1.0 else "b"

    assert value(outer) == 1.0


def test_evaluations_leave_no_thread_descriptor_or_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one-loop")

    def left() -> tuple[int, int, int]:
        gc.collect()
        clients = sum(isinstance(thing, aiohttp.ClientSession) for thing in gc.get_objects())
        return threading.active_count(), sum(1 for _ in Path("/proc/self/fd").iterdir()), clients

    def once() -> None:
        with ScriptedEndpoint(VERDICT) as server:  # at another address each time
            fine = judge(server)
            target = evalkit.chat("openai/m", base_url=server.base_url)
            evalkit.evaluate(target, ROWS, [fine], runtime=OFF)
            evalkit.audit(fine, [{"question": "q", "output": "a"}], runtime=OFF)
            forecast(target, ROWS, [fine], runtime=OFF)
            assert value(lambda question: asyncio.sleep(0, question)) == 0.0

    once()
    before = left()
    for _ in range(3):
        once()

    assert left() == before


def test_canaries_are_asked_in_each_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one-loop")
    with ScriptedEndpoint(VERDICT) as server:
        fine = judge(server, canaries=[{"outputs": "Thank you!", "choice": "yes"}])
        data = [{"question": "q", "output": "a"}, {"question": "r", "output": "b"}]
        results = [evalkit.evaluate(data=data, scorers=[fine], runtime=OFF) for _ in range(2)]

    assert [result.usage["canary"].calls for result in results] == [1, 1]


def test_work_that_was_given_up_and_blocks_its_loop_blocks_no_later_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release, interrupts = threading.Event(), iter([KeyboardInterrupt, KeyboardInterrupt])

    async def blocked() -> None:
        release.wait(20)

    def waited(futures: Any, timeout: float | None = None) -> Any:
        if timeout is None and (interrupt := next(interrupts, None)) is not None:
            raise interrupt
        return wait(futures, 0.05 if timeout else None)

    monkeypatch.setattr("evalkit.evaluation.running.thread.wait", waited)
    with pytest.raises(KeyboardInterrupt):
        run_in_thread(blocked, on_interrupt=lambda: None)

    assert run_in_thread(lambda: asyncio.sleep(0, "done"), on_interrupt=lambda: None) == "done"
    release.set()


def test_an_exit_in_a_task_of_somebody_ends_no_other_work() -> None:
    async def leave() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        in_background(leave()).result()

    assert in_background(asyncio.sleep(0, "alive")).result(20) == "alive"


def test_a_child_process_starts_a_loop_of_its_own() -> None:
    assert in_background(asyncio.sleep(0, 1)).result() == 1
    forget()  # what a fork does in its child
    assert in_background(asyncio.sleep(0, 2)).result(20) == 2


def test_answers_that_are_given_up_do_not_run_on() -> None:
    ended = threading.Event()

    async def slow(question: str) -> str:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return question

    def plain(question: str) -> Any:
        return slow(question)

    runtime = evalkit.Runtime(store=False, progress=False, timeout_seconds=0.05)
    result = evalkit.evaluate(plain, ROWS[:1], "text.exact_match", runtime=runtime)

    assert result.failures()["reason"].tolist() == ["timeout"]
    assert ended.wait(20)
