"""Answers that no model need be asked about, and that fool some: empty, stock phrases, echoes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from evalkit.scoring.reading import as_text

CHECKS: Final = ("empty", "master_key", "echo")

_MASTER_KEYS: Final = frozenset(
    {
        "thought process",
        "let's solve this problem step by step",
        "let us solve this problem step by step",
        "let's think step by step",
        "solution",
        "solution process",
        "the solution",
        "answer",
        "the answer",
        "final answer",
        "reasoning",
        "explanation",
        "解",
        "解答",
        "かいせつ",
        "解説",
        "respuesta",
        "solución",
        "lösung",
        "réponse",
    }
)
_EDGES: Final = " \t\n.,:;-–—…*#_`\"'()[]{}"
_FEWEST_WORDS: Final = 4


def precheck(
    output: str,
    *,
    inputs: Mapping[str, Any],
    expectations: Mapping[str, Any],
    checks: Iterable[str] = CHECKS,
) -> tuple[str, str] | None:
    """Return which check *output* fails, and why in prose; ``None`` if a model has to be asked.

    An output that the case expects is never caught, and neither is an echo of a few words: names
    and numbers are often right as they stand.

    Examples:
        >>> precheck("Thought process:", inputs={}, expectations={})[0]
        'master_key'
        >>> precheck("Solution", inputs={}, expectations={"target": "Solution"}) is None
        True

    References:
        Zhao et al. (2025), *One Token to Fool LLM-as-a-Judge*, arXiv 2507.08794.
    """
    folded = _folded(output)
    if any(_folded(text) == folded for text in _texts(expectations.values())):
        return None
    wanted = set(checks)
    if "empty" in wanted and not output.strip():
        return "empty", "The output is empty."
    bare = folded.strip(_EDGES)
    if "master_key" in wanted and output.strip() and (not bare or bare in _MASTER_KEYS):
        return "master_key", f"The output says nothing: {output.strip()[:60]!r}."
    if "echo" in wanted and bare:
        for text in _texts(inputs.values()):
            if _folded(text) == folded and (len(folded.split()) >= _FEWEST_WORDS or "?" in folded):
                return "echo", "The output repeats the input."
    return None


def _folded(text: str) -> str:
    return re.sub(r"\s+", " ", text.replace("\u2019", "'")).strip().casefold()


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        for item in value if isinstance(value, (list, tuple)) else (value,):
            text = as_text(item)
            if text is not None:
                yield text
