"""A plain function as a scorer."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any, Final, overload

from evalkit.entities.case import Case
from evalkit.errors import BindingError, near_miss
from evalkit.scoring.facts import MetricFacts
from evalkit.scoring.reading import message_text

OFFERED: Final = (
    "inputs",
    "outputs",
    "expectations",
    "retrieved_context",
    "tool_calls",
    "trace",
    "case",
    "session",
    "conversation",
    "tags",
    "metadata",
)
"""What a scorer function may name as parameters."""

_NEEDED: Final = frozenset(
    {
        "outputs",
        "expectations",
        "retrieved_context",
        "tool_calls",
        "trace",
        "session",
        "conversation",
    }
)
"""What no case can be scored without, if the function names it and has no default for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionScorer:
    """Scores each case by calling a function with the arguments that it names."""

    function: Callable[..., Any]
    """Returns a number, bool, label, `Score`, mapping or list of these, or ``None``."""

    name: str
    arguments: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    """Arguments that have a default, which holds where the case has none."""

    texts: tuple[str, ...] = ()
    """Arguments that are declared as ``str``: of a list of messages they get the text."""

    facts: MetricFacts = field(default_factory=MetricFacts)
    lane: str = "thread"
    version: str | None = None

    @property
    def requires(self) -> frozenset[str]:
        """Fields without which no case can be scored: those that have no default."""
        if len(self.arguments) == len(OFFERED):  # it takes whatever there is
            return frozenset({"outputs"})
        return _NEEDED.intersection(self.arguments).difference(self.optional)

    @property
    def reads_session(self) -> bool:
        """Whether the function names the turns of a whole conversation."""
        return "conversation" in self.arguments and len(self.arguments) < len(OFFERED)

    def score(self, case: Case, /) -> Any | Awaitable[Any]:
        """Return what the function says of *case*."""
        given = {name: case if name == "case" else getattr(case, name) for name in self.arguments}
        for name in self.optional:
            if given[name] is None or (name == "expectations" and not given[name]):
                del given[name]
        if "outputs" in self.texts and not isinstance(case.outputs, str) and "outputs" in given:
            text = message_text(case.outputs)
            given["outputs"] = case.outputs if text is None else text
        try:
            return self.function(**given)
        except KeyError as error:  # a column called "expected", say, is the key "target"
            if "expectations" in self.arguments:
                error.add_note(f"The expectations have: {', '.join(case.expectations)}.")
            raise

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function itself, as before it was decorated."""
        return self.function(*args, **kwargs)

    def __reduce__(self) -> tuple[Any, ...]:
        # Pickle finds a function by its name, where the decorator has put the scorer instead.
        module, name = self.function.__module__, getattr(self.function, "__qualname__", "")
        thing: Any = sys.modules.get(module)
        for step in name.split("."):
            thing = getattr(thing, step, None)
        decorated = isinstance(thing, FunctionScorer) and thing.function is self.function
        function = (module, name) if decorated else self.function
        settings = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "function"}
        return _unpickled, (function, settings)


def _unpickled(
    function: Callable[..., Any] | tuple[str, str], settings: dict[str, Any]
) -> FunctionScorer:
    if not isinstance(function, tuple):
        return FunctionScorer(function=function, **settings)
    thing = attrgetter(function[1])(importlib.import_module(function[0]))
    return FunctionScorer(function=thing.function, **settings)


@overload
def scorer(function: Callable[..., Any], /) -> FunctionScorer: ...
@overload
def scorer(
    *,
    name: str | None = None,
    direction: str = "higher",
    low: float | None = None,
    high: float | None = None,
    unit: str | None = None,
    binary: bool = False,
    lane: str = "thread",
    version: str | None = None,
) -> Callable[[Callable[..., Any]], FunctionScorer]: ...
def scorer(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    lane: str = "thread",
    version: str | None = None,
    **facts: Any,
) -> FunctionScorer | Callable[[Callable[..., Any]], FunctionScorer]:
    """Make a scorer of a function, which receives only the arguments that it names.

    Args:
        function: Names any of ``inputs, outputs, expectations, retrieved_context, tool_calls,
            trace, case, session, conversation, tags, metadata``; may be async.  Cases without
            what it names are skipped (without an answer they fail), unless the parameter has a
            default.  Returns a number, bool, label, `Score`, a mapping or list of these, or
            ``None`` where it does not apply.
        name: Metric name; the function's name by default.
        lane: ``process`` to run heavy pure-Python work in a process pool.
        version: Change it when the same code gives other values (a new word list, say).
        **facts: ``direction`` (``higher``, ``lower``, ``none``), ``low``, ``high``, ``unit``,
            ``binary``, as in `MetricFacts`.

    Raises:
        BindingError: If the function names a parameter that no case has.

    Examples:
        >>> @scorer
        ... def short(outputs: str) -> bool:
        ...     return len(outputs) < 10
        >>> short.score(Case(outputs="brief"))
        True
    """

    def decorate(decorated: Callable[..., Any]) -> FunctionScorer:
        arguments = _arguments(decorated)
        defaults = inspect.signature(decorated).parameters
        return FunctionScorer(
            function=decorated,
            name=name or str(getattr(decorated, "__name__", type(decorated).__name__)),
            arguments=arguments,
            optional=tuple(
                argument
                for argument in arguments
                if argument in defaults
                and defaults[argument].default is not inspect.Parameter.empty
            ),
            texts=tuple(name for name in arguments if _is_text(defaults.get(name))),
            facts=MetricFacts(**facts),
            lane=lane,
            version=version,
        )

    return decorate if function is None else decorate(function)


def _is_text(parameter: inspect.Parameter | None) -> bool:
    hint = None if parameter is None else parameter.annotation
    return hint is str or str(hint) in {"str", "str | None", "Optional[str]"}


def _arguments(function: Callable[..., Any]) -> tuple[str, ...]:
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return OFFERED
    named: list[str] = []
    for parameter in parameters:
        if parameter.name in OFFERED and parameter.kind is not parameter.POSITIONAL_ONLY:
            named.append(parameter.name)
        elif (
            parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL
        ):
            name = getattr(function, "__name__", repr(function))
            raise BindingError(
                f"Scorer {name!r} asks for {parameter.name!r}; a scorer may name: "
                f"{', '.join(OFFERED)}.{_hint(function, parameter.name)}"
            )
    return tuple(named)


def _hint(function: Callable[..., Any], parameter: str) -> str:
    family, _, inner = str(getattr(function, "__module__", "")).partition(".")
    if family == "sklearn" and inner.startswith("metrics"):
        return f" Give the name: 'sklearn.{getattr(function, '__name__', '')}'."
    return near_miss(parameter, OFFERED)
