"""What a function gives back, read as an answer: plain values, outputs and streams."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator, Iterator
from typing import Any

from evalkit._internal.clock import monotonic
from evalkit.entities.target import Output
from evalkit.errors import TargetError


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
    found: list[Any] = []
    first = 0.0
    for piece in pieces:
        if not found:
            first = monotonic() - began
        found.append(piece)
    return _joined(found, name, first)


async def adrained(pieces: AsyncIterator[Any], name: str, began: float) -> Output:
    """Return the answer of an asynchronous stream, as `drained` does.

    Raises:
        TargetError: With reason ``empty`` if there was no piece.
    """
    found: list[Any] = []
    first = 0.0
    async for piece in pieces:
        if not found:
            first = monotonic() - began
        found.append(piece)
    return _joined(found, name, first)


def _joined(pieces: list[Any], name: str, first: float) -> Output:
    if not pieces:
        raise TargetError("empty", f"{name} ended its stream without a piece.")
    told = pieces.pop() if isinstance(pieces[-1], Output) else Output(None)
    value = told.value
    if value is None and pieces:
        value = "".join(pieces) if all(isinstance(piece, str) for piece in pieces) else pieces
    timed = dataclasses.replace(told, value=value, time_to_first_token=first)
    return as_output(timed, name)
