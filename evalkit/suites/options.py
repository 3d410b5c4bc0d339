"""What the command line and ``[tool.evalkit]`` say about suites."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from evalkit.errors import SpecificationError, UsageError, near_miss

MODES: Final = ("auto", "replay", "live", "none")
SEVERITIES: Final = ("warn", "fail")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOptions:
    """How suites run in one test session; ``None`` leaves it to the suite."""

    mode: str | None = None
    skip: bool = False
    baseline: str | None = None
    """Run, file or ``git:REF:path``; ``{suite}`` in it stands for the suite's name."""

    update_baseline: bool = False
    repeats: int | None = None
    sample: float | None = None
    seed: int | None = None
    budget: float | None = None
    """US dollars for all suites of the session together."""

    report: tuple[str, ...] = ()
    flaky: str = "warn"
    inconclusive: str = "fail"
    cards: str | None = None
    """Folder of judges' cards."""

    quarantine: str | None = None
    """File that `read_quarantine` takes."""


def read_options(given: Mapping[str, Any], project: Mapping[str, Any], root: Path) -> SuiteOptions:
    """Return the options of a session: the command line's, else the project's.

    Args:
        given: From the command line, by field of `SuiteOptions`; ``None`` and empty mean unset.
        project: Content of ``[tool.evalkit]``; a key is a field's name, with ``-`` or ``_``.
        root: Folder that the project's paths start from.

    Raises:
        SpecificationError: If the project has an unknown key or a wrong value.
        UsageError: If a value of the command line is wrong.

    Examples:
        >>> read_options({"repeats": 3}, {"repeats": 5, "flaky": "fail"}, Path()).flaky
        'fail'
    """
    known = [field.name for field in fields(SuiteOptions)]
    values: dict[str, Any] = {}
    for key, value in project.items():
        name = key.replace("-", "_")
        if name not in known:
            listed = ", ".join(name.replace("_", "-") for name in known)
            hint = near_miss(name, known).replace("_", "-")
            raise SpecificationError(f"[tool.evalkit] has no key {key!r}.{hint} It has: {listed}.")
        try:
            values[name] = _at(name, _checked(name, value), root)
        except ValueError as error:
            raise SpecificationError(f"[tool.evalkit] {key} = {value!r}: {error}.") from None
    for name, value in given.items():
        if value is None or value is False or value == []:
            continue
        try:
            values[name] = _checked(name, value)
        except ValueError as error:
            option = "--evalkit" if name == "mode" else f"--evalkit-{name.replace('_', '-')}"
            raise UsageError(f"{option}={value}: {error}.") from None
    return SuiteOptions(**values)


def _at(name: str, value: Any, root: Path) -> Any:
    """Return a path of the project file as one that any folder understands."""
    if name == "report":
        return tuple(str(root / path) for path in value)
    if name in {"quarantine", "cards"} or (name == "baseline" and value.endswith(".json")):
        return str(root / value)
    return value


def _checked(name: str, value: Any) -> Any:
    return _CHECKS[name](value)


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("it is true or false")  # noqa: TRY004  the caller words the error
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("it is a text")
    return value


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(_text(one) for one in ([value] if isinstance(value, str) else value))


def _one_of(*choices: str) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            hint = near_miss(str(value), choices)
            raise ValueError(f"it is one of {', '.join(choices)}{hint.rstrip('?')}")
        return str(value)

    return check


def _whole(least: int | None) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("it is a whole number")  # noqa: TRY004  the caller words the error
        if least is not None and value < least:
            raise ValueError(f"it is at least {least}")
        return value

    return check


def _share(value: Any) -> float:
    number = _amount(value)
    if not 0.0 < number <= 1.0:
        raise ValueError("it is a share above 0 and at most 1, such as 0.1")
    return number


def _amount(value: Any) -> float:
    number = math.nan if isinstance(value, (bool, str)) else float(value)
    if not 0.0 <= number < math.inf:
        raise ValueError("it is a number that is not below 0")
    return number


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    "mode": _one_of(*MODES),
    "skip": _flag,
    "baseline": _text,
    "update_baseline": _flag,
    "repeats": _whole(1),
    "sample": _share,
    "seed": _whole(None),
    "budget": _amount,
    "report": _texts,
    "flaky": _one_of(*SEVERITIES),
    "inconclusive": _one_of(*SEVERITIES),
    "cards": _text,
    "quarantine": _text,
}
