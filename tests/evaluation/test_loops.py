"""Event loops of synchronous evaluations: clients that live for the process."""

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import wait
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import evalkit
from evalkit.evaluation.forecast import forecast
from evalkit.evaluation.running.thread import run_in_thread
from evalkit.targets.callable import CallableTarget
from evalkit.testing import Reply, ScriptedEndpoint

ROWS = [{"question": f"q{i}", "expected": "a"} for i in range(3)]
OFF = evalkit.Runtime(store=False, progress=False)


class Client:
    """Answers in the loop of its first request alone, as the clients of model providers do."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None

    async def answer(self, question: str) -> str:
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        assert loop is self._loop, question
        return "a"


def _accuracy(target: Callable[[str], object]) -> float | None:
    result = evalkit.evaluate(target, ROWS, "text.exact_match", runtime=OFF)
    return result["text.exact_match"].value


def _awaited(client: Client) -> Callable[[str], Awaitable[str]]:
    async def bot(question: str) -> str:
        return await client.answer(question)

    return bot


def _handed_on(client: Client) -> Callable[[str], Awaitable[str]]:
    def bot(question: str) -> Awaitable[str]:
        return client.answer(question)

    return bot


def test_a_client_outlives_an_evaluation_however_it_is_awaited() -> None:
    client = Client()
    bots = [_awaited(client), _handed_on(client)]

    assert [_accuracy(bot) for bot in bots * 2] == [1] * 4


def test_what_a_plain_function_hands_on_is_awaited_in_the_loop_of_the_caller() -> None:
    client = Client()

    async def program() -> float | None:
        await client.answer("q")
        result = await evalkit.aevaluate(_handed_on(client), ROWS, "text.exact_match", runtime=OFF)
        return result["text.exact_match"].value

    assert asyncio.run(program()) == 1


def test_scorers_share_the_loop_of_targets() -> None:
    client = Client()

    @evalkit.scorer
    async def good(outputs: str) -> bool:
        return await client.answer(outputs) == "a"

    assert _accuracy(_awaited(client)) == 1
    stored = [{"question": "q", "output": "a"}]
    assert evalkit.evaluate(data=stored, scorers=good, runtime=OFF)["good"].value == 1


def test_an_evaluation_within_another_leaves_its_loop_alone() -> None:
    client = Client()

    async def outer(question: str) -> str:
        assert _accuracy(str.lower) == 0
        return await client.answer(question)

    assert [_accuracy(outer), _accuracy(outer)] == [1, 1]


def test_evaluations_side_by_side_do_not_wait_for_each_other() -> None:
    together = threading.Barrier(2, timeout=300)

    async def bot(question: str) -> str:
        if question == "q0":
            together.wait()
        return "a"

    values: list[float | None] = []
    threads = [threading.Thread(target=lambda: values.append(_accuracy(bot))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values == [1, 1]


@pytest.mark.parametrize("in_one_loop", [True, False])
def test_an_evaluation_that_ends_leaves_what_another_waits_for(*, in_one_loop: bool) -> None:
    begun, ended = threading.Event(), threading.Event()

    def bot(question: str) -> Awaitable[str]:
        async def answer() -> str:
            if question == "q0":
                begun.set()
                await asyncio.to_thread(ended.wait, 60)
            return "a"

        return answer()

    target = CallableTarget(bot)

    async def accuracy(question: str) -> float | None:
        rows = [{"question": question, "expected": "a"}]
        result = await evalkit.aevaluate(target, rows, "text.exact_match", runtime=OFF)
        return result["text.exact_match"].value

    async def second() -> float | None:
        await asyncio.to_thread(begun.wait, 60)
        value = await accuracy("q1")
        ended.set()
        return value

    async def both() -> list[float | None]:
        other = second() if in_one_loop else asyncio.to_thread(asyncio.run, second())
        return list(await asyncio.gather(accuracy("q0"), other))

    assert asyncio.run(both()) == [1, 1]


def test_the_loop_is_another_one_after_what_ends_programs() -> None:
    async def leaves() -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit):
        run_in_thread(leaves, on_interrupt=lambda: None)
    assert _accuracy(_awaited(Client())) == 1


def test_a_scorer_that_exits_fails_its_case_alone() -> None:
    @evalkit.scorer
    async def leaves(outputs: str) -> bool:
        raise SystemExit(outputs)

    rows = [{"question": "q", "output": "a"}]
    result = evalkit.evaluate(data=rows, scorers=leaves, runtime=OFF)
    assert result["leaves"].n_failed == 1


def judge(server: ScriptedEndpoint, **settings: Any) -> Any:
    """Return a judge whose model is *server*."""
    return evalkit.make_judge(
        "fine", "Is {{ outputs }} fine?", model="openai/j", base_url=server.base_url, **settings
    )


VERDICT = Reply(value={"rationale": "r", "verdict": "yes"})


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
            assert _accuracy(lambda question: asyncio.sleep(0, question)) == 0

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
        return wait(futures, timeout)

    monkeypatch.setattr("evalkit.evaluation.running.thread.wait", waited)
    with pytest.raises(KeyboardInterrupt):
        run_in_thread(blocked, on_interrupt=lambda: None)

    assert run_in_thread(lambda: asyncio.sleep(0, "done"), on_interrupt=lambda: None) == "done"
    release.set()


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
