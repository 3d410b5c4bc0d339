"""Settings of every test: what the full suite adds, and how hypothesis draws."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from evalkit.testing import ScriptedEndpoint

# A busy machine must not fail a test: no example has a deadline, and in CI the draws are fixed.
settings.register_profile(
    "house",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("house")

KEPT = {"EVALKIT_SHARED_DATA", "EVALKIT_TEST_FULL", "EVALKIT_TEST_MYSQL", "EVALKIT_TEST_POSTGRESQL"}
FOREIGN = re.compile(
    r"EVALKIT_.*|XDG_.*_HOME|\w+_API_KEY|\w+_proxy|COLUMNS|LINES|NO_COLOR|FORCE_COLOR|GITHUB_\w+",
    re.IGNORECASE,
)
"""Variables that would change what evalkit does, or how wide it prints."""


@pytest.fixture(autouse=True)
def _strange_servers() -> None:
    """Take no server for one of an earlier test: ports of the loopback are used again."""
    if "evalkit.llm.session" in sys.modules:
        session = sys.modules["evalkit.llm.session"].current_session()
        session.abilities = type(session.abilities)()


def pytest_configure() -> None:
    # What a shell runs in its background ignores Ctrl-C, and so would the programs of tests.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let no test see the settings, keys, proxies and home of whoever runs it, or write there."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("work"))
        for name in list(os.environ):
            if FOREIGN.fullmatch(name) and name not in KEPT:
                patch.delenv(name)
        patch.setenv("HOME", str(home))
        yield


@pytest.fixture
def kill_and_resume() -> Callable[[ScriptedEndpoint, str, int, int], str]:
    """Kill a program several times at moments that a seed draws; return what it prints at last.

    The program is called with the endpoint's address and the run to resume, if any.
    """

    def work(endpoint: ScriptedEndpoint, program: str, seed: int, kills: int) -> str:
        drawn, resume = random.Random(seed), ""  # noqa: S311  no secret
        for _ in range(kills):
            wanted = endpoint.calls + drawn.randint(1, 40)
            process = subprocess.Popen(
                [sys.executable, "-c", program, endpoint.base_url, resume],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            while endpoint.calls < wanted and process.poll() is None:
                time.sleep(0.001)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            resume = "latest"
        done = subprocess.run(
            [sys.executable, "-c", program, endpoint.base_url, resume],
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout

    return work


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("EVALKIT_TEST_FULL"):
        return
    skip = pytest.mark.skip(reason="part of the full suite: make test FULL=1")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)
