"""A digest of what a function does: its code, and the values that it holds."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import inspect
import re
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any, Final

from evalkit._internal.canonical import canonical_json, content_hash

_PLAIN: Final = (str, bytes, int, float, complex, type(None))
_FUNCTIONS: Final = (types.FunctionType, types.MethodType, functools.partial)
_Within = tuple[int, ...]
"""Ids of what is being written: a function may enclose itself."""


def code_digest(function: Callable[..., Any], within: _Within = ()) -> str:
    """Return a digest of a function's code: names, constants, bytecode, and what it holds.

    Defaults and enclosed values count by their content.  Where the code lies in a file, and where
    an object lies in memory, does not count.

    Examples:
        >>> def at_least(limit):
        ...     return lambda outputs: len(outputs) >= limit
        >>> code_digest(at_least(1)) == code_digest(at_least(1))
        True
        >>> code_digest(at_least(1)) == code_digest(at_least(2))
        False
    """
    within = (*within, id(function))
    if isinstance(function, functools.partial):
        held = content_text([function.args, function.keywords], within)
        return content_hash((code_digest(function.func, within) + held).encode(), size=8)
    code = getattr(inspect.unwrap(function), "__code__", None)
    held = content_text(
        [
            getattr(function, "__defaults__", None),
            getattr(function, "__kwdefaults__", None),
            [_enclosed(cell) for cell in getattr(function, "__closure__", None) or ()],
            getattr(function, "__self__", None) if isinstance(function, types.MethodType) else None,
        ],
        within,
    )
    if code is None:
        # An instance with __call__: its class holds the code.
        code = getattr(getattr(type(function), "__call__"), "__code__", None)  # noqa: B004, B009
        held = _of_object(function, within)
    if code is None:
        return content_hash(_name(function).encode(), size=8)
    digest = hashlib.blake2b(digest_size=8)
    _digest_code(code, digest.update)
    digest.update(held.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def _digest_code(code: types.CodeType, update: Callable[[bytes], None]) -> None:
    update(code.co_code)
    update(repr((code.co_names, code.co_varnames)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _digest_code(constant, update)
        elif isinstance(constant, frozenset):
            update(repr(sorted(constant, key=repr)).encode())
        else:
            update(repr(constant).encode())
    update(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())


def _enclosed(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # a name that is bound only later
        return None


def content_text(value: Any, within: _Within = ()) -> str:
    """Return *value* as a text that is equal for equal content, in any process.

    An object counts by its class and its public attributes, objects among these by class alone.

    Examples:
        >>> content_text({"b": {3, 1}, "a": (None, 0.5)})
        '{"a":[null,0.5],"b":[1,3]}'
        >>> content_text([len, 1])
        '[builtins:len,1]'
    """
    if isinstance(value, _PLAIN):
        return repr(value)
    if isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
        return _name(value)
    if id(value) in within:
        return "…"
    if isinstance(value, _FUNCTIONS):
        return code_digest(value, within)
    return _of_object(value, within)


def _of_object(value: Any, within: _Within) -> str:
    inside = (*within, id(value))
    is_built_in = type(value).__module__ == "builtins"
    name = "" if is_built_in else _name(type(value))
    if dataclasses.is_dataclass(value):
        fields = {
            field.name: getattr(value, field.name, None) for field in dataclasses.fields(value)
        }
        return name + _of_parts(fields, inside)
    try:
        return name + canonical_json(value).decode()
    except Exception:  # noqa: BLE001  an object of anyone's may raise anything
        return name + _of_parts(value, inside)


def _of_parts(value: Any, inside: _Within) -> str:
    if isinstance(value, Mapping):
        pairs = [
            f"{content_text(key, inside)}:{content_text(part, inside)}"
            for key, part in value.items()
        ]
        return f"{{{','.join(sorted(pairs))}}}"
    if isinstance(value, (set, frozenset)):
        return f"{{{','.join(sorted(content_text(part, inside) for part in value))}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(content_text(part, inside) for part in value)}]"
    if isinstance(value, re.Pattern):
        return f"{value.pattern!r}/{value.flags}"
    public = {
        name: part for name, part in getattr(value, "__dict__", {}).items() if name[:1] != "_"
    }
    shallow = {
        name: part if isinstance(part, _FUNCTIONS) or not hasattr(part, "__dict__") else type(part)
        for name, part in public.items()
    }
    return _of_parts(shallow, inside)


def _name(thing: Any) -> str:
    name = getattr(thing, "__qualname__", None) or getattr(thing, "__name__", None)
    if name is None:
        return _name(type(thing))
    return f"{getattr(thing, '__module__', None)}:{name}"
