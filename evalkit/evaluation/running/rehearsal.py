"""Calls that would be made: noted by a session that asks nobody, then turned into dollars."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from evalkit._internal.canonical import canonical_json, content_hash
from evalkit.errors import NotRecordedError
from evalkit.evaluation.running.forecast import NOTHING, Expected, Share, mean_of, total_of
from evalkit.llm.batch.promises import (
    CHARACTERS_A_TOKEN,
    USUAL_OUTPUT_TOKENS,
    length_of,
    output_limit,
)
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.prices import Prices
from evalkit.llm.protocol import ChatModel, ChatReply, ChatRequest
from evalkit.llm.recorder import Recorder
from evalkit.llm.recording import recording_of_call, reply_from_json
from evalkit.llm.session import ModelSession, Reads, is_replayed

_REPLY: Final = ChatReply(text=None, refusal="This was a rehearsal: nobody was asked.")
"""What a call that was not made gets: nobody repairs a refusal, or asks on because of it."""

_BY_RULE: Final = Expected(1 / CHARACTERS_A_TOKEN, 1 / 5, 1 / 3)
"""Tokens a character where nothing was recorded: English has 3 to 5 characters a token."""

_SPREAD: Final = 4.0
"""Within which factor of the usual length an answer of which nothing is known is taken to lie."""

_FEWEST: Final = 5
"""Recorded calls below which nothing is told by them."""

_MILLION: Final = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Noted:
    """One call that would be made, or that a recording answers."""

    role: str
    model: str | None
    """Model string; ``None`` for code of the user's own."""

    recorded: bool
    """Whether it costs nothing: recorded, in a batch on its way, or noted before."""

    form: str = ""
    """Digest of schema and tools, by which calls of the same kind are known."""

    length: int = 0
    """Characters of the question, by `length_of`."""

    limit: int | None = None
    """Most tokens of the answer, where the settings say so."""


class Rehearsal(ModelSession):
    """Notes calls; what is recorded is answered by its recording, the rest by a refusal."""

    def __init__(self, *, recorder: Recorder, pending: Iterable[str] = ()) -> None:
        """Note nothing yet.

        Args:
            recorder: What would answer without a call.
            pending: Keys of calls that batches on their way would answer.
        """
        super().__init__(recorder=recorder)
        self._noted: list[Noted] = []
        self._answered = set(pending)

    async def complete(
        self,
        model: ChatModel,
        request: ChatRequest,
        *,
        role: str,
        repeat: int = 0,
        reads: Reads | None = None,
    ) -> ChatReply:
        """Note the call; return its recording, or a refusal."""
        recording = recording_of_call(model, request, repeat or request.repeat)
        try:
            reply = self.recorder.find(recording) if self.recorder.mode != "live" else None
        except NotRecordedError:
            reply = None
        if reply is not None and not is_replayed(reply, self.recorder.mode, reads):
            reply = None
        noted = Noted(
            role=role,
            model=model.name,
            recorded=reply is not None or recording.key in self._answered,
            form=_form_of(request),
            length=length_of(request),
            limit=output_limit(request.sampling),
        )
        if self.recorder.on:
            self._answered.add(recording.key)  # an equal call is made once
        self._noted.append(noted)
        return _REPLY if reply is None else reply_from_json(reply)

    def take(self) -> list[Noted]:
        """Return what was noted since the last time."""
        noted, self._noted = self._noted, []
        return noted


def _form_of(request: ChatRequest) -> str:
    tools = None if request.tools is None else list(request.tools)
    return content_hash(canonical_json([request.response_schema, tools]), size=8)


class Usage(NamedTuple):
    """What recorded calls of one kind have used."""

    tokens_a_character: list[float]
    output_tokens: list[float]


