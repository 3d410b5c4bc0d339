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
    assert "qa: FAIL · 12 cases (2 failed, 1 expected to fail, 1 skipped) · cost unknown" in shown
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


BROKEN = """
import evalkit, evalkit.suites.run, pytest
from evalkit.errors import StoreError
rows = [{"id": f"q{i}", "question": "?", "expected": "a"} for i in range(6)]
qa = evalkit.suite(rows, scorers=["text.exact_match"], name="qa")

def full(*_, **__):
    raise RAISED

@pytest.fixture(scope="session", autouse=True)
def no_room():  # once the work is done and paid
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evalkit.suites.run, "with_gates", full)
        yield

@qa.cases()
def test_bot(case):
    with open("calls.log", "a") as log:
        log.write(case.id + "\\n")
    return "a"

@qa.gates("text.exact_match >= 0.5")
def test_quality(evaluation):
    pass
"""


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize(
    ("error", "message"),
    [
        pytest.param("StoreError('no room\\nat all')", "StoreError: no room", id="ours"),
        pytest.param("OSError(28, 'No space left')", "OSError: [Errno 28] No space left", id="any"),
    ],
)
def test_a_suite_that_fails_is_evaluated_once_and_named_by_everyone_after(
    run: Runner, workers: int, error: str, message: str
) -> None:
    ran = run(
        *([f"-n{workers}"] if workers else []),
        files={"test_qa.py": BROKEN.replace("RAISED", error)},
        plugins=("xdist",) if workers else (),
    )
    texts = [ran.text(name) for name in ran.reports]
    after = [text for text in texts if "could not be evaluated" in text and message in text]

    assert ran.calls == [f"q{i}" for i in range(6)]
    assert len(texts) == 8
    assert len(after) == 7
    assert all("says more" in text for text in after)
    (first,) = (text for text in texts if text not in after)
    assert message.partition(": ")[2] in first
    assert "7 skipped, 1 error" in ran.output
    assert "qa: ERROR" in ran.output
