"""The lines of a batch: requests going out, and what became of each coming back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, parse_json
from evalkit.errors import TargetError
from evalkit.llm.batch.api import ENDPOINT
from evalkit.llm.connection import encoded, refusal_of, shown
from evalkit.llm.openai_reply import mapping_of, reply_of, sequence_of
from evalkit.llm.protocol import ChatReply

_OK: Final = 200
_ENDED: Final = {
    "expired": ("timeout", "the batch expired before this request was answered"),
    "cancelled": ("provider_error", "the batch was cancelled before this request was answered"),
}


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Why a request of a batch has no answer."""

    reason: str
    text: str
    again: bool
    """Whether another batch can help."""


Outcome = ChatReply | Unanswered


def request_line(custom_id: str, body: bytes) -> bytes:
    r"""Return the line that asks *body*, a chat completion's request.

    Examples:
        >>> request_line("a1", b'{"model":"m"}')
        b'{"custom_id":"a1","method":"POST","url":"/v1/chat/completions","body":{"model":"m"}}\n'
    """
    head = encoded({"custom_id": custom_id, "method": "POST", "url": ENDPOINT})
    return b"".join([head[:-1], b',"body":', body, b"}\n"])


def read_lines(content: bytes) -> Iterator[tuple[str, Outcome]]:
    """Yield the outcome of each line of an output or error file, with its ``custom_id``.

    Lines that are no JSON, or carry no ``custom_id``, are left out: their requests count as
    unanswered.
    """
    for line in content.splitlines():
        try:
            fields = mapping_of(parse_json(line))
        except ValueError:
            continue
        custom_id = fields.get("custom_id")
        if isinstance(custom_id, str):
            yield custom_id, _outcome(fields)


def _outcome(line: Mapping[str, Any]) -> Outcome:
    response, error = mapping_of(line.get("response")), mapping_of(line.get("error"))
    status = response.get("status_code")
    if isinstance(status, int) and status != _OK:
        refused = refusal_of(status, canonical_json(response.get("body") or error).decode())
        return Unanswered(refused.reason, refused.text, refused.again)
    if error:
        expired = error.get("code") == "batch_expired"
        text = shown(str(error.get("message") or error.get("code")))
        return Unanswered("timeout" if expired else "provider_error", text, again=True)
    try:
        return reply_of(response.get("body"))
    except TargetError as raised:
        return Unanswered(raised.reason, raised.explanation, again=False)


def without_answer(batch: Mapping[str, Any]) -> Unanswered:
    """Return why a request has no line in the files of a *batch* that has ended.

    Examples:
        >>> without_answer({"status": "expired"}).reason
        'timeout'
    """
    status = str(batch.get("status"))
    if status in _ENDED:
        return Unanswered(*_ENDED[status], again=True)
    listed = sequence_of(mapping_of(batch.get("errors")).get("data"))
    first = mapping_of(listed[0]) if listed else {}
    why = first.get("message") or first.get("code")
    text = f"the batch failed: {shown(str(why))}" if why else f"the batch ended as {status}"
    return Unanswered("provider_error", text, again=True)


def answers_gone(error: TargetError) -> Unanswered:
    """Return why nothing can be read of a file that the provider keeps no more."""
    text = f"the provider keeps the batch's answers no more; run again to ask anew ({error})"
    return Unanswered(error.reason, text, again=False)
