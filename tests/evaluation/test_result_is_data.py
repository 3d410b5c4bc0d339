"""A finished result is data: opened, it is what was written, and nothing else is touched."""

import dataclasses
import socket
import sqlite3
import subprocess
from pathlib import Path
from typing import Any, NoReturn

import pytest

import evalkit
from evalkit.errors import UsageError
from evalkit.evaluation.baselines import opening
from evalkit.evaluation.deciding import gates
from evalkit.evaluation.results.loading import load_result
from evalkit.evaluation.results.result import Result
from evalkit.evaluation.running import job

ROWS = [
    {"question": f"q{i}", "expected": "y", "output": "y" if i % 5 else "n", "part": f"p{i % 2}"}
    for i in range(60)
]


@pytest.fixture
def finished(tmp_path: Path) -> evalkit.EvaluationResult:
    """An evaluation in a store, whose gate compares with a baseline file that is then removed."""
    runtime = evalkit.Runtime(store=f"sqlite:///{tmp_path}/runs.db")
    old = evalkit.evaluate(data=ROWS, scorers="text.exact_match", runtime=runtime)
    path = old.write_baseline(tmp_path / "old.baseline.json")
    result = evalkit.evaluate(
        data=ROWS,
        scorers=["text.exact_match", "text.bleu"],
        columns={"tags": ["part"]},
        gates=["no_regression(text.exact_match, margin=0.2)", "text.exact_match >= 0.9"],
        baseline=str(path),
        runtime=runtime,
    )
    path.unlink()
    return result


def _forbidden(*_: Any, **__: Any) -> NoReturn:
    raise AssertionError("opening a finished result touched the world")


def test_opening_a_result_touches_no_store_baseline_git_or_target(
    finished: evalkit.EvaluationResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subprocess, "Popen", _forbidden)
    monkeypatch.setattr(socket, "socket", _forbidden)
    monkeypatch.setattr(sqlite3, "connect", _forbidden)
    monkeypatch.setattr(opening, "open_result", _forbidden)
    monkeypatch.setattr(gates, "judge_gates", _forbidden)
    monkeypatch.setattr(job, "judge_gates", _forbidden)

    result = load_result(finished.folder.path, kind=Result)

    assert result.verdict == finished.verdict
    assert result.estimates == finished.estimates
    assert result.verdict.status == "FAIL"
    for name, value in vars(Result).items():
        if isinstance(value, property):
            assert getattr(result, name) is not None or name in {"cost", "coverage"}
    assert result.usage == finished.usage
    assert dataclasses.asdict(result.facts.plan.dataset) == dict(finished.dataset)
    assert list(result.by("part").columns[:2]) == ["part", "metric"]


def test_a_result_under_another_name_keeps_its_intervals_and_verdict() -> None:
    result = evalkit.evaluate(
        lambda question: "y" if int(question[1:]) % 10 else "n",
        [{"question": f"q{i}", "expected": "y"} for i in range(800)],
        "text.exact_match",
        gates="text.exact_match >= 0.7",
        stop="when decided",
        runtime=evalkit.Runtime(store=False),
    )
    assert result["text.exact_match"].method == "betting"

    renamed = result.with_name("another")

    assert type(renamed) is evalkit.EvaluationResult
    assert renamed.name == "another"
    assert renamed["text.exact_match"] == result["text.exact_match"]
    assert renamed.verdict == result.verdict


@pytest.mark.parametrize("ending", [".html", ".md", ".json", ".csv", ".tex"])
def test_a_report_that_cannot_be_written_is_one_line(tmp_path: Path, ending: str) -> None:
    runtime = evalkit.Runtime(store=False)
    a, b = (evalkit.evaluate(data=ROWS, scorers="text.exact_match", runtime=runtime) for _ in "ab")
    place = tmp_path / "no folder" / "here" / f"x{ending}"
    place.parent.parent.touch()  # a file where a folder would have to be

    for thing in (a, a.compare(b)):
        if isinstance(thing, evalkit.Comparison) and ending == ".csv":
            continue  # comparisons have no such form
        with pytest.raises(UsageError, match=r"Cannot write .*x"):
            thing.report(place)
