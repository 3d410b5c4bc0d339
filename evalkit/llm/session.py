"""The one way to a model: what is recorded is not asked, what is asked is counted.

A call goes through recording, single flight, limits, budget, model, price and ledger, in this
order.  Judges, chat targets and embedders ask through `current_session`, which an evaluation sets
for as long as it runs.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Final

from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.usage import Charge, Ledger

_PARTS: Final = frozenset({"cached_tokens", "reasoning_tokens"})
"""Parts of other counts, which a sum over all tokens must not count again."""


class ModelSession:
    """Asks models on behalf of one evaluation."""

    def __init__(self, *, ledger: Ledger | None = None) -> None:
        """Begin with nothing asked.

        Args:
            ledger: Where calls are counted; a new one by default.
        """
        self.ledger = ledger or Ledger()

    async def complete(
        self, model: ChatModel, request: ChatRequest, *, role: str, repeat: int = 0
    ) -> ChatReply:
        """Return the answer to *request*.

        Args:
            model: The client.
            request: What is asked.
            role: Who asks: ``target``, ``judge`` or ``embedder``.
            repeat: Which repeat this is, where the request does not say; equal requests of
                different repeats are different calls.

        Raises:
            TargetError: If there is no answer.
            BudgetSpentError: If nothing may be spent any more; the call was not made.
            NotRecordedError: If only recordings may answer, and none does.
        """
        _ = repeat or request.repeat
        try:
            reply = await model.complete(request)
        except Exception:
            self.ledger.add(role, Charge(failed=True))
            raise
        self.ledger.add(role, _charge(reply))
        return reply


def _charge(reply: ChatReply) -> Charge:
    counted = {kind: n for kind, n in (reply.usage or {}).items() if kind not in _PARTS}
    return Charge(tokens=counted, cost=reply.cost)


_DEFAULT: Final = ModelSession()
_CURRENT: ContextVar[ModelSession | None] = ContextVar("evalkit_model_session", default=None)


def current_session() -> ModelSession:
    """Return the session in force; outside evaluations, one that records and limits nothing."""
    return _CURRENT.get() or _DEFAULT


@contextlib.contextmanager
def use_session(session: ModelSession) -> Iterator[ModelSession]:
    """Have model calls of this task, and of those it starts, go through *session*.

    Examples:
        >>> with use_session(ModelSession()) as session:
        ...     current_session() is session
        True
    """
    token = _CURRENT.set(session)
    try:
        yield session
    finally:
        _CURRENT.reset(token)
