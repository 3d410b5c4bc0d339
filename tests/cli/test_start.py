"""``evalkit demo`` and ``evalkit init``: the first minute."""

import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from evalkit.cli import demo
from evalkit.cli.init import FILES, NEXT
from evalkit.cli.main import cli

Type = Callable[..., Any]


@dataclass(frozen=True)
class Tour:
    """The demo, taken once for all tests of this file, in a terminal of 100 columns."""

    out: str
    err: str
    code: int
    folder: Path


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Tour:
    folder = tmp_path_factory.mktemp("tour")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("COLUMNS", "100")
        result = CliRunner().invoke(cli, ["demo"], prog_name="evalkit")
    return Tour(result.stdout, result.stderr, result.exit_code, folder)


def test_the_demo_compares_two_systems_and_calls_a_classifier(tour: Tour) -> None:
    assert tour.code == 0
    assert "Atlas is better than Birch on text.normalized_match" in tour.out
    assert "p < 0.001" in tour.out
    assert "Atlas is the better one: on 4 of 4 metrics" in tour.out
    assert "classification.roc_auc" in tour.out
    assert "PASS" in tour.out
    assert sorted(path.name for path in (tour.folder / "evalkit-demo").glob("*.html")) == [
        "atlas.html",
        "birch.html",
        "breast-cancer-classifier.html",
    ]


def test_the_demo_ends_with_three_lines_on_what_to_do_next(tour: Tour) -> None:
    closing = tour.out.rpartition("Runs and reports are kept in")[2]

    address = (tour.folder / "evalkit-demo" / "atlas.html").as_uri()
    assert address in closing.replace("\n      ", "")
    assert [line.split()[0] for line in closing.splitlines() if line[:1].isalpha()] == [
        "open",
        "look",
        "next",
    ]


def test_the_demo_says_nothing_on_stderr(tour: Tour) -> None:
    assert tour.err == ""


def test_the_demo_fits_the_terminal_and_gives_the_same_numbers_again(
    tour: Tour, type_in: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    narrow = type_in("demo").out

    assert max(map(len, tour.out.splitlines())) <= 100
    assert max(map(len, narrow.splitlines())) <= 60
    estimates, again = (
        [line.split()[:4] for line in out.splitlines() if re.search(r"[↑↓] .*\(n=", line)]
        for out in (tour.out, narrow)
    )
    assert again == estimates
    assert len(estimates) > 12


def test_where_the_folder_cannot_be_written_the_demo_uses_a_temporary_one(
    type_in: Type, folder: Path
) -> None:
    (folder / demo.FOLDER).write_text("a file is in the way", encoding="utf-8")
    done = type_in("demo")

    assert done.code == 0
    assert (folder / demo.FOLDER).is_file()
    kept = done.out.partition("Runs and reports are kept in ")[2].partition("/\n")[0]
    assert demo.FOLDER in kept


@pytest.mark.parametrize("kind", list(FILES))
def test_init_says_what_it_wrote_and_what_to_run(kind: str, type_in: Type, folder: Path) -> None:
    before = {path.name for path in folder.iterdir()} - {"questions.jsonl"}
    (folder / "questions.jsonl").unlink()
    done = type_in("init", kind)

    assert done.code == 0
    assert {path.name for path in folder.iterdir()} - before == set(FILES[kind])
    assert all(f"wrote  {name}" in done.out for name in FILES[kind])
    assert done.out.rstrip().endswith(NEXT[kind])


def test_the_yaml_example_runs_and_passes(type_in: Type, folder: Path) -> None:
    (folder / "questions.jsonl").unlink()
    type_in("init", "yaml")
    done = type_in(*NEXT["yaml"].split()[1:], "--json")

    assert (done.code, done.json["verdict"]) == (0, "PASS")
    assert done.json["estimates"]["text.token_f1"]["n_scored"] == 16
    assert (folder / "report.html").is_file()


def test_the_pytest_example_runs_and_passes(type_in: Type, folder: Path) -> None:
    (folder / "questions.jsonl").unlink()
    type_in("init", "pytest")
    words = NEXT["pytest"].split()[1:]
    done = subprocess.run(
        [sys.executable, *words, "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
    assert "19 passed" in done.stdout


def test_init_never_overwrites(type_in: Type, folder: Path) -> None:
    done = type_in("init", "yaml")  # the folder has other questions.jsonl already

    assert done.code == 2
    assert "questions.jsonl would be overwritten" in done.err
    assert not (folder / "evaluation.yaml").exists()


def test_the_second_example_keeps_the_files_that_both_have(type_in: Type, folder: Path) -> None:
    (folder / "questions.jsonl").unlink()
    type_in("init", "yaml")
    done = type_in("init", "pytest")

    assert done.code == 0
    assert "kept   bot.py" in done.out
