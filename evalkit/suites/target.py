"""A test function as the target of its suite."""

from __future__ import annotations

import contextlib
import dataclasses
import inspect
import re
import sysconfig
import traceback
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from evalkit.entities.case import Case
from evalkit.entities.infrastructure import infrastructure_reason
from evalkit.errors import NoMoreCallsError, NotRecordedError, TargetError
from evalkit.evaluation.running.scorers import resolve_scorers
from evalkit.scoring.configured import unwrapped
from evalkit.scoring.protocol import requirements_of
from evalkit.targets.callable import CallableTarget
from evalkit.targets.version import resolved_version

HISTORY: Final = "history"
"""Argument of a body that gets the earlier turns of the session, with ``inputs, outputs``."""
SKIPPED: Final = "skipped"
"""Reason of a case whose body asked to be skipped."""
EXPECTED: Final = "expected_failure"
"""Reason of a case whose body said that it is known to fail."""

_PLACES: Final = (sysconfig.get_path("stdlib"), str(Path(__file__).parents[1]))
_LIBRARIES: Final = re.compile(f"site-packages|^<|^(?:{'|'.join(map(re.escape, _PLACES))})")
"""In the file names of code that is not the project's own."""


@dataclass(slots=True, kw_only=True)
class SuiteTarget:
    """Makes targets of a test function and keeps what its calls raised."""

    body: Callable[..., Any]
    signals: Mapping[type[BaseException], str | None] = field(
        default_factory=dict[type[BaseException], str | None]
    )
    """Exceptions, not all of them `Exception`s, by which a body says how its test ends, and the
    reason that the first that fits stands for; ``None`` is a failure like any other."""

    version: str | None = None
    errors: dict[tuple[str, int], BaseException] = field(
        default_factory=dict[tuple[str, int], BaseException]
    )
    """What bodies raised, by case id and repeat, in the process that ran them."""

    def bound(self, fixtures: Mapping[str, Any], scorers: Any = ()) -> CallableTarget:
        """Return the body as a target that passes *fixtures* on.

        A body that only asserts returns nothing, which is an empty answer where none of *scorers*
        reads answers; anywhere else the return was forgotten.
        """
        body = self.body
        nothing = None if _read_answers(scorers) else ""
        wants_history = HISTORY in inspect.signature(body).parameters

        def arguments(case: Case, history: list[dict[str, Any]]) -> dict[str, Any]:
            if case.session is not None:
                case = dataclasses.replace(case, conversation=tuple(history))
            return {"case": case, **fixtures, **({HISTORY: history} if wants_history else {})}

        async def answer(case: Case, history: list[dict[str, Any]], repeat: int) -> Any:
            with self._errors_of(case, repeat):
                output = await body(**arguments(case, history))
                return nothing if output is None else output

        def answer_in_thread(case: Case, history: list[dict[str, Any]], repeat: int) -> Any:
            with self._errors_of(case, repeat):
                output = body(**arguments(case, history))
                return nothing if output is None else output

        function = answer if inspect.iscoroutinefunction(body) else answer_in_thread
        version = None if self.version is None else resolved_version(self.version, body)
        return CallableTarget(function, name=body.__name__, version=version)

    @contextlib.contextmanager
    def _errors_of(self, case: Case, repeat: int) -> Generator[None]:
        """Keep what a body raises for the test's own report, and raise what the engine records."""
        caught: tuple[type[BaseException], ...] = (Exception, *self.signals)
        try:
            yield
        except (NoMoreCallsError, NotRecordedError):
            raise
        except caught as error:
            fitting = (reason for kind, reason in self.signals.items() if isinstance(error, kind))
            reason = next(fitting, None)
            if reason != SKIPPED:
                self.errors[case.id, repeat] = error
            if reason is not None:
                raise TargetError(reason, str(error)) from error
            if isinstance(error, TargetError):
                raise
            reason = infrastructure_reason(error)
            if reason is not None:
                raise TargetError(reason, _briefly(error)) from error
            text = "".join(traceback.format_exception(error)).strip()
            raise TargetError("target_error", text) from error


def _briefly(error: BaseException) -> str:
    """Return what was raised, and the last line of the project's own code on the way there."""
    raised = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not _LIBRARIES.search(frame.filename)]
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in own[-1:]]
    return " – ".join([raised, *places])


def _read_answers(scorers: Any) -> bool:
    return any("outputs" in requirements_of(unwrapped(one)) for one in resolve_scorers(scorers))
