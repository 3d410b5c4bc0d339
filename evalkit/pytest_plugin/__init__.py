"""The pytest plug-in: suites become native items; without a suite it does nothing at all.

`door` is all that a session without suites loads: it adds the options and looks for marks.
`session` runs the suites, `summary` tells what came of them.
"""

from evalkit.pytest_plugin.door import (
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
