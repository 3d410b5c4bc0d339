"""Real pytest sessions for the tests of the plug-in, in one other process."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

OTHERS = ("anyio", "asyncio", "hypothesispytest", "randomly", "rerunfailures", "timeout", "xdist")
"""Plug-ins that a session goes without unless it asks for them."""

QA = "".join(f'{{"id": "case{i}", "question": "q{i}", "expected": "a{i}"}}\n' for i in range(12))
SUITE = """
import evalkit
import pytest

qa = evalkit.suite("qa.jsonl", scorers=["text.exact_match", "text.token_f1"], name="qa")

@pytest.fixture(scope="session")
def prefix():
    return "a"

@qa.cases(must=["text.exact_match >= 1"])
def test_bot(case, prefix):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    number = int(case.inputs["question"][1:])
    if number == 3:
        assert number == 4, "three is not four"
    if number == 5:
        pytest.skip("no fives")
    if number == 6:
        pytest.xfail("six is hard")
    return prefix + str(number if number != 7 else 0)

@qa.gates("text.exact_match >= 0.99", "coverage >= 0.5", "text.token_f1 >= 0.1 @ point")
def test_quality(evaluation):
    assert evaluation["text.exact_match"].n_total == 12
"""


@dataclass(frozen=True)
class Ran:
    """What came of one session."""

    folder: Path
    code: int
    output: str
    reports: dict[str, dict[str, Any]]

    @property
    def outcomes(self) -> dict[str, str]:
        return {name: report["outcome"] for name, report in self.reports.items()}

    def text(self, name: str) -> str:
        return str(self.reports[name]["text"])

    def properties(self, name: str) -> dict[str, str]:
        return dict(self.reports[name]["properties"])

    @property
    def shared_folders(self) -> list[Path]:
        """What sessions have left of the folders that their processes share."""
        return list((self.folder / "temporary").glob("evalkit-suites-*"))

    @property
    def calls(self) -> list[str]:
        """The cases whose body ran, in any order."""
        return sorted((self.folder / "calls.log").read_text().split())


@pytest.fixture
def suite_files() -> dict[str, str]:
    """A suite of twelve cases, of which some fail, and its gates."""
    return {"qa.jsonl": QA, "test_qa.py": SUITE}


@pytest.fixture(scope="session")
def server() -> Iterator[subprocess.Popen[str]]:
    script = Path(__file__).with_name("session_server.py")
    process = subprocess.Popen(
        [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def run(server: subprocess.Popen[str], tmp_path: Path) -> Callable[..., Ran]:
    """Run pytest on files and return what came of it."""

    def act(
        *arguments: str,
        files: dict[str, str] | None = None,
        plugins: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> Ran:
        for name, content in (files or {}).items():
            (tmp_path / name).write_text(content)
        temporary = tmp_path / "temporary"
        temporary.mkdir(exist_ok=True)
        switches = [f"-pno:{name}" for name in OTHERS if name not in plugins]
        request = {
            "folder": str(tmp_path),
            "arguments": ["-q", "--import-mode=importlib", *switches, *arguments],
            "environment": {
                "EVALKIT_TRACKING_URI": f"sqlite:///{tmp_path}/evalkit.db",
                "GITHUB_ACTIONS": "",
                "TMPDIR": str(temporary),
                **(environment or {}),
            },
        }
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        return Ran(folder=tmp_path, **json.loads(server.stdout.readline()))

    return act
