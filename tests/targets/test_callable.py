"""Callables as targets: what they return, stream and raise, and what they are called."""

# ruff: noqa: ARG005  a parameter's name is what is under test

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import pytest

from evalkit.entities.batch import CaseBatch
from evalkit.entities.case import Case
from evalkit.entities.target import Invocation, Output, Target
from evalkit.errors import TargetError, UsageError
from evalkit.targets.callable import CallableTarget

QUESTION = Invocation(case=Case(id="a", inputs={"question": "why?"}))


def plain(question: str) -> str:
    return question.upper()


async def awaited(question: str) -> str:
    await asyncio.sleep(0)
    return question.upper()


def streamed(question: str) -> Iterator[str]:
    yield from question.upper()


async def async_streamed(question: str) -> AsyncIterator[str]:
    for letter in question.upper():
        await asyncio.sleep(0)
        yield letter


def gives_a_coroutine(question: str) -> Awaitable[str]:
    return awaited(question)


def gives_an_async_stream(question: str) -> AsyncIterator[str]:
    return async_streamed(question)


async def awaits_a_stream(question: str) -> AsyncIterator[str]:
    return async_streamed(question)


async def awaits_an_iterator(question: str) -> Iterator[str]:
    return streamed(question)


class Predicts:
    def predict(self, question: str) -> str:
        return question.upper()


class Called:
    def __call__(self, question: str) -> str:
        return question.upper()


class AwaitsCall:
    async def __call__(self, question: str) -> str:
        return await awaited(question)


class Method:
    def answer(self, question: str) -> str:
        return question.upper()


def answered(target: CallableTarget, invocation: Invocation = QUESTION) -> Output:
    """Call *target* the way its lane says."""
    if target.lane == "async":
        return asyncio.run(target.acall(invocation))
    return target.call(invocation)


KINDS = [
    pytest.param(plain, "thread", "plain", id="function"),
    pytest.param(lambda question: question.upper(), "thread", "lambda", id="lambda"),
    pytest.param(functools.partial(plain), "thread", "plain", id="partial"),
    pytest.param(awaited, "async", "awaited", id="coroutine function"),
    pytest.param(functools.partial(awaited), "async", "awaited", id="partial of a coroutine"),
    pytest.param(streamed, "thread", "streamed", id="generator"),
    pytest.param(async_streamed, "async", "async_streamed", id="async generator"),
    pytest.param(gives_a_coroutine, "thread", "gives_a_coroutine", id="returns a coroutine"),
    pytest.param(gives_an_async_stream, "thread", "gives_an_async_stream", id="returns a stream"),
    pytest.param(awaits_a_stream, "async", "awaits_a_stream", id="awaits a stream"),
    pytest.param(awaits_an_iterator, "async", "awaits_an_iterator", id="awaits an iterator"),
    pytest.param(Predicts(), "thread", "Predicts", id="object with predict"),
    pytest.param(Called(), "thread", "Called", id="object with __call__"),
    pytest.param(AwaitsCall(), "async", "AwaitsCall", id="object with async __call__"),
    pytest.param(Method().answer, "thread", "Method.answer", id="bound method"),
]


@pytest.mark.parametrize(("function", "lane", "name"), KINDS)
def test_every_kind_of_callable_answers_in_its_lane(
    function: Callable[..., Any], lane: str, name: str
) -> None:
    target = CallableTarget(function)
    target.check(CaseBatch.of([QUESTION.case]))
    assert answered(target).value == "WHY?"
    assert (target.lane, target.identity.name) == (lane, name)
    assert isinstance(target, Target)


STREAMS = [streamed, async_streamed, gives_an_async_stream, awaits_a_stream, awaits_an_iterator]


@pytest.mark.parametrize("function", STREAMS)
def test_the_first_piece_of_a_stream_is_timed(function: Callable[..., Any]) -> None:
    first = answered(CallableTarget(function)).time_to_first_token
    assert first is not None
    assert first >= 0.0


def test_an_answer_that_is_no_stream_has_no_first_piece() -> None:
    assert answered(CallableTarget(plain)).time_to_first_token is None


def test_the_first_piece_is_timed_when_it_comes_not_when_the_stream_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = iter([10.0, 10.5])
    monkeypatch.setattr("evalkit.targets.callable.monotonic", lambda: next(clock))
    monkeypatch.setattr("evalkit.targets.callable.monotonic", lambda: next(clock))
    assert answered(CallableTarget(streamed)).time_to_first_token == 0.5


