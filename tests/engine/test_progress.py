"""Progress without a terminal: lines, and nothing that moves a cursor."""

import time

import pytest

import evalkit
from evalkit.engine import progress


@pytest.mark.parametrize("shown", [None, True])
def test_a_line_now_and_then_without_a_terminal(
    shown: bool | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.05)

    def answer(question: str) -> str:
        time.sleep(0.1)
        return question

    evalkit.evaluate(
        answer,
        [{"question": str(n), "expected": "1"} for n in range(8)],
        ["text.exact_match"],
        runtime=evalkit.Runtime(store=False, progress=shown, concurrency=1),
    )
    shown_lines = capsys.readouterr().err.splitlines()

    assert any(line.startswith("evalkit: ") and " of 8 done" in line for line in shown_lines)
    assert "\x1b" not in "".join(shown_lines)


def test_no_line_where_none_is_wanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.001)
    evalkit.evaluate(
        lambda question: question,
        [{"question": str(n), "expected": "1"} for n in range(8)],
        ["text.exact_match"],
        runtime=evalkit.Runtime(store=False, progress=False),
    )

    assert capsys.readouterr().err == ""


def test_a_quick_run_writes_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    evalkit.evaluate(
        lambda question: question,
        [{"question": "1", "expected": "1"}],
        ["text.exact_match"],
        runtime=evalkit.Runtime(store=False),
    )

    assert capsys.readouterr().err == ""
