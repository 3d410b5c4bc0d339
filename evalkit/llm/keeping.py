"""Keeping replies together: those of one turn of the event loop are written at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import Recording


class _Turn:
    """The replies that came in one turn of an event loop."""

    def __init__(self) -> None:
        self.kept: list[tuple[Recording, Mapping[str, Any]]] = []
        self.written = asyncio.Event()
        self.error: Exception | None = None


class Keeper:
    """Hands replies to a recorder, those of one turn of the event loop in one transaction.

    Many answers come in at a time; a transaction for each would cost more than reading them.
    """

    def __init__(self, recorder: Recorder) -> None:
        """Keep nothing yet."""
        self._recorder = recorder
        self._turns: dict[asyncio.AbstractEventLoop, _Turn] = {}

    async def keep(self, recording: Recording, reply: Mapping[str, Any]) -> None:
        """Return once *reply* is recorded; who is cancelled while waiting has it recorded too.

        Raises:
            OSError: If it cannot be written.
        """
        loop = asyncio.get_running_loop()
        turn = self._turns.get(loop)
        if turn is None:
            turn = self._turns[loop] = _Turn()
            loop.call_soon(self._write, loop)
        turn.kept.append((recording, reply))
        await turn.written.wait()
        if turn.error is not None:
            raise turn.error

    def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        turn = self._turns.pop(loop)
        try:
            self._recorder.keep_all(turn.kept)
        except Exception as error:  # noqa: BLE001  raised again in each task that waits
            turn.error = error
        turn.written.set()