PIECES = [
    pytest.param(["Pa", "ris"], "Paris", id="texts are joined"),
    pytest.param([""], "", id="an empty text is an answer"),
    pytest.param([1, 2], [1, 2], id="other pieces make a list"),
    pytest.param(["a", 1], ["a", 1], id="mixed pieces make a list"),
    pytest.param(["a", "b", Output(None, cost=0.1)], "ab", id="an output at the end tells more"),
    pytest.param(["a", Output("whole")], "whole", id="an output at the end has the last word"),
]


@pytest.mark.parametrize(("pieces", "expected"), PIECES)
def test_pieces_become_one_answer(pieces: list[Any], expected: Any) -> None:
    assert answered(CallableTarget(lambda question: iter(pieces))).value == expected


def test_an_output_is_given_on_as_it_is() -> None:
    output = Output("Paris", retrieved_context=["x"], usage={"input_tokens": 3}, cost=0.5)
    assert answered(CallableTarget(lambda question: output)) is output


def test_a_tool_call_without_text_is_an_answer() -> None:
    output = Output(None, tool_calls=[{"name": "search", "arguments": {}}])
    assert answered(CallableTarget(lambda question: output)) == output


VALUES = ["", 0, False, 0.5, [], {}, (1, 2), {"a": 1}, b"x"]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_bare_value_is_the_answer(value: Any) -> None:
    assert answered(CallableTarget(lambda question: value)) == Output(value)


EMPTY = [
    pytest.param(lambda question: None, id="None"),
    pytest.param(lambda question: Output(None), id="an output of None"),
    pytest.param(lambda question: iter(()), id="a stream without pieces"),
]


@pytest.mark.parametrize("function", EMPTY)
def test_no_answer_is_a_failure_with_its_own_reason(function: Callable[..., Any]) -> None:
    with pytest.raises(TargetError) as caught:
        answered(CallableTarget(function))
    assert caught.value.reason == "empty"


@pytest.mark.parametrize("asynchronous", [False, True], ids=["thread", "async"])
def test_an_exception_reaches_the_engine_as_it_is(*, asynchronous: bool) -> None:
    async def awaited_failure(question: str) -> str:
        raise KeyError(question)

    def failure(question: str) -> str:
        raise KeyError(question)

    with pytest.raises(KeyError, match="why"):
        answered(CallableTarget(awaited_failure if asynchronous else failure))


def test_awaitables_of_a_plain_function_share_one_loop() -> None:
    loops: set[int] = set()

    async def remembers() -> str:
        loops.add(id(asyncio.get_running_loop()))
        return "x"

    target = CallableTarget(lambda question: remembers())
    for _ in range(3):
        answered(target)
    assert len(loops) == 1


def test_a_target_is_called_once_a_case_and_never_to_look() -> None:
    calls: list[str] = []

    def remembers(question: str) -> str:
        calls.append(question)
        return "x"

    target = CallableTarget(remembers)
    target.check(CaseBatch.of([QUESTION.case]))
    assert not calls
    answered(target)
    assert calls == ["why?"]


def test_a_class_is_refused_with_advice() -> None:
    with pytest.raises(UsageError, match=r"is a class, not an instance; give Predicts\(...\)"):
        CallableTarget(Predicts)


def test_data_in_the_place_of_a_model_is_refused_with_advice() -> None:
    with pytest.raises(UsageError, match="Data goes into data="):
        CallableTarget([{"question": "why?"}])


REFERENCES = [
    pytest.param(json.dumps, "json:dumps", id="a function of a module"),
    pytest.param(lambda x: x, None, id="a lambda"),
    pytest.param(functools.partial(plain), None, id="a partial"),
    pytest.param(Method().answer, None, id="a method of an object"),
    pytest.param(Called(), None, id="an object"),
]


@pytest.mark.parametrize(("function", "reference"), REFERENCES)
def test_a_reference_leads_back_to_the_very_object(
    function: Callable[..., Any], reference: str | None
) -> None:
    assert CallableTarget(function).identity.reference == reference


def test_identity_says_kind_name_and_version() -> None:
    identity = CallableTarget(plain, name="bot-v2", version="2").identity
    assert (identity.kind, identity.name, identity.version) == ("callable", "bot-v2", "2")
