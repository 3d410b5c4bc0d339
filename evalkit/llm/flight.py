"""Single flight: of equal calls that are under way at a time, one is made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from evalkit.errors import EvalkitError

T = TypeVar("T")


class Flights(Generic[T]):
    """Calls under way by key, in each event loop."""

    def __init__(self) -> None:
        """Begin with none."""
        self._flights: dict[tuple[int, str], asyncio.Future[T]] = {}

    def under_way(self, key: str) -> bool:
        """Say whether a call under *key* is on its way."""
        return (id(asyncio.get_running_loop()), key) in self._flights

    async def join(self, key: str, make: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """Return the result of the call under *key*, and whether another task had made it.

        An error of ours is everybody's; where the task that makes the call is cancelled, or fails
        in an unknown way, the next one makes it anew.
        """
        loop = asyncio.get_running_loop()
        place = (id(loop), key)
        while (flight := self._flights.get(place)) is not None:
            await asyncio.wait([flight])
            if not flight.cancelled():
                error = flight.exception()
                if error is not None:
                    raise type(error)(*error.args)
                return flight.result(), True
        flight = self._flights[place] = loop.create_future()
        try:
            result = await make()
            flight.set_result(result)
        except EvalkitError as error:
            flight.set_exception(error)
            flight.exception()  # perhaps nobody else waits for it
            raise
        finally:
            del self._flights[place]
            flight.cancel()  # unless it has ended
        return result, False
