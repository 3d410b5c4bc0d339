"""Waiting for a turn."""

import asyncio

from evalkit.llm.limits import Controller
from evalkit.llm.pace import FIRST_CAP, Pace


def test_whoever_is_cancelled_while_waiting_is_cancelled_and_nothing_else() -> None:
    controller = Controller(Pace())

    async def attempt() -> None:
        started = controller.enter_now()
        if started is None:
            started = await controller.enter()
        try:
            await asyncio.sleep(60)
        finally:
            controller.leave(started, "failed")

    async def cancelled() -> list[BaseException | None]:
        tasks = [asyncio.create_task(attempt()) for _ in range(FIRST_CAP + 8)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(cancelled())

    assert {type(error) for error in found} == {asyncio.CancelledError}
    assert controller.pace.in_flight == 0
