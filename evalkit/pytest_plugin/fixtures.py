"""Which fixtures a function of cases may have: its cases run together, so none made for each."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest

from evalkit.pytest_plugin.marks import SuiteCollectError
from evalkit.suites.target import HISTORY

_WIDE: Final = frozenset({"module", "package", "session"})


def fixture_names(function: Callable[..., Any]) -> list[str]:
    """Return the fixtures that a function of cases names: its parameters without defaults."""
    return [
        name
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.default is parameter.empty
        and parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}
        and name not in {"self", "case", HISTORY}
    ]


def check_function(metafunc: pytest.Metafunc) -> None:
    """Refuse what would have to be made anew for each case.

    Raises:
        CollectError: If there is a parameter, or a fixture of function or class scope, that the
            body would see; fixtures that plug-ins use on their own account do not count.
    """
    name = metafunc.function.__name__
    if next(metafunc.definition.iter_markers("parametrize"), None) is not None:
        raise SuiteCollectError(
            f"{name}: its cases are its parameters; make a suite for each set of others."
        )
    wanted = fixture_names(metafunc.function)
    # There is no public way to a fixture's scope before the fixture is set up.
    info = metafunc.definition._fixtureinfo  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    for fixture in metafunc.fixturenames:
        found = info.name2fixturedefs.get(fixture)
        if not found or (fixture not in wanted and not _own(found[-1].func, metafunc.config)):
            continue
        if found[-1].scope not in _WIDE:
            used = "" if fixture in wanted else ", which is used automatically,"
            raise SuiteCollectError(
                f"{name}: fixture {fixture!r}{used} has {found[-1].scope} scope; cases run "
                "together, so give it session, package or module scope."
            )
        if found[-1].params:
            raise SuiteCollectError(
                f"{name}: fixture {fixture!r} has parameters; make a suite for each of them."
            )


def _own(function: object, config: pytest.Config) -> bool:
    """Say whether a fixture is the project's own rather than a plug-in's."""
    code = getattr(inspect.unwrap(function) if callable(function) else None, "__code__", None)
    if code is None:
        return False
    file = Path(code.co_filename)
    return file.is_relative_to(config.rootpath) and "site-packages" not in file.parts
