"""Python callables as targets: functions, methods, objects, generators, sync and async."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from typing import Any, Literal, cast

from evalkit._internal.background import at_home
from evalkit._internal.clock import monotonic
from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation, Output, TargetIdentity
from evalkit.errors import TargetError, UsageError
from evalkit.llm.session import ModelSession, current_session
from evalkit.scoring.signature import body_digest, import_path
from evalkit.targets.binding import Binder, lane_of
from evalkit.targets.version import resolved_version


class CallableTarget:
    """Answers each case by calling a function with the arguments that it names.

    Coroutine functions and async generators run in the event loop, everything else on worker
    threads.  What a plain function returns may itself be an iterator or an awaitable.

    Examples:
        >>> from evalkit.entities.case import Case
        >>> target = CallableTarget(lambda question: question.upper(), name="shout")
        >>> target.call(Invocation(case=Case(inputs={"question": "why?"}))).value
        'WHY?'
    """

    def __init__(
        self,
        function: Any,
        *,
        name: str | None = None,
        version: str | None = None,
        reference: str | None = None,
    ) -> None:
        """Wrap *function*, or the ``predict`` or ``__call__`` of an object.

        Args:
            function: What answers; never called before the first case.
            name: Name in tables; the function's or class's name by default.
            version: Version by which answers are recorded; ``git`` stands for the commit.
            reference: ``module:attribute`` under which another process finds it.

        Raises:
            UsageError: If it is a class or cannot be called.
        """
        self._function = _entry(function)
        self._name = name or _shown_name(function)
        self._binder = Binder(self._function, name=f"{self._name}()")
        self._awaited: dict[Future[Output], ModelSession] = {}
        self.lane: Literal["async", "thread", "batch"] = lane_of(self._function)
        self.identity = TargetIdentity(
            kind="callable",
            name=self._name,
            reference=reference or _reference(function),
            version=resolved_version(version, self._function),
        )

    def __repr__(self) -> str:
        return f"CallableTarget({self._name!r})"

    def check(self, batch: CaseBatch) -> None:
        """Refuse cases that the function's parameters do not fit.

        Raises:
            BindingError: Naming what does not bind and the inputs there are.
        """
        self._binder.check(batch)

    def call(self, invocation: Invocation) -> Output:
        """Return the function's answer; blocks."""
        positional, keywords = self._binder.arguments(invocation)
        began = monotonic()
        try:
            value = self._function(*positional, **keywords)
        except Exception as error:
            self._binder.hint(error, invocation)
            raise
        if isinstance(value, (str, dict, list)):
            return Output(value)
        if isinstance(value, Iterator):
            return drained(value, self._name, began)
        if isinstance(value, (Awaitable, AsyncIterator)):
            future = at_home(self._settled(value, began))
            self._awaited[future] = current_session()
            future.add_done_callback(self._awaited.pop)
            return future.result()
        return as_output(value, self._name)

    async def acall(self, invocation: Invocation) -> Output:
        """Return the function's answer, awaited in the running loop."""
        positional, keywords = self._binder.arguments(invocation)
        began = monotonic()
        return await self._settled(self._function(*positional, **keywords), began)

    @property
    def code(self) -> str | None:
        """Digest of the function's own code, without that of what it calls."""
        return body_digest(self._function)

    async def aclose(self) -> None:
        """Give up what nobody waits for any more; connections belong to the function.

        What another evaluation is waiting for goes on.
        """
        for future, session in list(self._awaited.items()):
            if session is current_session():
                future.cancel()

    async def _settled(self, value: Any, began: float) -> Output:
        if isinstance(value, Awaitable):
            value = await value
        if isinstance(value, AsyncIterator):
            return await adrained(value, self._name, began)
        if isinstance(value, Iterator):
            return drained(value, self._name, began)
        return as_output(value, self._name)


def _entry(function: Any) -> Callable[..., Any]:
    """Return what is to be called: the thing itself, or its ``predict`` or ``__call__``."""
    if isinstance(function, type):
        raise UsageError(
            f"{function.__name__} is a class, not an instance; give {function.__name__}(...)."
        )
    predict: Any = getattr(function, "predict", None)
    if callable(predict) and not isinstance(function, functools.partial):
        return cast("Callable[..., Any]", predict)
    if callable(function):
        return cast("Callable[..., Any]", function)
    raise UsageError(
        f"A model is a callable, an estimator, a URL, a model name or None for stored outputs; "
        f"{type(function).__name__} has neither __call__ nor predict. Data goes into data=."
    )


def _shown_name(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    if inspect.ismethod(function) or inspect.isroutine(function):
        name = str(function.__qualname__).rpartition("<locals>.")[2]
        return "lambda" if name == "<lambda>" else name
    return str(getattr(function, "__name__", type(function).__name__))


def _reference(function: Any) -> str | None:
    """Return the import path of *function* if it leads back to this very object."""
    path = import_path(function)
    if path is None:
        return None
    module, _, qualname = path.partition(":")
    importable: Any = sys.modules.get(module)
    for step in qualname.split("."):
        importable = getattr(importable, step, None)
    return path if importable is function else None


def as_output(value: Any, name: str) -> Output:
    """Return *value* as an answer of the target called *name*; an empty text is an answer.

    Raises:
        TargetError: With reason ``empty`` if there is neither a value nor a tool call.

    Examples:
        >>> as_output("", "bot").value
        ''
    """
    if type(value) is str:
        return Output(value)
    if isinstance(value, Output):
        if value.value is None and not value.tool_calls:
            raise TargetError("empty", f"{name} returned an Output without a value.")
        return value
    if value is None:
        raise TargetError("empty", f"{name} returned None; an empty answer is ''.")
    return Output(value)


def drained(pieces: Iterator[Any], name: str, began: float) -> Output:
    """Return the answer of a stream that was asked for at the clock time *began*.

    Texts are joined, other pieces make a list.  A last piece that is an `Output` tells of the
    answer; its value counts unless it is ``None``.

    Raises:
        TargetError: With reason ``empty`` if there was no piece.

    Examples:
        >>> drained(iter(["Pa", "ris"]), "bot", 0.0).value
        'Paris'
    """
    received: list[Any] = []
    first = 0.0
    for piece in pieces:
        if not received:
            first = monotonic() - began
        received.append(piece)
    return _joined(received, name, first)


async def adrained(pieces: AsyncIterator[Any], name: str, began: float) -> Output:
    """Return the answer of an asynchronous stream, as `drained` does.

    Raises:
        TargetError: With reason ``empty`` if there was no piece.
    """
    received: list[Any] = []
    first = 0.0
    async for piece in pieces:
        if not received:
            first = monotonic() - began
        received.append(piece)
    return _joined(received, name, first)


def _joined(pieces: list[Any], name: str, first: float) -> Output:
    if not pieces:
        raise TargetError("empty", f"{name} ended its stream without a piece.")
    output = pieces.pop() if isinstance(pieces[-1], Output) else Output(None)
    value = output.value
    if value is None and pieces:
        value = "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else pieces
    timed = dataclasses.replace(output, value=value, time_to_first_token=first)
    return as_output(timed, name)
