"""What is evaluated: the protocol of targets, and what one call gives back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, runtime_checkable

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case


@dataclass(frozen=True, slots=True)
class Output:
    """A target's answer, for when there is more to say than the answer.

    Examples:
        >>> Output("Paris", usage={"input_tokens": 12, "output_tokens": 1}).value
        'Paris'
    """

    value: Any
    """The answer itself."""

    retrieved_context: Any = None
    """Passages the answer rests on."""

    tool_calls: Sequence[Mapping[str, Any]] | None = None
    """Tools that were called, in order."""

    usage: Mapping[str, int] | None = None
    """Tokens, such as ``input_tokens`` and ``output_tokens``."""

    cost: float | None = None
    """Price in US dollars; ``None`` means unknown."""

    metadata: Mapping[str, Any] | None = None
    """Anything else that JSON can hold."""

    time_to_first_token: float | None = None
    """Seconds until the first piece of a streamed answer."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that gave no answer."""

    reason: str
    """Machine-readable code, such as ``target_error`` or ``timeout``."""

    explanation: str
    """What happened, in prose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """Everything one call of a target may ask for."""

    case: Case
    history: Sequence[Mapping[str, Any]] = ()
    """Earlier turns of the session, in order, each with ``inputs`` and ``outputs``."""

    repeat: int = 0
    occurrence: int = 0
    """How many cases before this one ask the same, where each is to be a draw of its own."""

    seed: int = 0
    """Seed of this case and repeat; equal in every run with the same evaluation seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetIdentity:
    """What a target is, for signatures, resume and recordings."""

    kind: str
    """``callable``, ``estimator``, ``endpoint``, ``chat``, ``stored``, or a plug-in's own word."""

    name: str
    """Name shown in tables."""

    parameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Settings that change answers; JSON values only, never a secret."""

    reference: str | None = None
    """``module:attribute``, URL or model string by which another process can rebuild it."""

    version: str | None = None
    """Version that the user gave; recordings are kept by it."""

    @property
    def asks_models(self) -> bool:
        """Whether its calls are calls of a model, made by evalkit."""
        return self.kind == "chat"


@runtime_checkable
class Target(Protocol):
    """Answers cases, one at a time or in batches.

    `lane` says how the engine calls it: ``async`` awaits `acall` in the event loop, ``thread``
    calls `call` on a worker thread, ``batch`` gives whole batches to `call_batch` on a worker
    thread.  Beside `identity` and `check` a target needs its lane's method alone.  An exception is
    that case's failure: raise `TargetError` to choose the reason.
    """

    @property
    def lane(self) -> Literal["async", "thread", "batch"]:
        """How the engine calls it."""
        ...

    @property
    def identity(self) -> TargetIdentity:
        """What this target is."""
        ...

    def check(self, batch: CaseBatch) -> None:
        """Refuse cases that cannot be bound, before the first call.

        Raises:
            BindingError: If the target's parameters do not fit the inputs of *batch*.
        """
        ...


class ThreadTarget(Target, Protocol):
    """A target that blocks."""

    def call(self, invocation: Invocation) -> Output:
        """Return the answer; called on a worker thread."""
        ...


class AsyncTarget(Target, Protocol):
    """A target that awaits."""

    async def acall(self, invocation: Invocation) -> Output:
        """Return the answer; called in the event loop, many at a time."""
        ...

    async def aclose(self) -> None:
        """Release connections; called once, in the same loop."""
        ...


class BatchTarget(Target, Protocol):
    """A target that answers many cases in one call, such as an estimator."""

    def call_batch(self, batch: CaseBatch) -> Sequence[Output | Failure]:
        """Return one answer a case, in order; called on a worker thread."""
        ...
