"""The options of a test session, from the command line and the project."""

from __future__ import annotations

from dataclasses import fields

import pytest

from evalkit.suites.options import SuiteOptions, read_options, switch


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of suites; the same keys may stand under ``[tool.evalkit]``."""
    group = parser.getgroup("evalkit", "evalkit (evaluation suites)")
    for option in fields(SuiteOptions):
        words = option.metadata["parser"]
        if words:
            group.addoption(
                switch(option.name), dest=f"evalkit_{option.name}", default=None, **words
            )


def session_options(config: pytest.Config) -> SuiteOptions:
    """Return what the command line says, else ``[tool.evalkit]``.

    Raises:
        EvalkitError: If a key is unknown or a value wrong.
    """
    from evalkit.settings import project_settings  # start-up: few sessions have suites

    given = {
        option.name: config.getoption(f"evalkit_{option.name}", default=None)
        for option in fields(SuiteOptions)
    }
    return read_options(given, project_settings(config.rootpath), config.rootpath)
