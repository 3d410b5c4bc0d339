"""The pytest plug-in: suites become native items; without a suite it does nothing at all.

A session without suites loads no more than `options` and `hooks`, which look for marks.
`session` runs the suites, `summary` tells what came of them.
"""

from evalkit.pytest_plugin.hooks import (
    pytest_configure_node,
    pytest_generate_tests,
    pytest_make_collect_report,
    pytest_pycollect_makeitem,
)
from evalkit.pytest_plugin.options import pytest_addoption

__all__ = [
    "pytest_addoption",
    "pytest_configure_node",
    "pytest_generate_tests",
    "pytest_make_collect_report",
    "pytest_pycollect_makeitem",
]
