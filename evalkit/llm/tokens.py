"""How many tokens a provider says a call took: one reading of every dialect.

``input_tokens`` counts what was read from a cache and written to one too, ``output_tokens`` what
was thought.  Some providers put these beside the counts and not inside, which only their total, or
the spelling of their names, tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

_INSIDE: Final = ("prompt_tokens", "promptTokenCount", "prompt_token_count", "prompt_eval_count")
"""Input as it is counted with what a cache held."""

_BESIDE: Final = ("input_tokens", "inputTokens", "inputTokenCount")
"""Input as it is counted without, where the counts of the cache stand next to it."""

_TOOL_INPUT: Final = ("toolUsePromptTokenCount", "tool_use_prompt_token_count")
_OUTPUT: Final = (
    *("completion_tokens", "output_tokens", "outputTokens", "outputTokenCount"),
    *("candidatesTokenCount", "candidates_token_count", "eval_count"),
)
_TOTAL: Final = ("total_tokens", "totalTokens", "totalTokenCount", "total_token_count")
_READ_BESIDE: Final = (
    "cache_read_input_tokens",
    "cacheReadInputTokens",
    "cacheReadInputTokenCount",
)
_READ: Final = (
    *_READ_BESIDE,
    *("cachedContentTokenCount", "cached_content_token_count", "prompt_cache_hit_tokens"),
    *("cached_tokens", "cached_prompt_text_tokens"),
)
_WRITTEN_BESIDE: Final = (
    "cache_creation_input_tokens",
    "cacheWriteInputTokens",
    "cacheWriteInputTokenCount",
)
_WRITTEN: Final = (*_WRITTEN_BESIDE, "cache_write_tokens", "cache_creation_tokens")
_THOUGHT: Final = ("thoughtsTokenCount", "thoughts_token_count", "reasoning_tokens")
_OUTSIDE: Final = _THOUGHT[:2]
"""Thoughts that are never among the tokens of the answer: Google's."""

UNEXPLAINED: Final = "unexplained_tokens"
"""Tokens of a total that the parts do not explain."""

_DETAILS: Final = (
    *("prompt_tokens_details", "input_tokens_details"),
    *("completion_tokens_details", "output_tokens_details"),
)


def usage_of(usage: Any) -> dict[str, int] | None:
    """Return the tokens in what a provider calls its usage; ``None`` if it counted none.

    Where the provider's total is more than input and output together, reasoning that explains it
    is output; what nothing explains is ``unexplained_tokens``, which no price covers.  Of a total
    below the sum the same word holds 0.

    Sources: the references of OpenAI's Chat Completions and Responses, Anthropic's Messages,
    Gemini's ``UsageMetadata``, Bedrock's ``TokenUsage``, and DeepSeek's Chat Completion.

    Examples:
        >>> usage_of({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11})
        {'input_tokens': 9, 'output_tokens': 2}
        >>> usage_of({"input_tokens": 1, "cache_read_input_tokens": 8, "output_tokens": 2})
        {'input_tokens': 9, 'output_tokens': 2, 'cached_tokens': 8}
    """
    if not isinstance(usage, Mapping):
        return None
    given = cast("Mapping[str, Any]", usage)
    details = [part for name in _DETAILS if isinstance(part := given.get(name), Mapping)]
    places = [given, *details]
    read, written = _first(places, _READ), _first(places, _WRITTEN)
    thought, total = _first(places, _THOUGHT), _first([given], _TOTAL)
    inputs, outputs = _first([given], _INSIDE), _first([given], _OUTPUT)
    cache = 0
    if inputs is None:
        inputs = _first([given], _BESIDE)
        if inputs is not None:  # what is counted in details is inside, as OpenAI has it
            cache = sum(_first([given], n) or 0 for n in (_READ_BESIDE, _WRITTEN_BESIDE))
            inputs += cache
    if inputs is not None:
        inputs += _first([given], _TOOL_INPUT) or 0
    beside = _first([given], _OUTSIDE)
    if beside is not None:
        outputs = (outputs or 0) + beside
    rest = 0
    if total and inputs is not None:
        rest = total - inputs - (outputs or 0)
        if rest > 0 and thought and beside is None and rest >= thought > 0:
            outputs, rest = (outputs or 0) + thought, rest - thought
        rest = 0 if rest == -cache else rest  # Bedrock's total has left the cache out, too
    counts = {
        "input_tokens": inputs,
        "output_tokens": outputs,
        "cached_tokens": read,
        "cache_write_tokens": written,
        "reasoning_tokens": thought,
        UNEXPLAINED: max(0, rest) if rest else None,
    }
    return {name: count for name, count in counts.items() if count is not None} or None


def _first(places: Iterable[Mapping[str, Any]], names: Iterable[str]) -> int | None:
    """Return the first count among *names* in any of *places*; zeros only if there is no other.

    What is below 0 counts nothing.
    """
    counts = [
        count
        for place in places
        for name in names
        if isinstance(count := place.get(name), int) and not isinstance(count, bool) and count >= 0
    ]
    return next((count for count in counts if count > 0), counts[0] if counts else None)
