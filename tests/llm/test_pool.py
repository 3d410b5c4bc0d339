import asyncio
from typing import Any

from evalkit.llm.pool import Pool


class _Client:
    def __init__(self, *, breaks: bool) -> None:
        self.breaks, self.closed = breaks, False

    async def aclose(self) -> None:
        if self.breaks:
            raise OSError("the connection is gone")
        self.closed = True


def test_a_client_that_cannot_be_closed_leaves_the_others_closed() -> None:
    clients: list[Any] = [_Client(breaks=True), _Client(breaks=False)]

    async def work() -> None:
        pool = Pool()
        pool.clients |= dict(enumerate(clients))
        await pool.aclose()

    asyncio.run(work())
    assert [client.closed for client in clients] == [False, True]
