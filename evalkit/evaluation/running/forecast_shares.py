"""From the calls that a rehearsal noted to tokens and dollars, with intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from evalkit.evaluation.running.forecast import NOTHING, Expected, Share, mean_of, total_of
from evalkit.llm.batch.promises import CHARACTERS_A_TOKEN, USUAL_OUTPUT_TOKENS
from evalkit.llm.batch.settings import BatchSettings
from evalkit.llm.known_usage import KnownUsage
from evalkit.llm.prices import Prices
from evalkit.llm.rehearsal import Noted

_BY_RULE: Final = Expected(1 / CHARACTERS_A_TOKEN, 1 / 5, 1 / 3)
"""Tokens a character where nothing was recorded: English has 3 to 5 characters a token."""

_A_MESSAGE: Final = 4
_SPREAD: Final = 4.0
"""Within which factor of the usual length an answer of which nothing is known is taken to lie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Calls of one asker to one model, by sampled case."""

    role: str
    name: str
    model: str
    cases: Sequence[Sequence[Noted]]


def share_of(
    counted: Counted,
    *,
    n: int,
    usage: KnownUsage,
    prices: Prices,
    batch: BatchSettings | None,
) -> Share:
    """Return what *counted* comes to over all *n* cases."""
    paid = [[call for call in case if not call.recorded] for case in counted.cases]
    calls = total_of([len(case) for case in paid], n)
    recorded = total_of([len(a) - len(b) for a, b in zip(counted.cases, paid, strict=True)], n)
    lengths = total_of([sum(call.characters for call in case) for case in paid], n)
    messages = total_of([sum(call.messages for call in case) for case in paid], n)
    ratio, told_of_questions, is_measured = _tokens_a_character(counted, usage)
    asked = lengths * ratio
    if not is_measured:
        asked += messages * Expected.exactly(_A_MESSAGE)
    answer, told_of_answers = _answer_tokens(counted, usage)
    answered = calls * answer
    batched = batch is not None and counted.role in batch.roles
    share = batch.price_share if batch is not None and batched else 1.0
    return Share(
        role=counted.role,
        name=counted.name,
        model=counted.model,
        calls=calls,
        recorded=recorded,
        input_tokens=asked,
        output_tokens=answered,
        usd=_dollars(counted.model, asked, answered, prices, share),
        batched=batched,
        method=(told_of_questions, told_of_answers),
    )


def unpriced_share(name: str, recorded: Sequence[Sequence[bool]], n: int) -> Share:
    """Return the share of a target of the user's own: its calls are counted, no more is known."""
    known = total_of([sum(case) for case in recorded], n)
    made = total_of([len(case) - sum(case) for case in recorded], n)
    return Share(
        role="target",
        name=name,
        model=None,
        calls=made,
        recorded=known,
        input_tokens=None,
        output_tokens=None,
        usd=NOTHING if made.high == 0 else None,
        method=("What code of your own asks of models is not known before it runs.",),
    )


def _tokens_a_character(counted: Counted, usage: KnownUsage) -> tuple[Expected, str, bool]:
    seen = usage.of(counted.model, _form(counted))
    if seen is None:
        told = f"{CHARACTERS_A_TOKEN} characters a token (3 to 5), and {_A_MESSAGE} for a message"
        return _BY_RULE, f"Input tokens: {told}.", False
    told = f"as the provider counted them in {len(seen)} recorded calls of {counted.model}"
    return mean_of(seen.tokens_a_character), f"Input tokens: {told}.", True


def _answer_tokens(counted: Counted, usage: KnownUsage) -> tuple[Expected, str]:
    seen = usage.of(counted.model, _form(counted))
    if seen is not None:
        told = f"the mean of {len(seen)} recorded answers of {counted.model}"
        return mean_of(seen.output_tokens), f"Output tokens: {told}."
    limits = [call.limit for case in counted.cases for call in case]
    usual = float(USUAL_OUTPUT_TOKENS)
    if limits and limits[0] is not None:
        limit = float(limits[0])
        likely = min(usual, limit)
        told = f"{likely:g} is assumed, at most the limit of {limit:g}; nothing is recorded"
        return Expected(likely, min(usual / _SPREAD, limit), limit), f"Output tokens: {told}."
    told = f"{usual:g} is assumed ({usual / _SPREAD:g} to {usual * _SPREAD:g})"
    found = Expected(usual, usual / _SPREAD, usual * _SPREAD)
    return found, f"Output tokens: {told}; nothing is recorded, and no max_tokens is set."


def _form(counted: Counted) -> str:
    return next((call.form for case in counted.cases for call in case), "")


def _dollars(
    model: str, asked: Expected, answered: Expected, prices: Prices, share: float
) -> Expected | None:
    found: list[float] = []
    for end in ("value", "low", "high"):
        a, b = getattr(asked, end), getattr(answered, end)
        # Priced by the million, since prices take whole tokens.
        each = prices.cost(model, {"input_tokens": 10**6, "output_tokens": 0})
        more = prices.cost(model, {"input_tokens": 0, "output_tokens": 10**6})
        if each is None or more is None:
            return NOTHING if asked.high == 0 and answered.high == 0 else None
        found.append((a * each + b * more) / 10**6 * share)
    return Expected(*found)
