"""What an installed evalkit must do: also run against the wheel, in an environment of its own."""

import json
import subprocess
import sysconfig
from importlib.metadata import EntryPoint, distribution, version
from importlib.resources import files
from pathlib import Path

import pytest

import evalkit

PACKAGES = ["evalkit", "evalkit_scorers", "evalkit_judges", "evalkit_datasets"]
COMMAND = str(Path(sysconfig.get_path("scripts")) / "evalkit")


@pytest.mark.parametrize(
    "entry", list(distribution("evalkit-ai").entry_points), ids=lambda entry: entry.value
)
def test_every_entry_point_loads(entry: EntryPoint) -> None:
    assert entry.load() is not None


@pytest.mark.parametrize("package", PACKAGES)
def test_every_package_is_marked_as_typed(package: str) -> None:
    assert files(package).joinpath("py.typed").is_file()


def test_the_documentation_is_part_of_the_package() -> None:
    pages = [page.name for page in files("evalkit").joinpath("docs").iterdir()]

    assert "plugins.md" in pages


def test_the_version_is_the_distributions() -> None:
    assert evalkit.__version__ == version("evalkit-ai")


def test_the_command_prints_the_version() -> None:
    done = subprocess.run([COMMAND, "--version"], check=True, capture_output=True, text=True)

    assert version("evalkit-ai") in done.stdout


def test_the_command_scores_stored_answers(tmp_path: Path) -> None:
    data = tmp_path / "answers.jsonl"
    rows = [{"question": "1 + 1?", "expected": "2", "output": output} for output in ("2", "3")]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    command = [COMMAND, "evaluate", "--data", str(data), "--scorer", "text.exact_match", "--json"]

    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=tmp_path)

    assert json.loads(done.stdout)["estimates"]["text.exact_match"]["value"] == 0.5
