"""The pytest plug-in: suites become native items; without a suite it does nothing at all.

`hooks` are all that a session without suites loads: they add the options and look for marks.
`session` runs the suites, `summary` tells what came of them.
"""

from evalkit.pytest_plugin.hooks import (
    pytest_addoption,
    pytest_configure_node,
    pytest_generate_tests,
    pytest_pycollect_makeitem,
)

__all__ = [
    "pytest_addoption",
    "pytest_configure_node",
    "pytest_generate_tests",
    "pytest_pycollect_makeitem",
]
