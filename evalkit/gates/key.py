"""Keys of a result: a metric, perhaps under a function, perhaps of one tag's cases only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from evalkit.errors import GateSyntaxError

_QUANTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
FUNCTIONS: Final = ("mean", "median", "rate", "min", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A parsed key, such as ``p95(operations.latency)`` or ``text.token_f1[language=de]``."""

    metric: str
    function: str | None = None
    """``mean``, ``median``, ``rate``, ``min``, ``max`` or ``quantile``."""

    quantile: float | None = None
    """Share below the quantile, in (0, 1)."""

    tags: tuple[tuple[str, str], ...] = field(default=())
    """Tag values that a case must have."""

    worst_by: str | None = None
    """Tag whose worst value is meant."""


def parse_key(text: str, *, whole: str | None = None, offset: int = 0) -> Key:
    """Return the key that *text* writes.

    Args:
        text: The key.
        whole: The gate around it, for the error's pointer.
        offset: Place of *text* in *whole*.

    Raises:
        GateSyntaxError: If it does not parse.

    Examples:
        >>> parse_key("p95(operations.latency)").quantile
        0.95
        >>> parse_key("text.token_f1[language=de]").tags
        (('language', 'de'),)
        >>> parse_key("worst(m, by=language)").worst_by
        'language'
    """
    gate = text if whole is None else whole
    stripped = text.strip()
    start = offset + len(text) - len(text.lstrip())
    call = re.fullmatch(r"(\w+(?:\.\d+)?)\s*\((.*)\)(\[.*\])?", stripped, flags=re.DOTALL)
    if call is None or _is_reducer(stripped):
        return _plain(stripped, gate, start)
    name, inside, tags = call.group(1), call.group(2), call.group(3) or ""
    if name == "worst":
        return _worst(inside, gate, start + call.start(2))
    inner = _plain(inside.strip() + tags, gate, start + call.start(2))
    quantile = _QUANTILE.fullmatch(name)
    if quantile is not None and 0 < float(quantile.group(1)) < 100:  # noqa: PLR2004  percent
        share = float(quantile.group(1)) / 100
        return Key(metric=inner.metric, function="quantile", quantile=share, tags=inner.tags)
    if name in FUNCTIONS:
        return Key(metric=inner.metric, function=name, tags=inner.tags)
    raise GateSyntaxError(gate, start, f"one of {', '.join(FUNCTIONS)}, p50, p95, worst")


def _is_reducer(text: str) -> bool:
    """Say whether the parentheses belong to a reducer's key, such as ``m.pass_at_k(4)``."""
    return (
        re.fullmatch(r"[^()]*\.(?:pass_at_k|pass_hat_k|at_least)\(\d+\)(\[.*\])?", text) is not None
    )


def _worst(inside: str, gate: str, start: int) -> Key:
    match = re.fullmatch(r"(.*),\s*by\s*=\s*(\w[\w.\-]*)\s*", inside, flags=re.DOTALL)
    if match is None:
        raise GateSyntaxError(gate, start + len(inside), "', by=tag' after the metric")
    inner = parse_key(match.group(1), whole=gate, offset=start)
    return Key(
        metric=inner.metric,
        function=inner.function,
        quantile=inner.quantile,
        tags=inner.tags,
        worst_by=match.group(2),
    )


def _plain(text: str, gate: str, start: int) -> Key:
    match = re.fullmatch(r"([^\[\]]+)((?:\[[^\[\]]*\])*)", text, flags=re.DOTALL)
    if match is None:
        raise GateSyntaxError(gate, start, "a metric, such as text.token_f1 or m[tag=value]")
    tags: list[tuple[str, str]] = []
    for part in re.finditer(r"\[([^\[\]]*)\]", match.group(2)):
        name, equals, value = part.group(1).partition("=")
        if not equals or not name.strip():
            position = start + match.end(1) + part.start(1)
            raise GateSyntaxError(gate, position, "tag=value inside the brackets")
        tags.append((name.strip(), value.strip()))
    return Key(metric=match.group(1).strip(), tags=tuple(tags))
