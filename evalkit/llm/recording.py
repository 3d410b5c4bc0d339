"""What a recorded call is: its key, what was asked, and what came back, all of it plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from evalkit._internal.canonical import canonical_json, content_hash, parse_json
from evalkit.entities.target import Invocation, TargetIdentity
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.secrets import masked_json, names_secret

_REPLY_FIELDS: Final = (
    "text",
    "tool_calls",
    "usage",
    "finish_reason",
    "refusal",
    "logprobs",
    "cost",
    "model",
    "latency_seconds",
    "time_to_first_token",
)

SUBJECTS: Final = ("messages", "inputs", "request")
"""What a call was about: a model's, that of a target, and one by HTTP."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """One call that can be answered again without being made."""

    key: str
    """Digest of all that was asked: 32 hexadecimal digits."""

    label: str
    """What was asked, for people and for the names of folders: the model or target."""

    subject: str
    """Digest of what the call was about, whoever was asked and how."""

    written: bytes
    """What was asked, as canonical JSON."""

    @property
    def asked(self) -> Mapping[str, Any]:
        """What was asked, as it is read back, so that equal calls compare equal."""
        return cast("Mapping[str, Any]", parse_json(self.written))

    def differences(self, other: Mapping[str, Any]) -> list[str]:
        """Return the names of what differs between this call and another one.

        Examples:
            >>> call = recording_of({"model": "m", "repeat": 0}, label="m", subject="q")
            >>> call.differences({"model": "m", "repeat": 1})
            ['repeat']
        """
        own = self.asked
        names = dict.fromkeys([*own, *other])
        return [name for name in names if own.get(name) != other.get(name)]


def recording_of(question: Mapping[str, Any], *, label: str, subject: Any) -> Recording:
    """Return the recording under whose key *question* is kept."""
    written = canonical_json(question)
    return Recording(
        key=content_hash(written, size=16),
        label=label,
        subject=content_hash(canonical_json(subject), size=8),
        written=written,
    )


def recording_of_call(model: ChatModel, request: ChatRequest, repeat: int) -> Recording:
    """Return the recording of a model call; settings that are secrets are left out."""
    question: dict[str, Any] = {
        "model": model.name,
        "base_url": model.base_url,
        "messages": list(request.messages),
        "sampling": {k: v for k, v in request.sampling.items() if not names_secret(k)},
        "schema": request.response_schema,
        "tools": None if request.tools is None else list(request.tools),
        "repeat": repeat,
    }
    if request.occurrence:  # first ones keep the key that they have always had
        question["occurrence"] = request.occurrence
    return recording_of(question, label=model.name, subject=question["messages"])


def recording_of_output(identity: TargetIdentity, invocation: Invocation) -> Recording:
    """Return the recording of what a versioned target answers."""
    question: dict[str, Any] = {
        "target": identity.name,
        "kind": identity.kind,
        "version": identity.version,
        "parameters": identity.parameters,
        "inputs": invocation.case.inputs,
        "history": list(invocation.history),
        "repeat": invocation.repeat,
    }
    return recording_of(question, label=identity.name, subject=question["inputs"])


def reply_to_json(reply: ChatReply) -> dict[str, Any]:
    """Return what is kept of a reply: all but the provider's raw response."""
    return {name: value for name in _REPLY_FIELDS if (value := getattr(reply, name)) is not None}


def reply_from_json(fields: Mapping[str, Any]) -> ChatReply:
    """Return the reply that `reply_to_json` wrote."""
    values: dict[str, Any] = {name: fields[name] for name in _REPLY_FIELDS if name in fields}
    return ChatReply(text=values.pop("text", None), **values)


def masked_reply(reply: ChatReply) -> ChatReply:
    """Return *reply* without secrets of the environment, as scorers see it and files keep it."""
    written = canonical_json(reply_to_json(reply))
    hidden = masked_json(written)
    return reply if hidden is written else reply_from_json(parse_json(hidden))


def masked_recording(recording: Recording) -> Recording:
    """Return *recording*, under its key, without secrets of the environment in what was asked."""
    hidden = masked_json(recording.written)
    return recording if hidden is recording.written else replace(recording, written=hidden)


def is_worth_keeping(reply: ChatReply) -> bool:
    """Say whether to record a reply: not one that is refused, held back or empty.

    Examples:
        >>> is_worth_keeping(ChatReply(text="4")), is_worth_keeping(ChatReply(text=""))
        (True, False)
    """
    refused = reply.refusal is not None or reply.finish_reason == "content_filter"
    return not refused and bool(reply.text or reply.tool_calls)
