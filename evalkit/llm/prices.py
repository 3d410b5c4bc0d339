"""What tokens cost: prices that the user gives, else those in the installed litellm."""

from __future__ import annotations

import functools
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from evalkit._internal.canonical import parse_json
from evalkit.errors import UsageError

_MAP: Final = "model_prices_and_context_window_backup.json"
_MILLION: Final = 1e6
_PRICE_NUMBERS: Final = (2, 3, 4)

Price = Sequence[float]
"""US dollars for a million tokens: input, output, and (if they differ) input that is read from a
cache, and input that is written to one."""


class Prices:
    """Prices of models by model string; a model without one has an unknown price, never 0.

    Examples:
        >>> prices = Prices({"hosted_vllm/qwen3": (0.2, 0.8)})
        >>> prices.cost("hosted_vllm/qwen3", {"input_tokens": 1000, "output_tokens": 500})
        0.0006
        >>> prices.cost("hosted_vllm/other", {"input_tokens": 1}) is None
        True
    """

    def __init__(self, given: Mapping[str, Price] | None = None) -> None:
        """Use the prices *given* before those of litellm.

        Raises:
            UsageError: If a price is not two to four numbers of at least 0.
        """
        self._given: dict[str, tuple[float, ...]] = {}
        for model, price in (given or {}).items():
            numbers = tuple(float(number) for number in price)
            if len(numbers) not in _PRICE_NUMBERS or not all(number >= 0 for number in numbers):
                raise UsageError(
                    f"prices= of {model!r} should be dollars for a million tokens in and out, "
                    f"such as (0.25, 2.0); got {price!r}."
                )
            self._given[model] = numbers

    def cost(self, model: str, usage: Mapping[str, int] | None) -> float | None:
        """Return the price in US dollars of a call with *usage*; ``None`` if it is unknown."""
        price: Price | None = self._given.get(model) or _listed(model)
        if price is None or usage is None or "input_tokens" not in usage:
            return None
        read = min(usage.get("cached_tokens", 0), usage["input_tokens"])
        written = min(usage.get("cache_write_tokens", 0), usage["input_tokens"] - read)
        fresh = usage["input_tokens"] - read - written
        price_in, price_out, price_read, price_written = (*price, *[price[0]] * (4 - len(price)))
        return (
            fresh * price_in
            + usage.get("output_tokens", 0) * price_out
            + read * price_read
            + written * price_written
        ) / _MILLION


def _listed(model: str) -> tuple[float, ...] | None:
    prefix, _, rest = model.partition("/")
    entries = _map()
    entry = entries.get(model)
    if entry is None and rest:
        plain = entries.get(rest)
        entry = plain if plain is not None and plain.get("litellm_provider") == prefix else None
    if not entry or entry.get("mode", "chat") not in {"chat", "completion", "responses"}:
        return None
    price_in = entry.get("input_cost_per_token")
    price_out = entry.get("output_cost_per_token")
    if not price_in or price_out is None:
        return None  # a price of 0 stands for a server of one's own: unknown, not free
    names = ("cache_read_input_token_cost", "cache_creation_input_token_cost")
    cached = [price_in if entry.get(name) is None else entry[name] for name in names]
    return tuple(price * _MILLION for price in (price_in, price_out, *cached))


@functools.lru_cache(maxsize=1)
def _map() -> Mapping[str, Any]:
    """Read the price map that litellm ships, without importing litellm, which takes a second."""
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    try:
        entries: dict[str, Any] = parse_json((Path(spec.origin).parent / _MAP).read_bytes())
    except (OSError, ValueError):
        return {}
    return entries
