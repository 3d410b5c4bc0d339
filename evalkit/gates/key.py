"""Keys of a result: a metric, perhaps under a function, perhaps of one tag's cases only."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Final

from evalkit.errors import GateSyntaxError

_QUANTILE: Final = re.compile(r"p(\d{1,2}(?:\.\d+)?)")
_TAGS: Final = re.compile(r"(?:\[[^\[\]]*\])*", re.DOTALL)
_REDUCED: Final = re.compile(
    r"[^()]*\.(?:pass_at_k|pass_hat_k|at_least)\(\d+(?:, threshold=[^()]+)?\)(\[.*\])?"
)
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


def parse_key(
    text: str, *, names: Collection[str] = (), whole: str | None = None, offset: int = 0
) -> Key:
    """Return the key that *text* writes.

    Tags may stand behind the metric, behind a function, or behind ``worst(…)``: wherever they
    stand, they say which cases count.

    Args:
        text: The key.
        names: Metrics that there are, so that one may have brackets in its name.
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
        >>> parse_key("p95(time (s))", names=["time (s)"]).metric
        'time (s)'
    """
    gate = text if whole is None else whole
    stripped = text.strip()
    start = offset + len(text) - len(text.lstrip())
    call = re.fullmatch(r"(\w+(?:\.\d+)?)\s*\((.*)\)(\[.*\])?", stripped, flags=re.DOTALL)
    if call is None or _metric_at_start(stripped, names) or _is_reducer(stripped):
        return _plain(stripped, names, gate, start)
    name, inside, tags = call.group(1), call.group(2), call.group(3) or ""
    if name == "worst":
        return _worst(inside, tags, names, gate, start + call.start(2))
    inner = _plain(inside.strip() + tags, names, gate, start + call.start(2))
    quantile = _QUANTILE.fullmatch(name)
    if quantile is not None and 0 < float(quantile.group(1)) < 100:  # noqa: PLR2004  percent
        share = float(quantile.group(1)) / 100
        return replace(inner, function="quantile", quantile=share)
    if name in FUNCTIONS:
        return replace(inner, function=name)
    raise GateSyntaxError(gate, start, f"one of {', '.join(FUNCTIONS)}, p50, p95, worst")


def _metric_at_start(text: str, names: Collection[str]) -> str | None:
    """Return the longest of *names* behind which *text* has tags, if anything."""
    fits = (n for n in names if text.startswith(n) and _TAGS.fullmatch(text, len(n)) is not None)
    return max(fits, key=len, default=None)


def _is_reducer(text: str) -> bool:
    """Say whether the parentheses belong to a reducer's key, such as ``m.pass_at_k(4)``."""
    return _REDUCED.fullmatch(text) is not None


def _worst(inside: str, tags: str, names: Collection[str], gate: str, start: int) -> Key:
    halves = re.fullmatch(r"(.*),\s*by\s*=\s*(\w[\w.\-]*)\s*", inside, flags=re.DOTALL)
    if halves is None:
        raise GateSyntaxError(gate, start + len(inside), "', by=tag' after the metric")
    inner = parse_key(halves.group(1).strip() + tags, names=names, whole=gate, offset=start)
    if inner.worst_by is not None:
        raise GateSyntaxError(gate, start, "a metric, or one function of it, inside worst(…)")
    return replace(inner, worst_by=halves.group(2))


def _plain(text: str, names: Collection[str], gate: str, start: int) -> Key:
    metric = _metric_at_start(text, names)
    if metric is None:
        begin = re.match(r"[^\[\]]+", text)
        if begin is None or _TAGS.fullmatch(text, begin.end()) is None:
            raise GateSyntaxError(gate, start, "a metric, such as text.token_f1 or m[tag=value]")
        metric = begin.group()
    tags: list[tuple[str, str]] = []
    for part in re.compile(r"\[([^\[\]]*)\]").finditer(text, len(metric)):
        name, equals, value = part.group(1).partition("=")
        if not equals or not name.strip():
            raise GateSyntaxError(gate, start + part.start(1), "tag=value inside the brackets")
        tags.append((name.strip(), value.strip()))
    return Key(metric=metric.strip(), tags=tuple(tags))
