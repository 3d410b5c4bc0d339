"""A session that notes what would be asked, and asks nobody."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.errors import NotRecordedError
from evalkit.llm.batch.promises import characters, output_limit
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of_call, reply_from_json
from evalkit.llm.session import ModelSession

REHEARSED: Final = ChatReply(text=None, refusal="This was a rehearsal: nobody was asked.")
"""What a call that was not made gets: nobody repairs a refusal, or asks on because of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One call that would be made, or that a recording answers."""

    role: str
    model: str
    form: str
    """Digest of schema and tools, by which calls of the same kind are known."""

    characters: int
    messages: int
    limit: int | None
    """Most tokens of the answer, where the settings say so."""

    recorded: bool
    """Whether it costs nothing: recorded, in a batch on its way, or noted before."""


class Rehearsal(ModelSession):
    """Notes calls; what is recorded is answered by its recording, the rest by `REHEARSED`."""

    def __init__(self, *, recorder: Recorder, pending: Iterable[str] = ()) -> None:
        """Note nothing yet.

        Args:
            recorder: What would answer without a call.
            pending: Keys of calls that batches on their way would answer.
        """
        super().__init__(recorder=recorder)
        self.noted: list[Noted] = []
        self._known = set(pending)

    async def complete(
        self, model: ChatModel, request: ChatRequest, *, role: str, repeat: int = 0
    ) -> ChatReply:
        """Note the call; return its recording, or `REHEARSED`."""
        recording = recording_of_call(model, request, repeat or request.repeat)
        reply: Mapping[str, Any] | None = None
        try:
            reply = self.recorder.find(recording) if self.recorder.mode != "live" else None
        except NotRecordedError:
            reply = None
        known = reply is not None or recording.key in self._known
        if self.recorder.on:
            self._known.add(recording.key)  # an equal call is made once
        self.noted.append(
            Noted(
                role=role,
                model=model.name,
                form=form_of(request.response_schema, request.tools),
                characters=characters(request),
                messages=len(request.messages),
                limit=output_limit(request.sampling),
                recorded=known,
            )
        )
        return REHEARSED if reply is None else reply_from_json(reply)

    def taken(self) -> list[Noted]:
        """Return what was noted since the last time."""
        noted, self.noted = self.noted, []
        return noted


def form_of(schema: Any, tools: Any) -> str:
    """Return a digest of what an answer has to follow."""
    return content_hash(canonical_json([schema, None if tools is None else list(tools)]), size=8)
