"""A suite: cases and scorers that pytest runs, one native item a case and one a condition."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, TypeVar, overload

from evalkit.errors import UsageError, near_miss

Function = TypeVar("Function", bound=Callable[..., Any])
MARK: Final = "__evalkit__"
"""Attribute of a test function that belongs to a suite: a `CasesMark` or `GatesMark`."""

DATA_OPTIONS: Final = ("columns", "limit", "sample", "seed", "split")
"""Arguments of `evaluate` that say which cases a suite has."""
RESULT_OPTIONS: Final = ("judge_base_url", "judge_model", "level", "reducer")
"""Arguments of `evaluate` that a suite passes on."""
OPTIONS: Final = sorted((*DATA_OPTIONS, *RESULT_OPTIONS, "baseline", "runtime"))
"""Arguments of `evaluate` that `suite` takes too."""


@dataclass(eq=False, slots=True, kw_only=True)
class Suite:
    """Cases and scorers of a test file; `suite` makes one."""

    data: Any
    scorers: Any
    name: str
    options: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further arguments of `evaluate`: those in `OPTIONS`."""

    cases_mark: CasesMark | None = None
    function: Callable[..., Any] | None = None
    """The test function that answers cases."""

    @overload
    def cases(self, function: Function, /) -> Function: ...

    @overload
    def cases(
        self,
        /,
        *,
        must: str | Sequence[str] | None = ...,
        repeats: int | None = ...,
        min_pass: int | None = ...,
        version: str | None = ...,
    ) -> Callable[[Function], Function]: ...

    def cases(
        self,
        function: Any = None,
        /,
        *,
        must: str | Sequence[str] | None = (),
        repeats: int | None = 1,
        min_pass: int | None = None,
        version: str | None = None,
    ) -> Any:
        """Make a test function the suite's target: pytest shows one item for each case.

        The function takes ``case`` and returns the output.  A case passes when the body raised
        nothing and each condition of *must*, and of the case's own ``must``, holds in at least
        *min_pass* of *repeats*.  Bodies run concurrently, sync ones in threads, so fixtures must
        be of session, package or module scope.  Parentheses may be left out.

        Args:
            function: The test function, where nothing else is given.
            must: Conditions on a single case, such as ``"text.token_f1 >= 0.3"``.
            repeats: Times to run each case.
            min_pass: Least repeats that must pass; all of them by default.
            version: Of the system under test, or ``"git"``: its outputs are then recorded, and
                answer where ``--evalkit`` says so.

        Raises:
            UsageError: If the suite has cases already, or *min_pass* is not in [1, repeats].
            GateSyntaxError: If a condition of *must* does not parse.
        """
        if self.cases_mark is not None:
            raise UsageError(f"Suite {self.name!r} has a function of cases already.")
        repeats = 1 if repeats is None else repeats
        least = repeats if min_pass is None else min_pass
        if not 1 <= least <= repeats:
            raise UsageError(f"min_pass must be in [1, repeats], got {min_pass} of {repeats}.")
        self.cases_mark = CasesMark(
            suite=self, must=_texts(must), repeats=repeats, min_pass=least, version=version
        )
        put = partial(_put, self.cases_mark)
        return put if function is None else put(function)

    @overload
    def gates(self, function: Function, /) -> Function: ...

    @overload
    def gates(self, *conditions: str) -> Callable[[Function], Function]: ...

    def gates(self, *conditions: Any) -> Any:
        """Make a test function the suite's gate: one item a condition, then the body once.

        The body takes ``evaluation``, the `EvaluationResult`.  Without conditions the parentheses
        may be left out.

        Raises:
            GateSyntaxError: If a condition does not parse.
        """
        if len(conditions) == 1 and callable(conditions[0]):
            return self.gates()(conditions[0])
        return partial(_put, GatesMark(suite=self, conditions=_texts(conditions)))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CasesMark:
    """What `Suite.cases` puts on a test function."""

    suite: Suite
    must: tuple[str, ...]
    repeats: int
    min_pass: int
    version: str | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GatesMark:
    """What `Suite.gates` puts on a test function."""

    suite: Suite
    conditions: tuple[str, ...]


def _texts(conditions: str | Sequence[str] | None) -> tuple[str, ...]:
    # start-up: only a suite with conditions reads any
    from evalkit.gates.grammar import parse_gates

    return tuple(condition.text for condition in parse_gates(conditions))


def _put(mark: CasesMark | GatesMark, function: Function) -> Function:
    if isinstance(mark, CasesMark):
        mark.suite.function = function
    setattr(function, MARK, mark)
    return function


def suite(
    data: Any, scorers: str | Iterable[Any] | None = (), *, name: str | None = None, **options: Any
) -> Suite:
    """Return a suite of cases for pytest.

    Args:
        data: Whatever `evaluate` takes as data.
        scorers: Whatever `evaluate` takes as scorers.
        name: Name in reports; by default the data's.
        **options: ``baseline, columns, judge_base_url, judge_model, level, limit, reducer, runtime,
            sample, seed, split``, as for `evaluate`.

    Raises:
        UsageError: If an option is unknown.

    Examples:
        >>> qa = suite([{"question": "1+1?", "expected": "2"}], ["text.exact_match"], name="sums")
        >>> @qa.cases()
        ... def test_sums(case):
        ...     return "2"
    """
    for option in sorted(set(options) - set(OPTIONS)):
        raise UsageError(
            f"suite() has no option {option!r}.{near_miss(option, OPTIONS)} It has: "
            f"{', '.join(OPTIONS)}."
        )
    is_named = isinstance(data, str) or hasattr(data, "__fspath__")
    name = name or (str(data) if is_named else "suite")
    given = {option: value for option, value in options.items() if value is not None}
    return Suite(data=data, scorers=() if scorers is None else scorers, name=name, options=given)
