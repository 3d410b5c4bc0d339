"""Event loops of synchronous evaluations: clients that live for the process."""

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

import evalkit
from evalkit.evaluation.running.thread import run_in_thread

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


@pytest.mark.parametrize("target", [_awaited, _handed_on], ids=["async", "awaitable"])
def test_a_client_outlives_an_evaluation(
    target: Callable[[Client], Callable[[str], object]],
) -> None:
    bot = target(Client())

    assert [_accuracy(bot), _accuracy(bot)] == [1, 1]


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
