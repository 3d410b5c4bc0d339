"""Answers that no model need be asked about, and that fool some: empty, stock phrases, echoes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
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
_LONGEST_KEY: Final = 60


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
    caught = _caught(output, inputs, set(checks))
    if caught is None:
        return None
    folded = _folded(output)
    expected = any(_folded(text) == folded for text in _texts(expectations.values()))
    return None if expected else caught


def _caught(
    output: str, inputs: Mapping[str, Any], checks: Collection[str]
) -> tuple[str, str] | None:
    stripped = output.strip()
    if not stripped:
        return ("empty", "The output is empty.") if "empty" in checks else None
    if "master_key" in checks and len(stripped) <= _LONGEST_KEY:
        bare = _folded(stripped).strip(_EDGES)
        if not bare or bare in _MASTER_KEYS:
            return "master_key", f"The output says nothing: {stripped!r}."
    if "echo" in checks and any(_is_echo(stripped, text) for text in _texts(inputs.values())):
        return "echo", "The output repeats the input."
    return None


def _is_echo(output: str, text: str) -> bool:
    # Nearly every output begins otherwise than the input, and is known by it at once.
    if output[:1].casefold() != text.lstrip()[:1].casefold():
        return False
    folded = _folded(text)
    return folded == _folded(output) and ("?" in folded or len(folded.split()) >= _FEWEST_WORDS)


def _folded(text: str) -> str:
    return " ".join(text.replace("\u2019", "'").split()).casefold()


def _texts(values: Iterable[Any]) -> Iterable[str]:
    for value in values:
        for item in value if isinstance(value, (list, tuple)) else (value,):
            text = as_text(item)
            if text is not None:
                yield text
