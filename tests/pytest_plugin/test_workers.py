"""Suites under pytest-xdist: one run, equal outcomes, nothing left behind."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Runner = Callable[..., Any]


def left_behind() -> set[Path]:
    return set(Path(tempfile.gettempdir()).glob("evalkit-suites-*"))


@pytest.mark.parametrize("workers", ["2", pytest.param("4", marks=pytest.mark.slow)])
def test_workers_give_the_outcomes_of_one_process(
    run: Runner, suite_files: dict[str, str], workers: str
) -> None:
    others = ("-pno:hypothesispytest", "-pno:anyio", "-pno:asyncio", "-pno:rerunfailures")
    alone = run(files=suite_files)
    (alone.folder / "calls.log").unlink()
    before = left_behind()
    together = run("-n", workers, *others, plugins=("xdist",))

    assert together.outcomes == alone.outcomes
    assert len(alone.outcomes) == 16
    assert together.calls == alone.calls
    shown = [part for part in together.output.splitlines() if part.startswith(("qa:", "  "))]
    assert "qa: FAIL · 12 cases (2 failed, 1 skipped) · cost unknown" in shown
    assert together.properties("test_bot[case0]") == alone.properties("test_bot[case0]")
    assert left_behind() <= before
