"""Tests look at nothing that others on the machine may change."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SHARED = {
    "tempfile.gettempdir": "the temporary folder is everybody's: use tmp_path",
    "gettempdir": "the temporary folder is everybody's: use tmp_path",
    "Path.home": "a home is somebody's: use tmp_path",
    "os.path.expanduser": "a home is somebody's: use tmp_path",
    "os.getlogin": "users differ",
    "os.getloadavg": "a machine may be busy",
    "psutil.process_iter": "processes are everybody's: keep those that the test started",
    "psutil.pids": "processes are everybody's: keep those that the test started",
}
"""What no test calls, and why."""


def _calls(path: Path) -> Iterator[ast.Call]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def test_no_test_looks_at_what_the_machine_shares(root: Path, tracked: list[str]) -> None:
    files = [name for name in tracked if name.startswith("tests/") and name.endswith(".py")]
    looks = [
        f"{name}:{call.lineno} {SHARED[ast.unparse(call.func)]}"
        for name in files
        for call in _calls(root / name)
        if ast.unparse(call.func) in SHARED
    ]

    assert files
    assert not looks


def test_no_test_binds_a_port_that_it_chose(root: Path, tracked: list[str]) -> None:
    """Port 0 is given by the system; any other may be taken, by a second run of the tests too."""
    chosen = [
        f"{name}:{call.lineno} {ast.unparse(call)}"
        for name in tracked
        if name.startswith("tests/") and name.endswith(".py")
        for call in _calls(root / name)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "bind"
        and not ast.unparse(call).endswith(", 0))")
    ]

    assert not chosen


def test_the_order_of_tests_is_drawn(project: dict[str, Any]) -> None:
    required = project["project"]["optional-dependencies"]["test"]

    assert any(name.startswith("pytest-randomly") for name in required)
    assert "-pno:randomly" not in project["tool"]["pytest"]["ini_options"]["addopts"]
