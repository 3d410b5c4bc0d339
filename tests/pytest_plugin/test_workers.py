"""Suites under pytest-xdist: one run, equal outcomes, nothing left behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]


@pytest.mark.parametrize("workers", ["2", pytest.param("4", marks=pytest.mark.slow)])
def test_workers_give_the_outcomes_of_one_process(
    run: Runner, suite_files: dict[str, str], workers: str
) -> None:
    others = (
        "-pno:hypothesispytest",
        "-pno:anyio",
        "-pno:asyncio",
        "-pno:randomly",
        "-pno:rerunfailures",
    )
    alone = run(files=suite_files)
    (alone.folder / "calls.log").unlink()
    together = run("-n", workers, *others, plugins=("xdist",))

    assert together.outcomes == alone.outcomes
    assert len(alone.outcomes) == 16
    assert together.calls == alone.calls
    shown = [part for part in together.output.splitlines() if part.startswith(("qa:", "  "))]
    assert "qa: FAIL · 12 cases (2 failed, 1 skipped) · cost unknown" in shown
    assert together.properties("test_bot[case0]") == alone.properties("test_bot[case0]")
    assert together.shared_folders == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_items_in_any_order_have_the_same_outcomes(
    run: Runner, suite_files: dict[str, str], seed: int
) -> None:
    pytest.importorskip("pytest_randomly")
    in_order = run(files=suite_files)
    shuffled = run(f"--randomly-seed={seed}", plugins=("randomly",))

    assert list(shuffled.outcomes) != list(in_order.outcomes)
    assert shuffled.outcomes == in_order.outcomes


FOLDER = """
import pathlib, tempfile, evalkit
rows = [{"id": f"q{i}", "question": "?", "expected": "a"} for i in range(4)]
qa = evalkit.suite(rows, scorers=["text.exact_match"], name="qa")

@qa.cases()
def test_bot(case):
    with open("folders.log", "a") as log:
        for folder in pathlib.Path(tempfile.gettempdir()).glob("evalkit-suites-*"):
            log.write(f"{folder.name} {folder.stat().st_mode & 0o777:o}\\n")
    return "a"
"""


def test_workers_share_a_private_folder_beside_that_of_another_session(
    run: Runner, tmp_path: Path
) -> None:
    other = tmp_path / "temporary" / "evalkit-suites-another"
    other.mkdir(parents=True, mode=0o750)
    (other / "ledger.jsonl").write_text("of another session")
    ran = run("-n2", files={"test_qa.py": FOLDER}, plugins=("xdist",))
    lines = (ran.folder / "folders.log").read_text().splitlines()
    own = set(lines) - {f"{other.name} 750"}

    assert list(ran.outcomes.values()) == ["passed"] * 4
    assert len(lines) == 8
    assert [line.partition(" ")[2] for line in own] == ["700"]
    assert ran.shared_folders == [other]
    assert (other / "ledger.jsonl").read_text() == "of another session"
