"""A user in an empty folder, who types commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evalkit.cli.main import cli

ANSWERS = [
    {"question": "Capital of France?", "expected": "Paris", "output": "Paris", "region": "eu"},
    {"question": "Capital of Peru?", "expected": "Lima", "output": "Lima", "region": "sa"},
    {"question": "Capital of Chad?", "expected": "N'Djamena", "output": "Moundou", "region": "af"},
    {"question": "Capital of Fiji?", "expected": "Suva", "output": "Suva", "region": "oc"},
]
APP = '''
"""What a user has: a system, and scorers of their own."""

from evalkit import scorer

KNOWN = {"Capital of France?": "Paris", "Capital of Peru?": "Lima", "Capital of Fiji?": "Suva"}


def bot(question):
    return KNOWN[question]


@scorer
def is_short(outputs: str) -> bool:
    return len(outputs) < 6


class Longer:
    """Says whether an answer has more than so many characters."""

    name = "longer"

    def __init__(self, than=0):
        self.than = than
        from evalkit.plugin import MetricFacts

        self.facts = MetricFacts()

    def score(self, case):
        return len(case.outputs) > self.than
'''


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The user's folder, with some data and modules of their own."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("EVALKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(sys, "path", list(sys.path))
    write_lines(tmp_path / "answers.jsonl", ANSWERS)
    asked = [{k: row[k] for k in ("question", "expected")} for row in ANSWERS]
    write_lines(tmp_path / "questions.jsonl", asked)
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")
    yield tmp_path
    here = str(tmp_path)
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(here):
            del sys.modules[name]


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def write() -> Callable[[Path, list[dict[str, Any]]], None]:
    """Write rows as JSON Lines."""
    return write_lines


@pytest.fixture
def command_line() -> Callable[..., list[str]]:
    """The command as its console script runs it."""
    return _command_line


@pytest.fixture
def type_in(folder: Path) -> Callable[..., Done]:
    """Type a command in this process."""
    assert folder.is_dir()

    def type_in(*words: str) -> Done:
        result = CliRunner().invoke(cli, words, prog_name="evalkit")
        return Done(result.exit_code, result.stdout, result.stderr)

    return type_in


@pytest.fixture
def shell(folder: Path) -> Callable[..., Done]:
    """Type a command in a process of its own."""

    def shell(*words: str, environment: Mapping[str, str] | None = None) -> Done:
        done = subprocess.run(
            _command_line(*words),
            cwd=folder,
            env={**os.environ, **(environment or {})},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    return shell


def _command_line(*words: str) -> list[str]:
    start = "import sys; from evalkit.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", start, *words]
