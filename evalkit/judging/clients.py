"""The clients of judges' models: one for each connection and event loop, closed with the loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Final
from weakref import WeakKeyDictionary

from evalkit.errors import UsageError
from evalkit.judging.settings import JudgeSettings
from evalkit.llm.open import open_chat_model
from evalkit.llm.protocol import ChatModel
from evalkit.settings import settings

_CLIENTS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Any, ChatModel]]] = (
    WeakKeyDictionary()
)
_CLOSERS: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncGenerator[None]]] = (
    WeakKeyDictionary()
)


async def client_for(judge: JudgeSettings) -> ChatModel:
    """Return the client of the judge's model; it closes when the event loop ends.

    Raises:
        UsageError: If no model is known.
    """
    model = judge.model or settings().judge_model
    if model is None:
        raise UsageError(
            f"Judge {judge.name!r} has no model: give model='…', judge_model='…' of the "
            "evaluation, or EVALKIT_JUDGE_MODEL."
        )
    loop = asyncio.get_running_loop()
    clients = _CLIENTS.setdefault(loop, {})
    key = (model, judge.base_url, judge.auth_environment, judge.timeout_seconds)
    if key not in clients:
        clients[key] = open_chat_model(
            model,
            base_url=judge.base_url,
            auth_environment=judge.auth_environment,
            timeout_seconds=judge.timeout_seconds,
        )
    if loop not in _CLOSERS:
        # A loop ends its open asynchronous generators before it closes: the one place from which
        # connections can be closed in the loop that used them, whoever runs it.
        closer = _CLOSERS[loop] = _close_with_loop(loop)
        await anext(closer)
    return clients[key]


async def _close_with_loop(loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    try:
        yield
    finally:
        _CLOSERS.pop(loop, None)
        for client in _CLIENTS.pop(loop, {}).values():
            await client.aclose()
