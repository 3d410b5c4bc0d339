"""Settings of every test: what the full suite adds, and how hypothesis draws."""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# A busy machine must not fail a test: no example has a deadline, and in CI the draws are fixed.
settings.register_profile(
    "house",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")


@pytest.fixture(autouse=True)
def _strange_servers() -> None:
    """Take no server for one of an earlier test: ports of the loopback are used again."""
    asking = sys.modules.get("evalkit.judging.asking")
    if asking is not None:
        asking.forget_abilities()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("EVALKIT_TEST_FULL"):
        return
    skip = pytest.mark.skip(reason="part of the full suite: make test FULL=1")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)
