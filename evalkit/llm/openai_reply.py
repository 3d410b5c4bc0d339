"""Reading what OpenAI-compatible servers answer, whole or as a stream of events."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, cast

from evalkit._internal.canonical import parse_answer, parse_json
from evalkit.errors import TargetError
from evalkit.llm.connection import shown
from evalkit.llm.protocol import ChatReply
from evalkit.llm.tokens import usage_of


def read_reply(body: bytes) -> ChatReply:
    """Return the reply in the JSON *body* of a chat completion.

    Raises:
        TargetError: With reason ``invalid_response`` if it is none, or ``provider_error`` if it
            is an error that came with status 200.

    Examples:
        >>> read_reply(b'{"choices":[{"message":{"content":"Paris"},"finish_reason":"stop"}]}').text
        'Paris'
    """
    try:
        raw = parse_json(body)
    except ValueError as error:
        text = shown(body.decode("utf-8", "replace"))
        raise TargetError("invalid_response", f"the answer is not JSON ({error}): {text}") from None
    return reply_of(raw)


def reply_of(raw: Any) -> ChatReply:
    """Return the reply in a parsed chat completion.

    Raises:
        TargetError: As `read_reply` does.
    """
    completion = mapping_of(raw)
    if completion.get("error") and not completion.get("choices"):
        raise TargetError("provider_error", shown(_error_text(completion["error"])))
    choices = completion.get("choices")
    choice = mapping_of(choices[0]) if isinstance(choices, list) and choices else {}
    message = choice.get("message")
    if not isinstance(message, Mapping):
        raise TargetError(
            "invalid_response", f"the answer has no choices[0].message: {shown(str(raw))}"
        )
    said = cast("Mapping[str, Any]", message)
    return ChatReply(
        text=_text(said.get("content")),
        tool_calls=tool_calls_of(said.get("tool_calls")),
        usage=usage_of(completion.get("usage")),
        finish_reason=choice.get("finish_reason"),
        refusal=said.get("refusal"),
        logprobs=mapping_of(choice.get("logprobs")).get("content"),
        model=completion.get("model"),
        raw=raw,
    )


def tool_calls_of(calls: Any) -> list[dict[str, Any]]:
    """Return tool calls with ``name``, ``arguments`` and ``id``; unreadable arguments as text.

    Examples:
        >>> tool_calls_of([{"id": "1", "function": {"name": "add", "arguments": '{"a": 1}'}}])
        [{'name': 'add', 'arguments': {'a': 1}, 'id': '1'}]
    """
    tool_calls: list[dict[str, Any]] = []
    for call in sequence_of(calls):
        function = mapping_of(mapping_of(call).get("function"))
        arguments: Any = function.get("arguments")
        if isinstance(arguments, str):
            # A model wrote them: where they are not JSON, a scorer must see what it wrote.
            with contextlib.suppress(ValueError):
                arguments = parse_answer(arguments or "{}")
        identifier = mapping_of(call).get("id")
        tool_calls.append({"name": function.get("name"), "arguments": arguments, "id": identifier})
    return tool_calls


class StreamedReply:
    """Puts a streamed chat completion together, event by event.

    Examples:
        >>> streamed = StreamedReply()
        >>> streamed.add({"choices": [{"delta": {"content": "Pa"}}]})
        True
        >>> streamed.add({"choices": [{"delta": {"content": "ris"}, "finish_reason": "stop"}]})
        True
        >>> streamed.complete, streamed.reply(0.1).text
        (True, 'Paris')
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self._events: list[Any] = []
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._logprobs: list[Any] = []
        self._finish_reason: str | None = None
        self._usage: Any = None
        self._model: str | None = None

    @property
    def complete(self) -> bool:
        """Whether the model said why it stopped."""
        return self._finish_reason is not None

    def add(self, event: Any) -> bool:
        """Take one event in; say whether it held a piece of the answer.

        Raises:
            TargetError: With reason ``provider_error`` if it is an error.
        """
        read = mapping_of(event)
        if read.get("error"):
            raise TargetError("provider_error", shown(_error_text(read["error"])))
        self._events.append(event)
        self._usage = read.get("usage") or self._usage
        self._model = read.get("model") or self._model
        choices = sequence_of(read.get("choices"))
        choice = mapping_of(choices[0]) if choices else {}
        delta = mapping_of(choice.get("delta"))
        self._finish_reason = choice.get("finish_reason") or self._finish_reason
        self._logprobs += sequence_of(mapping_of(choice.get("logprobs")).get("content"))
        text, refusal, calls = (delta.get(name) for name in ("content", "refusal", "tool_calls"))
        if isinstance(text, str):
            self._texts.append(text)
        if isinstance(refusal, str):
            self._refusals.append(refusal)
        for call in sequence_of(calls):
            self._add_call(mapping_of(call))
        return bool(text or refusal or calls)

    def _add_call(self, piece: Mapping[str, Any]) -> None:
        call = self._calls.setdefault(
            piece.get("index") or 0, {"id": None, "function": {"name": "", "arguments": ""}}
        )
        call["id"] = piece.get("id") or call["id"]
        for name, text in mapping_of(piece.get("function")).items():
            call["function"][name] = (call["function"].get(name) or "") + (text or "")

    def reply(self, time_to_first_token: float | None) -> ChatReply:
        """Return the whole answer."""
        return ChatReply(
            text="".join(self._texts) if self._texts else None,
            tool_calls=tool_calls_of([self._calls[index] for index in sorted(self._calls)]),
            usage=usage_of(self._usage),
            finish_reason=self._finish_reason,
            refusal="".join(self._refusals) or None,
            logprobs=self._logprobs or None,
            model=self._model,
            time_to_first_token=time_to_first_token,
            raw=self._events,
        )


def _text(content: Any) -> str | None:
    """Return the text of a message's content, which some servers give in parts."""
    if isinstance(content, list):
        parts = [mapping_of(part).get("text") for part in content]
        texts = [part for part in parts if isinstance(part, str)]
        return "".join(texts) if texts else None
    return content if isinstance(content, str) else None


def _error_text(error: Any) -> str:
    return str(mapping_of(error).get("message") or error)


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return *value*, or an empty mapping where a provider sent something else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


def sequence_of(value: Any) -> Sequence[Any]:
    """Return *value*, or nothing where a provider sent no list."""
    return cast("Sequence[Any]", value) if isinstance(value, list) else ()
