"""A look at each function for a suite's mark.

Nothing heavier than marks is imported here at the top, so that a session without suites pays for
next to nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

import pytest

from evalkit.pytest_plugin.marks import FOLDER, SUMMARY, SuiteCollectError, mark_of

if TYPE_CHECKING:
    from evalkit.pytest_plugin.session import SuiteSession

SESSION = "evalkit-session"
"""Name of the plug-in that is registered with the first suite."""


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist which folder its session shares."""
    # start-up: a session without workers needs none of it
    from evalkit.pytest_plugin.summary import Summary

    config: pytest.Config = node.config
    summary: Summary | None = config.pluginmanager.get_plugin(SUMMARY)
    if summary is None:
        summary = Summary(config)
        config.pluginmanager.register(summary, SUMMARY)
    node.workerinput[FOLDER] = str(summary.folder)


@pytest.hookimpl(tryfirst=True)
def pytest_pycollect_makeitem(name: str, obj: object) -> None:
    """Refuse suites in classes of unittest, whose methods take no arguments."""
    unittest = sys.modules.get("unittest")  # who has not imported it has no such class
    if unittest and isinstance(obj, type) and issubclass(obj, unittest.TestCase):
        for method, function in vars(obj).items():
            if mark_of(function) is not None:
                raise SuiteCollectError(
                    f"{name}.{method}: methods of a unittest.TestCase take no arguments, so a "
                    "suite cannot give them a case; use a plain class or a function."
                )


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Keep what is wrong with a suite as a text, which the short summary shows beside the file."""
    report = yield
    call: pytest.CallInfo[Any] | None = getattr(report, "call", None)
    if call is not None and call.excinfo and isinstance(call.excinfo.value, SuiteCollectError):
        report.longrepr = str(call.excinfo.value)
    return report


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make one item for each case of a suite, and one for each condition of its gates."""
    mark = mark_of(metafunc.function)
    if mark is not None:
        _session(metafunc.config).generate(metafunc, mark)


def _session(config: pytest.Config) -> SuiteSession:
    """Return the plug-in that runs suites, registered when first asked for."""
    found: SuiteSession | None = config.pluginmanager.get_plugin(SESSION)
    if found is None:
        # start-up: a session without suites needs none of it
        from evalkit.errors import EvalkitError
        from evalkit.pytest_plugin.session import SuiteSession

        try:
            found = SuiteSession(config)
        except EvalkitError as error:
            raise SuiteCollectError(str(error)) from error
        config.pluginmanager.register(found, SESSION)
    return found