class UsageByKind:
    """What recorded calls have used, by model and form.

    Examples:
        >>> asked = {"model": "m", "messages": [{"role": "user", "content": "x" * 24}]}
        >>> tokens = {"input_tokens": 10, "output_tokens": 3}
        >>> usage = UsageByKind([(asked, {"usage": tokens})] * 6).of("m", "any other form")
        >>> usage.tokens_a_character[0], usage.output_tokens
        (0.25, [3, 3, 3, 3, 3, 3])
    """

    def __init__(self, recorded: Iterable[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Take in what calls asked and what came back, as recordings have it."""
        self._kinds: dict[tuple[str, str | None], Usage] = {}
        for question, reply in recorded:
            tokens = reply.get("usage") or {}
            if "messages" not in question or not {"input_tokens", "output_tokens"} <= tokens.keys():
                continue
            request = ChatRequest(
                messages=question["messages"],
                response_schema=question.get("schema"),
                tools=question.get("tools"),
            )
            for form in (_form_of(request), None):
                usage = self._kinds.setdefault((question["model"], form), Usage([], []))
                usage.tokens_a_character.append(tokens["input_tokens"] / length_of(request))
                usage.output_tokens.append(tokens["output_tokens"])

    def of(self, model: str | None, form: str) -> Usage | None:
        """Return recorded calls of this model and form, else of the model, if they are enough."""
        for kind in ((model or "", form), (model or "", None)):
            usage = self._kinds.get(kind)
            if usage is not None and len(usage.output_tokens) >= _FEWEST:
                return usage
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimator:
    """Turns noted calls into what all cases will use."""

    n: int
    """How many cases there are."""

    repeats: int
    usage: UsageByKind
    prices: Prices
    batch: BatchSettings | None

    def shares(self, name: str, cells: Sequence[Sequence[Noted]]) -> list[Share]:
        """Return a share for each model asked in the *cells* of sampled cases, repeats together."""
        cases = [
            [call for cell in cells[start : start + self.repeats] for call in cell]
            for start in range(0, len(cells), self.repeats)
        ]
        askers = dict.fromkeys((call.role, call.model) for case in cases for call in case)
        return [
            self._share(name, [[c for c in case if (c.role, c.model) == asker] for case in cases])
            for asker in askers
        ]

    def _share(self, name: str, cases: Sequence[Sequence[Noted]]) -> Share:
        call = next(call for case in cases for call in case)
        paid = [[call for call in case if not call.recorded] for case in cases]
        share = Share(
            role=call.role,
            name=name,
            model=call.model,
            calls=total_of([len(case) for case in paid], self.n),
            recorded=total_of([sum(call.recorded for call in case) for case in cases], self.n),
            usd=NOTHING if all(call.recorded for case in cases for call in case) else None,
            method=("What code of your own asks of models is not known before it runs.",),
        )
        model = call.model
        if model is None:
            return share
        ratio, output, method = _tokens(model, call, self.usage)
        inputs = total_of([sum(call.length for call in case) for case in paid], self.n) * ratio
        outputs = share.calls * output
        # Priced by the million, since prices take whole tokens.
        price_in = self.prices.cost(model, {"input_tokens": _MILLION, "output_tokens": 0})
        price_out = self.prices.cost(model, {"input_tokens": 0, "output_tokens": _MILLION})
        usd, batched = share.usd, self.batch is not None and call.role in self.batch.roles
        if price_in is not None and price_out is not None:
            part = (self.batch.price_share if self.batch and batched else 1.0) / _MILLION
            usd = inputs * Expected.exactly(price_in * part)
            usd += outputs * Expected.exactly(price_out * part)
        return dataclasses.replace(
            share,
            input_tokens=inputs,
            output_tokens=outputs,
            usd=usd,
            batched=batched,
            method=method,
        )


def _tokens(
    model: str, call: Noted, kinds: UsageByKind
) -> tuple[Expected, Expected, tuple[str, ...]]:
    """Return tokens a character of a question, tokens of an answer, and where they are from."""
    usage = kinds.of(model, call.form)
    if usage is not None:
        n = len(usage.output_tokens)
        method = (
            f"Input tokens: as the provider counted them in {n} recorded calls of {model}.",
            f"Output tokens: the mean of {n} recorded answers of {model}.",
        )
        return mean_of(usage.tokens_a_character), mean_of(usage.output_tokens), method
    most = float(USUAL_OUTPUT_TOKENS * _SPREAD if call.limit is None else call.limit)
    likely, least = min(USUAL_OUTPUT_TOKENS, most), min(USUAL_OUTPUT_TOKENS / _SPREAD, most)
    span = f"({least:g} to {most:g})"
    if call.limit is None:
        span += ", with no max_tokens set"
    method = (
        f"Input tokens: {CHARACTERS_A_TOKEN} characters a token (3 to 5), and 16 more a message.",
        f"Output tokens: {likely:g} is assumed {span}; nothing is recorded.",
    )
    return _BY_RULE, Expected(likely, least, most), method
