"""The options of a test session, from the command line and the project."""

from __future__ import annotations

from dataclasses import fields

import pytest

from evalkit.settings import project_settings
from evalkit.suites.options import SuiteOptions, read_options


def session_options(config: pytest.Config) -> SuiteOptions:
    """Return what the command line says, else ``[tool.evalkit]``.

    Raises:
        EvalkitError: If a key is unknown or a value wrong.
    """
    names = [field.name for field in fields(SuiteOptions)]
    given = {name: config.getoption(f"evalkit_{name}", default=None) for name in names}
    return read_options(given, project_settings(config.rootpath), config.rootpath)
