"""The options of suites: one table, which the command line and ``[tool.evalkit]`` both read.

An option that means an argument of `evaluate` or a field of `Runtime` has its name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

_SEVERITIES: Final = ("warn", "fail")


def _must_be(
    kind: Any, words: str, holds: Callable[[Any], bool] = lambda _: True
) -> Callable[[Any], Any]:
    """Return a check that refuses what is of another *kind*, or for which *holds* says no."""

    def check(value: Any) -> Any:
        is_other = isinstance(value, bool) and kind is not bool  # which Python takes for numbers
        if is_other or not isinstance(value, kind) or not holds(value):
            raise ValueError(f"it is {words}")
        return value

    return check


_FLAG: Final = _must_be(bool, "true or false")
_TEXT: Final = _must_be(str, "a text", bool)
_WHOLE: Final = _must_be(int, "a whole number")
_COUNT: Final = _must_be(int, "a whole number of at least 1", lambda count: count >= 1)
_AMOUNT: Final = _must_be(
    int | float, "a number that is not below 0", lambda amount: 0.0 <= amount < math.inf
)
_SHARE: Final = _must_be(
    int | float, "a share above 0 and at most 1, such as 0.1", lambda share: 0.0 < share <= 1.0
)


def _texts(value: Any) -> tuple[str, ...]:
    listed = _must_be(str | list, "a text or a list of texts")(value)
    return tuple(_TEXT(each) for each in ([listed] if isinstance(listed, str) else listed))


def _option(
    check: Callable[[Any], Any],
    text: str | None,
    default: Any = None,
    *,
    choices: Sequence[str] = (),
    path: bool = False,
    **parser: Any,
) -> Any:
    """Describe one option; without *text*, what ``--help`` says, it is a project's key alone.

    *check* returns its value or raises `ValueError`; a *path* of the project starts from its
    folder; *parser* is what else the command line's wants.
    """
    words = {"help": text, **({"choices": choices} if choices else {}), **parser}
    facts = {"check": check, "choices": choices, "path": path}
    return field(default=default, metadata={**facts, "parser": {} if text is None else words})


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteOptions:
    """How suites run in one test session; ``None`` leaves it to the suite."""

    mode: str | None = _option(
        _TEXT,
        "auto: answer from recordings and record the rest; replay: recordings alone; live: record "
        "anew; none: no recordings.",
        choices=("auto", "replay", "live", "none"),
    )
    skip: bool = _option(_FLAG, "Skip all suites.", False, action="store_true")
    baseline: str | None = _option(
        _TEXT,
        "What gates compare with; {suite} in it stands for the suite's name.",
        metavar="RUN|FILE",
    )
    update_baseline: bool = _option(
        _FLAG, "Write the baseline file instead of comparing with it.", False, action="store_true"
    )
    repeats: int | None = _option(_COUNT, "Times to run each case.", metavar="N", type=int)
    sample: float | None = _option(
        _SHARE, "Share of the cases to draw.", metavar="SHARE", type=float
    )
    seed: int | None = _option(_WHOLE, "Seed of every draw.", metavar="N", type=int)
    budget: float | None = _option(
        _AMOUNT, "Most to spend, by all suites.", metavar="USD", type=float
    )
    report: tuple[str, ...] = _option(
        _texts,
        "Write a report, by extension; several suites add their names. May be repeated.",
        (),
        path=True,
        metavar="FILE",
        action="append",
    )
    cards: str | None = _option(
        _TEXT, "Cards of judges, for gates on calibration.", path=True, metavar="FOLDER"
    )
    flaky: str = _option(
        _TEXT,
        "What to do with a case that passes in some repeats only, though in enough.",
        "warn",
        choices=_SEVERITIES,
    )
    inconclusive: str = _option(_TEXT, None, "fail", choices=_SEVERITIES)
    quarantine: str | None = _option(_TEXT, None, path=True)
    infrastructure: tuple[str, ...] = _option(_texts, None, ())


def switch(name: str) -> str:
    """Return an option's word on the command line."""
    return "--evalkit" if name == "mode" else f"--evalkit-{name.replace('_', '-')}"


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
    # start-up: every test session reads the table above, and few have suites
    from evalkit.errors import SpecificationError, UsageError, near_miss

    keys = {option.name.replace("_", "-"): option for option in fields(SuiteOptions)}
    values: dict[str, Any] = {}
    for key, value in project.items():
        option = keys.get(key.replace("_", "-"))
        if option is None:
            hint = near_miss(key.replace("_", "-"), keys)
            raise SpecificationError(
                f"[tool.evalkit] has no key {key!r}.{hint} It has: {', '.join(keys)}."
            )
        try:
            values[option.name] = _placed(option, _checked(option, value), root)
        except ValueError as error:
            raise SpecificationError(f"[tool.evalkit] {key} = {value!r}: {error}.") from None
    for option in keys.values():
        value = given.get(option.name)
        if value is not None and value is not False and value != []:
            try:
                values[option.name] = _checked(option, value)
            except ValueError as error:
                raise UsageError(f"{switch(option.name)}={value}: {error}.") from None
    return SuiteOptions(**values)


def _checked(option: Field[Any], value: Any) -> Any:
    # start-up: every test session reads the table above, and few have suites
    from evalkit.errors import near_miss

    choices = option.metadata["choices"]
    if choices and value not in choices:
        hint = near_miss(str(value), choices).rstrip("?")
        raise ValueError(f"it is one of {', '.join(choices)}{hint}")
    return option.metadata["check"](value)


def _placed(option: Field[Any], value: Any, root: Path) -> Any:
    """Return a path of the project's file as one that any folder understands."""
    if option.metadata["path"] or (option.name == "baseline" and value.endswith(".json")):
        return str(root / value) if isinstance(value, str) else tuple(str(root / f) for f in value)
    return value
