"""What the calls of one evaluation share in its event loop."""

from __future__ import annotations

import asyncio
from typing import Any

from evalkit.llm.protocol import ChatModel


class Pool:
    """Clients, turns, and what is asked once for all, each by a key of its owner's."""

    def __init__(self) -> None:
        """Hold nothing yet, for the running loop."""
        self.loop = asyncio.get_running_loop()
        self.clients: dict[Any, ChatModel] = {}
        self.turns: dict[Any, asyncio.Lock] = {}
        self.tasks: dict[Any, asyncio.Task[Any]] = {}

    async def aclose(self) -> None:
        """Cancel what is still being asked, and close the clients."""
        for task in self.tasks.values():
            task.cancel()
        # One that cannot be closed neither keeps the others open nor hides how the work ended.
        await asyncio.gather(*(c.aclose() for c in self.clients.values()), return_exceptions=True)
