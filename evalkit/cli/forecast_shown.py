"""What a dry run says of calls, tokens and dollars."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

_CENTS_BELOW: Final = 100


def forecast_lines(expected: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each that asks models, one for all, and how the numbers were come by.

    Examples:
        >>> list(forecast_lines({"askers": [], "notes": []}))
        ['no model is asked']
    """
    askers = expected["askers"]
    if not askers:
        yield "no model is asked"
        return
    for asker in askers:
        model = asker["model"]
        whose = "target" if asker["role"] == "target" else f"{asker['role']} {asker['name']}"
        asked = f"{whose} ({model})" if model and model != asker["name"] else whose
        batched = ", by batches" if asker["batched"] else ""
        yield f"{asked}: {_amounts(asker)}{batched}"
    if len(askers) > 1:
        yield f"in all: {_amounts(expected['total'])}"
    yield from _methods(expected)


def _methods(expected: Mapping[str, Any]) -> Iterator[str]:
    n, cases = expected["sampled"], expected["cases"]
    some = f"{n:,} of {cases:,} cases, drawn by the seed; 95 % intervals"
    yield f"From the prompts of {'all cases' if n == cases else some}."
    yield from dict.fromkeys(told for asker in expected["askers"] for told in asker["method"])
    yield from expected["notes"]


def _amounts(found: Mapping[str, Any]) -> str:
    parts = [f"{_range(found['calls'])} calls"]
    if found["recorded"] and found["recorded"]["value"] >= 1:
        parts.append(f"{found['recorded']['value']:,.0f} more are recorded or equal")
    if found["input_tokens"] is None:
        parts.append("tokens unknown")
    else:
        parts.append(f"{_range(found['input_tokens'])} tokens in")
        parts.append(f"{_range(found['output_tokens'])} out")
    parts.append("price unknown" if found["usd"] is None else _dollars(found["usd"]))
    return ", ".join(parts)


def _range(amount: Mapping[str, float]) -> str:
    low, value, high = (round(amount[end]) for end in ("low", "value", "high"))
    return f"{value:,}" if low == value == high else f"{value:,} ({low:,} to {high:,})"


def _dollars(amount: Mapping[str, float]) -> str:
    low, value, high = (_money(amount[end]) for end in ("low", "value", "high"))
    return f"${value}" if low == value == high else f"${value} ({low} to {high})"


def _money(dollars: float) -> str:
    return f"{dollars:,.0f}" if dollars >= _CENTS_BELOW else f"{dollars:.2g}"
