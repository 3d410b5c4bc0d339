"""Several questions at a time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

T = TypeVar("T")


async def together(jobs: Sequence[Callable[[], Awaitable[T]]]) -> list[T]:
    """Return the results of *jobs*, run at a time, in order; the first error as it is."""
    if len(jobs) == 1:
        return [await jobs[0]()]
    results: dict[int, T] = {}
    errors: list[Exception] = []

    async def work(place: int) -> None:
        try:
            results[place] = await jobs[place]()
        except Exception as error:  # noqa: BLE001  raised again below, outside of any group
            errors.append(error)
            group.cancel_scope.cancel()

    async with anyio.create_task_group() as group:
        for place in range(len(jobs)):
            group.start_soon(work, place)
    if errors:
        raise errors[0]
    return [results[place] for place in range(len(jobs))]
