"""Single flight: of equal calls that are under way at a time, one is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from evalkit.errors import EvalkitError

T = TypeVar("T")


class _Flight(Generic[T]):
    """A call under way, and those who wait for it."""

    def __init__(self) -> None:
        self.done = asyncio.Event()
        self.result: T | None = None
        self.error: EvalkitError | None = None


class Flights(Generic[T]):
    """Calls under way by key, in each event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._flights: dict[tuple[int, str], _Flight[T]] = {}

    def under_way(self, key: str) -> bool:
        """Say whether a call under *key* is on its way."""
        return (id(asyncio.get_running_loop()), key) in self._flights

    async def join(self, key: str, make: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Return the result of the call under *key*, and whether another task had made it.

        An error of ours is everybody's; where the task that makes the call is cancelled, or fails
        in an unknown way, the next one makes it anew.
        """
        place = (id(asyncio.get_running_loop()), key)
        while (flight := self._flights.get(place)) is not None:
            await flight.done.wait()
            if flight.error is not None:
                raise type(flight.error)(*flight.error.args)
            if flight.result is not None:
                return flight.result, True
        flight = self._flights[place] = _Flight()
        try:
            flight.result = await make()
        except EvalkitError as error:
            flight.error = error
            raise
        finally:
            del self._flights[place]
            flight.done.set()
        return flight.result, False
