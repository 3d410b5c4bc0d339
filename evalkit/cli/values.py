"""How the command line writes values: ``key=value``, shares and counts, budgets.

Each reader is the callback of an option: it gets the texts that were given, and raises
`click.BadParameter` for what makes no sense.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import click

from evalkit.errors import UsageError
from evalkit.llm.budget import limits_of


def given(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that were given.

    Examples:
        >>> given({"limit": 3, "split": None, "gates": (), "columns": {}, "durable": False})
        {'limit': 3, 'durable': False}
    """
    return {name: value for name, value in values.items() if value not in (None, (), {})}


def data_of(_context: Any, _option: Any, texts: Iterable[str]) -> str | list[str] | None:
    """Return the file, or the list of files, that are the data.

    Examples:
        >>> data_of(None, None, ["a.jsonl"]), data_of(None, None, ["a.jsonl", "b.jsonl"])
        ('a.jsonl', ['a.jsonl', 'b.jsonl'])
    """
    names = list(texts)
    return names if len(names) > 1 else names[0] if names else None


def tags_of(_context: Any, _option: Any, texts: Iterable[str]) -> dict[str, str]:
    """Return pairs as a mapping.

    Examples:
        >>> tags_of(None, None, ["team=search", "note=a=b"])
        {'team': 'search', 'note': 'a=b'}
    """
    return dict(_pair(text) for text in texts)


def columns_of(_context: Any, _option: Any, texts: Iterable[str]) -> dict[str, Any]:
    """Return ``columns=`` from pairs: a field given twice has a list, as tags always have.

    Examples:
        >>> columns_of(None, None, ["inputs=q", "tags=region", "outputs="])
        {'inputs': 'q', 'tags': ['region'], 'outputs': None}
    """
    fields: dict[str, list[str]] = {}
    for field, column in map(_pair, texts):
        fields.setdefault(field, []).append(column)
    return {field: _column(field, columns) for field, columns in fields.items()}


def _column(field: str, columns: list[str]) -> str | list[str] | None:
    if columns == [""]:
        return None
    return columns if len(columns) > 1 or field == "tags" else columns[0]


def sampling_of(_context: Any, _option: Any, texts: Iterable[str]) -> dict[str, Any]:
    """Return a chat model's settings: values are read as JSON, and else are texts.

    Examples:
        >>> sampling_of(None, None, ["temperature=0.7", 'stop=["A"]', "user=me"])
        {'temperature': 0.7, 'stop': ['A'], 'user': 'me'}
    """
    return {key: _value(text) for key, text in map(_pair, texts)}


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _pair(text: str) -> tuple[str, str]:
    key, equals, rest = text.partition("=")
    if not equals or not key.strip():
        raise click.BadParameter(f"{text!r} is not of the form KEY=VALUE.")
    return key.strip(), rest.strip()


def sample_of(_context: Any, _option: Any, text: str | None) -> int | float | None:
    """Return a count where a whole number is given, else a share; ``10%`` is a share too.

    Examples:
        >>> sample_of(None, None, "100"), sample_of(None, None, "0.1"), sample_of(None, None, "5%")
        (100, 0.1, 0.05)
    """
    if text is None:
        return None
    try:
        if text.endswith("%"):
            return float(text[:-1]) / 100
        return int(text) if text.isdecimal() else float(text)
    except ValueError:
        problem = f"{text!r} is neither a share, such as 0.1, nor a count."
        raise click.BadParameter(problem) from None


def budget_of(_context: Any, _option: Any, texts: Iterable[str]) -> dict[str, Any]:
    """Return limits by unit, and by role and unit; a bare number is in US dollars."""
    try:
        return limits_of(texts)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def prices_of(_context: Any, _option: Any, texts: Iterable[str]) -> dict[str, list[float]]:
    """Return prices by model: dollars for a million tokens in and out.

    Examples:
        >>> prices_of(None, None, ["hosted_vllm/qwen3=0.2,0.8"])
        {'hosted_vllm/qwen3': [0.2, 0.8]}
    """
    prices: dict[str, list[float]] = {}
    for text in texts:
        model, _, numbers = text.rpartition("=")
        try:
            prices[model] = [float(number) for number in numbers.split(",")]
        except ValueError:
            problem = f"{text!r} is not MODEL=IN,OUT, such as hosted_vllm/qwen3=0.2,0.8."
            raise click.BadParameter(problem) from None
    return prices
