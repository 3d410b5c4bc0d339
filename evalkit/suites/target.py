"""A test function as the target of its suite."""

from __future__ import annotations

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from evalkit.entities.case import Case
from evalkit.errors import BudgetSpentError, NotRecordedError, TargetError
from evalkit.targets.callable import CallableTarget
from evalkit.targets.version import resolved_version

SKIPPED: Final = "skipped"
"""Reason of a case whose body asked to be skipped."""
EXPECTED: Final = "expected_failure"
"""Reason of a case whose body said that it is known to fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcomes:
    """Exceptions by which a test runner lets a body say how its test ends."""

    skipped: tuple[type[BaseException], ...] = ()
    expected: tuple[type[BaseException], ...] = ()
    failed: tuple[type[BaseException], ...] = ()

    @property
    def all(self) -> tuple[type[BaseException], ...]:
        """Every one of them; they need not be `Exception`s."""
        return (*self.skipped, *self.expected, *self.failed)


@dataclass(slots=True, kw_only=True)
class SuiteTarget:
    """Makes targets of a test function and keeps what its calls raised."""

    body: Callable[..., Any]
    outcomes: Outcomes = Outcomes()
    version: str | None = None
    errors: dict[tuple[str, int], BaseException] = field(
        default_factory=dict[tuple[str, int], BaseException]
    )
    """What bodies raised, by case id and repeat, in the process that ran them."""

    def bound(self, fixtures: Mapping[str, Any]) -> CallableTarget:
        """Return the body as a target that passes *fixtures* on."""
        body = self.body
        caught: tuple[type[BaseException], ...] = (Exception, *self.outcomes.all)
        own = (BudgetSpentError, NotRecordedError)
        if inspect.iscoroutinefunction(body):

            async def answer(case: Case, repeat: int) -> Any:
                try:
                    return _given(await body(case=case, **fixtures))
                except own:
                    raise
                except caught as error:
                    raise self._noted(error, case, repeat) from error

            function: Callable[..., Any] = answer
        else:

            def answer_in_thread(case: Case, repeat: int) -> Any:
                try:
                    return _given(body(case=case, **fixtures))
                except own:
                    raise
                except caught as error:
                    raise self._noted(error, case, repeat) from error

            function = answer_in_thread
        version = None if self.version is None else resolved_version(self.version, body)
        return CallableTarget(function, name=body.__name__, version=version)

    def _noted(self, error: BaseException, case: Case, repeat: int) -> TargetError:
        """Keep *error* for the test's own report, and return what the engine records."""
        if isinstance(error, self.outcomes.skipped):
            return TargetError(SKIPPED, str(error))
        self.errors[case.id, repeat] = error
        if isinstance(error, self.outcomes.expected):
            return TargetError(EXPECTED, str(error))
        if isinstance(error, TargetError):
            return error
        reason = "connection" if isinstance(error, ConnectionError) else "target_error"
        return TargetError(reason, "".join(traceback.format_exception(error)).strip())


def _given(output: Any) -> Any:
    # A body that only asserts returns nothing; its case has an (empty) answer all the same.
    return "" if output is None else output
