"""Parameters of scorers against their annotations, before anything is paid for."""

from __future__ import annotations

import collections.abc
import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from numbers import Integral, Real
from typing import Any, Final, Literal, cast

from evalkit.errors import UsageError, near_miss

_LISTS: Final = (collections.abc.Sequence, collections.abc.Collection, list, tuple)
_MAPPINGS: Final = (collections.abc.Mapping, dict)
_UNIONS: Final = (typing.Union, types.UnionType)


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool"  # numpy's too


_KINDS: Final[Mapping[Any, tuple[Callable[[Any], bool], str]]] = {
    bool: (_is_truth, "true or false"),
    int: (lambda value: isinstance(value, Integral) and not _is_truth(value), "a whole number"),
    float: (lambda value: isinstance(value, Real) and not _is_truth(value), "a number"),
    # Types stand for their names, as in value_type=bool.
    str: (lambda value: isinstance(value, (str, type)), "a text"),
    type(None): (lambda value: value is None, "null"),
}
"""Test and words of each plain annotation; others are left to the scorer."""


def checked_parameters(
    scorer: str, parameters: Mapping[str, Any], accepts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return *parameters* if each is among those that *accepts* annotates, and fits.

    One text where a list of texts is due is a list of one.  A text is no truth value, whatever it
    says: ``no`` in quotes would switch a setting on.

    Args:
        scorer: Its name, for the error.
        parameters: What a user gives, by name.
        accepts: Annotation of each parameter; see `parameter_types`.

    Raises:
        UsageError: If a parameter is unknown (near ones are suggested) or of another type.

    Examples:
        >>> checked_parameters("words", {"ignore_case": True}, {"ignore_case": bool})
        {'ignore_case': True}
        >>> checked_parameters("words", {"ignore_case": "no"}, {"ignore_case": bool})
        Traceback (most recent call last):
        evalkit.errors.UsageError: Scorer 'words' refuses ignore_case='no': it is true or false, \
written without quotes.
    """
    fitting: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in accepts:
            listed = ", ".join(accepts) or "none"
            raise UsageError(
                f"Scorer {scorer!r} has no parameter {name!r}.{near_miss(name, accepts)} "
                f"It has: {listed}; every scorer also takes name, reads and extract."
            )
        hint = accepts[name]
        as_list = isinstance(value, str) and not fits(value, hint) and fits([value], hint)
        fitting[name] = [value] if as_list else value
        if not fits(fitting[name], hint):
            quotes = ", written without quotes" if isinstance(value, str) and _bare(hint) else ""
            raise UsageError(
                f"Scorer {scorer!r} refuses {name}={value!r}: it is {described(hint)}{quotes}."
                + (near_miss(value, _choices(hint)) if isinstance(value, str) else "")
            )
    return fitting


def parameter_types(scorer: Any) -> dict[str, Any]:
    """Return the annotation of each field of a dataclass that a user may set; none of others."""
    if not dataclasses.is_dataclass(scorer):
        return {}
    hints = _hints(cast("Any", type(scorer)))
    return {
        field.name: hints.get(field.name, Any)
        for field in dataclasses.fields(scorer)
        if field.init and field.name not in {"name", "facts"} and field.name[0] != "_"
    }


@functools.cache
def _hints(kind: Any) -> Mapping[str, Any]:
    try:
        return typing.get_type_hints(kind)
    except Exception:  # noqa: BLE001  a stranger's annotation may name what is imported for typing
        return {}


def fits(value: Any, hint: Any) -> bool:
    """Say whether *value* is what the annotation *hint* says; what cannot be checked fits.

    Examples:
        >>> fits(1, float), fits(True, int), fits("a", list[str]), fits(["a"], tuple[str, ...])
        (True, False, False, True)
    """
    if hint in _KINDS:
        return _KINDS[hint][0](value)
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return any(fits(value, each) for each in inner)
    if origin is Literal:
        return any(type(value) is type(each) and value == each for each in inner)
    if origin in _LISTS or hint in _LISTS:
        several = not isinstance(value, (str, bytes, int, float, type(None)))
        plain = inner[0] if inner and inner[0] in _KINDS else Any
        return several and (plain is Any or all(fits(item, plain) for item in value))
    return isinstance(value, Mapping) if origin in _MAPPINGS else True


def described(hint: Any) -> str:
    """Return an annotation in words.

    Examples:
        >>> described(bool | None), described(Literal["any", "all"])
        ('true or false, or null', "one of 'any', 'all'")
    """
    if hint in _KINDS:
        return _KINDS[hint][1]
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin in _UNIONS:
        return ", or ".join(described(each) for each in inner)
    if origin is Literal:
        return "one of " + ", ".join(map(repr, inner))
    if origin in _LISTS or hint in _LISTS:
        of_texts = bool(inner) and inner[0] is str
        return "a list of texts" if of_texts else "a list"
    return "a mapping" if origin in _MAPPINGS else "something else"


def _bare(hint: Any) -> bool:
    """Say whether what fits is written without quotes."""
    return bool({hint, *typing.get_args(hint)} & {bool, int, float})


def _choices(hint: Any) -> list[str]:
    """Return the texts that an annotation lists, also among others."""
    inner = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return [each for each in inner if isinstance(each, str)]
    return [choice for each in inner for choice in _choices(each)]
