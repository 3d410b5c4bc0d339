"""Binding a case to a function: by the names it declares, compiled once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping
from operator import attrgetter
from typing import Any, Final, Literal

from evalkit.entities.batch import CaseBatch
from evalkit.entities.target import Invocation
from evalkit.errors import BindingError, near_miss

OFFERED: Final = ("inputs", "case", "history", "session", "repeat", "seed")
"""Names that receive something of the invocation; every other name is read from the inputs."""

_ABSENT: Final = inspect.Parameter.empty


def owned(value: Any) -> Any:
    """Return *value* with its own lists and dictionaries, so that changing them is harmless.

    Examples:
        >>> messages = [{"role": "user"}]
        >>> owned(messages) == messages, owned(messages)[0] is messages[0]
        (True, False)
    """
    kind = type(value)
    if kind is dict:
        return {key: owned(item) for key, item in value.items()}
    if kind is list:
        return [owned(item) for item in value]
    return value


def _inputs(invocation: Invocation) -> Any:
    return owned(dict(invocation.case.inputs))


def _history(invocation: Invocation) -> Any:
    return owned(list(invocation.history))


# All of them pickle, and so do targets.
_GETTERS: Final[Mapping[str, Callable[[Invocation], Any]]] = {
    "inputs": _inputs,
    "case": attrgetter("case"),
    "history": _history,
    "session": attrgetter("case.session"),
    "repeat": attrgetter("repeat"),
    "seed": attrgetter("seed"),
}


class Binder:
    """Turns an invocation into the arguments of one function.

    A parameter named as one of `OFFERED` receives that; any other must be a key of the inputs,
    unless it has a default.  A lone parameter of any other name gets the sole input's value, or
    the mapping where there are several.  ``**kwargs`` gets the inputs that no parameter takes.

    Examples:
        >>> from evalkit.entities.case import Case
        >>> invocation = Invocation(case=Case(inputs={"question": "1 + 1?"}), seed=7)
        >>> Binder(lambda question, seed: None).arguments(invocation)
        ([], {'seed': 7, 'question': '1 + 1?'})
        >>> Binder(lambda text: None).arguments(invocation)
        ([], {'text': '1 + 1?'})
    """

    __slots__ = ("_lone", "_named", "_offered", "_optional", "_positional", "_rest", "name")

    def __init__(self, function: Callable[..., Any], *, name: str = "The target") -> None:
        """Read the signature of *function*, called *name* in errors; it is not called."""
        self.name = name
        parameters = _parameters(function)
        kinds = {parameter.kind for parameter in parameters}
        self._rest = inspect.Parameter.VAR_KEYWORD in kinds
        variadic = {inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL}
        plain = [parameter for parameter in parameters if parameter.kind not in variadic]
        if not plain and not self._rest and parameters:
            # Only *args: one positional argument is the plain reading.
            plain = [parameters[0].replace(kind=inspect.Parameter.POSITIONAL_ONLY)]
        self._lone = _lone(plain)
        positional_only = inspect.Parameter.POSITIONAL_ONLY
        self._positional = [(p.name, p.default) for p in plain if p.kind is positional_only]
        keyword = [parameter for parameter in plain if parameter.kind is not positional_only]
        self._offered = [(p.name, _GETTERS[p.name]) for p in keyword if p.name in OFFERED]
        read = [parameter for parameter in keyword if parameter.name not in OFFERED]
        self._named = [p.name for p in read if p.default is _ABSENT]
        self._optional = [p.name for p in read if p.default is not _ABSENT]

    def arguments(self, invocation: Invocation) -> tuple[list[Any], dict[str, Any]]:
        """Return the positional and the keyword arguments of one call.

        Raises:
            BindingError: If the inputs of this case lack a name that the function needs.
        """
        inputs = invocation.case.inputs
        keywords = {name: get(invocation) for name, get in self._offered} if self._offered else {}
        if self._lone is not None and self._lone not in inputs:
            return self._with_lone(invocation, keywords)
        try:
            for name in self._named:
                keywords[name] = owned(inputs[name])
        except KeyError:
            raise BindingError(self._problem(inputs, invocation.case.id)) from None
        for name in self._optional:
            if name in inputs:
                keywords[name] = owned(inputs[name])
        positional = self._positional_values(invocation) if self._positional else []
        if self._rest:
            taken = {name for name, _ in self._positional}
            for name, value in inputs.items():
                if name not in keywords and name not in taken:
                    keywords[name] = owned(value)
        return positional, keywords

    def _with_lone(
        self, invocation: Invocation, keywords: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """Bind the lone parameter to the sole input, or to the mapping of several."""
        inputs = invocation.case.inputs
        if not inputs:
            if self._needs_lone():
                raise BindingError(self._problem(inputs, invocation.case.id))
            return [], keywords
        sole = next(iter(inputs.values())) if len(inputs) == 1 else dict(inputs)
        if self._positional:
            return self._positional_values(invocation, lone=owned(sole)), keywords
        assert self._lone is not None  # noqa: S101  the caller has looked
        keywords[self._lone] = owned(sole)
        return [], keywords

    def hint(self, error: Exception, invocation: Invocation) -> None:
        """Note in *error*, which the function raised, that it may have wanted a table."""
        inputs = invocation.case.inputs
        if self._lone is not None and self._lone not in inputs and len(inputs) > 1:
            error.add_note(
                f"{self._lone!r} is the mapping of one case's inputs; a parameter called X, df or "
                "frame gets a frame of many cases."
            )

    def _positional_values(self, invocation: Invocation, lone: Any = _ABSENT) -> list[Any]:
        inputs = invocation.case.inputs
        values: list[Any] = []
        for name, default in self._positional:
            if name in _GETTERS:
                values.append(_GETTERS[name](invocation))
            elif name in inputs:
                values.append(owned(inputs[name]))
            elif lone is not _ABSENT and name == self._lone:
                values.append(lone)
            elif default is not _ABSENT:
                values.append(default)
            else:
                raise BindingError(self._problem(inputs, invocation.case.id))
        return values

    def _needs_lone(self) -> bool:
        return self._lone in self._required()

    def _required(self) -> list[str]:
        """Return the names without which there is no call, in the order declared."""
        first = [name for name, default in self._positional if default is _ABSENT]
        return [name for name in (*first, *self._named) if name not in OFFERED]

    def missing(self, inputs: Collection[str]) -> list[str]:
        """Return the parameters that inputs of these names do not fill."""
        if self._lone is not None:
            return [self._lone] if not inputs and self._needs_lone() else []
        return [name for name in self._required() if name not in inputs]

    def check(self, batch: CaseBatch) -> None:
        """Refuse the batch if a case of it cannot be bound.

        Raises:
            BindingError: Naming the parameters, the inputs there are, and near misses.
        """
        for names, row in shapes(batch.inputs).items():
            if self.missing(names):
                raise BindingError(self._problem(names, batch.ids[row]))

    def _problem(self, inputs: Collection[str], case: str) -> str:
        missing = self.missing(inputs)
        where = f" of case {case!r}" if case else ""
        if not inputs:
            return (
                f"{self.name} asks for {listed(missing)}, and there are no inputs{where}; "
                "map a column to them: columns={'inputs': …}."
            )
        hints = "".join(dict.fromkeys(near_miss(name, inputs) for name in missing))
        return (
            f"{self.name} asks for {listed(missing)}; the inputs{where} are "
            f"{listed(inputs)}.{hints} A parameter is named as an input or as one of "
            f"{', '.join(OFFERED)}."
        )


def shapes(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, ...], int]:
    """Return each different sequence of keys among *rows*, with the first row that has it.

    Examples:
        >>> shapes([{"a": 1}, {"a": 2}, {"b": 3}])
        {('a',): 0, ('b',): 2}
    """
    first: dict[tuple[str, ...], int] = {}
    for row, inputs in enumerate(rows):
        first.setdefault(tuple(inputs), row)
    return first


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return the parameters left open; one positional where Python cannot tell."""
    fixed: set[str] = set()
    inner = function
    while isinstance(inner, functools.partial):
        fixed.update(inner.keywords)
        inner = inner.func
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return [inspect.Parameter("value", inspect.Parameter.POSITIONAL_ONLY)]
    return [parameter for parameter in parameters if parameter.name not in fixed]


def _lone(parameters: list[inspect.Parameter]) -> str | None:
    """Return the one parameter of a free name; a mere option beside ``inputs`` is none."""
    others = [parameter for parameter in parameters if parameter.name not in OFFERED]
    if len(others) != 1:
        return None
    served = any(parameter.name in {"inputs", "case"} for parameter in parameters)
    option = others[0].default is not _ABSENT
    return None if served and option else others[0].name


def listed(names: Iterable[str]) -> str:
    """Return *names* as they stand in errors.

    Examples:
        >>> listed(["a", "b"])
        "'a', 'b'"
    """
    return ", ".join(repr(name) for name in names)


Lane = Literal["async", "thread"]


def lane_of(function: Callable[..., Any]) -> Lane:
    """Say which lane calls *function*: ``async`` for coroutine functions and async generators.

    Examples:
        >>> async def bot(question): ...
        >>> lane_of(bot), lane_of(len)
        ('async', 'thread')
    """
    called = getattr(type(function), "__call__", None)  # noqa: B004  the method itself is wanted
    for candidate in (function, called):
        if inspect.iscoroutinefunction(candidate) or inspect.isasyncgenfunction(candidate):
            return "async"
    return "thread"
